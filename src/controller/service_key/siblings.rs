//! The other objects of a tenant: who stands in line for its slot.

use kube::ResourceExt;

use super::reconcile::ReconcileContext;
use crate::api::resolve::admits;
use crate::api::service_key::Mode;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::domain::plan::{Heir, Siblings};
use crate::domain::reason::Reason;
use crate::domain::slot::Owner;
use crate::names::condition;

/// What the cache shows of the siblings of an object.
pub(crate) fn of(context: &ReconcileContext<'_>, object: &ALMServiceKey, tenant: &ALMTenant) -> Siblings {
    let keys = context.keys.state();
    let mut others: Vec<&ALMServiceKey> =
        keys.iter().map(AsRef::as_ref).filter(|other| is_sibling(other, object)).collect();
    others.sort_by_cached_key(|other| age(other));
    // Whom nobody serves here uploads nothing, whatever it says of itself.
    let served = others.iter().filter(|other| context.scope.serves(other.namespace().as_deref()));
    let mut line = served.filter(|other| may_upload(other, tenant));
    let first = line.next();
    Siblings {
        ahead: first.filter(|other| age(other) < age(object)).map(|other| named(other)),
        holding: others
            .iter()
            .find(|other| status_of(other).is_some_and(|it| it.uploaded.is_some()))
            .map(|it| named(it)),
        heir: first.and_then(|other| heir(context, other)),
    }
}

/// The heir, if a live read still finds it: who is going inherits nothing.
pub(crate) async fn living(context: &ReconcileContext<'_>, heir: Heir) -> Option<Heir> {
    let found = context.cluster.key(&heir.owner.namespace, &heir.owner.name).await.ok().flatten()?;
    found.metadata.deletion_timestamp.is_none().then_some(heir)
}

fn heir(context: &ReconcileContext<'_>, other: &ALMServiceKey) -> Option<Heir> {
    let fingerprint = context.caches.observations.of(&other.uid()?).last_tested?;
    let (namespace, name) = (other.namespace()?, other.name_any());
    Some(Heir { owner: Owner { cluster_id: context.cluster_id.to_owned(), namespace, name }, fingerprint })
}

/// Whether two different objects name the same tenant.
pub(crate) fn is_sibling(other: &ALMServiceKey, object: &ALMServiceKey) -> bool {
    other.spec.tenant_ref.name == object.spec.tenant_ref.name && other.uid() != object.uid()
}

/// Whether an object would put its key into an empty slot: allowed, enforcing, not suspended, valid and proven.
fn may_upload(key: &ALMServiceKey, tenant: &ALMTenant) -> bool {
    admits(&tenant.spec, &key.namespace().unwrap_or_default()) && is_proven(key)
}

/// As far as the object itself tells.
pub(crate) fn is_proven(key: &ALMServiceKey) -> bool {
    let enforces = !matches!(key.spec.mode, Some(Mode::Observe)) && key.spec.suspend != Some(true);
    let Some(status) = status_of(key) else { return false };
    let is = |kind: &str| status.conditions.iter().any(|found| found.type_ == kind && found.status == "True");
    // It would upload if it could, and cannot: nobody is to wait for it.
    let stuck = [Reason::UploadRejected, Reason::SlotOverwritten, Reason::SlotOccupied].map(Reason::as_str);
    let is_stuck =
        status.conditions.iter().any(|found| found.type_ == condition::READY && stuck.contains(&found.reason.as_str()));
    key.metadata.deletion_timestamp.is_none()
        && enforces
        && key.metadata.generation == Some(status.observed_generation)
        && is(condition::VALID)
        && is(condition::SIGNED_IN)
        && !is_stuck
}

fn status_of(key: &ALMServiceKey) -> Option<&crate::api::status::ALMServiceKeyStatus> {
    key.status.as_ref()
}

/// The oldest goes first; of one age, by namespace and name.
fn age(key: &ALMServiceKey) -> impl Ord + use<> {
    (key.creation_timestamp(), key.namespace(), key.name_any())
}

fn named(key: &ALMServiceKey) -> String {
    format!("{}/{}", key.namespace().unwrap_or_default(), key.name_any())
}
