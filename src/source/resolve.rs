//! Resolution of a source by live reads: binding and Secret to a key.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::binding::{Binding, is_stale};
use super::layout::document;
use super::observed_deletions::ObservedDeletions;
use crate::cluster::objects::Objects;
use crate::cluster::{CallError, OpenSecret};
use crate::domain::plan::{Evidence, Source, SourceIdentity};
use crate::domain::policy::KeyRules;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::{Findings, ServiceKey};
use crate::names::btp;

const BINDING: &str = "ServiceBinding";
const SECRET: &str = "Secret";

/// A reader of the sources of one object.
pub struct Resolver<'a> {
    /// The API server.
    pub cluster: &'a dyn Objects,
    /// The namespace of the object. Nothing is read outside it, except the definition of `ServiceBinding`.
    pub namespace: &'a str,
    /// The rules for a key.
    pub rules: &'a KeyRules,
    /// The deletions that the watch has observed.
    pub observed_deletions: &'a ObservedDeletions,
    /// The uid of the source in the status, if the status refers to a source of this kind and name.
    pub recorded_uid: Option<&'a str>,
}

impl Resolver<'_> {
    /// Resolves a `ServiceBinding` and its Secret.
    pub async fn binding(&self, name: &str) -> Source {
        let object = match self.cluster.binding(self.namespace, name).await {
            // Without the reason "NotFound" the path itself is unknown, as while the kind is not installed.
            Err(error) if error.status() == Some(404) => {
                return match self.binding_crd().await {
                    Ok(_) => unreadable(&format!("ServiceBinding \"{name}\""), &error),
                    Err(unknown) => unknown,
                };
            }
            Err(error) => return unreadable(&format!("ServiceBinding \"{name}\""), &error),
            Ok(object) => object,
        };
        let Some(object) = object else {
            return match self.recorded_uid {
                Some(uid) => self.absent(uid, name, None).await,
                None => waiting_for_binding(format!("ServiceBinding \"{name}\" does not exist")),
            };
        };
        let binding = match Binding::from_object(object) {
            Ok(binding) => binding,
            Err(problem) => {
                return waiting_for_binding(format!("ServiceBinding \"{name}\" is malformed: {problem}"));
            }
        };
        let is_recorded = self.recorded_uid.is_none_or(|recorded| recorded == binding.uid());
        if let Some(began) = &binding.metadata.deletion_timestamp {
            return match self.recorded_uid {
                Some(uid) if uid == binding.uid() => self.absent(uid, name, Some(began.0)).await,
                Some(uid) => self.absent(uid, name, None).await,
                None => waiting_for_binding(format!("ServiceBinding \"{name}\" is being deleted")),
            };
        }
        match (self.binding_key(&binding, name).await, self.recorded_uid) {
            // The binding was replaced by another one, which has no key yet. A failed read would not prove that.
            (Source::Unknown { reason: Reason::WaitingForBinding | Reason::WaitingForSecret, .. }, Some(uid))
                if !is_recorded =>
            {
                self.absent(uid, name, None).await
            }
            (source, _) => source,
        }
    }

    /// Resolves a plain Secret.
    pub async fn secret(&self, name: &str, entry: Option<&str>) -> Source {
        let secret = match self.open(name).await {
            Err(error) => return unreadable(&format!("Secret \"{name}\""), &error),
            Ok(Some(secret)) => secret,
            Ok(None) => {
                let message = format!("Secret \"{name}\" does not exist");
                return match self.recorded_uid {
                    Some(_) => Source::Gone { evidence: Evidence::SecretAbsent, message },
                    None => unknown(Reason::WaitingForSecret, message, Retry::Never),
                };
            }
        };
        if is_stale(&secret.metadata) {
            return unknown(Reason::SourceNotOwned, stale_message(name), Retry::Never);
        }
        if secret.entries.is_empty() {
            return without_content(name);
        }
        Source::Present {
            identity: SourceIdentity {
                kind: SECRET,
                name: name.to_owned(),
                uid: secret.metadata.uid.clone().unwrap_or_default(),
                binding_id: None,
                secret_name: name.to_owned(),
            },
            key: self.parse(&secret, entry),
            suspected_lost: false,
        }
    }

    /// Resolves the key of a binding that is not being deleted.
    async fn binding_key(&self, binding: &Binding, name: &str) -> Source {
        if binding.is_stale_copy() {
            let message = format!("ServiceBinding \"{name}\" keeps the old credentials of a rotation");
            return unknown(Reason::SourceNotOwned, message, Retry::Never);
        }
        let Some(binding_id) = binding.binding_id() else {
            return waiting_for_binding(format!("ServiceBinding \"{name}\" has no credentials at present"));
        };
        let secret_name = binding.secret_name();
        let secret = match self.open(secret_name).await {
            Err(error) => return unreadable(&format!("Secret \"{secret_name}\""), &error),
            Ok(None) => return secret_missing(secret_name, name),
            Ok(Some(secret)) => secret,
        };
        // Checked first, so that nothing about a foreign Secret is disclosed, not even its labels.
        if !is_controlled_by(&secret.metadata, binding.uid()) {
            let message = format!("Secret \"{secret_name}\" is not controlled by ServiceBinding \"{name}\"");
            return unknown(Reason::SourceNotOwned, message, Retry::Never);
        }
        if is_stale(&secret.metadata) {
            return unknown(Reason::SourceNotOwned, stale_message(secret_name), Retry::Never);
        }
        if secret.entries.is_empty() {
            return without_content(secret_name);
        }
        Source::Present {
            identity: SourceIdentity {
                kind: BINDING,
                name: name.to_owned(),
                uid: binding.uid().to_owned(),
                binding_id: Some(binding_id.to_owned()),
                secret_name: secret_name.to_owned(),
            },
            key: self.parse(&secret, None),
            suspected_lost: binding.is_lost(),
        }
    }

    async fn open(&self, name: &str) -> Result<Option<OpenSecret>, CallError> {
        Ok(self.cluster.secret(self.namespace, name).await?.map(OpenSecret::from))
    }

    fn parse(&self, secret: &OpenSecret, entry: Option<&str>) -> Result<ServiceKey, Findings> {
        let document = document(&secret.entries, entry)?;
        ServiceKey::from_document(document, self.rules)
    }

    /// Returns the creation time of the `ServiceBinding` CRD. While the CRD is missing or terminating, returns what
    /// that means for the source.
    async fn binding_crd(&self) -> Result<Option<Timestamp>, Source> {
        let definition = self.cluster.definition(btp::BINDING_CRD).await;
        let definition = definition.map_err(|error| unreadable("the definition of ServiceBinding", &error))?;
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
    async fn absent(&self, uid: &str, name: &str, deletion_began: Option<Timestamp>) -> Source {
        let kind_since = match self.binding_crd().await {
            Ok(since) => since,
            Err(unknown) => return unknown,
        };
        let began = deletion_began.or_else(|| self.observed_deletions.started_at(self.namespace, uid));
        // A deletion that started before the CRD was created was caused by the deletion of an earlier CRD.
        let counts = began.zip(kind_since).is_some_and(|(began, since)| began > since);
        if counts {
            let message = format!("ServiceBinding \"{name}\" has been deleted");
            return Source::Gone { evidence: Evidence::DeletionSeen, message };
        }
        let message = format!("ServiceBinding \"{name}\" no longer exists");
        Source::Gone { evidence: Evidence::BindingAbsent { kind_since }, message }
    }
}

fn is_controlled_by(metadata: &ObjectMeta, uid: &str) -> bool {
    let owners = metadata.owner_references.iter().flatten();
    owners.into_iter().any(|owner| owner.controller == Some(true) && owner.kind == BINDING && owner.uid == uid)
}

fn unknown(reason: Reason, message: String, retry: Retry) -> Source {
    Source::Unknown { reason, message, retry }
}

fn waiting_for_binding(message: String) -> Source {
    unknown(Reason::WaitingForBinding, message, Retry::Never)
}

fn secret_missing(secret: &str, binding: &str) -> Source {
    let message = format!(
        "Secret \"{secret}\" of ServiceBinding \"{binding}\" does not exist; if it was deleted by hand, touch the \
         binding (kubectl annotate servicebinding {binding} almkey-touched=1 --overwrite), because the SAP BTP \
         service operator does not notice the deletion by itself"
    );
    unknown(Reason::WaitingForSecret, message, Retry::Never)
}

/// Returns the source for a Secret without entries. Crossplane and External Secrets create a Secret before they fill it.
fn without_content(secret: &str) -> Source {
    let message = format!("Secret \"{secret}\" exists, but has no content yet");
    unknown(Reason::WaitingForSecret, message, Retry::Never)
}

fn stale_message(secret: &str) -> String {
    format!("Secret \"{secret}\" is labelled {}: it keeps the old credentials of a rotation", btp::STALE_LABEL)
}

fn unreadable(object: &str, error: &CallError) -> Source {
    unknown(Reason::SourceUnreadable, format!("could not read {object}: {}", error.stable_message()), Retry::Backoff)
}
