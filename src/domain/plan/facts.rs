//! All that a decision rests on.

use std::fmt;

use jiff::Timestamp;

use crate::domain::conditions::Conditions;
use crate::domain::evidence::Observations;
use crate::domain::ledger::Ledger;
use crate::domain::policy::{Policy, Scopes};
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::fingerprint::Fingerprint;
use crate::domain::service_key::{Findings, ServiceKey};
use crate::domain::slot::{Owner, RemoteTrouble, Slot, WriteAnswer};

/// All that a decision rests on: what was loaded before the pass, and what its steps have answered.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The object itself.
    pub subject: Subject,
    /// Its tenant.
    pub tenant: Tenant,
    /// How it is to be treated; what the tenant says of it is void without a tenant.
    pub policy: Policy,
    /// Where its key comes from.
    pub source: Source,
    /// The other objects of its tenant.
    pub siblings: Siblings,
    /// What its status remembers of the slot.
    pub ledger: Ledger,
    /// Its conditions as they stand, if they were written for this generation.
    pub previous: Option<Conditions>,
    /// What this process has seen of it before.
    pub observations: Observations,
    /// What this pass has learnt.
    pub answers: Answers,
    /// A number from 0 up to 1, drawn for this pass: spreads the next ones.
    pub jitter: f64,
}

/// The `ALMServiceKey`.
#[derive(Clone, Debug)]
pub struct Subject {
    /// As what it owns the slot.
    pub owner: Owner,
    /// `metadata.generation`.
    pub generation: i64,
    /// Whether its deletion has begun.
    pub deleting: bool,
    /// Somebody asks that the object may go without anything being done for it; only once its deletion has begun.
    pub abandoned: bool,
    /// Its status tells of a look at the slot: a sibling may have left it a key there since.
    pub has_looked: bool,
    /// Somebody asks for a pass now, by this word; none if there is no such word or it was answered before.
    pub requested: Option<String>,
}

/// The other objects of this cluster that name the same tenant, as the cache shows them: what is done with the slot
/// rests on the slot itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Siblings {
    /// The first in line that goes before this object: older, and it may upload.
    pub ahead: Option<String>,
    /// The one whose key stands in the slot.
    pub holding: Option<String>,
    /// The first in line after this object has gone, if this process knows its key.
    pub heir: Option<Heir>,
}

/// Who would upload next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heir {
    /// As what it would own the slot.
    pub owner: Owner,
    /// Its key.
    pub fingerprint: Fingerprint,
}

/// The `ALMTenant` that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tenant {
    /// There is none of that name.
    Missing {
        /// The name.
        name: String,
    },
    /// Uploads are not allowed from here; what is ours may still be removed. The reason says why.
    Closed {
        /// `NamespaceNotAllowed`, `TenantTerminating` or `DuplicateTenant`.
        reason: Reason,
        /// For a person.
        message: String,
        /// Of its object and of our credentials for it: another one is worth another look.
        version: String,
    },
    /// At our service.
    Open {
        /// Of its object and of our credentials for it: another one is worth another look.
        version: String,
    },
}

/// What is known of the source.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one of them for each pass, and it is passed by reference")]
pub enum Source {
    /// It is there. Its key is valid, or all that is wrong with it is known.
    Present {
        /// Which object it is, and which of its states.
        identity: SourceIdentity,
        /// Its key.
        key: Result<ServiceKey, Findings>,
        /// BTP does not know the binding any more (`NotFound`): a suspicion, to be confirmed by signing in.
        suspected_lost: bool,
    },
    /// Nothing certain can be said: never grounds for a deletion.
    Unknown {
        /// In one word.
        reason: Reason,
        /// For a person.
        message: String,
        /// When to look again, beyond being told of changes.
        retry: Retry,
    },
    /// It is gone.
    Gone {
        /// How we know.
        evidence: Evidence,
        /// For a person.
        message: String,
    },
}

/// How we know that a source is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The deletion of the very binding that was recorded has been seen to begin.
    DeletionSeen,
    /// The binding was seen before, and a quorum read does not find this very object.
    BindingAbsent {
        /// Since when its kind has been defined, by the API server's clock. A later definition has not its objects yet.
        kind_since: Option<Timestamp>,
    },
    /// The plain Secret was seen before, and a quorum read does not find it.
    SecretAbsent,
}

/// Which object the key comes from, for `status.source`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceIdentity {
    /// `ServiceBinding` or `Secret`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// `status.bindingID` of a binding.
    pub binding_id: Option<String>,
    /// The Secret that holds the key.
    pub secret_name: String,
}

/// What the steps of this pass have answered so far.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// How the source's key fared.
    pub source_sign_in: Option<Verdict>,
    /// How the slot's key fared.
    pub slot_sign_in: Option<Verdict>,
    /// What the slot holds.
    pub slot: Option<Result<Slot, RemoteTrouble>>,
    /// The key in the slot.
    pub content: Option<Result<Content, RemoteTrouble>>,
    /// What became of the write.
    pub write: Option<WriteAnswer>,
    /// The pending write was first recorded in this pass: no earlier one like it can be under way.
    pub first_attempt: bool,
}

/// What the slot's content is.
#[derive(Clone, Debug)]
pub enum Content {
    /// A key that keeps the rules.
    Key(ServiceKey),
    /// Something else: it cannot be signed in with, and is no key of the source.
    Unreadable(Findings),
}

/// What a sign-in tells of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// 200 with a token.
    Accepted {
        /// What the token is good for.
        scopes: Scopes,
    },
    /// The token endpoint itself said no.
    Refused {
        /// `CredentialsRefused` or `IdentityZoneNotFound`.
        reason: Reason,
        /// For a person.
        message: String,
    },
    /// Anything else: nothing is known.
    Unknown {
        /// For a person.
        message: String,
        /// When to ask again.
        retry: Retry,
    },
}

impl Facts {
    /// The valid key of the source, if it has one.
    #[must_use]
    pub fn source_key(&self) -> Option<&ServiceKey> {
        match &self.source {
            Source::Present { key: Ok(key), .. } => Some(key),
            _ => None,
        }
    }

    /// The ending of a scope that makes the source's key one for other purposes, if its token had such a scope.
    #[must_use]
    pub fn forbidden_scope(&self) -> Option<&str> {
        match &self.answers.source_sign_in {
            Some(Verdict::Accepted { scopes }) => self.policy.forbidden(scopes),
            _ => None,
        }
    }

    /// The key in the slot, if it was read and can be used.
    #[must_use]
    pub fn slot_key(&self) -> Option<&ServiceKey> {
        match &self.answers.content {
            Some(Ok(Content::Key(key))) => Some(key),
            _ => None,
        }
    }

    /// Spec, tenant, source and line as they are now: while this stays, nothing has changed. Who has the slot waits for
    /// nobody, and who would inherit it is only asked when there is something to leave.
    #[must_use]
    pub fn stamp(&self) -> String {
        let tenant = match &self.tenant {
            Tenant::Missing { name } => format!("no tenant {name}"),
            Tenant::Closed { reason, version, .. } => format!("tenant {version} {reason}"),
            Tenant::Open { version } => format!("tenant {version}"),
        };
        let Subject { owner: _, generation, deleting, abandoned, has_looked: _, requested: _ } = &self.subject;
        let Siblings { ahead, holding, heir: _ } = &self.siblings;
        let ahead = ahead.as_ref().filter(|_| self.ledger.uploaded.is_none());
        format!(
            "generation {generation} deleting {deleting} abandoned {abandoned} {tenant} behind {ahead:?} and {holding:?} \
             {}",
            self.source
        )
    }
}

/// What of a source makes it another one. Holds no value of a key.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present { identity, key, suspected_lost } => {
                write!(f, "{identity:?} lost {suspected_lost} ")?;
                match key {
                    Ok(key) => write!(f, "{}", Fingerprint::of(key)),
                    Err(findings) => write!(f, "{findings}"),
                }
            }
            Self::Unknown { reason, message, .. } => write!(f, "unknown {reason} {message}"),
            Self::Gone { evidence, message } => write!(f, "gone {evidence:?} {message}"),
        }
    }
}
