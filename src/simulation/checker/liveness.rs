//! The liveness checker: the state that must be reached when all faults have ended and time has passed.

use std::time::Duration;

use kube::ResourceExt;

use crate::api::ALMServiceKey;
use crate::api::resolve::{admits, policy};
use crate::api::status::ALMServiceKeyStatus;
use crate::domain::policy::{AdoptionPolicy, DeadAction, DeletionPolicy, Mode, Policy};
use crate::domain::reason::Reason;
use crate::names::condition;
use crate::simulation::manual;
use crate::simulation::model::cluster::{Cluster, NAMESPACE, has_key_finalizer};
use crate::simulation::model::document::KeyDocument;
use crate::simulation::model::sap::{SlotContent, zone_index};
use crate::simulation::reconciliation::{SourceTruth, source_truth};
use crate::simulation::state::State;

/// The time without faults after which everything must have converged.
pub(crate) const CONVERGENCE_TIME: Duration = Duration::from_hours(7);
/// The time after that in which nothing may be written.
pub(crate) const QUIET_TIME: Duration = Duration::from_hours(3);
/// The number of calls that an object that keeps failing may make in the quiet time.
const MAX_QUIET_CALLS: usize = 16;

/// An object and what it is entitled to in the end.
pub(crate) struct FinalKey<'a> {
    pub(crate) cluster: usize,
    pub(crate) object: &'a ALMServiceKey,
    pub(crate) policy: Policy,
    /// The document with the valid key of the source, if it belongs in the slot.
    pub(crate) eligible_document: Option<KeyDocument>,
    /// True if the object has a tenant and neither observes nor is suspended.
    pub(crate) is_active: bool,
    pub(crate) is_admitted: bool,
    /// Status and reason of the condition `Ready`.
    pub(crate) ready: (String, String),
}

impl<'a> FinalKey<'a> {
    fn new(state: &State, cluster: usize, object: &'a ALMServiceKey) -> Self {
        let tenant = state.clusters[cluster].tenants.get(&object.spec.tenant_ref.name);
        let policy = policy(&object.spec, tenant.map(|tenant| &tenant.spec));
        let is_active = tenant.is_some() && policy.mode == Mode::Enforce && !policy.suspend;
        let is_admitted = tenant.is_some_and(|tenant| admits(&tenant.spec, NAMESPACE));
        let is_tenant_open = tenant.is_some_and(|tenant| tenant.metadata.deletion_timestamp.is_none());
        let wants_slot = is_active && is_admitted && is_tenant_open && object.metadata.deletion_timestamp.is_none();
        let document = state.clusters[cluster].source_document(object);
        let eligible_document = document.filter(|document| wants_slot && state.sap.is_alive(document.key));
        let mut conditions = object.status.iter().flat_map(|status| &status.conditions);
        let ready = conditions.find(|found| found.type_ == condition::READY);
        let ready = ready.map(|ready| (ready.status.clone(), ready.reason.clone())).unwrap_or_default();
        Self { cluster, object, policy, eligible_document, is_active, is_admitted, ready }
    }

    pub(crate) fn name(&self) -> String {
        self.object.name_any()
    }

    /// Returns true if another client overwrote the key of this object, which has not changed since.
    pub(crate) fn is_overwritten(&self) -> bool {
        let overwritten = self.object.status.as_ref().and_then(|status| status.overwritten.as_ref());
        overwritten.is_some_and(|overwritten| Some(overwritten.generation) == self.object.metadata.generation)
    }

    fn claims_slot(&self) -> bool {
        self.is_active && self.object.status.as_ref().is_some_and(|status| status.uploaded.is_some())
    }
}

/// Returns everything that has not converged, in words.
pub(crate) fn unsettled(state: &State) -> Vec<String> {
    if state.is_manual {
        return manual::liveness::unsettled(state);
    }
    let mut findings = Vec::new();
    for zone in 0..2 {
        let keys = final_keys(state, zone);
        check_slot(state, zone, &keys, &mut findings);
        for cluster in 0..2 {
            if keys.iter().filter(|key| key.cluster == cluster && key.claims_slot()).count() > 1 {
                findings.push("two siblings both report that their key is in the slot".into());
            }
        }
        for key in &keys {
            check_key(state, zone, key, &mut findings);
        }
    }
    findings
}

/// Returns all objects of the tenants with this identity zone.
pub(crate) fn final_keys(state: &State, zone: usize) -> Vec<FinalKey<'_>> {
    let clusters = state.clusters.iter().enumerate();
    let objects = clusters.flat_map(|(number, cluster)| cluster.keys.values().map(move |object| (number, object)));
    objects
        .filter(|(_, object)| zone_index(&object.spec.tenant_ref.name) == zone)
        .map(|(cluster, object)| FinalKey::new(state, cluster, object))
        .collect()
}

/// Checks that an object that may fill the slot has done so.
fn check_slot(state: &State, zone: usize, keys: &[FinalKey<'_>], findings: &mut Vec<String>) {
    let mut eligible = keys.iter().filter(|key| key.eligible_document.is_some());
    let Some(content) = &state.sap.slots[zone].content else {
        if let Some(key) = eligible.next() {
            findings.push(format!("the slot is empty, and {} has a key for it", key.name()));
        }
        return;
    };
    for key in eligible {
        let cluster = &state.clusters[key.cluster];
        let holder = content.owner().filter(|owner| owner.cluster_id == cluster.id);
        let is_held_here = holder
            .and_then(|holder| cluster.keys.get(&holder.name))
            .is_some_and(|object| zone_index(&object.spec.tenant_ref.name) == zone);
        let is_unowned = !is_held_here && (content.owner.is_none() || holder.is_some());
        let is_overwritten = key.is_overwritten();
        let name = key.name();
        let is_identical = key.eligible_document.is_some_and(|document| document.is_same_key(content.document));
        if is_unowned && key.policy.adoption != AdoptionPolicy::Never && is_identical {
            findings.push(format!("the slot holds the key of {name} without an owner, and it was not adopted"));
        }
        if !is_held_here && key.policy.adoption == AdoptionPolicy::Replace && !is_overwritten {
            findings.push(format!("the slot holds a foreign key, and {name} may replace it"));
        }
    }
}

/// Returns true if the operator does not read the slot for an object, because its tenant does not admit it and its status
/// claims nothing there. If that status was lost, or an abandoned object of the same name left its key, the key stays until
/// the tenant admits the object again or the object is deleted.
pub(crate) fn cannot_be_cleaned(cluster: &Cluster, key: &FinalKey<'_>) -> bool {
    let claims = key.object.status.as_ref().is_some_and(ALMServiceKeyStatus::may_hold);
    let is_left = !claims && !cluster.released_uncleaned.is_empty();
    let is_lost = cluster.tampered.contains_key(&key.object.uid().unwrap_or_default());
    !key.is_admitted && (is_lost || is_left)
}

fn check_key(state: &State, zone: usize, key: &FinalKey<'_>, findings: &mut Vec<String>) {
    let name = key.name();
    let cluster = &state.clusters[key.cluster];
    if key.object.metadata.deletion_timestamp.is_some() {
        check_deleted_key(state, key, findings);
        return;
    }
    check_inactive_key(state, zone, key, findings);
    if !key.is_active || cannot_be_cleaned(cluster, key) {
        return;
    }
    let holds_slot = state.holds_slot(key.cluster, &name, zone);
    let content = state.sap.slots[zone].content.as_ref().filter(|_| holds_slot);
    let source = cluster.source_document(key.object);
    let is_uploaded =
        content.zip(source).is_some_and(|(content, source)| content.document.is_current(source, content.is_adopted()));
    let (status, reason) = &key.ready;
    if status == "True" && !is_uploaded {
        findings.push(format!("{name} reports Ready, and its key is not in the slot"));
    }
    let reports_upload = status == "True" && reason == Reason::Uploaded.as_str();
    if is_uploaded && key.eligible_document.is_some() && !reports_upload {
        findings.push(format!("the key of {name} is in the slot, and it reports {status} {reason}"));
    }
    let Some(SlotContent { document: KeyDocument { key: number, .. }, owner: Some(ownership) }) = content else {
        return;
    };
    let is_overwritten = key.is_overwritten();
    if key.eligible_document.is_some() && !is_uploaded && !is_overwritten {
        findings.push(format!("the slot of {name} holds another document than its source"));
    }
    if !state.sap.is_alive(*number) && key.policy.dead_action == DeadAction::Delete {
        findings.push(format!("the slot holds a dead key of {name}"));
    }
    let is_gone = matches!(source_truth(cluster, key.object), SourceTruth::Gone { .. });
    let must_go = key.policy.deletion == DeletionPolicy::Delete || state.sap.is_alive(*number);
    // A hand-over that arrives late looks to the heir as a key that an operator with the same cluster ID put. The heir
    // reports it and waits for a user.
    let is_reported = reason == Reason::SlotOverwritten.as_str();
    if is_gone && !ownership.adopted && must_go && !is_reported {
        findings.push(format!("the slot holds a key of {name} whose source is gone"));
    }
}

/// Checks that an object that writes nothing does not report `Ready` over a key that is lost or dead.
pub(crate) fn check_inactive_key(state: &State, zone: usize, key: &FinalKey<'_>, findings: &mut Vec<String>) {
    let (name, cluster) = (key.name(), &state.clusters[key.cluster]);
    if key.ready.0 != "True" {
        return;
    }
    if key.policy.suspend {
        if cluster.source_document(key.object).is_none() {
            findings.push(format!("{name} is suspended, and reports Ready without a key in its source"));
        }
    } else if key.policy.mode == Mode::Observe && key.policy.dead_action == DeadAction::Delete {
        let content = state.sap.slots[zone].content.as_ref();
        let content = content.filter(|_| state.holds_slot(key.cluster, &name, zone));
        if content.is_some_and(|content| !state.sap.is_alive(content.document.key)) {
            findings.push(format!("{name} observes, and reports Ready over its dead key"));
        }
    }
}

/// Checks that a deleted object was released. Only a missing tenant may prevent that, while its slot must be cleaned up.
pub(crate) fn check_deleted_key(state: &State, key: &FinalKey<'_>, findings: &mut Vec<String>) {
    let status = key.object.status.as_ref();
    let is_used = status.is_some_and(|status| status.ledger().is_open());
    let has_tenant = state.clusters[key.cluster].tenants.contains_key(&key.object.spec.tenant_ref.name);
    if has_key_finalizer(&key.object.metadata) && (has_tenant || !is_used) {
        let (status, reason) = &key.ready;
        findings.push(format!("{} is deleted and was not released ({status} {reason})", key.name()));
    }
}

/// Returns the objects that keep failing and made too many calls in the quiet time, in words.
pub(crate) fn excessive_calls(state: &State) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, cluster) in state.clusters.iter().enumerate() {
        for object in cluster.keys.values() {
            let key = FinalKey::new(state, number, object);
            let name = key.name();
            let calls = state.remote_calls.iter();
            let calls = calls.filter(|(cluster, called)| *cluster == number && *called == name).count();
            // A key in the slot is tested periodically, so its holder calls more often.
            let holds_slot = state.holds_slot(number, &name, zone_index(&object.spec.tenant_ref.name));
            if key.is_active && key.ready.0 != "True" && !holds_slot && calls > MAX_QUIET_CALLS {
                findings.push(format!("{name} fails ({}) and made {calls} calls in three hours", key.ready.1));
            }
        }
    }
    findings
}
