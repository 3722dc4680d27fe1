//! The facts that a decision is based on.

use std::fmt;

use jiff::Timestamp;

use crate::domain::action::Action;
use crate::domain::conditions::Conditions;
use crate::domain::evidence::{Observations, Refusals};
use crate::domain::ledger::{Ledger, Operation};
use crate::domain::policy::{Policy, Scopes};
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::fingerprint::{CredentialsFingerprint, KeyFingerprint};
use crate::domain::service_key::{Findings, ServiceKey};
use crate::domain::slot::{Holder, Owner, RemoteTrouble, Slot, WriteAnswer};
use crate::domain::steps;

/// The facts that a decision is based on: those loaded before the reconciliation, and the answers of its steps.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The object itself.
    pub subject: Subject,
    /// The tenant of the object.
    pub tenant: Tenant,
    /// The settings of the object. Those of the tenant are meaningless if the tenant is missing.
    pub policy: Policy,
    /// The source of its key.
    pub source: Source,
    /// The other objects of its tenant.
    pub siblings: Siblings,
    /// The ledger from its status.
    pub ledger: Ledger,
    /// The conditions from the status, if they were written for this generation. Those of an earlier one count for an
    /// object that is suspended, which keeps them.
    pub previous: Option<Conditions>,
    /// The observations that this process has made of the object.
    pub observations: Observations,
    /// The answers to the steps of this reconciliation.
    pub answers: Answers,
    /// A random number from 0 up to 1, which spreads the reconciliations of many objects.
    pub jitter: f64,
    /// A random ID, for an action that this reconciliation asks a person for.
    pub action_id: String,
}

/// The `ALMServiceKey`.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The owner that the slot names for this object.
    pub owner: Owner,
    /// `metadata.generation`.
    pub generation: i64,
    /// True if its deletion has begun.
    pub deleting: bool,
    /// True if the user asks to release the object without any cleanup; only once its deletion has begun.
    pub abandoned: bool,
    /// True if its status shows that the slot was read for it: a sibling may have handed its key over since.
    pub has_read_slot: bool,
    /// The value of the user's request for a reconciliation; `None` without a request or if it has been answered.
    pub requested: Option<String>,
}

/// The other objects of this cluster with the same tenant, according to the cache. Writes to the slot are based on the
/// slot itself, never on these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Siblings {
    /// The oldest object that is older than this one and may upload.
    pub ahead: Option<String>,
    /// The object whose key is in the slot.
    pub holding: Option<String>,
    /// The object that uploads next when this one is gone, if this process knows its key.
    pub heir: Option<Heir>,
    /// The keys that a person is asked to upload for other objects, in manual mode.
    pub requested: Vec<KeyFingerprint>,
}

/// The object that would upload next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heir {
    /// The owner that the slot would name.
    pub owner: Owner,
    /// The credentials of its key.
    pub credentials: CredentialsFingerprint,
    /// The fingerprint of its key.
    pub key: KeyFingerprint,
}

/// The `ALMTenant` of the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tenant {
    /// No such object exists.
    Missing {
        /// The name in `spec.tenantRef`.
        name: String,
    },
    /// The tenant admits no upload of this object; a key of ours may still be removed.
    Closed {
        /// `NamespaceNotAllowed`, `TenantTerminating` or `DuplicateTenant`.
        reason: Reason,
        /// The message of the condition.
        message: String,
        /// The version of the tenant, and of our credentials and CA certificates for it. A change triggers a new check.
        version: String,
    },
    /// The tenant admits uploads.
    Open {
        /// The version of the tenant, and of our credentials and CA certificates for it. A change triggers a new check.
        version: String,
    },
}

/// The state of the source.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one per reconciliation, and it is passed by reference")]
pub enum Source {
    /// The source exists. Its key is valid, or has findings.
    Present {
        /// The object and its version.
        identity: SourceIdentity,
        /// The key.
        key: Result<ServiceKey, Findings>,
        /// True if BTP no longer finds the binding (`NotFound`): a suspicion, to be confirmed by signing in.
        suspected_lost: bool,
    },
    /// The state is uncertain, which never justifies a deletion.
    Unknown {
        /// The reason of the condition.
        reason: Reason,
        /// The message of the condition.
        message: String,
        /// The time of the next read, besides the events of the watch.
        retry: Retry,
    },
    /// The source is gone.
    Gone {
        /// The evidence of the loss.
        evidence: Evidence,
        /// The message of the condition.
        message: String,
    },
}

/// The evidence that a source is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The watch has shown the deletion of exactly the recorded binding.
    DeletionSeen,
    /// The binding existed before, and a quorum read does not find this object.
    BindingAbsent {
        /// The creation time of its kind's definition. A later definition does not have the objects of an earlier one.
        kind_since: Option<Timestamp>,
    },
    /// The plain Secret existed before, and a quorum read does not find it.
    SecretAbsent,
}

/// The object that provides the key, for `status.source`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceIdentity {
    /// `ServiceBinding` or `Secret`.
    pub kind: &'static str,
    /// The name.
    pub name: String,
    /// The uid.
    pub uid: String,
    /// `status.bindingID` of a binding.
    pub binding_id: Option<String>,
    /// The name of the Secret with the key.
    pub secret_name: String,
}

/// The answers to the steps of this reconciliation.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// The verdict on the source's key.
    pub source_sign_in: Option<Verdict>,
    /// The verdict on the slot's key.
    pub slot_sign_in: Option<Verdict>,
    /// The revision and owner of the slot.
    pub slot: Option<Result<Slot, RemoteTrouble>>,
    /// The content of the slot.
    pub content: Option<Result<Content, RemoteTrouble>>,
    /// The last write and its answer.
    pub write: Option<Written>,
    /// True if the pending write was first recorded in this reconciliation: no earlier one can be under way.
    pub first_attempt: bool,
    /// True if a write of an earlier reconciliation may have changed the slot.
    pub earlier_write: bool,
    /// The time at which the key in the slot expires, if that is known.
    pub slot_key_expires_at: Option<Timestamp>,
    /// True if this reconciliation asks a person for the action in the ledger.
    pub asked: bool,
}

/// A write to the slot and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The kind of the write.
    pub operation: Operation,
    /// The answer.
    pub answer: WriteAnswer,
}

/// The content of the slot.
#[derive(Clone, Debug)]
pub enum Content {
    /// A key that complies with the rules.
    Key(ServiceKey),
    /// Something that is not a valid key. It cannot sign in and differs from any key of the source.
    Unreadable(Findings),
    /// A key that cannot be read and differs from the source's: in manual mode, only its fingerprint is known.
    NotAvailable(Option<KeyFingerprint>),
}

/// The verdict of a token endpoint on a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The endpoint answered 200 with a token.
    Accepted {
        /// The scopes of the token.
        scopes: Scopes,
    },
    /// The endpoint itself refused the key.
    Refused {
        /// `CredentialsRefused` or `IdentityZoneNotFound`.
        reason: Reason,
        /// The message of the condition.
        message: String,
    },
    /// Any other answer: nothing is known.
    Unknown {
        /// The message of the condition.
        message: String,
        /// The time of the next attempt.
        retry: Retry,
    },
}

impl Facts {
    /// Returns the valid key of the source, if there is one.
    #[must_use]
    pub fn source_key(&self) -> Option<&ServiceKey> {
        match &self.source {
            Source::Present { key: Ok(key), .. } => Some(key),
            _ => None,
        }
    }

    /// Returns the forbidden ending that a scope of the source's key has, if any has one.
    #[must_use]
    pub fn forbidden_scope(&self) -> Option<&str> {
        match &self.answers.source_sign_in {
            Some(Verdict::Accepted { scopes }) => self.policy.forbidden_ending(scopes),
            _ => None,
        }
    }

    /// Returns the key in the slot, if it was read and can sign in.
    #[must_use]
    pub fn slot_key(&self) -> Option<&ServiceKey> {
        match &self.answers.content {
            Some(Ok(Content::Key(key))) => Some(key),
            _ => None,
        }
    }

    /// Returns true if the token endpoint accepts the key in the slot. A key that is also the source's is tested once.
    #[must_use]
    pub fn slot_key_signs_in(&self) -> bool {
        let Some(key) = self.slot_key() else { return false };
        let credentials = ServiceKey::credentials_fingerprint;
        let verdict = match self.source_key() {
            Some(source) if credentials(source) == credentials(key) => &self.answers.source_sign_in,
            Some(_) | None => &self.answers.slot_sign_in,
        };
        matches!(verdict, Some(Verdict::Accepted { .. }))
    }

    /// Returns the fingerprint of the key in the slot, if the content was read and the fingerprint is known.
    #[must_use]
    pub fn slot_fingerprint(&self) -> Option<&KeyFingerprint> {
        match &self.answers.content {
            Some(Ok(Content::Key(key))) => Some(key.fingerprint()),
            Some(Ok(Content::NotAvailable(fingerprint))) => fingerprint.as_ref(),
            Some(Ok(Content::Unreadable(_)) | Err(_)) | None => None,
        }
    }

    /// Returns true if the steps of the action in the ledger name a key that a person is asked to upload for a sibling, to
    /// delete it. They were right as long as no sibling wanted that key.
    pub(super) fn is_action_contradicted(&self) -> bool {
        let is_named = |action: &Action, key: &KeyFingerprint| {
            action.upload() != Some(key) && steps::deletable(&action.steps).contains(key)
        };
        let action = self.ledger.action.as_ref();
        action.is_some_and(|action| self.siblings.requested.iter().any(|key| is_named(action, key)))
    }

    /// Returns the refusals of the key in the slot, if it was refused.
    #[must_use]
    pub fn slot_refusals(&self) -> Option<&Refusals> {
        self.observations.refusals.get(self.slot_key()?.credentials_fingerprint())
    }

    /// Returns the holder of the slot from the view of this object, if the slot was read.
    #[must_use]
    pub fn holder(&self) -> Option<Holder<'_>> {
        match &self.answers.slot {
            Some(Ok(slot)) => Some(slot.holder(&self.subject.owner)),
            Some(Err(_)) | None => None,
        }
    }

    /// Returns a text that changes if and only if spec, tenant, source or the order of siblings changes.
    ///
    /// An object that has the slot does not wait for older siblings, and the heir only matters when the key is
    /// released, so neither is a part of it. Of the keys that are requested for siblings, those count that may be in the
    /// slot as keys of this object.
    #[must_use]
    pub fn change_marker(&self) -> String {
        let tenant = match &self.tenant {
            Tenant::Missing { name } => format!("no tenant {name}"),
            Tenant::Closed { reason, version, .. } => format!("tenant {version} {reason}"),
            Tenant::Open { version } => format!("tenant {version}"),
        };
        let Subject { owner: _, generation, deleting, abandoned, has_read_slot: _, requested: _ } = &self.subject;
        let Siblings { ahead, holding, heir: _, requested } = &self.siblings;
        let ahead = ahead.as_ref().filter(|_| self.ledger.uploaded.is_none());
        let unconfirmed = self.ledger.unconfirmed.as_ref().map(|unconfirmed| unconfirmed.keys.as_slice());
        let shared: Vec<_> = unconfirmed.unwrap_or_default().iter().filter(|key| requested.contains(key)).collect();
        format!(
            "generation {generation} deleting {deleting} abandoned {abandoned} {tenant} behind {ahead:?} and {holding:?} \
             shares {shared:?} contradicted {} {}",
            self.is_action_contradicted(),
            self.source
        )
    }
}

/// Formats the identifying state of a source, without any value of a key.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present { identity, key, suspected_lost } => {
                write!(f, "{identity:?} lost {suspected_lost} ")?;
                match key {
                    Ok(key) => write!(f, "{}", key.document_fingerprint()),
                    Err(findings) => write!(f, "{findings}"),
                }
            }
            Self::Unknown { reason, message, .. } => write!(f, "unknown {reason} {message}"),
            Self::Gone { evidence, message } => write!(f, "gone {evidence:?} {message}"),
        }
    }
}
