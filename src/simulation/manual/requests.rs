//! The invariants of each write to the status of an object: its request, and what it says of the slot.

use kube::ResourceExt;

use super::request_log::Request;
use crate::api::ALMServiceKey;
use crate::api::resolve::admits;
use crate::api::status::ALMServiceKeyStatus;
use crate::domain::action::{Action, ActionOperation};
use crate::domain::policy::{AdoptionPolicy, Mode};
use crate::domain::reason::Reason;
use crate::domain::record::RecordedContent;
use crate::domain::slot::Revision;
use crate::domain::steps::deletable;
use crate::names::condition;
use crate::simulation::checker::safety::removal_violation;
use crate::simulation::model::cluster::NAMESPACE;
use crate::simulation::model::sap::zone_index;
use crate::simulation::state::State;

/// Checks a write to the status of an object.
pub(crate) fn check_key_write(state: &mut State, number: usize, object: &ALMServiceKey, status: &ALMServiceKeyStatus) {
    if !state.is_manual {
        return;
    }
    let uid = object.uid().unwrap_or_default();
    let is_tampered = state.clusters[state.reconciliations[number].cluster].tampered.contains_key(&uid);
    if let Some(action) = status.ledger().action {
        check_action(state, number, object, &action, is_tampered);
    }
    if is_tampered {
        return;
    }
    if !is_upload_recorded(state, number, object, status) {
        state.record_violation("an upload was reported that nobody had confirmed for this object");
    }
    if let Some(message) = claim_violation(state, number, object, status) {
        state.record_violation(message);
    }
}

/// Checks the action in a status, and adds it to the log.
fn check_action(state: &mut State, number: usize, object: &ALMServiceKey, action: &Action, is_tampered: bool) {
    let is_new = state.log.request(&action.id).is_none();
    let reconciliation = &state.reconciliations[number];
    let policy = reconciliation.policy();
    // An object that is being deleted keeps its last action until it is gone.
    let may_ask = policy.is_none_or(|policy| policy.mode == Mode::Enforce && !policy.suspend);
    let violation = if is_new { request_violation(state, number, object, action) } else { None };
    let violation = violation.or((!may_ask && !reconciliation.is_deleting())
        .then_some("an object that observes or is suspended asks for an action"));
    let request = Request::Action {
        uid: object.uid().unwrap_or_default(),
        operation: action.operation,
        fingerprint: action.fingerprint.clone(),
        revision: action.revision.clone(),
    };
    if !state.log.add_request(&action.id, &request) && !is_tampered {
        state.record_violation("the ID of an earlier request was used for another one");
    }
    if let Some(message) = violation {
        state.record_violation(message);
    }
}

/// Returns true unless a status reports an upload at a revision whose record does not have that key of the object.
fn is_upload_recorded(state: &State, number: usize, object: &ALMServiceKey, status: &ALMServiceKeyStatus) -> bool {
    let before = object.status.as_ref().and_then(|status| status.uploaded.as_ref());
    let is_new = |revision: &Revision| before.is_none_or(|before| before.revision != revision.as_str());
    let Some(uploaded) = status.ledger().uploaded.filter(|uploaded| is_new(&uploaded.revision)) else { return true };
    let Some(RecordedContent::Key { fingerprint, owner: Some(ownership), .. }) = state.log.content(&uploaded.revision)
    else {
        return false;
    };
    *fingerprint == uploaded.fingerprint && ownership.owner == state.owner(&state.reconciliations[number])
}

/// Returns the reason why the condition `Uploaded` should not say what it says.
fn claim_violation(
    state: &State,
    number: usize,
    object: &ALMServiceKey,
    status: &ALMServiceKeyStatus,
) -> Option<&'static str> {
    let reconciliation = &state.reconciliations[number];
    let record = state.record(reconciliation.cluster, &object.spec.tenant_ref.name)?;
    let is_judged = object.status.as_ref().is_none_or(|before| before.conditions != status.conditions);
    // A suspended object keeps its conditions.
    let is_suspended = reconciliation.policy().is_some_and(|policy| policy.suspend);
    if !is_judged || is_suspended || is_overtaken(state, number, &object.spec.tenant_ref.name) {
        return None;
    }
    let found = |kind: &str| status.conditions.iter().find(|found| found.type_ == kind);
    let uploaded = found(condition::UPLOADED)?;
    let is_ours = record.owner() == Some(&state.owner(reconciliation));
    if uploaded.status == "True" && status.uploaded.is_none() && !is_ours {
        return Some("Uploaded is True, and neither the ledger nor the record has a key of the object");
    }
    // While the sign-in is not known, the slot is not read, and the condition says what was read last.
    let is_read = found(condition::READY).is_none_or(|ready| ready.reason != Reason::SignInUnknown.as_str());
    let denies = uploaded.status == "False" && uploaded.reason == Reason::NotUploaded.as_str();
    (denies && is_read && record.content == RecordedContent::Unknown)
        .then_some("an Unknown slot was reported as one without a key of the object")
}

/// Returns true if another client has written the status of the tenant since a reconciliation began.
pub(super) fn is_overtaken(state: &State, number: usize, tenant: &str) -> bool {
    let cluster = &state.clusters[state.reconciliations[number].cluster];
    cluster.tampered_tenants.get(tenant).is_some_and(|begun| number < *begun)
}

/// Returns the reason why a request should not have been made.
fn request_violation(state: &State, number: usize, object: &ALMServiceKey, action: &Action) -> Option<&'static str> {
    let reconciliation = &state.reconciliations[number];
    let cluster = &state.clusters[reconciliation.cluster];
    let policy = reconciliation.policy()?;
    let record = state.record(reconciliation.cluster, &object.spec.tenant_ref.name)?;
    let is_overtaken = is_overtaken(state, number, &object.spec.tenant_ref.name);
    if record.revision != action.revision && !is_overtaken {
        return Some("a request was based on another revision than that of the record");
    }
    if reconciliation.is_deleting() {
        return Some("an object that is being deleted asks for an action");
    }
    let me = state.owner(reconciliation);
    let is_siblings = record.owner().is_some_and(|owner| *owner != me && cluster.keys.contains_key(&owner.name));
    let key = action.fingerprint.as_ref();
    if action.operation == ActionOperation::Delete {
        let Some(key) = key else { return Some("a person was asked to delete a key that the request does not name") };
        let is_adopted = record.owner() == Some(&me) && record.slot().is_adopted();
        let document = state.sap.document(reconciliation.zone, key);
        return document.and_then(|document| removal_violation(state, number, document.key, is_adopted));
    }
    let tenant = reconciliation.tenant.as_ref()?;
    let is_admitted = tenant.metadata.deletion_timestamp.is_none() && admits(&tenant.spec, NAMESPACE);
    let signs_in = reconciliation.proven.iter().any(|proven| Some(&state.sap.fingerprint(*proven)) == key);
    let is_foreign = matches!(&record.content, RecordedContent::Key { .. }) && record.owner() != Some(&me);
    if !is_admitted {
        Some("an upload was requested for an object that its tenant does not admit")
    } else if !signs_in {
        Some("an upload was requested of a key that this reconciliation had not proven")
    } else if is_overtaken {
        // It was based on another record.
        None
    } else if is_siblings {
        Some("a person was asked to replace the key of a sibling")
    } else if is_foreign && policy.adoption != AdoptionPolicy::Replace {
        Some("a person was asked to replace a foreign key although the tenant does not say Replace")
    } else {
        None
    }
}

/// Checks that no current step leads an honest person to delete a living key of another object.
pub(crate) fn check_current_steps(state: &mut State, cluster: usize, tenant: &str) {
    let Some(record) = state.record(cluster, tenant).filter(|_| state.is_manual) else { return };
    let RecordedContent::Key { fingerprint, owner: Some(ownership), .. } = &record.content else { return };
    let Some(owner) = state.clusters[cluster].keys.get(&ownership.owner.name) else { return };
    let zone = zone_index(tenant);
    let is_wanted = owner.metadata.deletion_timestamp.is_none()
        && state.clusters[cluster].source_document(owner).is_some_and(|document| {
            state.sap.is_alive(document.key) && state.sap.fingerprint(document) == *fingerprint
        });
    let leads_to = |steps: &[String]| deletable(steps).contains(fingerprint);
    let is_current = |revision: &str| Revision::new(revision) == record.revision;
    let actions = state.clusters[cluster]
        .keys
        .values()
        .filter(|key| key.name_any() != ownership.owner.name && zone_index(&key.spec.tenant_ref.name) == zone);
    let by_action = actions
        .filter_map(|key| key.status.as_ref()?.action.as_ref())
        .any(|action| is_current(&action.revision) && leads_to(&action.steps));
    let by_removal = state.removal_steps(cluster, tenant).is_some_and(|steps| leads_to(&steps));
    if is_wanted && (by_action || by_removal) {
        state.record_violation("a step leads to the deletion of a living key of another object");
    }
}
