//! The safety checker: the invariants of each step. It knows the truth, and what each reconciliation was shown of it.

use std::time::Duration;

use kube::ResourceExt;

use crate::api::ALMServiceKey;
use crate::api::resolve::admits;
use crate::api::status::{ALMServiceKeyStatus, PendingOperation};
use crate::domain::policy::{AdoptionPolicy, DeadAction, DeletionPolicy, Mode, Policy};
use crate::domain::reason::Reason;
use crate::domain::slot::Ownership;
use crate::names::{TENANT_FINALIZER, condition};
use crate::simulation::manual;
use crate::simulation::model::cluster::{Cluster, NAMESPACE, has_key_finalizer, plain_secret_name};
use crate::simulation::model::document::KeyDocument;
use crate::simulation::model::sap::{CANARY, KeyNumber, SlotContent, SlotWrite, WriteRequest};
use crate::simulation::reconciliation::{Reconciliation, SourceTruth};
use crate::simulation::state::{Refusals, State};
use crate::simulation::tamper::FORGED_FINGERPRINT;

/// The number of consecutive refusals that prove a key to be dead.
const DEATH_REFUSALS: usize = 4;

/// Returns a status in a few words, for the trace.
pub(crate) fn summary(status: &ALMServiceKeyStatus) -> String {
    let ready = status.conditions.iter().find(|found| found.type_ == condition::READY);
    let ready = ready.map(|ready| format!("{} {}", ready.status, ready.reason)).unwrap_or_default();
    let pending = status.pending.as_ref().map(|pending| format!(" pending {:?}", pending.operation));
    let uploaded = status.uploaded.as_ref().map(|uploaded| format!(" uploaded at {}", uploaded.revision));
    format!("{ready}{}{}", pending.unwrap_or_default(), uploaded.unwrap_or_default())
}

/// Records a sign-in and its refusal, if it was refused.
pub(crate) fn record_sign_in(state: &mut State, reconciliation: usize, document: KeyDocument, refusal: Option<Reason>) {
    let Reconciliation { process, .. } = state.reconciliations[reconciliation];
    let entry = (process, state.reconciliations[reconciliation].uid(), document.key);
    let Some(reason) = refusal else {
        state.reconciliations[reconciliation].proven.insert(document);
        state.refusals.remove(&entry);
        return;
    };
    let now = state.now;
    let refusals = state.refusals.entry(entry).or_insert(Refusals { first: now, count: 0, by_credentials: false });
    refusals.count += 1;
    refusals.by_credentials |= reason == Reason::CredentialsRefused;
}

/// Checks a status write: it changes something and quotes no secret. Both finalizers exist before a write is pending.
pub(crate) fn check_status_write(
    state: &mut State,
    reconciliation: usize,
    object: &ALMServiceKey,
    status: &ALMServiceKeyStatus,
) {
    if object.status.as_ref() == Some(status) {
        state.record_violation("a status was written although nothing had changed");
    }
    manual::requests::check_key_write(state, reconciliation, object, status);
    if serde_json::to_string(status).expect("a status is JSON").contains(CANARY) {
        state.record_violation("a secret was written into a status");
    }
    // A pending write that another client put into the status was not recorded by the operator.
    let is_unchanged = object.status.as_ref().is_some_and(|before| before.pending == status.pending);
    let is_tampered = state.clusters[state.reconciliations[reconciliation].cluster]
        .tampered
        .contains_key(&object.uid().unwrap_or_default());
    if status.pending.is_none() || (is_unchanged && is_tampered) {
        return;
    }
    if !has_key_finalizer(&object.metadata) {
        state.record_violation("a pending write was recorded before the object had the finalizer");
    }
    let cluster = &state.clusters[state.reconciliations[reconciliation].cluster];
    let tenant = cluster.tenants.get(&object.spec.tenant_ref.name);
    let is_protected = tenant.is_none_or(|tenant| {
        tenant.metadata.deletion_timestamp.is_some()
            || tenant.finalizers().iter().any(|finalizer| finalizer == TENANT_FINALIZER)
    });
    if !is_protected {
        state.record_violation("a pending write was recorded before the tenant had the finalizer");
    }
}

/// Checks a write to a slot as it is sent.
pub(crate) fn check_request(state: &mut State, request: &WriteRequest) {
    let reconciliation = &state.reconciliations[request.reconciliation];
    let Some(Policy { mode, suspend, adoption, .. }) = reconciliation.policy() else {
        return state.record_violation("a reconciliation wrote without having read its object");
    };
    let deleting = reconciliation.is_deleting();
    let claims_slot = match &request.write {
        SlotWrite::Put { .. } => true,
        SlotWrite::SetOwner { owner: Some(ownership) } => ownership.owner == state.owner(reconciliation),
        SlotWrite::SetOwner { owner: None } | SlotWrite::Delete => false,
    };
    let is_admitted = reconciliation
        .tenant
        .as_ref()
        .is_some_and(|tenant| tenant.metadata.deletion_timestamp.is_none() && admits(&tenant.spec, NAMESPACE));
    let is_unproven =
        matches!(&request.write, SlotWrite::Put { document, .. } if !reconciliation.proven.contains(document));
    let adopts = claims_slot && matches!(request.write, SlotWrite::SetOwner { .. });
    let message = if reconciliation.api_write_failed {
        "a write to the slot followed a failed write to the API server"
    } else if mode == Mode::Observe {
        "an observing object wrote"
    } else if suspend && !deleting {
        "a suspended object wrote"
    } else if claims_slot && deleting {
        "an object that was being deleted claimed the slot"
    } else if claims_slot && !is_admitted {
        "a key was written for an object that its tenant does not admit"
    } else if is_unproven {
        "a key was uploaded that this reconciliation had not proven"
    } else if adopts && adoption == AdoptionPolicy::Never {
        "a key was adopted although the tenant says Never"
    } else if hands_over_to_missing(state, request, claims_slot) {
        "a key was handed over to an heir that does not exist"
    } else if !is_recorded(state, request, claims_slot) {
        "a write was sent without a pending record in the status"
    } else {
        return;
    };
    state.record_violation(message);
}

/// Returns true if a key of the sender goes to an object of its cluster that does not exist.
fn hands_over_to_missing(state: &State, request: &WriteRequest, claims_slot: bool) -> bool {
    let SlotWrite::SetOwner { owner: Some(heir) } = &request.write else { return false };
    let reconciliation = &state.reconciliations[request.reconciliation];
    let is_ours = state.holds_slot(reconciliation.cluster, &reconciliation.name, request.zone);
    let cluster = &state.clusters[reconciliation.cluster];
    let is_missing = heir.owner.cluster_id == cluster.id && !cluster.keys.contains_key(&heir.owner.name);
    !claims_slot && is_ours && is_missing
}

/// Returns true if the status records the write, or if another client has changed the status since.
fn is_recorded(state: &State, request: &WriteRequest, claims_slot: bool) -> bool {
    let reconciliation = &state.reconciliations[request.reconciliation];
    let cluster = &state.clusters[reconciliation.cluster];
    let uid = reconciliation.uid();
    let stored = cluster.keys.get(&reconciliation.name);
    let Some(key) = stored.filter(|key| key.metadata.uid.as_deref() == Some(&uid)) else { return false };
    let operation = match request.write {
        SlotWrite::Put { .. } => PendingOperation::Upload,
        SlotWrite::SetOwner { .. } if claims_slot => PendingOperation::Adopt,
        SlotWrite::SetOwner { .. } => PendingOperation::Release,
        SlotWrite::Delete => PendingOperation::Delete,
    };
    if cluster.tampered.contains_key(&uid) && key.metadata.resource_version != reconciliation.object_version {
        return true;
    }
    let pending = key.status.as_ref().and_then(|status| status.pending.as_ref());
    pending.is_some_and(|pending| pending.operation == operation && pending.revision == request.revision.as_str())
}

/// Checks a write to a slot as it takes effect, at once or delayed.
pub(crate) fn check_effect(state: &mut State, request: &WriteRequest) {
    let before = state.sap.slots[request.zone].content.as_ref();
    let message = match &request.write {
        SlotWrite::Put { document, owner } => check_put(state, request, *document, owner, before),
        SlotWrite::SetOwner { owner } => check_owner_change(state, request, owner.as_ref(), before),
        SlotWrite::Delete => check_deletion(state, request, before),
    };
    if let Some(message) = message {
        state.record_violation(message);
    }
}

/// Returns true if a slot has no owner, or one of the reconciliation's cluster that did not exist when it began.
fn is_unowned(state: &State, reconciliation: &Reconciliation, ownership: Option<&Ownership>) -> bool {
    let Some(Ownership { owner, .. }) = ownership else { return true };
    let cluster = &state.clusters[reconciliation.cluster];
    let is_newer = |key: &ALMServiceKey| is_created_since(cluster, reconciliation, key);
    owner.cluster_id == cluster.id && cluster.keys.get(&owner.name).is_none_or(is_newer)
}

/// Returns true if an object may have been created after the reconciliation began.
pub(crate) fn is_created_since(cluster: &Cluster, reconciliation: &Reconciliation, key: &ALMServiceKey) -> bool {
    let created_at = cluster.created_at.get(&key.uid().unwrap_or_default());
    created_at.is_some_and(|created_at| *created_at >= reconciliation.started_at)
}

fn check_put(
    state: &State,
    request: &WriteRequest,
    document: KeyDocument,
    Ownership { owner, adopted }: &Ownership,
    before: Option<&SlotContent>,
) -> Option<&'static str> {
    let reconciliation = &state.reconciliations[request.reconciliation];
    let cluster = &state.clusters[reconciliation.cluster];
    let uid = reconciliation.uid();
    if !cluster.has_key(&reconciliation.name, &uid) && !cluster.released_uncleaned.contains(&uid) {
        return Some("a late write filled the slot for an object that was gone");
    }
    let before_adopted = before.is_some_and(|before| before.owner() == Some(owner) && before.is_adopted());
    if *adopted != (before_adopted && before.is_some_and(|before| before.document.key == document.key)) {
        return Some("an upload changed whether the key counts as adopted");
    }
    let before = before?;
    let holder = before.owner();
    if holder == Some(owner) {
        let is_retry = reconciliation.pending_revision.as_deref() == Some(request.revision.as_str());
        let is_current = before.document.is_current(document, before.is_adopted());
        let is_repeated = is_current && !is_retry && !is_ledger_false(state, request, before.document);
        return is_repeated.then_some("a document was uploaded again while it was in the slot");
    }
    let is_same_cluster = holder.is_some_and(|holder| holder.cluster_id == cluster.id);
    if is_same_cluster && !is_unowned(state, reconciliation, before.owner.as_ref()) {
        return Some("the key of a sibling was replaced");
    }
    if before.owner.is_none() && before.document.is_same_key(document) {
        return Some("a key was uploaded that should have been adopted");
    }
    let may_replace = reconciliation.policy().is_some_and(|policy| policy.adoption == AdoptionPolicy::Replace);
    (!may_replace).then_some("a foreign key was replaced although the tenant does not say Replace")
}

/// Returns true if another client has written a ledger that claims another document at the revision of the request.
///
/// The ledger saves the operator from reading the key each time, so it cannot notice that.
fn is_ledger_false(state: &State, request: &WriteRequest, content: KeyDocument) -> bool {
    let reconciliation = &state.reconciliations[request.reconciliation];
    let status = reconciliation.object.as_ref().and_then(|object| object.status.as_ref());
    let uploaded = status.and_then(|status| status.uploaded.as_ref());
    let claimed = uploaded.filter(|uploaded| uploaded.revision == request.revision.as_str());
    let is_tampered = state.clusters[reconciliation.cluster].tampered.contains_key(&reconciliation.uid());
    is_tampered
        && claimed.is_some_and(|claimed| {
            claimed.fingerprint == FORGED_FINGERPRINT || claimed.client_id != state.sap.client_id(content)
        })
}

fn check_owner_change(
    state: &State,
    request: &WriteRequest,
    new: Option<&Ownership>,
    before: Option<&SlotContent>,
) -> Option<&'static str> {
    let reconciliation = &state.reconciliations[request.reconciliation];
    let me = state.owner(reconciliation);
    let SlotContent { document, owner: old } = before?;
    let policy = reconciliation.policy()?;
    let is_ours = old.as_ref().is_some_and(|old| old.owner == me);
    let is_unowned = is_unowned(state, reconciliation, old.as_ref());
    match (is_ours, new) {
        (false, Some(Ownership { owner, .. })) if *owner == me => {
            let has_signed_in = reconciliation.proven.iter().any(|proven| proven.is_same_key(*document));
            (!is_unowned || !has_signed_in).then_some("a key was adopted that had another owner or was not proven")
        }
        (false, new) => {
            let is_unchanged = new == old.as_ref() || (new.is_none() && is_unowned);
            let is_fence = reconciliation.pending_revision.as_deref() == Some(request.revision.as_str());
            if is_unchanged && !is_fence {
                return Some("the slot of another owner was written to without a write to fence");
            }
            (!is_unchanged).then_some("a key with another owner was handed over")
        }
        (true, None) => {
            let may_stay = policy.deletion == DeletionPolicy::Retain || reconciliation.own_kind_is_terminating;
            let adopted = old.as_ref().is_some_and(|old| old.adopted);
            (!may_stay && !adopted).then_some("a key of ours was left without an owner")
        }
        (true, Some(Ownership { owner: heir, .. })) => {
            let cluster = &state.clusters[reconciliation.cluster];
            let has_held = [heir.name.clone(), plain_secret_name(&heir.name)]
                .iter()
                .any(|source| cluster.keys_held.get(source).is_some_and(|keys| keys.contains(&document.key)));
            (!has_held && *heir != me).then_some("a key was handed over to an heir whose source never held it")
        }
    }
}

fn check_deletion(state: &State, request: &WriteRequest, before: Option<&SlotContent>) -> Option<&'static str> {
    let SlotContent { document: KeyDocument { key, .. }, owner } = before?;
    let reconciliation = &state.reconciliations[request.reconciliation];
    let ours = owner.as_ref().filter(|ownership| ownership.owner == state.owner(reconciliation));
    let Some(Ownership { adopted, .. }) = ours else { return Some("a key of another owner was deleted") };
    removal_violation(state, request.reconciliation, *key, *adopted)
}

/// Returns the reason why a key of the object should not be removed.
pub(crate) fn removal_violation(state: &State, number: usize, key: KeyNumber, adopted: bool) -> Option<&'static str> {
    let reconciliation = &state.reconciliations[number];
    let policy = reconciliation.policy()?;
    if !is_proven_dead(state, reconciliation, key, policy.dead_after) {
        return check_living_deletion(state, reconciliation, key, adopted, &policy);
    }
    let is_wanted = reconciliation.source == SourceTruth::Exists && !reconciliation.is_deleting();
    (is_wanted && policy.dead_action == DeadAction::Report)
        .then_some("a dead key was deleted although its policy is Report")
}

/// Returns true if the reconciliation's process has seen enough refusals of a key.
fn is_proven_dead(state: &State, reconciliation: &Reconciliation, key: KeyNumber, after: Duration) -> bool {
    let refusals = state.refusals.get(&(reconciliation.process, reconciliation.uid(), key));
    refusals.is_some_and(|refusals| refusals.count >= DEATH_REFUSALS && refusals.first + after <= state.now)
}

/// Checks the deletion of a key that is not proven to be dead.
fn check_living_deletion(
    state: &State,
    reconciliation: &Reconciliation,
    key: KeyNumber,
    adopted: bool,
    policy: &Policy,
) -> Option<&'static str> {
    let refusals = state.refusals.get(&(reconciliation.process, reconciliation.uid(), key));
    let was_refused = refusals.is_some_and(|refusals| refusals.by_credentials);
    if adopted {
        return Some("an adopted key was deleted without proof that it is dead");
    }
    if policy.deletion == DeletionPolicy::Retain || reconciliation.own_kind_is_terminating {
        return Some("a living key was deleted although it is to be retained");
    }
    if reconciliation.is_deleting() {
        return None;
    }
    match reconciliation.source {
        SourceTruth::NotRead | SourceTruth::Exists => Some("a living key was deleted although its source exists"),
        SourceTruth::Gone { since, with_its_kind } => {
            let absence = state.now.saturating_sub(since);
            let required = if with_its_kind { policy.grace_period.max(policy.dead_after) } else { policy.grace_period };
            (absence < required && !was_refused)
                .then_some("a key that signs in was deleted before the grace period of its source had passed")
        }
    }
}

/// Checks the end of a reconciliation that reached a result: the status shows the generation that it read.
pub(crate) fn check_end(state: &mut State, number: usize) {
    let reconciliation = &state.reconciliations[number];
    let cluster = &state.clusters[reconciliation.cluster];
    let object = reconciliation.object.as_ref();
    let generation = object.and_then(|object| object.metadata.generation);
    let uid = object.and_then(ResourceExt::uid);
    // A change by another client is the next reconciliation's concern.
    let is_untouched = |key: &&ALMServiceKey| {
        !cluster.tampered.contains_key(&reconciliation.uid()) || key.resource_version() == reconciliation.object_version
    };
    let stored = cluster.keys.get(&reconciliation.name).filter(|key| key.uid() == uid).filter(is_untouched);
    let observed = stored.and_then(|key| key.status.as_ref()).map(|status| status.observed_generation);
    if observed.is_some() && observed < generation {
        state.record_violation("a reconciliation ended, and observedGeneration did not advance");
    }
}
