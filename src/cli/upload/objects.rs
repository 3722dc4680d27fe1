//! The objects of an upload: a Secret, and the `ALMServiceKey` that names it.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Resource;
use kube::api::ObjectMeta;
use secrecy::{ExposeSecret, SecretString};

use crate::api::ALMServiceKey;
use crate::api::service_key::{ALMServiceKeySpec, SecretRef, Source, TenantRef};
use crate::cli::cluster::{Cluster, Failure, Kind, qualified};
use crate::cli::text::print_error;
use crate::names::label;

/// Entry of the Secret with the key.
const ENTRY: &str = "key.json";
/// Type of the Secret.
const OPAQUE: &str = "Opaque";

/// The objects to make.
pub(super) struct NewObjects<'a> {
    pub(super) cluster: &'a Cluster,
    /// Name of both objects.
    pub(super) name: &'a str,
    pub(super) tenant: &'a str,
    /// The key as it is uploaded.
    pub(super) document: &'a SecretString,
}

/// An object of this name is in the way.
#[derive(Debug, thiserror::Error)]
pub(super) enum Conflict {
    /// The object has another content.
    #[error("{0} exists already, with another content, and was not changed: choose another --name, or delete it first")]
    Exists(String),
    /// The object is on its way out.
    #[error("{0} is being deleted: try again when it is gone, or choose another --name")]
    Terminating(String),
}

/// An object was not made.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotMade {
    /// Another object is in the way.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The answer to the creation was lost.
    #[error("it is not known if {0} was created: the same upload again completes it")]
    Unknown(String, #[source] Failure),
    /// A call failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// The Secret stays although the object that needs it could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the Secret \"{0}\" was made and stays: almkey upload continues with it, kubectl delete secret {0} deletes it")]
struct Leftover(String, #[source] Failure);

impl NewObjects<'_> {
    /// Creates the objects, unless they exist with this content, and returns a line about each.
    ///
    /// # Errors
    /// An object could not be created, or has another content. None was changed. A Secret is left behind only if the object
    /// that names it may exist.
    pub(super) async fn create(&self) -> Result<String, NotMade> {
        let access = self.cluster.access_to("get", Kind::Keys);
        let key: Option<ALMServiceKey> = self.cluster.find(access, self.cluster.namespaced().get(self.name)).await?;
        let has_key = Self::check(key.as_ref(), &qualified(self.name), |key| self.is_key(key))?;
        let new_secret = self.create_secret().await?;
        let secret = self.line(&self.secret_name(), new_secret.is_none());
        if has_key {
            return Ok(format!("{secret}{}", self.line(&qualified(self.name), true)));
        }
        let created = self.create_key().await;
        let has_failed = created.as_ref().is_err_and(|error| !matches!(error, NotMade::Unknown(..)));
        if let Some(secret) = new_secret.filter(|_| has_failed) {
            self.undo(&secret).await;
        }
        Ok(format!("{secret}{}", self.line(&qualified(self.name), created?)))
    }

    /// Creates the Secret. Returns none if it exists with this content.
    async fn create_secret(&self) -> Result<Option<Secret>, NotMade> {
        match self.cluster.create(Kind::Secrets, &self.secret()).await {
            Ok(secret) => return Ok(Some(secret)),
            Err(failure) if failure.is_conflict() => {}
            Err(failure) => return Err(failure.into()),
        }
        let access = self.cluster.access_to("get", Kind::Secrets);
        let present: Secret = self.cluster.call(access, self.cluster.namespaced().get(self.name)).await?;
        Self::check(Some(&present), &self.secret_name(), |secret| self.is_secret(secret))?;
        Ok(None)
    }

    /// Creates the `ALMServiceKey`. Returns true if it exists with this content, as after a call that another one has
    /// preceded.
    async fn create_key(&self) -> Result<bool, NotMade> {
        let Err(failure) = self.cluster.create(Kind::Keys, &self.key()).await else { return Ok(false) };
        let access = self.cluster.access_to("get", Kind::Keys);
        let found = self.cluster.find(access, self.cluster.namespaced::<ALMServiceKey>().get(self.name)).await;
        match found {
            Ok(Some(key)) => Ok(Self::check(Some(&key), &qualified(self.name), |key| self.is_key(key))?),
            Err(_) if !failure.is_refusal() => Err(NotMade::Unknown(qualified(self.name), failure)),
            Ok(None) | Err(_) => Err(failure.into()),
        }
    }

    /// Deletes the Secret that this run has made.
    async fn undo(&self, secret: &Secret) {
        if let Err(failure) = self.cluster.delete::<Secret>(Kind::Secrets, &secret.metadata).await {
            print_error(&Leftover(self.name.to_owned(), failure));
        }
    }

    /// Returns true if an object exists and is the one to make.
    fn check<K: Resource>(found: Option<&K>, object: &str, is_same: impl FnOnce(&K) -> bool) -> Result<bool, Conflict> {
        match found {
            None => Ok(false),
            Some(found) if found.meta().deletion_timestamp.is_some() => Err(Conflict::Terminating(object.to_owned())),
            Some(found) if is_same(found) => Ok(true),
            Some(_) => Err(Conflict::Exists(object.to_owned())),
        }
    }

    fn secret(&self) -> Secret {
        Secret {
            metadata: ObjectMeta {
                name: Some(self.name.to_owned()),
                labels: Some(BTreeMap::from([(label::CREATED_BY.to_owned(), label::UPLOAD.to_owned())])),
                ..ObjectMeta::default()
            },
            type_: Some(OPAQUE.to_owned()),
            data: Some(BTreeMap::from([(ENTRY.to_owned(), self.entry())])),
            ..Secret::default()
        }
    }

    fn entry(&self) -> ByteString {
        ByteString(self.document.expose_secret().as_bytes().to_vec())
    }

    fn key(&self) -> ALMServiceKey {
        let secret_ref = SecretRef { name: self.name.to_owned(), key: Some(ENTRY.to_owned()) };
        let spec = ALMServiceKeySpec {
            tenant_ref: TenantRef { name: self.tenant.to_owned() },
            source: Source { service_binding_ref: None, secret_ref: Some(secret_ref) },
            interval: None,
            grace_period: None,
            dead_key: None,
            deletion_policy: None,
            mode: None,
            suspend: None,
        };
        ALMServiceKey::new(self.name, spec)
    }

    fn is_secret(&self, secret: &Secret) -> bool {
        secret.data.as_ref().and_then(|data| data.get(ENTRY)) == Some(&self.entry())
    }

    fn is_key(&self, key: &ALMServiceKey) -> bool {
        let names_secret = |secret: &SecretRef| secret.name == self.name && secret.key.as_deref() == Some(ENTRY);
        key.spec.tenant_ref.name == self.tenant && key.spec.source.secret_ref.as_ref().is_some_and(names_secret)
    }

    fn secret_name(&self) -> String {
        format!("secret/{}", self.name)
    }

    fn line(&self, object: &str, is_old: bool) -> String {
        let state = if is_old { "is there already" } else { "created" };
        format!("{object} -n {}: {state}\n", self.cluster.namespace)
    }
}
