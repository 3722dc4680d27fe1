//! The invariants of each change of a record: what it says comes from a confirmation.

use kube::ResourceExt;

use super::request_log::Request;
use crate::api::confirmation::ConfirmationRequest;
use crate::api::tenant::ALMTenantStatus;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::domain::action::ActionOperation;
use crate::domain::record::{Confirmation, Record, RecordedContent};
use crate::domain::service_key::fingerprint::KeyFingerprint;
use crate::domain::slot::{Basis, Ownership};
use crate::landscape::manual::read_record;
use crate::names::annotation;
use crate::simulation::checker::safety::is_created_since;
use crate::simulation::state::State;

/// Returns the status of a tenant in a few words, for the trace.
pub(crate) fn summary(status: &ALMTenantStatus) -> String {
    let slot = status.slot.as_ref();
    let revision = slot.and_then(|slot| slot.revision.as_deref()).unwrap_or("no record");
    let state = slot.map(|slot| format!("{:?} {:?}", slot.state, slot.evidence)).unwrap_or_default();
    let key = slot.and_then(|slot| slot.fingerprint.as_deref()).unwrap_or_default();
    let owner = slot.and_then(|slot| slot.key_ref.as_ref()).map(|owner| owner.name.as_str()).unwrap_or_default();
    let removals: Vec<String> = status
        .pending_removals
        .iter()
        .map(|removal| format!(" removal {} {:?}", removal.id, removal.fingerprints))
        .collect();
    let result = status.last_confirmation.as_ref().map(|last| format!(" ({:?})", last.result)).unwrap_or_default();
    format!("{state} {key} {owner} at {revision}{}{result}", removals.concat())
}

/// A change of a record.
struct Change<'a> {
    state: &'a State,
    reconciliation: usize,
    tenant: &'a ALMTenant,
    /// The record before; none if it was lost.
    before: Option<Record>,
    after: Record,
    /// The statement that the reconciled object or tenant bears.
    statement: Option<Confirmation>,
}

/// Checks a write to the status of a tenant.
pub(crate) fn check_tenant_write(state: &mut State, number: usize, tenant: &ALMTenant, status: &ALMTenantStatus) {
    if tenant.status.as_ref() == Some(status) {
        return state.record_violation("the status of a tenant was written although nothing had changed");
    }
    if !state.is_manual {
        return;
    }
    let id = state.clusters[state.reconciliations[number].cluster].id.clone();
    let after = ALMTenant { status: Some(status.clone()), ..tenant.clone() };
    let Some(after) = read_record(&after, &id) else {
        return state.record_violation("the record of a slot was removed");
    };
    let before = read_record(tenant, &id);
    let confirmation = confirmation(state, number, tenant).cloned();
    let statement = confirmation.as_deref().and_then(statement);
    let change = Change { state, reconciliation: number, tenant, before, after, statement };
    let violation = change.violation();
    let confirmation = confirmation.filter(|_| change.is_content_confirmed());
    let Change { before, after, .. } = change;
    if let Some(message) = violation {
        state.record_violation(message);
    }
    let is_repeated = confirmation.is_some_and(|value| !state.log.apply(value));
    let cluster = &state.clusters[state.reconciliations[number].cluster];
    if is_repeated && !cluster.tampered_tenants.contains_key(&tenant.name_any()) {
        state.record_violation("a confirmation was applied again after another one");
    }
    if before.as_ref().is_none_or(|before| before.revision != after.revision) {
        if !state.log.add_record(&after.revision, &after.content) {
            state.record_violation("the record of a slot has a revision that was used before");
        }
    } else if before
        .as_ref()
        .is_some_and(|before| before.content != after.content && !before.content.is_same_owned_key(&after.content))
    {
        state.record_violation("the record of a slot changed, and its revision did not");
    }
    log_removal(state, number, tenant, before.as_ref(), &after);
}

/// Adds a new removal to the log.
fn log_removal(state: &mut State, number: usize, tenant: &ALMTenant, before: Option<&Record>, after: &Record) {
    let known = before.and_then(|before| before.removal.as_ref());
    let is_new = |id: &str| known.is_none_or(|known| known.id != id);
    let Some(removal) = after.removal.as_ref().filter(|removal| is_new(&removal.id)) else { return };
    state.reconciliations[number].removal_based_on = before.map(|before| before.revision.clone());
    let request = Request::Removal { tenant: tenant.uid().unwrap_or_default(), keys: removal.keys.clone() };
    if state.log.request(&removal.id).is_some() || !state.log.add_request(&removal.id, &request) {
        state.record_violation("the ID of an earlier request was used for a removal");
    }
}

/// Returns the confirmation in the annotation of the object or tenant that a reconciliation is about.
fn confirmation<'a>(state: &'a State, reconciliation: usize, tenant: &'a ALMTenant) -> Option<&'a String> {
    let object = state.reconciliations[reconciliation].object.as_ref();
    let annotations = object.map_or_else(|| tenant.annotations(), ResourceExt::annotations);
    annotations.get(annotation::CONFIRMATION)
}

/// Returns what a confirmation says.
fn statement(confirmation: &str) -> Option<Confirmation> {
    ConfirmationRequest::parse(confirmation).ok()?.statement().ok()
}

impl Change<'_> {
    /// Returns true if the change of the content is the result of a confirmation.
    fn is_content_confirmed(&self) -> bool {
        let before = self.before.as_ref();
        let with_owner = |content: &RecordedContent| match content {
            RecordedContent::Key { fingerprint, basis, .. } => Some((fingerprint.clone(), *basis)),
            RecordedContent::Unknown | RecordedContent::Empty => None,
        };
        let is_same = before.is_some_and(|before| with_owner(&before.content) == with_owner(&self.after.content));
        !is_same && self.after.content != RecordedContent::Unknown
    }

    /// Returns the invariant that the change violates, if it does.
    fn violation(&self) -> Option<&'static str> {
        let Some(before) = &self.before else {
            return (self.after.content != RecordedContent::Unknown || self.after.removal.is_some())
                .then_some("a record that was lost did not begin as Unknown");
        };
        let (pending, left) = (before.removal.as_ref(), self.after.removal.as_ref());
        // A tenant's reconciliation takes back what a living object wants in the slot.
        let is_withdrawn = *before == Record { removal: pending.cloned(), ..self.after.clone() };
        let is_adopted = matches!(self.after.content, RecordedContent::Key { owner: Some(_), .. });
        if pending.is_some() && left.is_none() && self.statement.is_none() && !is_withdrawn && !is_adopted {
            return Some("a pending removal ended without a confirmation");
        }
        if before.content == self.after.content {
            return None;
        }
        let is_same_removal = left.is_some_and(|left| pending.is_some_and(|pending| pending.id == left.id));
        let is_upload = matches!(self.after.content, RecordedContent::Key { owner: Some(_), .. });
        if is_same_removal && is_upload {
            return Some("a pending removal outlived a confirmed upload");
        }
        self.content_violation(before)
    }

    /// Returns the violation of a change of the content.
    fn content_violation(&self, before: &Record) -> Option<&'static str> {
        let reconciliation = &self.state.reconciliations[self.reconciliation];
        let me = self.state.owner(reconciliation);
        let cluster = &self.state.clusters[reconciliation.cluster];
        // A sibling that was created since the reconciliation read that it does not exist is not known.
        let is_known = |sibling: &ALMServiceKey| {
            !is_created_since(cluster, reconciliation, sibling)
                && sibling.spec.tenant_ref.name == self.tenant.name_any()
        };
        let owner = before.owner().filter(|owner| **owner != me);
        if owner.and_then(|owner| cluster.keys.get(&owner.name)).is_some_and(is_known) {
            return Some("the record of a sibling's key was changed");
        }
        match &self.after.content {
            RecordedContent::Empty => {
                (!self.is_done(before)).then_some("a slot was recorded as empty without a confirmation")
            }
            RecordedContent::Unknown => {
                (self.after.removal.is_none()).then_some("a record became Unknown although nothing is to be removed")
            }
            RecordedContent::Key { fingerprint, owner, basis } => {
                self.key_violation(before, fingerprint, owner.as_ref(), *basis)
            }
        }
    }

    /// Returns the violation of a change to a slot with this key.
    fn key_violation(
        &self,
        before: &Record,
        key: &KeyFingerprint,
        owner: Option<&Ownership>,
        basis: Basis,
    ) -> Option<&'static str> {
        if let RecordedContent::Key { fingerprint, basis: known, .. } = &before.content
            && (fingerprint, *known) == (key, basis)
        {
            // The owner alone has changed.
            return None;
        }
        match basis {
            Basis::Confirmation => {
                (!self.is_done(before)).then_some("an upload was recorded without a confirmation of it")
            }
            Basis::Content => {
                let said = match &self.statement {
                    Some(Confirmation::DoneWith(said) | Confirmation::Holds(said)) => Some(said),
                    Some(Confirmation::Done(_) | Confirmation::HoldsNothing) | None => None,
                };
                if said != Some(key) {
                    return Some("a comparison was recorded that nobody had made");
                }
                let me = self.state.owner(&self.state.reconciliations[self.reconciliation]);
                owner
                    .is_some_and(|ownership| ownership.owner != me && before.owner() != Some(&ownership.owner))
                    .then_some("a comparison made another object the owner of the key")
            }
        }
    }

    /// Returns true if the statement is that a request was carried out, and that request, made at this revision, leads to
    /// the content.
    fn is_done(&self, before: &Record) -> bool {
        let id = match &self.statement {
            Some(Confirmation::Done(id)) => id,
            Some(Confirmation::HoldsNothing) => return self.after.content == RecordedContent::Empty,
            Some(Confirmation::DoneWith(_) | Confirmation::Holds(_)) | None => return false,
        };
        let reconciliation = &self.state.reconciliations[self.reconciliation];
        let uid = reconciliation.uid();
        if self.state.clusters[reconciliation.cluster].tampered.contains_key(&uid) {
            // Another client may have copied the request of another object.
            return true;
        }
        match (self.state.log.request(id), &self.after.content) {
            (Some(Request::Removal { .. }), RecordedContent::Empty) => {
                before.removal.as_ref().is_some_and(|removal| removal.id == *id)
            }
            (Some(Request::Action { uid: asked, operation, fingerprint, revision }), content) => {
                let is_result = match (operation, content) {
                    (ActionOperation::Delete, RecordedContent::Empty) => true,
                    (
                        ActionOperation::Upload | ActionOperation::Replace,
                        RecordedContent::Key { fingerprint: key, .. },
                    ) => fingerprint.as_ref() == Some(key),
                    _ => false,
                };
                *asked == uid && *revision == before.revision && is_result
            }
            _ => false,
        }
    }
}
