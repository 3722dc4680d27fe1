//! The Secret that `almkey upload` has made for an object.

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::api::{ListParams, ObjectMeta};

use crate::api::ALMServiceKey;
use crate::api::service_key::SecretRef;
use crate::cli::cluster::{Cluster, Failure, Kind};
use crate::names::label;

/// The Secret of an object, and what becomes of it.
pub(super) enum MadeSecret {
    /// The Secret is deleted with the object.
    Goes(Box<ObjectMeta>),
    /// The source stays: its name, and the reason.
    Stays(String, &'static str),
    /// There is none.
    Missing,
}

impl MadeSecret {
    /// Finds the Secret of an object.
    pub(super) async fn find(cluster: &Cluster, object: &ALMServiceKey) -> Result<Self, Failure> {
        let source = &object.spec.source;
        if let Some(binding) = &source.service_binding_ref {
            let name = format!("ServiceBinding \"{}\"", binding.name);
            return Ok(Self::Stays(name, "deleting it would delete the credentials in BTP"));
        }
        let Some(SecretRef { name, .. }) = &source.secret_ref else { return Ok(Self::Missing) };
        let shown = format!("Secret \"{name}\"");
        let access = cluster.access_to("get", Kind::Secrets);
        let found = match cluster.find(access, cluster.namespaced::<Secret>().get_metadata(name)).await {
            Ok(found) => found,
            Err(failure) if failure.is_forbidden() => {
                return Ok(Self::Stays(shown, "you may not read it, so it is not known who made it"));
            }
            Err(failure) => return Err(failure),
        };
        let Some(found) = found else { return Ok(Self::Missing) };
        let maker = found.labels().get(label::CREATED_BY).map(String::as_str);
        if maker != Some(label::UPLOAD) {
            return Ok(Self::Stays(shown, "almkey upload has not made it"));
        }
        if is_shared(cluster, object, name).await? {
            return Ok(Self::Stays(shown, "another ALMServiceKey of the namespace names it"));
        }
        Ok(Self::Goes(Box::new(found.metadata)))
    }

    /// Says what becomes of the source.
    pub(super) fn forecast(&self) -> Option<String> {
        match self {
            Self::Goes(secret) => {
                Some(format!("{} is deleted, too, because almkey upload has made it.", shown(secret)))
            }
            Self::Stays(name, why) => Some(format!("{name} stays: {why}.")),
            Self::Missing => None,
        }
    }

    /// Says what to do about a Secret that was to be deleted after an object that is not gone yet.
    pub(super) fn if_left(&self) -> Option<String> {
        let Self::Goes(secret) = self else { return None };
        Some(format!("{} stays until then; kubectl delete secret deletes it, too.", shown(secret)))
    }

    /// Deletes the Secret, if that was announced and no other object has named it since. Returns a line about it.
    pub(super) async fn delete(&self, cluster: &Cluster, object: &ALMServiceKey) -> Result<Option<String>, Failure> {
        let Self::Goes(secret) = self else { return Ok(None) };
        let name = secret.name.clone().unwrap_or_default();
        let state = if is_shared(cluster, object, &name).await? {
            "stays, because another ALMServiceKey names it now"
        } else {
            cluster.delete::<Secret>(Kind::Secrets, secret).await?;
            "deleted"
        };
        Ok(Some(format!("secret/{name} -n {}: {state}\n", cluster.namespace)))
    }
}

fn shown(secret: &ObjectMeta) -> String {
    format!("Secret \"{}\"", secret.name.as_deref().unwrap_or_default())
}

/// Returns true if another object of the namespace names a Secret. An object that cannot be decoded may name it.
async fn is_shared(cluster: &Cluster, object: &ALMServiceKey, secret: &str) -> Result<bool, Failure> {
    let api = cluster.objects(Kind::Keys, Some(&cluster.namespace));
    let listed = cluster.call(cluster.access_to("list", Kind::Keys), api.list(&ListParams::default())).await?;
    let mut others = listed.items.into_iter().filter(|other| other.uid() != object.uid());
    Ok(others.any(|other| match other.try_parse::<ALMServiceKey>() {
        Ok(other) => other.spec.source.secret_ref.is_some_and(|named| named.name == secret),
        Err(_) => true,
    }))
}
