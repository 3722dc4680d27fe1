//! One look at a tenant.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::ResourceExt;
use kube::runtime::controller::Action;
use tracing::{Instrument, warn};

use super::duplicates;
use super::finalizer::{self, FinalizerOutcome};
use super::status_writer::{Seen, write};
use crate::api::ALMTenant;
use crate::api::tenant::{KeyRef, SlotState};
use crate::cluster::CallError;
use crate::cluster::objects::Objects;
use crate::controller::events::span;
use crate::controller::service_key::controller::Context;
use crate::domain::conditions::{Condition, Progress};
use crate::domain::evidence::Observations;
use crate::domain::policy::DEFAULT_INTERVAL;
use crate::domain::reason::Reason;
use crate::domain::retry::{BACKOFF_MIN, FailureStreak, MAX_RETRY_AFTER, RECHECK_PERIOD, Retry, spread};
use crate::domain::slot::{Ownership, RemoteTrouble, Slot};
use crate::executor::ports::{Clock, LandscapeManagement};
use crate::process::metrics::Kind;

/// How many keys a tenant names that it waits for.
const NAMED: usize = 5;

/// Looks at the tenant's slot and says whether that worked.
pub(crate) async fn reconcile(tenant: Arc<ALMTenant>, context: Arc<Context>) -> Result<Action, Infallible> {
    let now = context.clock.now().monotonic;
    if let Some(wait) = context.caches.rate_limiters.throttle_reconciliation(&tenant.uid().unwrap_or_default(), now) {
        context.metrics.throttled();
        return Ok(Action::requeue(wait));
    }
    let Some(_turn) = context.turn(|| tenant.name_any()).await else {
        return Ok(Action::await_change());
    };
    let name = tenant.name_any();
    Ok(one(&tenant, &context).instrument(span("ALMTenant", None, &name, &name)).await)
}

async fn one(tenant: &ALMTenant, context: &Context) -> Action {
    let began = Instant::now();
    let result = pass(tenant, context).await;
    context.metrics.pass(Kind::Tenant, result.is_ok(), began.elapsed());
    Action::requeue(result.unwrap_or_else(|error| {
        warn!(error = error.stable_message(), "the look at the tenant is tried again");
        back_off(tenant, context)
    }))
}

async fn pass(cached: &ALMTenant, context: &Context) -> Result<Duration, CallError> {
    let Some(tenant) = context.cluster.tenant(&cached.name_any()).await? else {
        context.caches.forget_tenant(cached);
        return Ok(RECHECK_PERIOD);
    };
    let connection = context.connection(Some(&tenant), None);
    let held =
        finalizer::release_if_unused(&context.cluster, tenant.clone(), connection.read_slot(), &context.cluster_id);
    let (tenant, blocking_keys) = match held.await? {
        FinalizerOutcome::Here { tenant, blocking_keys } => (*tenant, blocking_keys),
        FinalizerOutcome::Gone => return Ok(RECHECK_PERIOD),
    };
    let (seen, next) =
        match (tenant.metadata.deletion_timestamp.is_some(), duplicates::older(&context.tenants, &tenant)) {
            (true, _) => (terminating(&blocking_keys), RECHECK_PERIOD),
            (false, Some(older)) => (duplicate(&tenant, &older), RECHECK_PERIOD),
            (false, None) => look(&tenant, context).await,
        };
    write(&context.cluster.tenants(), &tenant, &seen).await?;
    if seen.progress == Progress::Done {
        context.caches.observations.forget(&tenant.uid().unwrap_or_default());
    }
    Ok(next)
}

/// It goes when the keys that it names have left its slot.
fn terminating(blocking_keys: &[String]) -> Seen {
    if blocking_keys.is_empty() {
        let text = "the tenant is being deleted; nothing of this operator keeps it";
        return Seen {
            ready: Condition::no(Reason::TenantTerminating, text),
            progress: Progress::Reconciling,
            slot: None,
        };
    }
    let more = match blocking_keys.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let names = blocking_keys.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let text =
        format!("the tenant goes when its slot holds nothing of these ALMServiceKeys: {names}{more}; delete them");
    Seen { ready: Condition::no(Reason::TenantTerminating, text), progress: Progress::Stalled, slot: None }
}

fn duplicate(tenant: &ALMTenant, older: &str) -> Seen {
    let text = duplicates::message(&tenant.name_any(), older);
    let slot = Some((SlotState::Unknown, None));
    Seen { ready: Condition::no(Reason::DuplicateTenant, text), progress: Progress::Stalled, slot }
}

/// Asks for the slot.
async fn look(tenant: &ALMTenant, context: &Context) -> (Seen, Duration) {
    let connection = context.connection(Some(tenant), None);
    match (connection.read_slot().await, connection.token_endpoint()) {
        // The slot can be looked at all the same.
        (Ok(slot), Err(trouble)) => {
            let (seen, next) = not_connected(tenant, trouble, context);
            (Seen { slot: Some(state(&slot, &context.cluster_id)), ..seen }, next)
        }
        (Ok(slot), Ok(_)) => {
            let text = "Landscape Management answers and accepts the operator's credentials";
            let ready = Condition::yes(Reason::Connected, text);
            let slot = Some(state(&slot, &context.cluster_id));
            (Seen { ready, progress: Progress::Done, slot }, spread(DEFAULT_INTERVAL, rand::random()))
        }
        (Err(trouble), _) => not_connected(tenant, trouble, context),
    }
}

fn state(slot: &Slot, cluster_id: &str) -> (SlotState, Option<KeyRef>) {
    match slot {
        Slot::Empty { .. } => (SlotState::Empty, None),
        Slot::Filled { owner: Some(Ownership { owner, .. }), .. } if owner.cluster_id == cluster_id => {
            let key = KeyRef { namespace: owner.namespace.clone(), name: owner.name.clone() };
            (SlotState::Ours, Some(key))
        }
        Slot::Filled { .. } => (SlotState::Foreign, None),
    }
}

fn not_connected(tenant: &ALMTenant, trouble: RemoteTrouble, context: &Context) -> (Seen, Duration) {
    let RemoteTrouble { reason, message, retry } = trouble;
    let slot = Some((SlotState::Unknown, None));
    let unknown = |message| Seen {
        ready: Condition::unknown(reason, message),
        progress: Progress::Reconciling,
        slot: slot.clone(),
    };
    match retry {
        Retry::Never => {
            let ready = Condition::no(reason, message);
            (Seen { ready, progress: Progress::Stalled, slot }, spread(RECHECK_PERIOD, rand::random()))
        }
        Retry::After(wait) => {
            (unknown(message), wait.clamp(BACKOFF_MIN, MAX_RETRY_AFTER).max(back_off(tenant, context)))
        }
        Retry::Backoff => (unknown(message), back_off(tenant, context)),
    }
}

/// Again, ever more rarely.
fn back_off(tenant: &ALMTenant, context: &Context) -> Duration {
    let uid = tenant.uid().unwrap_or_default();
    let now = context.clock.now().monotonic;
    let observations = context.caches.observations.of(&uid);
    let failures = FailureStreak::extend(observations.failures, now);
    context.caches.observations.keep(&uid, Observations { failures: Some(failures), ..observations });
    failures.wait(now, rand::random())
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: limit controller/tenant/reconcile NAMED
    #[test]
    fn a_tenant_names_five_keys_that_it_waits_for_and_of_more_only_their_number() {
        let said = |number: usize| {
            let blocking_keys: Vec<_> = (0..number).map(|key| format!("n/{key}")).collect();
            terminating(&blocking_keys).ready.message
        };
        assert!(said(NAMED).contains(": n/0, n/1, n/2, n/3, n/4; delete them"), "{}", said(NAMED));
        assert!(said(NAMED + 1).contains(": n/0, n/1, n/2, n/3, n/4 and 1 more; delete them"), "{}", said(NAMED + 1));
    }
}
