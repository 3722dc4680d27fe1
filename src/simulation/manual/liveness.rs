//! The state that a history in manual mode must reach: first without people, then with people who follow the steps.

use kube::ResourceExt;

use super::people::{Errand, Word};
use crate::api::ALMServiceKey;
use crate::api::action::{ActionOperation, ActionStatus};
use crate::domain::action::Action;
use crate::domain::policy::{AdoptionPolicy, DeadAction, DeletionPolicy};
use crate::domain::reason::Reason;
use crate::domain::record::{Record, RecordedContent};
use crate::domain::steps::deletable;
use crate::simulation::checker::liveness::{
    FinalKey, cannot_be_cleaned, check_deleted_key, check_inactive_key, final_keys,
};
use crate::simulation::model::sap::{tenant_name, zone_index};
use crate::simulation::reconciliation::{SourceTruth, source_truth};
use crate::simulation::state::State;
use crate::simulation::step::Actor;
use crate::simulation::tamper::FORGED_FINGERPRINT;

impl State {
    /// Lets honest people do everything that they are asked for. Returns true if there was anything.
    pub(crate) fn follow_all_requests(&mut self) -> bool {
        let word = if self.people.is_even() { Word::Done } else { Word::DoneWith };
        let mut has_acted = false;
        for tenant in ["acme", "other"] {
            has_acted |= self.check_app(tenant);
            has_acted |= self.follow(Errand::Removal(tenant), Word::Done);
        }
        for actor in Actor::ALL {
            let object = self.clusters[actor.cluster()].keys.get(actor.name());
            if !object.is_some_and(is_forged) {
                has_acted |= self.follow(Errand::Action(actor), word);
            }
        }
        has_acted
    }
}

/// Returns true if another client wrote the fingerprint of a key that does not exist into the ledger. The operator compares
/// the source with that ledger at the revision of the record, so it asks for the same upload again and again.
fn is_forged(object: &ALMServiceKey) -> bool {
    let uploaded = object.status.as_ref().and_then(|status| status.uploaded.as_ref());
    uploaded.is_some_and(|uploaded| uploaded.fingerprint == FORGED_FINGERPRINT)
}

/// Returns the deleted objects that were not released, in words. None may wait for a person.
pub(crate) fn waiting_deletions(state: &State) -> Vec<String> {
    let mut findings = Vec::new();
    for key in (0..2).flat_map(|zone| final_keys(state, zone)) {
        if key.object.metadata.deletion_timestamp.is_some() {
            check_deleted_key(state, &key, &mut findings);
        }
    }
    findings
}

/// Returns the keys, in words, that one object asks a person to upload while the steps of another request let a person
/// delete them.
pub(crate) fn contradictory_requests(state: &State) -> Vec<String> {
    let cluster = &state.clusters[0];
    let actions: Vec<(&ALMServiceKey, Action)> = cluster
        .keys
        .values()
        .filter_map(|key| Some((key, Action::from(key.status.as_ref()?.action.as_ref()?))))
        .collect();
    let mut findings = Vec::new();
    for (object, upload) in actions.iter().filter_map(|(object, action)| Some((*object, action.upload()?))) {
        let tenant = &object.spec.tenant_ref.name;
        let others = actions
            .iter()
            .filter(|(other, _)| other.spec.tenant_ref.name == *tenant && other.metadata.uid != object.metadata.uid);
        let removal = state.removal_steps(0, tenant);
        let steps = others.map(|(_, action)| &action.steps).chain(&removal);
        if steps.flat_map(|steps| deletable(steps)).any(|key| key == *upload) {
            findings.push(format!("a person is asked to upload a key for {}, and to delete it", object.name_any()));
        }
    }
    findings
}

/// Returns everything that has not converged, in words.
pub(crate) fn unsettled(state: &State) -> Vec<String> {
    let mut findings = waiting_deletions(state);
    for zone in 0..2 {
        let Some(record) = state.record(0, tenant_name(zone)) else { continue };
        let is_checked = |key: &FinalKey<'_>| key.cluster == 0 && !is_forged(key.object);
        let keys: Vec<FinalKey<'_>> = final_keys(state, zone).into_iter().filter(is_checked).collect();
        if state.clusters[0].tenants[tenant_name(zone)].metadata.deletion_timestamp.is_some() {
            continue;
        }
        check_truth(state, zone, &keys, &record, &mut findings);
        check_requests(state, zone, &keys, &record, &mut findings);
        check_slot(state, zone, &keys, &record, &mut findings);
        for key in keys.iter().filter(|key| key.object.metadata.deletion_timestamp.is_none()) {
            check_key(state, zone, key, &record, &mut findings);
        }
    }
    findings
}

/// Checks that the record says what the app holds. Without an object that the tenant admits, people cannot say so.
fn check_truth(state: &State, zone: usize, keys: &[FinalKey<'_>], record: &Record, findings: &mut Vec<String>) {
    let held = state.sap.slot_fingerprint(zone);
    let can_report = keys.iter().any(|key| key.is_admitted);
    if can_report && record.fingerprint().is_some() && record.fingerprint() != held.as_ref() {
        findings.push(format!("the record of {} has another key than the app", tenant_name(zone)));
    }
}

/// Checks that no request is left that people could follow.
fn check_requests(state: &State, zone: usize, keys: &[FinalKey<'_>], record: &Record, findings: &mut Vec<String>) {
    for key in keys {
        let action = key.object.status.as_ref().and_then(|status| status.action.as_ref());
        // No person has the key while the source is uncertain.
        let can_follow = |action: &ActionStatus| {
            action.operation == ActionOperation::Delete
                || state.clusters[key.cluster].source_document(key.object).is_some()
        };
        if let Some(action) = action.filter(|action| can_follow(action)) {
            findings.push(format!("{} still asks for {:?} {}", key.name(), action.operation, action.id));
        }
    }
    if record.removal.is_some() {
        findings.push(format!("a removal of {} is still pending", tenant_name(zone)));
    }
}

/// Checks that an object that may fill the slot has done so, and that no key is left there without an owner.
fn check_slot(state: &State, zone: usize, keys: &[FinalKey<'_>], record: &Record, findings: &mut Vec<String>) {
    let eligible: Vec<&FinalKey<'_>> = keys.iter().filter(|key| key.eligible_document.is_some()).collect();
    let held = state.sap.slots[zone].content.as_ref().map(|content| content.document);
    match (&record.content, eligible.first()) {
        (RecordedContent::Unknown | RecordedContent::Empty, Some(key)) => {
            findings.push(format!("the slot is {:?}, and {} has a key for it", record.content, key.name()));
        }
        (RecordedContent::Key { owner: None, .. }, Some(_)) => {
            for key in eligible {
                let is_identical = key.eligible_document.zip(held).is_some_and(|(ours, held)| ours.is_same_key(held));
                let name = key.name();
                if is_identical && key.policy.adoption != AdoptionPolicy::Never {
                    findings.push(format!("the app holds the key of {name}, and it was not adopted"));
                }
                if key.policy.adoption == AdoptionPolicy::Replace && !key.is_overwritten() {
                    findings.push(format!("the app holds a foreign key, and {name} may replace it"));
                }
            }
        }
        (RecordedContent::Key { .. } | RecordedContent::Unknown | RecordedContent::Empty, _) => {}
    }
    let Some(upload) = state.upload_in_app(zone) else { return };
    let cluster = &state.clusters[upload.cluster];
    let is_gone = !cluster.has_key(&upload.name, &upload.uid) && !cluster.released_uncleaned.contains(&upload.uid);
    let is_known = record.fingerprint() == state.sap.slot_fingerprint(zone).as_ref();
    if is_gone && !is_known {
        findings.push(format!("the app holds a key that was uploaded for {}, which is gone", upload.name));
    }
}

fn check_key(state: &State, zone: usize, key: &FinalKey<'_>, record: &Record, findings: &mut Vec<String>) {
    let (name, cluster) = (key.name(), &state.clusters[key.cluster]);
    // A key that neither the source nor a stale copy holds cannot be tested.
    let held = state.sap.slots[zone].content.as_ref().map(|content| content.document);
    if key.policy.suspend || held == cluster.source_document(key.object) {
        check_inactive_key(state, zone, key, findings);
    }
    if !key.is_active || cannot_be_cleaned(cluster, key) {
        return;
    }
    let owner = record.owner().filter(|owner| **owner == cluster.owner(&name));
    let held = record.fingerprint().filter(|_| owner.is_some());
    let source = cluster.source_document(key.object);
    let is_uploaded = held.zip(source).is_some_and(|(held, source)| *held == state.sap.fingerprint(source));
    let (status, reason) = &key.ready;
    if status == "True" && !is_uploaded {
        findings.push(format!("{name} reports Ready, and its key is not recorded in the slot"));
    }
    let reports_upload = status == "True" && reason == Reason::Uploaded.as_str();
    if is_uploaded && key.eligible_document.is_some() && !reports_upload {
        findings.push(format!("the key of {name} is recorded in the slot, and it reports {status} {reason}"));
    }
    let Some(held) = held else { return };
    if key.eligible_document.is_some() && !is_uploaded {
        findings.push(format!("the slot of {name} holds another key than its source"));
    }
    let is_adopted = record.slot().is_adopted();
    let document = state.sap.document(zone_index(tenant_name(zone)), held);
    let is_gone = matches!(source_truth(cluster, key.object), SourceTruth::Gone { .. });
    if is_gone && !is_adopted && key.policy.deletion == DeletionPolicy::Delete {
        findings.push(format!("the slot holds a key of {name} whose source is gone"));
    }
    let is_dead = document.is_some_and(|document| !state.sap.is_alive(document.key));
    if is_dead && source == document && key.policy.dead_action == DeadAction::Delete {
        findings.push(format!("the slot holds a dead key of {name}"));
    }
}
