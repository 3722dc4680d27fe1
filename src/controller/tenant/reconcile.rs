//! The reconciliation of a tenant: throttle -> lock -> load -> release or check -> write status -> requeue.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::ResourceExt;
use kube::runtime::controller::Action;
use tracing::{Instrument, warn};

use super::manual;
use super::release::{ReleaseOutcome, release_if_unused};
use super::status_writer::{Findings, write};
use crate::api::ALMTenant;
use crate::api::resolve::adapter;
use crate::api::slot::{KeyRef, SlotState};
use crate::cluster::CallError;
use crate::cluster::identity::Uid;
use crate::cluster::objects::Objects;
use crate::controller::context::Context;
use crate::controller::duplicates;
use crate::controller::events::tenant_span;
use crate::domain::conditions::{Condition, Progress};
use crate::domain::policy::{Adapter, DEFAULT_INTERVAL};
use crate::domain::reason::Reason;
use crate::domain::record::Removal;
use crate::domain::retry::{BACKOFF_MIN, MAX_RETRY_AFTER, RECHECK_PERIOD, Retry, spread};
use crate::domain::slot::{Ownership, RemoteTrouble, Slot};
use crate::executor::ports::{Clock, LandscapeManagement};
use crate::landscape::dangling_owner::ignore_dangling_owner;
use crate::landscape::manual::read_record;
use crate::landscape::unique_ids::UniqueIds;
use crate::process::metrics::Controller;

/// Maximum number of keys that the message of a terminating tenant names.
const MAX_NAMED_KEYS: usize = 5;

/// Reconciles one tenant. Never fails: a failed reconciliation is retried after its back-off.
pub(crate) async fn reconcile(tenant: Arc<ALMTenant>, context: Arc<Context>) -> Result<Action, Infallible> {
    let now = context.clock.now().monotonic;
    if let Some(wait) = context.caches.rate_limiters.throttle_reconciliation(&Uid::new(&*tenant), now) {
        context.metrics.throttled();
        return Ok(Action::requeue(wait));
    }
    let Some(_permit) = context.acquire_permit(|| tenant.name_any()).await else {
        return Ok(Action::await_change());
    };
    let action = async {
        let started = Instant::now();
        let result = check_and_write(&tenant, &context).await;
        context.metrics.reconciled(Controller::Tenant, result.is_ok(), started.elapsed());
        Action::requeue(result.unwrap_or_else(|error| {
            warn!(error = error.stable_message(), "reconciliation of the tenant failed, retrying");
            back_off(&tenant, &context)
        }))
    };
    Ok(action.instrument(tenant_span(&tenant.name_any())).await)
}

/// Releases or checks the tenant and writes its status. Returns the wait before the next reconciliation.
async fn check_and_write(cached: &ALMTenant, context: &Context) -> Result<Duration, CallError> {
    let Some(tenant) = context.cluster.tenant(&cached.name_any()).await? else {
        context.caches.forget_tenant(cached);
        return Ok(RECHECK_PERIOD);
    };
    let tenant = match adapter(&tenant.spec) {
        Adapter::Http => {
            let abandon = |tenant: &ALMTenant, removal: &Removal| {
                context.metrics.orphan();
                context.events.removal_abandoned(tenant, removal);
            };
            match manual::leave(&context.cluster, &context.cluster_id, tenant, abandon).await? {
                Some(tenant) => tenant,
                None => return Ok(RECHECK_PERIOD),
            }
        }
        Adapter::Manual => {
            let (ids, now) = (UniqueIds::new(rand::random()), context.clock.now().wall);
            let prepared = manual::prepare(&context.cluster, &context.cluster_id, tenant, &ids, now).await?;
            let Some(tenant) = prepared else { return Ok(RECHECK_PERIOD) };
            let (cluster, keys) = (&context.cluster, &context.keys);
            match manual::withdraw_removals(cluster, &context.cluster_id, tenant, keys, &ids, now).await? {
                Some(tenant) => tenant,
                None => return Ok(RECHECK_PERIOD),
            }
        }
    };
    let removal = read_record(&tenant, &context.cluster_id).and_then(|record| record.removal);
    let (tenant, blocking_keys) = if removal.is_some() && tenant.metadata.deletion_timestamp.is_none() {
        // The finalizer stays, so that the deletion of the tenant does not hide that a key may be left.
        (tenant, Vec::new())
    } else {
        let release = release_if_unused(&context.cluster, tenant.clone(), slot(&tenant, context), &context.cluster_id);
        match release.await? {
            ReleaseOutcome::Present { tenant, blocking_keys } => (*tenant, blocking_keys),
            ReleaseOutcome::Gone => {
                if let Some(removal) = removal {
                    context.metrics.orphan();
                    context.events.removal_abandoned(&tenant, &removal);
                }
                return Ok(RECHECK_PERIOD);
            }
        }
    };
    let is_deleting = tenant.metadata.deletion_timestamp.is_some();
    let (findings, next) = match (is_deleting, duplicates::find_older(&context.tenants, &tenant)) {
        (true, _) => (terminating(&blocking_keys), RECHECK_PERIOD),
        (false, Some(older)) => (duplicate(&tenant, &older), RECHECK_PERIOD),
        (false, None) => check(&tenant, context).await,
    };
    write(&context.cluster.tenants(), &tenant, &findings).await?;
    if findings.progress == Progress::Done {
        context.caches.observations.forget(&Uid::new(&tenant));
    }
    Ok(next)
}

/// Reads the slot, or in manual mode the record of it.
async fn slot(tenant: &ALMTenant, context: &Context) -> Result<Slot, RemoteTrouble> {
    match adapter(&tenant.spec) {
        Adapter::Http => context.connection(Some(tenant), None).read_slot().await,
        Adapter::Manual => {
            let slot = manual::slot(tenant, &context.cluster_id)?;
            ignore_dangling_owner(slot, &context.cluster, Some(tenant), &context.cluster_id, None).await
        }
    }
}

/// Returns the findings on a tenant that is being deleted. It exists until its keys have left the slot.
fn terminating(blocking_keys: &[String]) -> Findings {
    if blocking_keys.is_empty() {
        let text = "the tenant is being deleted; no key of this cluster blocks that";
        return Findings {
            ready: Condition::no(Reason::TenantTerminating, text),
            progress: Progress::Reconciling,
            slot: None,
        };
    }
    let more = match blocking_keys.len().saturating_sub(MAX_NAMED_KEYS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let names = blocking_keys.iter().take(MAX_NAMED_KEYS).cloned().collect::<Vec<_>>().join(", ");
    let text = format!(
        "the tenant cannot be deleted while its slot may hold a key of these ALMServiceKeys: {names}{more}; delete them"
    );
    Findings { ready: Condition::no(Reason::TenantTerminating, text), progress: Progress::Stalled, slot: None }
}

fn duplicate(tenant: &ALMTenant, older: &str) -> Findings {
    let text = duplicates::message(&tenant.name_any(), older);
    // The record of manual mode is all that is known of the slot: it stays.
    let slot = (adapter(&tenant.spec) == Adapter::Http).then_some((SlotState::Unknown, None));
    Findings { ready: Condition::no(Reason::DuplicateTenant, text), progress: Progress::Stalled, slot }
}

/// Reads the slot and prepares the token endpoint.
async fn check(tenant: &ALMTenant, context: &Context) -> (Findings, Duration) {
    let connection = context.connection(Some(tenant), None);
    if adapter(&tenant.spec) == Adapter::Manual {
        let token_endpoint = connection.token_endpoint().await.map(|_| ());
        return manual::findings(tenant, token_endpoint, context, |trouble| not_connected(tenant, trouble, context));
    }
    match (connection.read_slot().await, connection.token_endpoint().await) {
        // The slot is readable, so its state is reported although no key can sign in.
        (Ok(slot), Err(trouble)) => {
            let (findings, next) = not_connected(tenant, trouble, context);
            (Findings { slot: Some(state(&slot, &context.cluster_id)), ..findings }, next)
        }
        (Ok(slot), Ok(_)) => {
            let text = "Landscape Management answers and accepts the operator's credentials";
            let ready = Condition::yes(Reason::Connected, text);
            let slot = Some(state(&slot, &context.cluster_id));
            (Findings { ready, progress: Progress::Done, slot }, spread(DEFAULT_INTERVAL, rand::random()))
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
        Slot::Unknown { .. } => (SlotState::Unknown, None),
    }
}

fn not_connected(tenant: &ALMTenant, trouble: RemoteTrouble, context: &Context) -> (Findings, Duration) {
    let RemoteTrouble { reason, message, retry } = trouble;
    let slot = Some((SlotState::Unknown, None));
    let unknown = |message| Findings {
        ready: Condition::unknown(reason, message),
        progress: Progress::Reconciling,
        slot: slot.clone(),
    };
    match retry {
        Retry::Never => {
            let ready = Condition::no(reason, message);
            (Findings { ready, progress: Progress::Stalled, slot }, spread(RECHECK_PERIOD, rand::random()))
        }
        Retry::After(wait) => {
            (unknown(message), wait.clamp(BACKOFF_MIN, MAX_RETRY_AFTER).max(back_off(tenant, context)))
        }
        Retry::Backoff => (unknown(message), back_off(tenant, context)),
    }
}

/// Records a failed reconciliation. Returns the wait before the next one.
fn back_off(tenant: &ALMTenant, context: &Context) -> Duration {
    let now = context.clock.now().monotonic;
    context.caches.observations.back_off(&Uid::new(tenant), now, rand::random())
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: limit controller/tenant/reconcile MAX_NAMED_KEYS
    #[test]
    fn a_terminating_tenant_names_five_blocking_keys_and_counts_the_others() {
        let message = |number: usize| {
            let blocking_keys: Vec<_> = (0..number).map(|key| format!("n/{key}")).collect();
            terminating(&blocking_keys).ready.message
        };
        let (five, six) = (message(MAX_NAMED_KEYS), message(MAX_NAMED_KEYS + 1));
        assert!(five.contains(": n/0, n/1, n/2, n/3, n/4; delete them"), "{five}");
        assert!(six.contains(": n/0, n/1, n/2, n/3, n/4 and 1 more; delete them"), "{six}");
    }
}
