//! The check of a tenant in manual mode: its record, the confirmation of a removal, and the token endpoint.

use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::reflector::Store;

use super::status_writer::Findings;
use crate::api::annotations::unhandled_confirmation;
use crate::api::confirmation::{ConfirmationRequest, ConfirmationStatus, explain};
use crate::api::slot::removal;
use crate::api::tenant::ALMTenantStatus;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::CallError;
use crate::cluster::identity::Uid;
use crate::cluster::objects::Objects;
use crate::controller::context::Context;
use crate::domain::conditions::{Condition, Progress};
use crate::domain::policy::DEFAULT_INTERVAL;
use crate::domain::reason::Reason;
use crate::domain::record::{Record, Removal};
use crate::domain::retry::{Retry, spread};
use crate::domain::service_key::fingerprint::KeyFingerprint;
use crate::domain::slot::{RemoteTrouble, Revision, Slot};
use crate::landscape::manual::{ensure_record, read_record, with_record};
use crate::landscape::unique_ids::UniqueIds;

/// Ensures that the tenant has a record, and applies a confirmation that was made for the tenant. Returns the tenant as it
/// is now; none if it does not exist any more.
pub(crate) async fn prepare(
    cluster: &dyn Objects,
    cluster_id: &str,
    tenant: ALMTenant,
    ids: &UniqueIds,
    now: Timestamp,
) -> Result<Option<ALMTenant>, CallError> {
    let prepared = ensure_record(cluster, tenant, cluster_id, ids, now).await?;
    let Some(tenant) = prepared else { return Ok(None) };
    let handled = tenant.status.as_ref().and_then(|status| status.last_confirmation.as_ref());
    let Some(value) = unhandled_confirmation(&tenant, handled).map(str::to_owned) else { return Ok(Some(tenant)) };
    let record = read_record(&tenant, cluster_id);
    let (status, outcome) = match record.map(|record| confirmed(record, &value, &tenant, ids.revision())) {
        Some(Ok(changed)) => (with_record(&tenant, &changed, now), Ok(())),
        Some(Err(message)) => (tenant.status.clone().unwrap_or_default(), Err(message)),
        None => return Ok(Some(tenant)),
    };
    let mut status = status;
    status.last_confirmation = Some(ConfirmationStatus::new(&value, outcome));
    cluster.write_tenant_status(&tenant, &status).await
}

/// Returns the slot as it is recorded.
pub(crate) fn slot(tenant: &ALMTenant, cluster_id: &str) -> Result<Slot, RemoteTrouble> {
    read_record(tenant, cluster_id).map(|record| record.slot()).ok_or(RemoteTrouble {
        reason: Reason::SlotUnknown,
        message: "the record of the slot in the status is missing".into(),
        retry: Retry::Backoff,
    })
}

/// Returns the record as a confirmation for the tenant changes it, or why it does not.
fn confirmed(record: Record, value: &str, tenant: &ALMTenant, revision: Revision) -> Result<Record, String> {
    let (uid, command) = (Uid::new(tenant).to_string(), format!("--tenant {}", tenant.name_any()));
    let statement = ConfirmationRequest::statement_of(value, &uid).map_err(|malformed| malformed.to_string())?;
    record.removed(&statement, revision).map_err(|ignored| explain(ignored, &command))
}

/// Removes the record of a tenant that is no longer in manual mode. A removal that no person has confirmed ends with it.
/// `abandon` is called with such a removal.
pub(crate) async fn leave(
    cluster: &dyn Objects,
    cluster_id: &str,
    tenant: ALMTenant,
    abandon: impl FnOnce(&ALMTenant, &Removal) + Send,
) -> Result<Option<ALMTenant>, CallError> {
    let Some(status) = tenant.status.as_ref() else { return Ok(Some(tenant)) };
    let removal = removal(&status.pending_removals, cluster_id);
    if removal.is_none() && status.slot.as_ref().is_none_or(|slot| slot.revision.is_none()) {
        return Ok(Some(tenant));
    }
    let status = ALMTenantStatus { slot: None, pending_removals: Vec::new(), ..status.clone() };
    if let Some(removal) = removal {
        abandon(&tenant, &removal);
    }
    cluster.write_tenant_status(&tenant, &status).await
}

/// Ends the removal of keys that a living object wants in the slot again: the steps would delete a living key.
pub(crate) async fn withdraw_removals(
    cluster: &dyn Objects,
    cluster_id: &str,
    tenant: ALMTenant,
    keys: &Store<ALMServiceKey>,
    ids: &UniqueIds,
    now: Timestamp,
) -> Result<Option<ALMTenant>, CallError> {
    let Some(record) = read_record(&tenant, cluster_id) else { return Ok(Some(tenant)) };
    let keys = keys.state();
    let living = keys
        .iter()
        .filter(|key| key.spec.tenant_ref.name == tenant.name_any() && key.metadata.deletion_timestamp.is_none());
    let wanted: Vec<KeyFingerprint> = living
        .filter_map(|key| key.status.as_ref()?.unconfirmed.clone())
        .flat_map(|it| it.fingerprints)
        .map(|fingerprint| KeyFingerprint::recorded(&fingerprint))
        .collect();
    let is_wanted = |removal: &Removal| removal.keys.iter().any(|key| wanted.contains(key));
    if !record.removal.as_ref().is_some_and(is_wanted) {
        return Ok(Some(tenant));
    }
    let status = with_record(&tenant, &record.without_removal_of(&wanted, ids.id()), now);
    cluster.write_tenant_status(&tenant, &status).await
}

/// Returns the findings on a tenant with a record, and the wait before the next check. `token_endpoint` is the trouble that
/// keeps keys from being tested, if there is one.
pub(super) fn findings(
    tenant: &ALMTenant,
    token_endpoint: Result<(), RemoteTrouble>,
    context: &Context,
    not_connected: impl FnOnce(RemoteTrouble) -> (Findings, Duration),
) -> (Findings, Duration) {
    let next = spread(DEFAULT_INTERVAL, rand::random());
    let removal = read_record(tenant, &context.cluster_id).and_then(|record| record.removal);
    match (token_endpoint, removal) {
        (Err(trouble), _) => {
            let (findings, next) = not_connected(trouble);
            (Findings { slot: None, ..findings }, next)
        }
        (Ok(()), Some(removal)) => {
            let text = format!(
                "delete the key of ALMServiceKey {}/{} in the app: almkey explain --tenant {} --steps",
                removal.owner.namespace,
                removal.owner.name,
                tenant.name_any()
            );
            let ready = Condition::unknown(Reason::ActionRequired, text);
            (Findings { ready, progress: Progress::Reconciling, slot: None }, next)
        }
        (Ok(()), None) => {
            let text =
                "a person changes the key in Landscape Management, and nothing is to be done for the tenant itself";
            let ready = Condition::yes(Reason::ManualMode, text);
            (Findings { ready, progress: Progress::Done, slot: None }, next)
        }
    }
}
