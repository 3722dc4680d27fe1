//! Siblings: the other objects that name the same tenant and compete for its slot.

use kube::ResourceExt;

use super::context::ReconcileContext;
use crate::api::resolve::admits;
use crate::api::service_key::Mode;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::CallError;
use crate::cluster::identity::{KeyId, Uid};
use crate::domain::action::Action;
use crate::domain::plan::{Heir, Siblings};
use crate::domain::reason::Reason;
use crate::domain::service_key::fingerprint::KeyFingerprint;
use crate::domain::slot::Owner;
use crate::names::condition;

/// Returns the siblings of an object, as the cache shows them.
pub(crate) fn find_siblings(context: &ReconcileContext<'_>, object: &ALMServiceKey, tenant: &ALMTenant) -> Siblings {
    let keys = context.keys.state();
    let mut others: Vec<&ALMServiceKey> =
        keys.iter().map(AsRef::as_ref).filter(|other| is_sibling(other, object)).collect();
    others.sort_by_cached_key(|other| age(other));
    // An object in a namespace that is not served uploads nothing, whatever its status says.
    let mut served = others.iter().filter(|other| context.scope.serves(other.namespace().as_deref()));
    let first = served.find(|other| may_upload(other, tenant));
    let has_uploaded = |key: &ALMServiceKey| key.status.as_ref().is_some_and(|status| status.uploaded.is_some());
    Siblings {
        ahead: first.filter(|other| age(other) < age(object)).map(|other| KeyId::new(*other).to_string()),
        holding: others.iter().find(|other| has_uploaded(other)).map(|other| KeyId::new(*other).to_string()),
        heir: first.and_then(|other| heir(context, other)),
        requested: others.iter().filter_map(|other| requested_upload(other, tenant)).collect(),
    }
}

/// Returns the keys that a person is asked to upload for siblings, by live reads: two objects that lose the same key must
/// not leave its removal to each other.
///
/// # Errors
/// A sibling could not be read.
pub(crate) async fn confirm_requested(
    context: &ReconcileContext<'_>,
    object: &ALMServiceKey,
    tenant: Option<&ALMTenant>,
) -> Result<Vec<KeyFingerprint>, CallError> {
    let Some(tenant) = tenant else { return Ok(Vec::new()) };
    let mut requested = Vec::new();
    let keys = context.keys.state();
    let asking = keys.iter().filter(|key| is_sibling(key, object) && requested_upload(key, tenant).is_some());
    for key in asking {
        let KeyId { namespace, name, .. } = KeyId::new(key.as_ref());
        let sibling = context.cluster.key(&namespace, &name).await?;
        requested.extend(sibling.and_then(|sibling| requested_upload(&sibling, tenant)));
    }
    Ok(requested)
}

/// Returns the key that a person is asked to upload for an object, if the request still counts.
fn requested_upload(key: &ALMServiceKey, tenant: &ALMTenant) -> Option<KeyFingerprint> {
    let revision = tenant.status.as_ref()?.slot.as_ref()?.revision.as_deref()?;
    let action = key.status.as_ref()?.action.as_ref().filter(|action| action.revision == revision)?;
    Action::from(action).upload().filter(|_| key.metadata.deletion_timestamp.is_none()).cloned()
}

/// Returns the heir if a live read finds it and it is not being deleted.
pub(crate) async fn confirm_heir(context: &ReconcileContext<'_>, heir: Heir) -> Option<Heir> {
    let object = context.cluster.key(&heir.owner.namespace, &heir.owner.name).await.ok().flatten()?;
    object.metadata.deletion_timestamp.is_none().then_some(heir)
}

fn heir(context: &ReconcileContext<'_>, sibling: &ALMServiceKey) -> Option<Heir> {
    let KeyId { namespace, name, uid } = KeyId::new(sibling);
    let observations = context.caches.observations.get(&uid);
    let (credentials, key) = (observations.last_tested?, observations.last_tested_key?);
    Some(Heir { owner: Owner { cluster_id: context.cluster_id.to_owned(), namespace, name }, credentials, key })
}

/// Returns true if two different objects name the same tenant.
pub(crate) fn is_sibling(other: &ALMServiceKey, object: &ALMServiceKey) -> bool {
    other.spec.tenant_ref.name == object.spec.tenant_ref.name && Uid::new(other) != Uid::new(object)
}

/// Returns true if an object would put its key into an empty slot.
fn may_upload(key: &ALMServiceKey, tenant: &ALMTenant) -> bool {
    admits(&tenant.spec, &KeyId::new(key).namespace) && is_ready_to_upload(key)
}

/// Returns true if an object enforces its key, and the key is valid and signs in, by spec and status of the object alone.
pub(crate) fn is_ready_to_upload(key: &ALMServiceKey) -> bool {
    let enforces = !matches!(key.spec.mode, Some(Mode::Observe)) && key.spec.suspend != Some(true);
    let Some(status) = &key.status else { return false };
    let is_true = |kind: &str| status.conditions.iter().any(|found| found.type_ == kind && found.status == "True");
    // It cannot upload until a user acts: no sibling is to wait for it.
    let stuck = [Reason::UploadRejected, Reason::SlotOverwritten, Reason::SlotOccupied].map(Reason::as_str);
    let is_stuck =
        status.conditions.iter().any(|found| found.type_ == condition::READY && stuck.contains(&found.reason.as_str()));
    key.metadata.deletion_timestamp.is_none()
        && enforces
        && key.metadata.generation == Some(status.observed_generation)
        && is_true(condition::VALID)
        && is_true(condition::SIGNED_IN)
        && !is_stuck
}

/// Returns the order of siblings: by age, then by namespace and name.
fn age(key: &ALMServiceKey) -> impl Ord + use<> {
    (key.creation_timestamp(), key.namespace(), key.name_any())
}
