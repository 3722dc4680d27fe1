//! The invariants of each step. The judge knows the truth, and what each pass was shown of it.

use std::time::Duration;

use kube::ResourceExt;

use crate::api::ALMServiceKey;
use crate::api::resolve::admits;
use crate::api::status::{ALMServiceKeyStatus, PendingOperation};
use crate::domain::policy::{AdoptionPolicy, DeadAction, DeletionPolicy, Mode, Policy};
use crate::domain::slot::{Owner, Ownership};
use crate::names::{TENANT_FINALIZER, condition};
use crate::simulation::actions::plain_name;
use crate::simulation::model::cluster::{Cluster, is_kept};
use crate::simulation::model::sap::{Filling, KeyNo, MARKER, Request, Write};
use crate::simulation::pass::{Pass, Truth, owner};
use crate::simulation::state::{Row, State};
use crate::simulation::tamper::NO_KEY;

/// How many refusals make a key a dead one.
const PROBES: usize = 4;

/// A status in a few words.
pub(crate) fn in_short(status: &ALMServiceKeyStatus) -> String {
    let ready = status.conditions.iter().find(|found| found.type_ == condition::READY);
    let ready = ready.map(|ready| format!("{} {}", ready.status, ready.reason)).unwrap_or_default();
    let pending = status.pending.as_ref().map(|pending| format!(" pending {:?}", pending.operation));
    let uploaded = status.uploaded.as_ref().map(|uploaded| format!(" uploaded at {}", uploaded.revision));
    format!("{ready}{}{}", pending.unwrap_or_default(), uploaded.unwrap_or_default())
}

/// A key was signed in with.
pub(crate) fn of_sign_in(state: &mut State, pass: usize, key: KeyNo, is_alive: bool) {
    let row = (state.passes[pass].process, state.passes[pass].uid(), key);
    if is_alive {
        state.passes[pass].proven.insert(key);
        state.rows.remove(&row);
    } else {
        let now = state.now;
        state.rows.entry(row).or_insert(Row { first: now, count: 0 }).count += 1;
    }
}

/// A status is written: something changes by it, and what it opens is kept by both finalizers.
pub(crate) fn of_status(state: &mut State, pass: usize, object: &ALMServiceKey, status: &ALMServiceKeyStatus) {
    if object.status.as_ref() == Some(status) {
        state.breaks("a status was written although nothing changed");
    }
    if serde_json::to_string(status).expect("a status is JSON").contains(MARKER) {
        state.breaks("a secret was written into a status");
    }
    if status.pending.is_none() {
        return;
    }
    if !is_kept(&object.metadata) {
        state.breaks("a write was recorded before the finalizer stood");
    }
    let tenant = state.clusters[state.passes[pass].cluster].tenants.get(&object.spec.tenant_ref.name);
    let is_held = tenant.is_none_or(|tenant| {
        tenant.metadata.deletion_timestamp.is_some()
            || tenant.finalizers().iter().any(|finalizer| finalizer == TENANT_FINALIZER)
    });
    if !is_held {
        state.breaks("a write was recorded before the tenant was kept from going");
    }
}

/// An object is let go: nothing of it stands in the slot, and nothing is on its way there.
pub(crate) fn of_release(state: &mut State, pass: usize) {
    let (zone, uid, me) = (state.passes[pass].zone, state.passes[pass].uid(), state.passes[pass].owner(state));
    let cluster = state.passes[pass].cluster;
    let observes = state.passes[pass].policy().is_some_and(|policy| policy.mode == Mode::Observe);
    let abandoned = is_abandoned(state.passes[pass].object.as_ref());
    if observes || abandoned {
        state.clusters[cluster].let_go.insert(uid);
        return;
    }
    let place = &state.sap.places[zone];
    let (stands, revision) = (holder(place.filling.as_ref()) == Some(&me), place.revision());
    let cannot_look = state.clusters[cluster].tampered.contains_key(&uid) && state.passes[pass].tenant.is_none();
    if stands && !cannot_look && !came_unseen(state, pass, zone, &uid) {
        state.breaks("an object was released while its key stood in the slot");
    }
    let may_land = |held: &&Request| {
        let by = &state.passes[held.pass];
        held.zone == zone && held.revision == revision && by.cluster == cluster && by.uid() == uid
    };
    let on_its_way = state.sap.held_back.iter().filter(may_land);
    let forgotten: Vec<bool> = on_its_way.map(|held| is_forgotten(&state.clusters[cluster], &uid, held.pass)).collect();
    if forgotten.contains(&false) {
        state.breaks("an object was released while a write of it could still take effect");
    }
    if stands || !forgotten.is_empty() {
        state.clusters[cluster].let_go.insert(uid);
    }
}

/// Whether somebody else may have taken away that a pass of an object wrote. What the ledger is forged or robbed of stands
/// in the slot all the same; only of a write that is still under way does nothing but the ledger tell.
fn is_forgotten(cluster: &Cluster, uid: &str, pass: usize) -> bool {
    cluster.tampered.get(uid).is_some_and(|begun| pass < *begun)
}

/// Whether what is in the slot came there by such a write, and after the last look of a pass.
fn came_unseen(state: &State, pass: usize, zone: usize, uid: &str) -> bool {
    let (place, pass) = (&state.sap.places[zone], &state.passes[pass]);
    let forgotten = place.late.is_some_and(|by| is_forgotten(&state.clusters[pass.cluster], uid, by));
    forgotten && pass.looked.as_ref() != Some(&place.revision())
}

/// A tenant is let go: no key of its objects stands in its slot.
pub(crate) fn of_tenant_release(state: &mut State, number: usize, name: &str) {
    let (pass, zone) = (&state.passes[number], crate::simulation::operator::zone(name));
    let it = &state.clusters[pass.cluster];
    // One that stays gets its finalizer back before anything is written.
    if it.tenants.get(name).is_none_or(|tenant| tenant.metadata.deletion_timestamp.is_none()) {
        return;
    }
    let Some(holder) = holder(state.sap.places[zone].filling.as_ref()) else { return };
    let stands = it.keys.get(&holder.name).is_some_and(|key| {
        let uid = key.uid().unwrap_or_default();
        key.spec.tenant_ref.name == name
            && !is_made_since(it, pass, key)
            && !it.let_go.contains(&uid)
            && !came_unseen(state, number, zone, &uid)
    });
    if stands && holder.cluster_id == it.id {
        state.breaks("a tenant was let go while a key of one of its objects stood in the slot");
    }
}

fn is_abandoned(object: Option<&ALMServiceKey>) -> bool {
    object.is_some_and(|object| object.annotations().get(crate::names::annotation::ABANDON) == object.uid().as_ref())
}

fn holder(filling: Option<&Filling>) -> Option<&Owner> {
    filling.and_then(|filling| filling.owner.as_ref()).map(|held| &held.owner)
}

/// A write is sent.
pub(crate) fn of_request(state: &mut State, request: &Request) {
    let pass = &state.passes[request.pass];
    let Some(Policy { mode, suspend, adoption, .. }) = pass.policy() else {
        return state.breaks("a pass wrote that never read its object");
    };
    let deleting = pass.is_deleting();
    let fills = match &request.write {
        Write::Put { .. } => true,
        Write::SetOwner { owner: Some(held) } => held.owner == pass.owner(state),
        Write::SetOwner { owner: None } | Write::Delete => false,
    };
    let is_open = pass.tenant.as_ref().is_some_and(|tenant| {
        tenant.metadata.deletion_timestamp.is_none()
            && admits(&tenant.spec, crate::simulation::model::cluster::NAMESPACE)
    });
    let what = if pass.is_cut {
        "a write followed one of the status that had failed"
    } else if mode == Mode::Observe {
        "an observing object wrote"
    } else if suspend && !deleting {
        "a suspended object wrote"
    } else if fills && deleting {
        "an object that was being deleted filled the slot"
    } else if fills && !is_open {
        "a key was put for an object that its tenant does not admit"
    } else if matches!(&request.write, Write::Put { key, .. } if !pass.proven.contains(key)) {
        "a key was put that this very pass had not proven"
    } else if matches!(request.write, Write::SetOwner { .. }) && fills && adoption == AdoptionPolicy::Never {
        "a key was taken over although the tenant says Never"
    } else if matches!(&request.write, Write::SetOwner { owner: Some(heir) } if !fills && is_no_more(state, request, heir))
    {
        "a key of ours was handed to an heir that is no more"
    } else if !is_recorded(state, request, fills) {
        "a write was sent that is not recorded as pending"
    } else {
        return;
    };
    state.breaks(what);
}

/// Whether a key of the sender is to go to an object of its cluster that is not there.
fn is_no_more(state: &State, request: &Request, heir: &Ownership) -> bool {
    let pass = &state.passes[request.pass];
    let is_ours = state.holds(pass.cluster, &pass.name, request.zone);
    let cluster = &state.clusters[pass.cluster];
    is_ours && heir.owner.cluster_id == cluster.id && !cluster.keys.contains_key(&heir.owner.name)
}

/// Whether the write stands in the status of its object, unless somebody else has written that since.
fn is_recorded(state: &State, request: &Request, fills: bool) -> bool {
    let pass = &state.passes[request.pass];
    let cluster = &state.clusters[pass.cluster];
    let uid = pass.uid();
    let Some(key) = cluster.keys.get(&pass.name).filter(|key| key.metadata.uid.as_deref() == Some(&uid)) else {
        return false;
    };
    let operation = match request.write {
        Write::Put { .. } => PendingOperation::Upload,
        Write::SetOwner { .. } if fills => PendingOperation::Adopt,
        Write::SetOwner { .. } => PendingOperation::Release,
        Write::Delete => PendingOperation::Delete,
    };
    let pending = key.status.as_ref().and_then(|status| status.pending.as_ref());
    let written_since = cluster.tampered.contains_key(&uid) && key.metadata.resource_version != pass.version;
    written_since || pending.is_some_and(|it| it.operation == operation && it.revision == request.revision.as_str())
}

/// A write takes effect, now or late.
pub(crate) fn of_effect(state: &mut State, request: &Request) {
    let before = state.sap.places[request.zone].filling.clone();
    let what = match &request.write {
        Write::Put { key, owner } => put(state, request, *key, owner, before.as_ref()),
        Write::SetOwner { owner } => owned(state, request, owner.as_ref(), before.as_ref()),
        Write::Delete => deleted(state, request, before.as_ref()),
    };
    if let Some(what) = what {
        state.breaks(what);
    }
}

/// Whether nobody looks after a key: no owner, or one of `pass`'s cluster that is no more.
fn is_nobodys(state: &State, pass: &Pass, held: Option<&Ownership>) -> bool {
    let Some(Ownership { owner, .. }) = held else { return true };
    let cluster = &state.clusters[pass.cluster];
    let no_more = |key: &ALMServiceKey| is_made_since(cluster, pass, key);
    owner.cluster_id == cluster.id && cluster.keys.get(&owner.name).is_none_or(no_more)
}

/// Whether an object may have come after a pass began.
fn is_made_since(cluster: &Cluster, pass: &Pass, key: &ALMServiceKey) -> bool {
    cluster.made_at.get(&key.uid().unwrap_or_default()).is_some_and(|made| *made >= pass.began)
}

fn put(state: &State, request: &Request, key: KeyNo, me: &Owner, before: Option<&Filling>) -> Option<&'static str> {
    let pass = &state.passes[request.pass];
    let cluster = &state.clusters[pass.cluster];
    let uid = pass.uid();
    if !cluster.has(&pass.name, &uid) && !cluster.let_go.contains(&uid) {
        return Some("a late write filled the slot for an object that had gone");
    }
    let Filling { key: there, owner: held } = before?;
    let holder = held.as_ref().map(|held| &held.owner);
    if holder == Some(me) {
        let is_retry = pass.pending.as_deref() == Some(request.revision.as_str());
        let again = *there == key && !is_retry && !is_misled(cluster, pass, request);
        return again.then_some("a key was uploaded again while it stood there");
    }
    if holder.is_some_and(|owner| owner.cluster_id == cluster.id) && !is_nobodys(state, pass, held.as_ref()) {
        return Some("the key of a sibling was replaced");
    }
    let may_replace = pass.policy().is_some_and(|policy| policy.adoption == AdoptionPolicy::Replace);
    (!may_replace).then_some("a key was replaced that is not ours, and the tenant does not say Replace")
}

/// Whether somebody else has written into the ledger that another key stands at this revision: only to read the key itself
/// each time, which the ledger is there to save, would tell better.
fn is_misled(cluster: &Cluster, pass: &Pass, request: &Request) -> bool {
    let status = pass.object.as_ref().and_then(|object| object.status.as_ref());
    let forged = status.and_then(|status| status.uploaded.as_ref()).filter(|it| it.fingerprint == NO_KEY);
    cluster.tampered.contains_key(&pass.uid()) && forged.is_some_and(|it| it.revision == request.revision.as_str())
}

fn owned(state: &State, request: &Request, to: Option<&Ownership>, before: Option<&Filling>) -> Option<&'static str> {
    let pass = &state.passes[request.pass];
    let me = pass.owner(state);
    let Filling { key, owner: held } = before?;
    let policy = pass.policy()?;
    let is_ours = held.as_ref().is_some_and(|held| held.owner == me);
    match (is_ours, to) {
        (false, Some(Ownership { owner, .. })) if *owner == me => {
            let what = "a key was taken over that is somebody's or was not proven";
            (!is_nobodys(state, pass, held.as_ref()) || !pass.proven.contains(key)).then_some(what)
        }
        (false, to) => {
            let same = to == held.as_ref() || (to.is_none() && is_nobodys(state, pass, held.as_ref()));
            (!same).then_some("somebody else's key was given to another owner")
        }
        (true, None) => {
            let may_stay = policy.deletion == DeletionPolicy::Retain || pass.own_kind_is_going;
            let adopted = held.as_ref().is_some_and(|held| held.adopted);
            (!may_stay && !adopted).then_some("a key of ours was left to nobody")
        }
        (true, Some(Ownership { owner: heir, .. })) => {
            let cluster = &state.clusters[pass.cluster];
            let had = [heir.name.clone(), plain_name(&heir.name)]
                .iter()
                .any(|source| cluster.held.get(source).is_some_and(|keys| keys.contains(key)));
            (!had && *heir != me).then_some("an heir was given a key that its source never held")
        }
    }
}

fn deleted(state: &State, request: &Request, before: Option<&Filling>) -> Option<&'static str> {
    let Filling { key, owner: held } = before?;
    let pass = &state.passes[request.pass];
    let held = held.as_ref().filter(|held| held.owner == owner(&state.clusters[pass.cluster], &pass.name));
    let Some(Ownership { adopted, .. }) = held else { return Some("a key was deleted that is not ours") };
    let policy = pass.policy()?;
    if !is_dead(state, pass, *key, policy.dead_after) {
        return living(state, pass, *key, *adopted, &policy);
    }
    let stands = pass.source == Truth::Stands && !pass.is_deleting();
    (stands && policy.dead_action == DeadAction::Report).then_some("a dead key was deleted that is only to be reported")
}

/// Whether the process of a pass has seen enough to call a key dead.
fn is_dead(state: &State, pass: &Pass, key: KeyNo, after: Duration) -> bool {
    let row = state.rows.get(&(pass.process, pass.uid(), key));
    row.is_some_and(|row| row.count >= PROBES && row.first + after <= state.now)
}

/// What is wrong with the deletion of a key that is not proven to be dead.
fn living(state: &State, pass: &Pass, key: KeyNo, adopted: bool, policy: &Policy) -> Option<&'static str> {
    let refused = state.rows.contains_key(&(pass.process, pass.uid(), key));
    if adopted {
        return Some("a key that was there before us was deleted, and is not proven to be dead");
    }
    if policy.deletion == DeletionPolicy::Retain || pass.own_kind_is_going {
        return Some("a living key was deleted that is to be retained");
    }
    if pass.is_deleting() {
        return None;
    }
    match pass.source {
        Truth::NotRead | Truth::Stands => Some("a living key was deleted although its source stood"),
        Truth::Gone { since, with_its_kind } => {
            let absent = state.now.saturating_sub(since);
            let needed = if with_its_kind { policy.grace_period.max(policy.dead_after) } else { policy.grace_period };
            (absent < needed && !refused).then_some("a living key was deleted on a moment's absence")
        }
    }
}

/// A pass has ended with a verdict.
pub(crate) fn of_end(state: &mut State, pass: usize) {
    let Pass { cluster, name, object, .. } = &state.passes[pass];
    let generation = object.as_ref().and_then(|object| object.metadata.generation);
    let stored =
        state.clusters[*cluster].keys.get(name).filter(|key| key.uid() == object.as_ref().and_then(ResourceExt::uid));
    // What somebody else has written meanwhile is for the next pass.
    let it = &state.passes[pass];
    let is_its_own = |key: &&ALMServiceKey| {
        !state.clusters[*cluster].tampered.contains_key(&it.uid()) || key.resource_version() == it.version
    };
    let observed =
        stored.filter(is_its_own).and_then(|key| key.status.as_ref()).map(|status| status.observed_generation);
    if observed.is_some() && observed < generation {
        state.breaks("a pass ended, and observedGeneration did not advance");
    }
}
