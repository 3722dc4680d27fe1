//! The checks of a release in manual mode: a person is asked to remove the key of the object, if it may be in the app.

use kube::ResourceExt;

use super::requests::is_overtaken;
use crate::domain::policy::DeletionPolicy;
use crate::domain::record::RecordedContent;
use crate::domain::service_key::fingerprint::KeyFingerprint;
use crate::simulation::state::State;

/// Checks the release of an object that its owner did not abandon.
pub(crate) fn check_key_release(state: &mut State, number: usize) {
    let reconciliation = &state.reconciliations[number];
    let (cluster, zone, uid) = (reconciliation.cluster, reconciliation.zone, reconciliation.uid());
    let Some(object) = &reconciliation.object else { return };
    let is_retained = reconciliation.own_kind_is_terminating
        || reconciliation.policy().is_some_and(|policy| policy.deletion == DeletionPolicy::Retain);
    let is_tampered = state.clusters[cluster].tampered.contains_key(&uid)
        || is_overtaken(state, number, &object.spec.tenant_ref.name);
    let record = state.record(cluster, &object.spec.tenant_ref.name);
    let Some(record) = record.filter(|_| !is_tampered && !is_retained) else {
        state.clusters[cluster].released_uncleaned.insert(uid);
        return;
    };
    let mut violation = None;
    if record.owner() == Some(&state.owner(reconciliation)) {
        violation = Some("an object was released while the record names it as the owner of the key");
    }
    // A person may act on steps that are no longer current. The operator cannot know that.
    let base = reconciliation.removal_based_on.as_ref().unwrap_or(&record.revision);
    let upload = state.upload_in_app(zone).filter(|upload| upload.uid == uid && upload.cluster == cluster);
    let is_restored = state.log.restored.contains(base.as_str());
    let is_current = upload.is_some_and(|upload| upload.based_on.as_ref() == Some(base)) && !is_restored;
    let uploaded = object.status.as_ref().and_then(|status| status.ledger().uploaded);
    let is_in_ledger = |key: &KeyFingerprint| uploaded.as_ref().is_some_and(|uploaded| uploaded.fingerprint == *key);
    let key = state.sap.slot_fingerprint(zone).filter(|_| upload.is_some());
    let is_left_unknown = key.is_some() && !is_current;
    let key = key.filter(|key| is_current || (is_in_ledger(key) && !is_restored));
    let is_left = key.as_ref().is_some_and(|key| {
        let is_asked = record.removal.as_ref().is_some_and(|removal| removal.keys.contains(key));
        let is_known = matches!(&record.content, RecordedContent::Key { fingerprint, .. } if fingerprint == key);
        !is_asked && !is_known
    });
    if is_left_unknown {
        state.clusters[cluster].released_uncleaned.insert(uid);
    }
    if is_left {
        violation = Some("an object was released, and nobody is asked to remove its key from the app");
    }
    if let Some(message) = violation {
        state.record_violation(message);
    }
}

/// Checks the release of a tenant: no object that the record names exists.
pub(crate) fn check_tenant_release(state: &mut State, number: usize, name: &str) {
    let cluster = state.reconciliations[number].cluster;
    let owner = state.record(cluster, name).and_then(|record| record.owner().map(|owner| owner.name.clone()));
    let is_needed = owner.and_then(|owner| state.clusters[cluster].keys.get(&owner)).is_some_and(|key| {
        let uid = key.uid().unwrap_or_default();
        key.spec.tenant_ref.name == name && !state.clusters[cluster].tampered.contains_key(&uid)
    });
    if is_needed && !is_overtaken(state, number, name) {
        state.record_violation("a tenant was released while its record names one of its objects");
    }
}
