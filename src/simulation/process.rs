//! A process of the operator: its caches, its observations and its reconciliations. A crash loses them all.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::reflector::Store;

use crate::api::resolve::adapter;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::objects::Objects;
use crate::controller::service_key::context::ReconcileContext;
use crate::controller::service_key::reconcile::{ReconcileResult, back_off, reconcile};
use crate::controller::service_key::scheduling;
use crate::controller::tenant::{manual, release};
use crate::controller::{Caches, Scope};
use crate::domain::plan::Now;
use crate::domain::policy::Adapter;
use crate::domain::retry::{BACKOFF_MIN, RECHECK_PERIOD};
use crate::domain::time::Moment;
use crate::executor::execute::Outcome;
use crate::executor::ports::{Clock, LandscapeManagement as _};
use crate::landscape::manual::read_record;
use crate::landscape::unique_ids::UniqueIds;
use crate::simulation::checker::safety;
use crate::simulation::model::cluster::wall_clock;
use crate::simulation::ports::api_server::ApiConnection;
use crate::simulation::ports::remote::SimulatedRemotes;
use crate::simulation::reconciliation::Reconciliation;
use crate::simulation::state::SharedState;

/// A process, and the caches that its reconciliations share.
pub(crate) struct Process {
    pub(crate) state: SharedState,
    pub(crate) cluster: usize,
    pub(crate) cluster_id: String,
    /// The number of the process among all that were ever started.
    pub(crate) number: usize,
    pub(crate) caches: Caches,
    pub(crate) keys: Store<ALMServiceKey>,
    pub(crate) tenants: Store<ALMTenant>,
}

/// A running reconciliation. Its output is the time until the next one, if one is scheduled.
pub(crate) type ReconcileFuture = Pin<Box<dyn Future<Output = Option<Duration>> + Send>>;

struct SimulatedClock(SharedState);

impl Clock for SimulatedClock {
    fn now(&self) -> Now {
        let (now, offset) = self.0.with(|state| (state.now, state.wall_clock_offset));
        let seconds = wall_clock(now).as_second() + offset;
        let wall = Timestamp::from_second(seconds).expect("a time of this century");
        Now { monotonic: Moment::new(now), wall }
    }
}

impl Process {
    fn begin(&self, name: &str, zone: usize) -> (ApiConnection, SimulatedRemotes) {
        let (state, cluster, cluster_id) = (&self.state, self.cluster, self.cluster_id.clone());
        let reconciliation = state.with(|state| {
            state.reconciliations.push(Reconciliation::new(cluster, name, zone, self.number, state.now));
            state.reconciliations.len() - 1
        });
        let connection = || ApiConnection { state: state.clone(), cluster, reconciliation };
        let remotes = SimulatedRemotes { state: state.clone(), connection: connection(), zone, cluster_id };
        (connection(), remotes)
    }

    /// Returns a reconciliation of a key.
    pub(crate) fn reconcile_key(
        self: Arc<Self>,
        cached: Arc<ALMServiceKey>,
        zone: usize,
        jitter: f64,
    ) -> ReconcileFuture {
        let (connection, remotes) = self.begin(&cached.name_any(), zone);
        Box::pin(async move {
            let (clock, number) = (SimulatedClock(self.state.clone()), connection.reconciliation);
            let context = ReconcileContext {
                cluster: &connection,
                cluster_id: &self.cluster_id,
                remotes: &remotes,
                clock: &clock,
                caches: &self.caches,
                keys: &self.keys,
                tenants: &self.tenants,
                scope: &Scope::Cluster,
                jitter,
                ids: UniqueIds::new(number as u64),
            };
            if let Some(delay) = scheduling::throttle_reconciliation(&cached, &context) {
                return Some(delay);
            }
            let lock_key = scheduling::lock_key(&cached, &self.tenants);
            let requeue_after = match reconcile(&cached, &lock_key, &context).await {
                Ok(ReconcileResult::Gone) => None,
                Ok(ReconcileResult::CacheLagged(delay) | ReconcileResult::Throttled(delay)) => Some(delay),
                Ok(ReconcileResult::Reconciled { outcome: Outcome::Settled { settlement, .. }, .. }) => {
                    self.state.with(|state| safety::check_end(state, number));
                    (!settlement.release).then_some(settlement.next)
                }
                Ok(ReconcileResult::Reconciled { outcome: Outcome::Interrupted { .. }, .. }) | Err(_) => {
                    Some(back_off(&cached, &context))
                }
            };
            self.state.with(|state| {
                let name = cached.name_any();
                state.trace(|| format!("reconciliation {number} of {name} ends, next {requeue_after:?}"));
            });
            requeue_after
        })
    }

    /// Returns a reconciliation of a tenant, which is about its finalizer and, in manual mode, the record of its slot.
    pub(crate) fn reconcile_tenant(self: Arc<Self>, name: String, zone: usize) -> ReconcileFuture {
        let (connection, remotes) = self.begin(&name, zone);
        Box::pin(async move {
            let tenant = match connection.tenant(&name).await {
                Ok(Some(tenant)) => tenant,
                Ok(None) => return None,
                Err(_) => return Some(BACKOFF_MIN),
            };
            let tenant = match adapter(&tenant.spec) {
                Adapter::Http => match manual::leave(&connection, &self.cluster_id, tenant, |_, _| {}).await {
                    Ok(Some(tenant)) => tenant,
                    Ok(None) => return None,
                    Err(_) => return Some(BACKOFF_MIN),
                },
                Adapter::Manual => {
                    let ids = UniqueIds::new(connection.reconciliation as u64);
                    let now = SimulatedClock(self.state.clone()).now().wall;
                    let prepared = match manual::prepare(&connection, &self.cluster_id, tenant, &ids, now).await {
                        Ok(Some(tenant)) => tenant,
                        Ok(None) => return None,
                        Err(_) => return Some(BACKOFF_MIN),
                    };
                    match manual::withdraw_removals(&connection, &self.cluster_id, prepared, &self.keys, &ids, now)
                        .await
                    {
                        Ok(Some(tenant)) => tenant,
                        Ok(None) => return None,
                        Err(_) => return Some(BACKOFF_MIN),
                    }
                }
            };
            let removal = read_record(&tenant, &self.cluster_id).and_then(|record| record.removal);
            if removal.is_some() && tenant.metadata.deletion_timestamp.is_none() {
                return Some(RECHECK_PERIOD);
            }
            let copy = tenant.clone();
            let remote = remotes.for_tenant(&copy);
            let slot = async {
                match adapter(&copy.spec) {
                    Adapter::Http => remote.read_slot().await,
                    Adapter::Manual => manual::slot(&copy, &self.cluster_id),
                }
            };
            match release::release_if_unused(&connection, tenant, slot, &self.cluster_id).await {
                Ok(_) => Some(RECHECK_PERIOD),
                Err(_) => Some(BACKOFF_MIN),
            }
        })
    }
}
