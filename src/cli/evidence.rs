//! The evidence about a key in the cluster, read with the user's rights.

use kube::ResourceExt;
use kube::api::{DynamicObject, ListParams};

use crate::api::ALMServiceKey;
use crate::api::slot::SlotState;
use crate::cli::cluster::{Access, Cluster, Failure, Kind, Tenant};

/// The evidence about a key.
pub(super) struct Evidence {
    /// The key.
    pub(super) key: ALMServiceKey,
    /// The tenant of the key.
    pub(super) tenant: Tenant,
    /// The other keys of its tenant.
    pub(super) siblings: Siblings,
}

/// The other keys of a tenant, as far as the user may list them.
pub(super) enum Siblings {
    /// Those of all namespaces.
    All(Vec<ALMServiceKey>),
    /// Those of the key's own namespace.
    OfNamespace(Vec<ALMServiceKey>),
    /// None, because the user may list no keys.
    Forbidden,
}

impl Evidence {
    /// Returns the fingerprint of the key in the slot in manual mode, if that is one of this object, and not the one that the
    /// status records as uploaded: a person has reported it since.
    pub(super) fn other_key_in_app(&self) -> Option<&str> {
        let Tenant::Found(tenant) = &self.tenant else { return None };
        let slot = tenant.status.as_ref()?.slot.as_ref()?;
        let owner = slot.key_ref.as_ref().filter(|_| slot.state == SlotState::Ours)?;
        let is_ours = Some(&owner.namespace) == self.key.namespace().as_ref() && owner.name == self.key.name_any();
        let uploaded = self.key.status.as_ref().and_then(|status| status.uploaded.as_ref());
        let recorded = slot.fingerprint.as_deref().filter(|_| is_ours)?;
        uploaded.is_none_or(|uploaded| uploaded.fingerprint != recorded).then_some(recorded)
    }
}

/// Reads a key and what belongs to it.
pub(super) async fn read(cluster: &Cluster, name: &str) -> Result<Evidence, Failure> {
    let key = cluster.key(name).await?;
    let tenant = cluster.tenant(&key.spec.tenant_ref.name).await?;
    let siblings = match siblings(cluster, &key, None).await {
        Err(failure) if failure.is_forbidden() => match siblings(cluster, &key, Some(&cluster.namespace)).await {
            Err(failure) if failure.is_forbidden() => Siblings::Forbidden,
            listed => Siblings::OfNamespace(listed?),
        },
        listed => Siblings::All(listed?),
    };
    Ok(Evidence { key, tenant, siblings })
}

/// Lists the other keys of the same tenant, in one namespace or everywhere. One that cannot be decoded is left out.
async fn siblings(
    cluster: &Cluster,
    key: &ALMServiceKey,
    namespace: Option<&str>,
) -> Result<Vec<ALMServiceKey>, Failure> {
    let access = Access { verb: "list", kind: Kind::Keys, namespace: namespace.map(str::to_owned) };
    let params = ListParams::default().fields(&format!("spec.tenantRef.name={}", key.spec.tenant_ref.name));
    let listed = cluster.call(access, cluster.objects(Kind::Keys, namespace).list(&params)).await?;
    let others = listed.items.into_iter().filter(|other| other.uid() != key.uid());
    Ok(others.filter_map(|other: DynamicObject| other.try_parse().ok()).collect())
}
