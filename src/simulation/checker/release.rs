//! The checks of a release: no key of the object or tenant is in its slot, and none can still arrive there.

use kube::ResourceExt;

use super::safety::is_created_since;
use crate::api::ALMServiceKey;
use crate::domain::policy::Mode;
use crate::names::annotation;
use crate::simulation::manual;
use crate::simulation::model::cluster::Cluster;
use crate::simulation::model::sap::{SlotContent, WriteRequest, zone_index};
use crate::simulation::state::State;

/// Checks the release of an object: its key is not in the slot, and none of its writes can still arrive there.
pub(crate) fn check_key_release(state: &mut State, number: usize) {
    let reconciliation = &state.reconciliations[number];
    let (cluster, zone, uid) = (reconciliation.cluster, reconciliation.zone, reconciliation.uid());
    let observes = reconciliation.policy().is_some_and(|policy| policy.mode == Mode::Observe);
    if observes || is_abandoned(reconciliation.object.as_ref()) {
        state.clusters[cluster].released_uncleaned.insert(uid);
        return;
    }
    if state.is_manual {
        return manual::release::check_key_release(state, number);
    }
    let slot = &state.sap.slots[zone];
    let revision = slot.revision();
    let holds_slot = state.holds_slot(cluster, &reconciliation.name, zone);
    let cannot_read = state.clusters[cluster].tampered.contains_key(&uid) && reconciliation.tenant.is_none();
    let key_left = holds_slot && !cannot_read && !came_unnoticed(state, number, zone, &uid);
    let may_arrive = |write: &&WriteRequest| {
        let sender = &state.reconciliations[write.reconciliation];
        write.zone == zone && write.revision == revision && sender.cluster == cluster && sender.uid() == uid
    };
    let delayed = state.sap.delayed_writes.iter().filter(may_arrive);
    let is_lost = |write: &WriteRequest| is_record_lost(&state.clusters[cluster], &uid, write.reconciliation);
    let records_lost: Vec<bool> = delayed.map(is_lost).collect();
    if key_left {
        state.record_violation("an object was released while its key was in the slot");
    }
    if records_lost.contains(&false) {
        state.record_violation("an object was released while one of its writes could still take effect");
    }
    if holds_slot || !records_lost.is_empty() {
        state.clusters[cluster].released_uncleaned.insert(uid);
    }
}

/// Returns true if another client may have removed the record of a write.
///
/// A key in the slot can be found without the ledger. A write under way cannot.
fn is_record_lost(cluster: &Cluster, uid: &str, writer: usize) -> bool {
    cluster.tampered.get(uid).is_some_and(|begun| writer < *begun)
}

/// Returns true if a write without a record has filled the slot since the reconciliation last read it.
fn came_unnoticed(state: &State, number: usize, zone: usize, uid: &str) -> bool {
    let (slot, reconciliation) = (&state.sap.slots[zone], &state.reconciliations[number]);
    let cluster = &state.clusters[reconciliation.cluster];
    let is_lost = slot.delayed_writer.is_some_and(|writer| is_record_lost(cluster, uid, writer));
    is_lost && reconciliation.slot_revision.as_ref() != Some(&slot.revision())
}

/// Checks the release of a tenant: no key of its objects is in its slot.
pub(crate) fn check_tenant_release(state: &mut State, number: usize, name: &str) {
    let (reconciliation, zone) = (&state.reconciliations[number], zone_index(name));
    let cluster = &state.clusters[reconciliation.cluster];
    // A tenant that is not being deleted gets its finalizer back before the next write.
    if cluster.tenants.get(name).is_none_or(|tenant| tenant.metadata.deletion_timestamp.is_none()) {
        return;
    }
    if state.is_manual {
        return manual::release::check_tenant_release(state, number, name);
    }
    let Some(holder) = state.sap.slots[zone].content.as_ref().and_then(SlotContent::owner) else { return };
    let is_needed = cluster.keys.get(&holder.name).is_some_and(|key| {
        let uid = key.uid().unwrap_or_default();
        key.spec.tenant_ref.name == name
            && !is_created_since(cluster, reconciliation, key)
            && !cluster.released_uncleaned.contains(&uid)
            && !came_unnoticed(state, number, zone, &uid)
    });
    if is_needed && holder.cluster_id == cluster.id {
        state.record_violation("a tenant was released while a key of one of its objects was in the slot");
    }
}

fn is_abandoned(object: Option<&ALMServiceKey>) -> bool {
    object.is_some_and(|object| object.annotations().get(annotation::ABANDON) == object.uid().as_ref())
}
