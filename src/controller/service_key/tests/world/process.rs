//! One process of the operator: its memories and caches, and the passes that run in it. All of it is lost by a crash.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::reflector::Store;

use super::judge;
use super::pass::Pass;
use super::remote::Sides;
use super::state::World;
use super::view::View;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::objects::Objects;
use crate::controller::service_key::attend::{Attended, Desk, attend, back_off};
use crate::controller::service_key::turn;
use crate::controller::tenant::hold;
use crate::controller::{Scope, Shared};
use crate::domain::plan::Now;
use crate::domain::retry::{BACKOFF_MIN, REPROBE};
use crate::domain::time::Moment;
use crate::pass::ports::{Clock, LandscapeManagement as _};
use crate::pass::run::Outcome;

/// What the passes of a process share.
pub(super) struct Process {
    pub(super) world: World,
    pub(super) cluster: usize,
    pub(super) cluster_id: String,
    /// Which of all processes it is.
    pub(super) number: usize,
    pub(super) shared: Shared,
    pub(super) keys: Store<ALMServiceKey>,
    pub(super) tenants: Store<ALMTenant>,
}

/// A pass that runs; its end is when it wants to be run again, if nothing tells it to before.
pub(super) type Running = Pin<Box<dyn Future<Output = Option<Duration>> + Send>>;

struct Clocks(World);

impl Clock for Clocks {
    fn now(&self) -> Now {
        let (now, off) = self.0.with(|state| (state.now, state.wall_is_off));
        let seconds = super::cluster::wall(now).as_second() + off;
        Now { monotonic: Moment::new(now), wall: Timestamp::from_second(seconds).expect("a moment of this century") }
    }
}

impl Process {
    fn begins(&self, name: &str, zone: usize) -> (View, Sides) {
        let pass = self.world.with(|state| {
            state.passes.push(Pass::new(self.cluster, name, zone, self.number, state.now));
            state.passes.len() - 1
        });
        let view = || View { world: self.world.clone(), cluster: self.cluster, pass };
        let sides = Sides { world: self.world.clone(), view: view(), zone, cluster_id: self.cluster_id.clone() };
        (view(), sides)
    }

    /// A pass over a key.
    pub(super) fn passes(self: Arc<Self>, cached: Arc<ALMServiceKey>, zone: usize, jitter: f64) -> Running {
        let (view, sides) = self.begins(&cached.name_any(), zone);
        Box::pin(async move {
            let (clock, pass) = (Clocks(self.world.clone()), view.pass);
            let desk = Desk {
                cluster: &view,
                cluster_id: &self.cluster_id,
                remotes: &sides,
                clock: &clock,
                shared: &self.shared,
                keys: &self.keys,
                tenants: &self.tenants,
                scope: &Scope::Cluster,
                jitter,
            };
            if let Some(wait) = turn::wait_to_begin(&cached, &desk) {
                return Some(wait);
            }
            let queue = turn::queue(&cached, &self.tenants);
            let next = match attend(&cached, &queue, &desk).await {
                Ok(Attended::Gone) => None,
                Ok(Attended::Again(wait) | Attended::PutOff(wait)) => Some(wait),
                Ok(Attended::Passed { outcome: Outcome::Settled { settlement, .. }, .. }) => {
                    self.world.with(|state| judge::of_end(state, pass));
                    (!settlement.release).then_some(settlement.next)
                }
                Ok(Attended::Passed { outcome: Outcome::Interrupted { .. }, .. }) | Err(_) => {
                    Some(back_off(&cached, &desk))
                }
            };
            self.world
                .with(|state| state.tells(|| format!("pass {pass} over {} ends, next {next:?}", cached.name_any())));
            next
        })
    }

    /// A look at a tenant, as far as its finalizer is concerned.
    pub(super) fn looks(self: Arc<Self>, name: String, zone: usize) -> Running {
        let (view, sides) = self.begins(&name, zone);
        Box::pin(async move {
            let tenant = match view.tenant(&name).await {
                Ok(Some(tenant)) => tenant,
                Ok(None) => return None,
                Err(_) => return Some(BACKOFF_MIN),
            };
            let copy = tenant.clone();
            let side = sides.of_tenant(&copy);
            match hold::settled(&view, tenant, side.read_slot(), &self.cluster_id).await {
                Ok(_) => Some(REPROBE),
                Err(_) => Some(BACKOFF_MIN),
            }
        })
    }
}
