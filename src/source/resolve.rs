//! Resolution of a source by live reads: binding and Secret to the document of a key.

use std::fmt;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Map, Value};

use super::binding::{Binding, is_stale};
use super::layout::document;
use super::observed_deletions::ObservedDeletions;
use crate::cluster::objects::Objects;
use crate::cluster::{CallError, OpenSecret};
use crate::domain::plan::{Evidence, Source, SourceIdentity};
use crate::domain::policy::KeyRules;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::{Finding, Findings, ServiceKey};
use crate::names::btp;

const BINDING: &str = "ServiceBinding";
const SECRET: &str = "Secret";

/// A reader of the sources of one object.
pub struct Resolver<'a> {
    /// The API server.
    pub cluster: &'a dyn Objects,
    /// The namespace of the object. Nothing is read outside it, except the definition of `ServiceBinding`.
    pub namespace: &'a str,
    /// The deletions that the watch has observed.
    pub observed_deletions: &'a ObservedDeletions,
    /// The uid of the source in the status, if the status refers to a source of this kind and name.
    pub recorded_uid: Option<&'a str>,
}

/// A document in a source. Not `Debug`, so that no value of it can be logged.
pub struct Located {
    /// The object and its version.
    pub identity: SourceIdentity,
    /// The document, which need not be a valid key; or a finding about the Secret.
    pub document: Result<Map<String, Value>, Finding>,
    /// True if BTP no longer finds the binding (`NotFound`).
    pub suspected_lost: bool,
}

/// The reason why a source has no document.
pub enum NoDocument {
    /// An object could not be read.
    Unreadable(SourceObject, CallError),
    /// The source is not complete, or not a source: reason and message of the condition.
    Uncertain(Reason, String),
    /// The source existed before, and is gone: evidence and message of the condition.
    Gone(Evidence, String),
}

/// An object that is read to resolve a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceObject {
    /// The `ServiceBinding` of this name.
    Binding(String),
    /// The Secret of this name.
    Secret(String),
    /// The definition of `ServiceBinding`.
    BindingDefinition,
}

impl fmt::Display for SourceObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Binding(name) => write!(f, "{BINDING} \"{name}\""),
            Self::Secret(name) => write!(f, "{SECRET} \"{name}\""),
            Self::BindingDefinition => write!(f, "the definition of {BINDING}"),
        }
    }
}

/// Returns the source for what was found, with its key checked against `rules`.
#[must_use]
pub fn source(found: Result<Located, NoDocument>, rules: &KeyRules) -> Source {
    match found {
        Ok(Located { identity, document, suspected_lost }) => {
            let key = document.map_err(Findings::from);
            let key = key.and_then(|document| ServiceKey::from_document(document, rules));
            Source::Present { identity, key, suspected_lost }
        }
        Err(NoDocument::Unreadable(object, error)) => Source::Unknown {
            reason: Reason::SourceUnreadable,
            message: format!("could not read {object}: {}", error.stable_message()),
            retry: Retry::Backoff,
        },
        Err(NoDocument::Uncertain(reason, message)) => Source::Unknown { reason, message, retry: Retry::Never },
        Err(NoDocument::Gone(evidence, message)) => Source::Gone { evidence, message },
    }
}

impl Resolver<'_> {
    /// Finds the document in the Secret of a `ServiceBinding`.
    ///
    /// # Errors
    /// There is no document, or it cannot be read.
    pub async fn binding(&self, name: &str) -> Result<Located, NoDocument> {
        let unreadable = |error| NoDocument::Unreadable(SourceObject::Binding(name.to_owned()), error);
        let object = match self.cluster.binding(self.namespace, name).await {
            // Without the reason "NotFound" the path itself is unknown, as while the kind is not installed.
            Err(error) if error.status() == Some(404) => {
                self.binding_crd().await?;
                return Err(unreadable(error));
            }
            Err(error) => return Err(unreadable(error)),
            Ok(object) => object,
        };
        let Some(object) = object else {
            return Err(match self.recorded_uid {
                Some(uid) => self.absent(uid, name, None).await,
                None => waiting_for_binding(format!("ServiceBinding \"{name}\" does not exist")),
            });
        };
        let binding = Binding::from_object(object)
            .map_err(|problem| waiting_for_binding(format!("ServiceBinding \"{name}\" is malformed: {problem}")))?;
        let is_recorded = self.recorded_uid.is_none_or(|recorded| recorded == binding.uid());
        if let Some(began) = &binding.metadata.deletion_timestamp {
            return Err(match self.recorded_uid {
                Some(uid) if uid == binding.uid() => self.absent(uid, name, Some(began.0)).await,
                Some(uid) => self.absent(uid, name, None).await,
                None => waiting_for_binding(format!("ServiceBinding \"{name}\" is being deleted")),
            });
        }
        match (self.binding_document(&binding, name).await, self.recorded_uid) {
            // The binding was replaced by another one, which has no key yet. A failed read would not prove that.
            (Err(NoDocument::Uncertain(Reason::WaitingForBinding | Reason::WaitingForSecret, _)), Some(uid))
                if !is_recorded =>
            {
                Err(self.absent(uid, name, None).await)
            }
            (found, _) => found,
        }
    }

    /// Finds the document in a plain Secret.
    ///
    /// # Errors
    /// There is no document, or it cannot be read.
    pub async fn secret(&self, name: &str, entry: Option<&str>) -> Result<Located, NoDocument> {
        let Some(secret) = self.open(name).await? else {
            let message = format!("Secret \"{name}\" does not exist");
            return Err(match self.recorded_uid {
                Some(_) => NoDocument::Gone(Evidence::SecretAbsent, message),
                None => NoDocument::Uncertain(Reason::WaitingForSecret, message),
            });
        };
        if is_stale(&secret.metadata) {
            return Err(NoDocument::Uncertain(Reason::SourceNotOwned, stale_message(name)));
        }
        if secret.entries.is_empty() {
            return Err(without_content(name));
        }
        Ok(Located {
            identity: SourceIdentity {
                kind: SECRET,
                name: name.to_owned(),
                uid: secret.metadata.uid.clone().unwrap_or_default(),
                binding_id: None,
                secret_name: name.to_owned(),
            },
            document: document(&secret.entries, entry),
            suspected_lost: false,
        })
    }

    /// Finds the document of a binding that is not being deleted.
    async fn binding_document(&self, binding: &Binding, name: &str) -> Result<Located, NoDocument> {
        if binding.is_stale_copy() {
            let message = format!("ServiceBinding \"{name}\" keeps the old credentials of a rotation");
            return Err(NoDocument::Uncertain(Reason::SourceNotOwned, message));
        }
        let Some(binding_id) = binding.binding_id() else {
            return Err(waiting_for_binding(format!("ServiceBinding \"{name}\" has no credentials at present")));
        };
        let secret_name = binding.secret_name();
        let secret = self.open(secret_name).await?.ok_or_else(|| secret_missing(secret_name, name))?;
        // Checked first, so that nothing about a foreign Secret is disclosed, not even its labels.
        if !is_controlled_by(&secret.metadata, binding.uid()) {
            let message = format!("Secret \"{secret_name}\" is not controlled by ServiceBinding \"{name}\"");
            return Err(NoDocument::Uncertain(Reason::SourceNotOwned, message));
        }
        if is_stale(&secret.metadata) {
            return Err(NoDocument::Uncertain(Reason::SourceNotOwned, stale_message(secret_name)));
        }
        if secret.entries.is_empty() {
            return Err(without_content(secret_name));
        }
        Ok(Located {
            identity: SourceIdentity {
                kind: BINDING,
                name: name.to_owned(),
                uid: binding.uid().to_owned(),
                binding_id: Some(binding_id.to_owned()),
                secret_name: secret_name.to_owned(),
            },
            document: document(&secret.entries, None),
            suspected_lost: binding.is_lost(),
        })
    }

    async fn open(&self, name: &str) -> Result<Option<OpenSecret>, NoDocument> {
        let read = self.cluster.secret(self.namespace, name).await;
        let read = read.map_err(|error| NoDocument::Unreadable(SourceObject::Secret(name.to_owned()), error))?;
        Ok(read.map(OpenSecret::from))
    }

    /// Returns the creation time of the `ServiceBinding` CRD. While the CRD is missing or terminating, returns what
    /// that means for the source.
    async fn binding_crd(&self) -> Result<Option<Timestamp>, NoDocument> {
        let definition = self.cluster.definition(btp::BINDING_CRD).await;
        let definition = definition.map_err(|error| NoDocument::Unreadable(SourceObject::BindingDefinition, error))?;
        let message = match definition {
            Some(definition) if definition.deletion_timestamp.is_none() => {
                return Ok(definition.creation_timestamp.map(|created| created.0));
            }
            Some(_) => "the CustomResourceDefinition of ServiceBinding is being deleted",
            None => "the CustomResourceDefinition of ServiceBinding is not installed",
        };
        // Deleting the CRD deletes all bindings. Their timestamps alone do not distinguish that from a deletion under a
        // later CRD, because the clocks of API servers differ and may be set back.
        if let Some(uid) = self.recorded_uid {
            self.observed_deletions.forget(self.namespace, uid);
        }
        Err(waiting_for_binding(message.into()))
    }

    /// Interprets the absence or deletion of the recorded binding, which is evidence only while the CRD exists.
    async fn absent(&self, uid: &str, name: &str, deletion_began: Option<Timestamp>) -> NoDocument {
        let kind_since = match self.binding_crd().await {
            Ok(since) => since,
            Err(unknown) => return unknown,
        };
        let began = deletion_began.or_else(|| self.observed_deletions.started_at(self.namespace, uid));
        // A deletion that started before the CRD was created was caused by the deletion of an earlier CRD.
        let counts = began.zip(kind_since).is_some_and(|(began, since)| began > since);
        if counts {
            return NoDocument::Gone(Evidence::DeletionSeen, format!("ServiceBinding \"{name}\" has been deleted"));
        }
        let message = format!("ServiceBinding \"{name}\" no longer exists");
        NoDocument::Gone(Evidence::BindingAbsent { kind_since }, message)
    }
}

/// Returns true if the `ServiceBinding` with this uid controls the object.
pub(super) fn is_controlled_by(metadata: &ObjectMeta, uid: &str) -> bool {
    let owners = metadata.owner_references.iter().flatten();
    owners.into_iter().any(|owner| owner.controller == Some(true) && owner.kind == BINDING && owner.uid == uid)
}

fn waiting_for_binding(message: String) -> NoDocument {
    NoDocument::Uncertain(Reason::WaitingForBinding, message)
}

fn secret_missing(secret: &str, binding: &str) -> NoDocument {
    let message = format!(
        "Secret \"{secret}\" of ServiceBinding \"{binding}\" does not exist; if it was deleted by hand, touch the \
         binding (kubectl annotate servicebinding {binding} almkey-touched=1 --overwrite), because the SAP BTP \
         service operator does not notice the deletion by itself"
    );
    NoDocument::Uncertain(Reason::WaitingForSecret, message)
}

/// Returns the reason for a Secret without entries. Crossplane and External Secrets create a Secret before they fill it.
fn without_content(secret: &str) -> NoDocument {
    let message = format!("Secret \"{secret}\" exists, but has no content yet");
    NoDocument::Uncertain(Reason::WaitingForSecret, message)
}

fn stale_message(secret: &str) -> String {
    format!("Secret \"{secret}\" is labelled {}: it keeps the old credentials of a rotation", btp::STALE_LABEL)
}
