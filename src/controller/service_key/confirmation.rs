//! The record of the slot in manual mode: created when it is missing, and changed by confirmations.

use kube::ResourceExt;

use super::context::ReconcileContext;
use super::siblings::is_sibling;
use crate::api::annotations::unhandled_confirmation;
use crate::api::confirmation::{ConfirmationRequest, ConfirmationStatus, explain};
use crate::api::resolve::{adapter, admits};
use crate::api::status::ALMServiceKeyStatus;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::CallError;
use crate::cluster::identity::KeyId;
use crate::domain::action::ActionOperation;
use crate::domain::ledger::Ledger;
use crate::domain::policy::Adapter;
use crate::domain::record::{Confirmation, Record, RecordedContent};
use crate::domain::service_key::fingerprint::KeyFingerprint;
use crate::domain::slot::Owner;
use crate::executor::ports::LedgerError;
use crate::landscape::manual::{ensure_record, read_record, with_record};

/// Returns the result of the confirmation that was made for an object without a tenant, if it has not been handled yet.
pub(super) fn without_tenant(object: &ALMServiceKey) -> Option<ConfirmationStatus> {
    let message = format!("ALMTenant \"{}\" does not exist", object.spec.tenant_ref.name);
    unhandled(object).map(|value| ConfirmationStatus::new(value, Err(message)))
}

/// Returns the confirmation of the object that has not been handled yet.
fn unhandled(object: &ALMServiceKey) -> Option<&str> {
    let handled = object.status.as_ref().and_then(|status| status.last_confirmation.as_ref());
    unhandled_confirmation(object, handled)
}

/// Applies the confirmation that was made for the object, if it has not been handled yet. Returns the tenant as it is now,
/// and the result of the confirmation.
pub(super) async fn apply(
    context: &ReconcileContext<'_>,
    object: &ALMServiceKey,
    tenant: ALMTenant,
) -> Result<(ALMTenant, Option<ConfirmationStatus>), LedgerError> {
    let value = unhandled(object);
    if adapter(&tenant.spec) == Adapter::Http {
        let result = |value| ConfirmationStatus::new(value, Err("the ALMTenant is not in manual mode".into()));
        return Ok((tenant, value.map(result)));
    }
    let status = object.status.clone().unwrap_or_default();
    if !admits(&tenant.spec, &KeyId::new(object).namespace) && !status.may_hold() {
        let result = |value| ConfirmationStatus::new(value, Err(not_admitted(object)));
        return Ok((tenant, value.map(result)));
    }
    let now = context.clock.now().wall;
    let tenant = ensure_record(context.cluster, tenant, context.cluster_id, &context.ids, now).await?;
    let tenant = tenant.ok_or(LedgerError::Conflict)?;
    let Some(value) = value else { return Ok((tenant, None)) };
    match confirm(context, object, &tenant, value).await? {
        // Nothing is written, so that a confirmation that is handled twice does not void what was requested since.
        Ok(changed)
            if says_the_same(&tenant, &changed, context.cluster_id) && !ends_deletion(&status, &tenant, &changed) =>
        {
            Ok((tenant, Some(ConfirmationStatus::new(value, Ok(())))))
        }
        Ok(changed) => {
            let status = with_record(&tenant, &changed, now);
            let written = context.cluster.write_tenant_status(&tenant, &status).await?;
            let tenant = written.ok_or(LedgerError::Conflict)?;
            Ok((tenant, Some(ConfirmationStatus::new(value, Ok(())))))
        }
        Err(message) => Ok((tenant, Some(ConfirmationStatus::new(value, Err(message))))),
    }
}

/// Returns the record as the confirmation changes it, or why it does not.
async fn confirm(
    context: &ReconcileContext<'_>,
    object: &ALMServiceKey,
    tenant: &ALMTenant,
    value: &str,
) -> Result<Result<Record, String>, CallError> {
    let KeyId { namespace, name, uid } = KeyId::new(object);
    let ledger = object.status.as_ref().map(ALMServiceKeyStatus::ledger).unwrap_or_default();
    let confirmation = match ConfirmationRequest::statement_of(value, &uid.to_string()) {
        Ok(confirmation) => confirmation,
        Err(malformed) => return Ok(Err(malformed.to_string())),
    };
    let Some(record) = read_record(tenant, context.cluster_id) else {
        return Ok(Err("the record of the slot is missing".into()));
    };
    let me = Owner { cluster_id: context.cluster_id.to_owned(), namespace, name };
    // A user of a namespace that is not admitted must not decide what the record says, except of a key of that object. The
    // ledger does not have that key if the namespace was withdrawn before the confirmation.
    if !admits(&tenant.spec, &me.namespace) && record.owner() != Some(&me) && !is_about_own_key(&ledger, &confirmation)
    {
        return Ok(Err(not_admitted(object)));
    }
    let record = without_dangling_owner(context, tenant, record, &me).await?;
    let others = keys_of_siblings(context, object);
    let command = format!("{} -n {}", me.name, me.namespace);
    let confirmed = record.confirmed(&me, &ledger, &others, &confirmation, context.ids.revision());
    Ok(confirmed.map_err(|ignored| explain(ignored, &command)))
}

/// Returns the keys that living siblings have uploaded: what the slot holds of them is theirs to confirm.
fn keys_of_siblings(context: &ReconcileContext<'_>, object: &ALMServiceKey) -> Vec<KeyFingerprint> {
    let keys = context.keys.state();
    let siblings = keys.iter().filter(|other| is_sibling(other, object) && other.metadata.deletion_timestamp.is_none());
    let uploaded = siblings.filter_map(|sibling| sibling.status.as_ref()?.uploaded.clone());
    uploaded.map(|uploaded| KeyFingerprint::recorded(&uploaded.fingerprint)).collect()
}

/// Returns true if the statement is about an action or a key of the object with this ledger.
fn is_about_own_key(ledger: &Ledger, confirmation: &Confirmation) -> bool {
    let Ledger { uploaded, unconfirmed, .. } = ledger;
    match confirmation {
        Confirmation::Done(_) => true,
        Confirmation::HoldsNothing => false,
        Confirmation::DoneWith(key) | Confirmation::Holds(key) => {
            uploaded.as_ref().is_some_and(|uploaded| uploaded.fingerprint == *key)
                || unconfirmed.as_ref().is_some_and(|unconfirmed| unconfirmed.keys.contains(key))
        }
    }
}

/// Returns true if the record of the tenant says the same as `changed`, but for the revision.
fn says_the_same(tenant: &ALMTenant, changed: &Record, cluster_id: &str) -> bool {
    read_record(tenant, cluster_id)
        .is_some_and(|record| record.content == changed.content && record.removal == changed.removal)
}

/// Returns true if the object asks for a deletion at the present revision, and the slot holds no key of it now. It may have
/// been recorded so before, and the new revision says that no key of the object came since.
fn ends_deletion(status: &ALMServiceKeyStatus, tenant: &ALMTenant, changed: &Record) -> bool {
    let slot = tenant.status.as_ref().and_then(|status| status.slot.as_ref());
    let revision = slot.and_then(|slot| slot.revision.as_deref());
    let action = status.ledger().action.filter(|action| Some(action.revision.as_str()) == revision);
    action.is_some_and(|action| action.operation == ActionOperation::Delete)
        && changed.content != RecordedContent::Unknown
        && changed.owner().is_none()
}

fn not_admitted(object: &ALMServiceKey) -> String {
    let KeyId { namespace, .. } = KeyId::new(object);
    let tenant = &object.spec.tenant_ref.name;
    format!(
        "ALMTenant \"{tenant}\" does not admit namespace \"{namespace}\": a cluster admin can record what is there by \"almkey \
         check --tenant {tenant} --fingerprint FINGERPRINT\""
    )
}

/// Returns the record without an owner that does not exist any more: no other object could confirm what the slot holds.
async fn without_dangling_owner(
    context: &ReconcileContext<'_>,
    tenant: &ALMTenant,
    record: Record,
    me: &Owner,
) -> Result<Record, CallError> {
    let Some(owner) = record.owner().filter(|owner| *owner != me) else { return Ok(record) };
    let object = context.cluster.key(&owner.namespace, &owner.name).await?;
    let is_living = object.is_some_and(|object| object.spec.tenant_ref.name == tenant.name_any());
    let revision = record.revision.clone();
    Ok(if is_living { record } else { record.with_owner(None, revision) })
}
