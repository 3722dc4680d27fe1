//! What must be so once nothing has happened for long enough.

use std::time::Duration;

use kube::ResourceExt;

use crate::api::ALMServiceKey;
use crate::api::resolve::{admits, policy};
use crate::domain::policy::{AdoptionPolicy, DeadAction, DeletionPolicy, Mode, Policy};
use crate::domain::reason::Reason;
use crate::names::condition;
use crate::simulation::model::cluster::{Cluster, NAMESPACE, is_kept};
use crate::simulation::model::sap::{Filling, KeyNo};
use crate::simulation::operator::zone;
use crate::simulation::pass::{Truth, truth};
use crate::simulation::state::State;

/// What a permanently failing object may call in the last of the quiet hours.
pub(crate) const CALLS: usize = 16;
/// How long it is quiet before all must have come to rest.
pub(crate) const REST: Duration = Duration::from_hours(7);
/// How long nothing may be written then.
pub(crate) const STILL: Duration = Duration::from_hours(3);

/// The valid key that a source shows, if it shows one.
pub(crate) fn source_key(cluster: &Cluster, object: &ALMServiceKey) -> Option<KeyNo> {
    if let Some(secret) = &object.spec.source.secret_ref {
        cluster.secrets.get(&secret.name)?;
        return cluster.pasted.get(&secret.name).copied().flatten();
    }
    let name = &object.spec.source.service_binding_ref.as_ref()?.name;
    let binding = cluster.bindings.get(name).filter(|binding| !binding.is_going() && binding.id.is_some())?;
    cluster.secrets.get(name)?;
    Some(binding.key)
}

/// An object as the judge sees it in the end.
struct Seen<'a> {
    cluster: usize,
    object: &'a ALMServiceKey,
    policy: Policy,
    /// Its key belongs into the slot.
    eligible: Option<KeyNo>,
    /// Nothing keeps it from being looked after.
    is_served: bool,
    /// Its tenant admits it.
    is_admitted: bool,
    ready: (String, String),
}

fn seen<'a>(state: &'a State, cluster: usize, object: &'a ALMServiceKey) -> Seen<'a> {
    let it = &state.clusters[cluster];
    let tenant = it.tenants.get(&object.spec.tenant_ref.name);
    let policy = policy(&object.spec, tenant.map(|tenant| &tenant.spec));
    let is_served = tenant.is_some() && policy.mode == Mode::Enforce && !policy.suspend;
    let is_admitted = tenant.is_some_and(|tenant| admits(&tenant.spec, NAMESPACE));
    let is_open = is_admitted && tenant.is_some_and(|tenant| tenant.metadata.deletion_timestamp.is_none());
    let wants = is_served && is_open && object.metadata.deletion_timestamp.is_none();
    let alive = source_key(it, object).filter(|key| state.sap.is_alive(*key));
    let conditions = object.status.iter().flat_map(|status| &status.conditions);
    let ready = conditions.into_iter().find(|found| found.type_ == condition::READY);
    let ready = ready.map(|ready| (ready.status.clone(), ready.reason.clone())).unwrap_or_default();
    Seen { cluster, object, policy, eligible: alive.filter(|_| wants), is_served, is_admitted, ready }
}

/// All that is not as it should be.
pub(crate) fn unsettled(state: &State) -> Vec<String> {
    let mut found = Vec::new();
    for zone in 0..2 {
        let all = state.clusters.iter().enumerate().flat_map(|(cluster, it)| {
            let mine = it.keys.values().filter(move |key| self::zone(&key.spec.tenant_ref.name) == zone);
            mine.map(move |key| (cluster, key))
        });
        let all: Vec<Seen<'_>> = all.map(|(cluster, key)| seen(state, cluster, key)).collect();
        of_slot(state, zone, &all, &mut found);
        for cluster in 0..2 {
            let owning = |it: &&Seen<'_>| {
                it.cluster == cluster
                    && it.is_served
                    && it.object.status.as_ref().is_some_and(|it| it.uploaded.is_some())
            };
            if all.iter().filter(owning).count() > 1 {
                found.push("two siblings both say that their key stands in the slot".into());
            }
        }
        for one in &all {
            of_object(state, zone, one, &mut found);
        }
    }
    found
}

/// Whoever may fill the slot has done so.
fn of_slot(state: &State, zone: usize, all: &[Seen<'_>], found: &mut Vec<String>) {
    let wanting: Vec<&Seen<'_>> = all.iter().filter(|one| one.eligible.is_some()).collect();
    let Some(filling) = &state.sap.places[zone].filling else {
        if let Some(one) = wanting.first() {
            found.push(format!("the slot is empty, and {} has a key for it", one.object.name_any()));
        }
        return;
    };
    let held_by = |cluster: usize| {
        let it = &state.clusters[cluster];
        filling.owner.as_ref().filter(|held| held.owner.cluster_id == it.id).map(|held| &held.owner.name)
    };
    for one in wanting {
        let held_here = held_by(one.cluster).is_some_and(|name| {
            state.clusters[one.cluster].keys.get(name).is_some_and(|key| self::zone(&key.spec.tenant_ref.name) == zone)
        });
        let nobodys = !held_here && (filling.owner.is_none() || held_by(one.cluster).is_some());
        let overwritten = one.object.status.as_ref().is_some_and(|status| status.overwritten.is_some());
        let name = one.object.name_any();
        if nobodys && one.policy.adoption != AdoptionPolicy::Never && one.eligible == Some(filling.key) {
            found.push(format!("nobody's key in the slot is that of {name}, and was not taken over"));
        }
        if !held_here && one.policy.adoption == AdoptionPolicy::Replace && !overwritten {
            found.push(format!("the slot holds a foreign key, and {name} may replace it"));
        }
    }
}

fn of_object(state: &State, zone: usize, one: &Seen<'_>, found: &mut Vec<String>) {
    let name = one.object.name_any();
    let cluster = &state.clusters[one.cluster];
    let holds = state.holds(one.cluster, &name, zone);
    let is_open =
        one.object.status.as_ref().is_some_and(|status| status.uploaded.is_some() || status.pending.is_some());
    let has_tenant = cluster.tenants.contains_key(&one.object.spec.tenant_ref.name);
    if one.object.metadata.deletion_timestamp.is_some() {
        if is_kept(&one.object.metadata) && (has_tenant || !is_open) {
            found.push(format!("{name} is deleted and was not released ({} {})", one.ready.0, one.ready.1));
        }
        return;
    }
    // A tenant that does not admit an object is not looked at for one that says it has nothing there: if that is so because
    // its status was lost, its key stays until the tenant admits it again or the object is deleted.
    let is_overlooked = !one.is_admitted && cluster.tampered.contains_key(&one.object.uid().unwrap_or_default());
    if !one.is_served || is_overlooked {
        return;
    }
    let right = holds && state.sap.places[zone].filling.as_ref().map(|it| it.key) == source_key(cluster, one.object);
    if one.ready.0 == "True" && !right {
        found.push(format!("{name} says that it is ready, and its key does not stand in the slot"));
    }
    if right && one.eligible.is_some() && one.ready != ("True".into(), Reason::Uploaded.as_str().into()) {
        found.push(format!("the key of {name} stands in the slot, and it says {} {}", one.ready.0, one.ready.1));
    }
    let Some(Filling { key, owner: Some(held) }) = state.sap.places[zone].filling.as_ref().filter(|_| holds) else {
        return;
    };
    if one.eligible.is_some_and(|eligible| eligible != *key) {
        found.push(format!("the slot holds another key of {name} than its source"));
    }
    if !state.sap.is_alive(*key) && one.policy.dead_action == DeadAction::Delete {
        found.push(format!("the slot holds a dead key of {name}"));
    }
    let gone = matches!(truth(cluster, one.object), Truth::Gone { .. });
    if gone && !held.adopted && (one.policy.deletion == DeletionPolicy::Delete || state.sap.is_alive(*key)) {
        found.push(format!("the slot holds a key of {name}, whose source is gone"));
    }
}

/// Objects that fail for good and call more than they may.
pub(crate) fn too_eager(state: &State) -> Vec<String> {
    let mut found = Vec::new();
    for (number, cluster) in state.clusters.iter().enumerate() {
        for key in cluster.keys.values() {
            let one = seen(state, number, key);
            let name = key.name_any();
            let calls = state.calls.iter().filter(|(cluster, called)| *cluster == number && *called == name).count();
            // A key that stands is tested, whatever its source says.
            let holds = state.holds(number, &name, zone(&key.spec.tenant_ref.name));
            if one.is_served && one.ready.0 != "True" && !holds && calls > CALLS {
                found.push(format!("{name} fails ({}) and made {calls} calls in three hours", one.ready.1));
            }
        }
    }
    found
}
