//! A world in which all is well, and sentences that change it.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::conditions::{Condition, Conditions, Progress};
use crate::domain::evidence::Observations;
use crate::domain::ledger::{Ledger, Operation, Origin, Pending, Uploaded};
use crate::domain::plan::{
    Answers, Content, Evidence, Facts, KeyRole, Now, Settlement, Siblings, Source, SourceIdentity, Step, Subject,
    Tenant, Verdict, plan,
};
use crate::domain::policy::Scopes;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::examples::{key, key_with_secret, policy, rules};
use crate::domain::service_key::fingerprint::Fingerprint;
use crate::domain::service_key::{Findings, ServiceKey};
use crate::domain::slot::{Owner, Ownership, RemoteTrouble, Revision, Slot};
use crate::domain::time::Moment;

/// A binding is not found, and its kind is as old as ever.
pub(super) const ABSENT: Evidence = Evidence::BindingAbsent { kind_since: None };

/// When a world begins, in seconds.
pub(super) const START: u64 = 1_000;

/// An object, all around it, and what time it is.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) facts: Facts,
    pub(super) now: Now,
}

pub(super) fn now_at(seconds: u64) -> Now {
    let wall = 1_790_000_000 + i64::try_from(seconds).expect("a small number");
    Now {
        monotonic: Moment::new(Duration::from_secs(seconds)),
        wall: Timestamp::from_second(wall).expect("a moment of this century"),
    }
}

pub(super) fn revision(etag: &str) -> Revision {
    Revision::new(format!("\"{etag}\""))
}

pub(super) fn us() -> Owner {
    Owner { cluster_id: "cluster-1".into(), namespace: "monitoring".into(), name: "calm".into() }
}

pub(super) fn sibling() -> Owner {
    Owner { name: "sibling".into(), ..us() }
}

/// Everybody who may own a key and is not us.
pub(super) fn others() -> [Option<Owner>; 4] {
    [
        None,
        Some(Owner { name: "sibling".into(), ..us() }),
        Some(Owner { namespace: "elsewhere".into(), ..us() }),
        Some(Owner { cluster_id: "cluster-2".into(), ..us() }),
    ]
}

/// The key that replaces [`key`] in a rotation.
pub(super) fn rotated() -> ServiceKey {
    key_with_secret("another-secret")
}

pub(super) fn accepted() -> Verdict {
    Verdict::Accepted { scopes: Scopes::new("calm-api.alm.write") }
}

pub(super) fn refused() -> Verdict {
    Verdict::Refused { reason: Reason::CredentialsRefused, message: "the token endpoint refuses the key".into() }
}

pub(super) fn unclear() -> Verdict {
    Verdict::Unknown { message: "the token endpoint answered 503".into(), retry: Retry::Backoff }
}

pub(super) fn unavailable() -> RemoteTrouble {
    RemoteTrouble {
        reason: Reason::LandscapeManagementUnavailable,
        message: "Landscape Management answered 503".into(),
        retry: Retry::Backoff,
    }
}

pub(super) fn present(key: Result<ServiceKey, Findings>) -> Source {
    let identity = SourceIdentity {
        kind: "ServiceBinding",
        name: "calm".into(),
        uid: "uid-1".into(),
        binding_id: Some("binding-1".into()),
        secret_name: "calm".into(),
    };
    Source::Present { identity, key, suspected_lost: false }
}

/// What is wrong with a document that is an empty object.
pub(super) fn findings() -> Findings {
    ServiceKey::parse(b"{}", &rules()).expect_err("an empty object is no key")
}

pub(super) fn all_well() -> Conditions {
    Conditions {
        ready: Condition::yes(Reason::Uploaded, "the key stands in Landscape Management"),
        valid: Condition::yes(Reason::Valid, "the key keeps the rules"),
        signed_in: Condition::yes(Reason::SignedIn, "the token endpoint accepts the key"),
        uploaded: Condition::yes(Reason::Uploaded, "the key stands in Landscape Management"),
        progress: Progress::Done,
        others_stand: false,
    }
}

impl World {
    /// A new object whose source holds a valid key; nothing has been asked yet.
    pub(super) fn new() -> Self {
        let facts = Facts {
            subject: Subject {
                owner: us(),
                generation: 1,
                deleting: false,
                abandoned: false,
                has_looked: false,
                requested: None,
            },
            tenant: Tenant::Open { version: "1".into() },
            policy: policy(),
            source: present(Ok(key())),
            siblings: Siblings::default(),
            ledger: Ledger::default(),
            previous: None,
            observations: Observations::default(),
            answers: Answers::default(),
            jitter: 0.5,
        };
        Self { facts, now: now_at(START) }
    }

    /// An object whose key has been uploaded at revision 1, seen again after `spec.interval`.
    pub(super) fn kept() -> Self {
        Self { facts: Facts { previous: Some(all_well()), ..Self::new().facts }, now: now_at(START) }
            .remembers(&key(), "1")
    }

    /// Changes any fact.
    pub(super) fn with(mut self, change: impl FnOnce(&mut Facts)) -> Self {
        change(&mut self.facts);
        self
    }

    pub(super) fn source(self, source: Source) -> Self {
        self.with(|facts| facts.source = source)
    }

    pub(super) fn source_is_unknown(self) -> Self {
        self.source(Source::Unknown {
            reason: Reason::WaitingForBinding,
            message: "the binding has no credentials".into(),
            retry: Retry::Never,
        })
    }

    pub(super) fn source_is_gone(self, evidence: Evidence) -> Self {
        self.source(Source::Gone { evidence, message: "the binding is gone".into() })
    }

    pub(super) fn tenant_closed(self) -> Self {
        self.with(|facts| {
            facts.tenant = Tenant::Closed {
                reason: Reason::NamespaceNotAllowed,
                message: "the ALMTenant does not admit this namespace".into(),
                version: "1".into(),
            };
        })
    }

    /// An earlier pass has looked at the slot.
    pub(super) fn looked_before(self) -> Self {
        self.with(|facts| facts.subject.has_looked = true)
    }

    pub(super) fn tenant_terminating(self) -> Self {
        self.with(|facts| {
            facts.tenant = Tenant::Closed {
                reason: Reason::TenantTerminating,
                message: "the ALMTenant is being deleted".into(),
                version: "1".into(),
            };
        })
    }

    pub(super) fn tenant_missing(self) -> Self {
        self.with(|facts| facts.tenant = Tenant::Missing { name: "acme".into() })
    }

    pub(super) fn object_deleted(self) -> Self {
        self.with(|facts| facts.subject.deleting = true)
    }

    /// The ledger says that `key` was uploaded and has stood there at revision `etag` since.
    pub(super) fn remembers(self, key: &ServiceKey, etag: &str) -> Self {
        let then = now_at(0).wall;
        let uploaded = Uploaded {
            origin: Origin::Uploaded,
            revision: revision(etag),
            fingerprint: Fingerprint::of(key),
            identity_zone: key.identity_zone().into(),
            credential_type: key.credential_type().into(),
            client_id: key.client_id().into(),
            uploaded_at: then,
            proven_at: then,
        };
        self.with(|facts| facts.ledger.uploaded = Some(uploaded))
    }

    /// A write was recorded before a crash.
    pub(super) fn pending(self, operation: Operation, key: Option<&ServiceKey>, etag: &str) -> Self {
        let fingerprint = key.map(Fingerprint::of);
        let pending = Pending { operation, fingerprint, revision: revision(etag), started_at: now_at(0).wall };
        self.with(|facts| facts.ledger.pending = Some(pending))
    }

    pub(super) fn source_signs_in(self, verdict: Verdict) -> Self {
        let now = self.now;
        self.with(|facts| facts.learn_sign_in(KeyRole::Source, verdict, now))
    }

    pub(super) fn slot_signs_in(self, verdict: Verdict) -> Self {
        let now = self.now;
        self.with(|facts| facts.learn_sign_in(KeyRole::Slot, verdict, now))
    }

    pub(super) fn slot_is_empty(self, etag: &str) -> Self {
        self.with(|facts| facts.learn_slot(Ok(Slot::Empty { revision: revision(etag) })))
    }

    pub(super) fn slot_is_ours(self, etag: &str) -> Self {
        self.slot_is_held(etag, Some(us()))
    }

    pub(super) fn slot_is_held(self, etag: &str, owner: Option<Owner>) -> Self {
        let owner = owner.map(|owner| Ownership { owner, adopted: false });
        self.slot_is_owned(etag, owner)
    }

    /// The slot holds a key of ours that was there before.
    pub(super) fn slot_is_adopted(self, etag: &str) -> Self {
        self.slot_is_owned(etag, Some(Ownership { owner: us(), adopted: true }))
    }

    fn slot_is_owned(self, etag: &str, owner: Option<Ownership>) -> Self {
        self.with(|facts| facts.learn_slot(Ok(Slot::Filled { revision: revision(etag), owner })))
    }

    pub(super) fn slot_holds(self, key: &ServiceKey) -> Self {
        self.with(|facts| facts.learn_content(Ok(Content::Key(key.clone()))))
    }

    /// `key` was refused at these moments, in seconds after the first one, with no success between; the last one is
    /// not counted yet. Now is the last one.
    pub(super) fn refused_at(mut self, key: &ServiceKey, moments: &[u64]) -> Self {
        let (last, before) = moments.split_last().expect("at least one moment");
        for moment in before {
            let then = now_at(START + moment).monotonic;
            self.facts.observations.refused(&Fingerprint::of(key), then, self.facts.policy.dead_after);
        }
        self.now = now_at(START + last);
        self
    }

    /// The source has been as it is since `START`, and now it is so many seconds later.
    pub(super) fn lasting(mut self, seconds: u64) -> Self {
        self.facts.begin(now_at(START));
        self.later(seconds)
    }

    pub(super) fn later(mut self, seconds: u64) -> Self {
        self.now = now_at(START + seconds);
        self
    }

    /// The next step.
    pub(super) fn plan(&self) -> Step {
        plan(&self.facts, self.now)
    }

    /// The record that comes next, and the step after it.
    pub(super) fn record(mut self) -> (Pending, Step) {
        match self.plan() {
            Step::Record(pending) => {
                self.facts.learn_recorded(pending.clone());
                (pending, self.plan())
            }
            step => panic!("a record was due, not {step:?}"),
        }
    }

    /// How the pass ends.
    pub(super) fn settlement(&self) -> Settlement {
        match self.plan() {
            Step::Settle(settlement) => *settlement,
            step => panic!("the pass was to end, not to go on with {step:?}"),
        }
    }

    /// The verdict with which the pass ends.
    pub(super) fn verdict(&self) -> Conditions {
        self.settlement().conditions.expect("a verdict")
    }
}

/// A step that deletes, after its record.
pub(super) fn delete_at(etag: &str) -> Step {
    Step::Delete { revision: revision(etag) }
}

/// A step that puts, after its record.
pub(super) fn put_at(etag: &str) -> Step {
    Step::Put { revision: revision(etag) }
}
