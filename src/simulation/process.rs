//! One process of the operator: its observations and caches, and the passes that run in it. All of it is lost by a crash.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::reflector::Store;

use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::objects::Objects;
use crate::controller::service_key::context::ReconcileContext;
use crate::controller::service_key::reconcile::{ReconcileResult, back_off, reconcile};
use crate::controller::service_key::scheduling;
use crate::controller::tenant::release;
use crate::controller::{Caches, Scope};
use crate::domain::plan::Now;
use crate::domain::retry::{BACKOFF_MIN, RECHECK_PERIOD};
use crate::domain::time::Moment;
use crate::executor::execute::Outcome;
use crate::executor::ports::{Clock, LandscapeManagement as _};
use crate::simulation::checker::safety;
use crate::simulation::model::api_server::View;
use crate::simulation::model::remote::Sides;
use crate::simulation::pass::Pass;
use crate::simulation::state::World;

/// What the passes of a process share.
pub(crate) struct Process {
    pub(crate) world: World,
    pub(crate) cluster: usize,
    pub(crate) cluster_id: String,
    /// Which of all processes it is.
    pub(crate) number: usize,
    pub(crate) caches: Caches,
    pub(crate) keys: Store<ALMServiceKey>,
    pub(crate) tenants: Store<ALMTenant>,
}

/// A pass that runs; its end is when it wants to be run again, if nothing tells it to before.
pub(crate) type Running = Pin<Box<dyn Future<Output = Option<Duration>> + Send>>;

struct Clocks(World);

impl Clock for Clocks {
    fn now(&self) -> Now {
        let (now, off) = self.0.with(|state| (state.now, state.wall_is_off));
        let seconds = crate::simulation::model::cluster::wall(now).as_second() + off;
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
    pub(crate) fn passes(self: Arc<Self>, cached: Arc<ALMServiceKey>, zone: usize, jitter: f64) -> Running {
        let (view, sides) = self.begins(&cached.name_any(), zone);
        Box::pin(async move {
            let (clock, pass) = (Clocks(self.world.clone()), view.pass);
            let context = ReconcileContext {
                cluster: &view,
                cluster_id: &self.cluster_id,
                remotes: &sides,
                clock: &clock,
                caches: &self.caches,
                keys: &self.keys,
                tenants: &self.tenants,
                scope: &Scope::Cluster,
                jitter,
            };
            if let Some(wait) = scheduling::throttle_reconciliation(&cached, &context) {
                return Some(wait);
            }
            let queue = scheduling::lock_key(&cached, &self.tenants);
            let next = match reconcile(&cached, &queue, &context).await {
                Ok(ReconcileResult::Gone) => None,
                Ok(ReconcileResult::CacheLagged(wait) | ReconcileResult::Throttled(wait)) => Some(wait),
                Ok(ReconcileResult::Reconciled { outcome: Outcome::Settled { settlement, .. }, .. }) => {
                    self.world.with(|state| safety::of_end(state, pass));
                    (!settlement.release).then_some(settlement.next)
                }
                Ok(ReconcileResult::Reconciled { outcome: Outcome::Interrupted { .. }, .. }) | Err(_) => {
                    Some(back_off(&cached, &context))
                }
            };
            self.world
                .with(|state| state.tells(|| format!("pass {pass} over {} ends, next {next:?}", cached.name_any())));
            next
        })
    }

    /// A look at a tenant, as far as its finalizer is concerned.
    pub(crate) fn looks(self: Arc<Self>, name: String, zone: usize) -> Running {
        let (view, sides) = self.begins(&name, zone);
        Box::pin(async move {
            let tenant = match view.tenant(&name).await {
                Ok(Some(tenant)) => tenant,
                Ok(None) => return None,
                Err(_) => return Some(BACKOFF_MIN),
            };
            let copy = tenant.clone();
            let side = sides.of_tenant(&copy);
            match release::release_if_unused(&view, tenant, side.read_slot(), &self.cluster_id).await {
                Ok(_) => Some(RECHECK_PERIOD),
                Err(_) => Some(BACKOFF_MIN),
            }
        })
    }
}
