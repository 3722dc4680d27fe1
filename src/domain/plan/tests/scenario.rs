//! The scenarios of the tests: facts of an object, and methods that change them.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::action::{Action, Unconfirmed};
use crate::domain::conditions::{Condition, Conditions, Progress};
use crate::domain::evidence::Observations;
use crate::domain::ledger::{Ledger, Operation, Origin, Pending, Uploaded};
use crate::domain::plan::{
    Answers, Content, Evidence, Facts, KeyRole, Now, Settlement, Siblings, Source, SourceIdentity, Step, Subject,
    Tenant, Verdict, plan,
};
use crate::domain::policy::{Adapter, Scopes};
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::examples::{key, key_with_secret, policy, rules};
use crate::domain::service_key::{Findings, ServiceKey};
use crate::domain::slot::{Basis, Owner, Ownership, RemoteTrouble, Revision, Slot};
use crate::domain::time::Moment;

/// The evidence of a binding that is not found while the definition of its kind is unchanged.
pub(super) const ABSENT: Evidence = Evidence::BindingAbsent { kind_since: None };

/// The start of a scenario in seconds.
pub(super) const START: u64 = 1_000;

/// The facts of an object and the current time.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    pub(super) facts: Facts,
    pub(super) now: Now,
}

pub(super) fn now_at(seconds: u64) -> Now {
    let wall = 1_790_000_000 + i64::try_from(seconds).expect("a small number");
    Now {
        monotonic: Moment::new(Duration::from_secs(seconds)),
        wall: Timestamp::from_second(wall).expect("a valid timestamp"),
    }
}

pub(super) fn revision(etag: &str) -> Revision {
    Revision::new(format!("\"{etag}\""))
}

pub(super) fn us() -> Owner {
    Owner { cluster_id: "cluster-1".into(), namespace: "monitoring".into(), name: "calm".into() }
}

/// Returns the ownership of a key that this object uploaded.
pub(super) fn ours() -> Ownership {
    Ownership { owner: us(), adopted: false }
}

pub(super) fn sibling() -> Owner {
    Owner { name: "sibling".into(), ..us() }
}

/// Returns all kinds of owners other than this object.
pub(super) fn other_owners() -> [Option<Owner>; 4] {
    [
        None,
        Some(Owner { name: "sibling".into(), ..us() }),
        Some(Owner { namespace: "elsewhere".into(), ..us() }),
        Some(Owner { cluster_id: "cluster-2".into(), ..us() }),
    ]
}

/// Returns the key that replaces [`key`] in a rotation.
pub(super) fn rotated() -> ServiceKey {
    key_with_secret("another-secret")
}

pub(super) fn accepted() -> Verdict {
    Verdict::Accepted { scopes: Scopes::new("calm-api.alm.write") }
}

pub(super) fn refused() -> Verdict {
    Verdict::Refused { reason: Reason::CredentialsRefused, message: "the token endpoint refuses the key".into() }
}

pub(super) fn zone_unknown() -> Verdict {
    Verdict::Refused {
        reason: Reason::IdentityZoneNotFound,
        message: "the token endpoint does not know the zone".into(),
    }
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

/// Returns the findings for an empty object.
pub(super) fn findings() -> Findings {
    ServiceKey::parse(b"{}", &rules()).expect_err("an empty object is no key")
}

pub(super) fn ready_conditions() -> Conditions {
    Conditions {
        ready: Condition::yes(Reason::Uploaded, "the key is in Landscape Management"),
        valid: Condition::yes(Reason::Valid, "the key complies with the rules"),
        signed_in: Condition::yes(Reason::SignedIn, "the token endpoint accepts the key"),
        uploaded: Condition::yes(Reason::Uploaded, "the key is in Landscape Management"),
        progress: Progress::Done,
        ready_only: false,
    }
}

impl Scenario {
    /// Returns a new object whose source has a valid key. No step has been performed.
    pub(super) fn new() -> Self {
        let facts = Facts {
            subject: Subject {
                owner: us(),
                generation: 1,
                deleting: false,
                abandoned: false,
                has_read_slot: false,
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
            action_id: "drawn".into(),
        };
        Self { facts, now: now_at(START) }
    }

    /// Returns an object whose key was uploaded at revision 1, at its next reconciliation.
    pub(super) fn uploaded() -> Self {
        Self { facts: Facts { previous: Some(ready_conditions()), ..Self::new().facts }, now: now_at(START) }
            .ledger_has(&key(), "1")
    }

    /// Returns the scenario with changed facts.
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

    /// Notes that an earlier reconciliation read the slot.
    pub(super) fn slot_was_read(self) -> Self {
        self.with(|facts| facts.subject.has_read_slot = true)
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

    /// Lets a person alone change the slot.
    pub(super) fn manual(self) -> Self {
        self.with(|facts| facts.policy.adapter = Adapter::Manual)
    }

    /// Records in the ledger that the upload of `key` was requested at revision `etag` and not confirmed.
    pub(super) fn unconfirmed(self, key: &ServiceKey, etag: &str) -> Self {
        let unconfirmed = Unconfirmed { revision: revision(etag), keys: vec![key.fingerprint().clone()] };
        self.with(|facts| facts.ledger.unconfirmed = Some(unconfirmed))
    }

    /// Records in the ledger that `key` was uploaded at revision `etag`.
    pub(super) fn ledger_has(self, key: &ServiceKey, etag: &str) -> Self {
        let then = now_at(0).wall;
        let uploaded = Uploaded {
            origin: Origin::Uploaded,
            revision: revision(etag),
            fingerprint: key.fingerprint().clone(),
            document: Some(key.document_fingerprint().clone()),
            identity_zone: key.identity_zone().into(),
            credential_type: key.credential_type().into(),
            client_id: key.client_id().into(),
            uploaded_at: then,
            proven_at: then,
        };
        self.with(|facts| facts.ledger.uploaded = Some(uploaded))
    }

    /// Records a pending write, as before a crash.
    pub(super) fn pending(self, operation: Operation, key: Option<&ServiceKey>, etag: &str) -> Self {
        let fingerprint = key.map(|key| key.fingerprint().clone());
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

    pub(super) fn slot_is_unknown(self, etag: &str) -> Self {
        self.with(|facts| facts.learn_slot(Ok(Slot::Unknown { revision: revision(etag), leaving: Vec::new() })))
    }

    /// Sets the slot to a key of which only the fingerprint is known.
    pub(super) fn slot_holds_unavailable(self, key: &ServiceKey) -> Self {
        let fingerprint = Some(key.fingerprint().clone());
        self.with(|facts| facts.learn_content(Ok(Content::NotAvailable(fingerprint))))
    }

    pub(super) fn slot_is_ours(self, etag: &str) -> Self {
        self.slot_is_owned_by(etag, Some(us()))
    }

    pub(super) fn slot_is_owned_by(self, etag: &str, owner: Option<Owner>) -> Self {
        let owner = owner.map(|owner| Ownership { owner, adopted: false });
        self.slot_has_ownership(etag, owner)
    }

    /// Sets the slot to a key that this object adopted.
    pub(super) fn slot_is_adopted(self, etag: &str) -> Self {
        self.slot_has_ownership(etag, Some(Ownership { owner: us(), adopted: true }))
    }

    fn slot_has_ownership(self, etag: &str, owner: Option<Ownership>) -> Self {
        self.with(|facts| facts.learn_slot(Ok(Slot::Filled { revision: revision(etag), owner, basis: Basis::Content })))
    }

    pub(super) fn slot_holds(self, key: &ServiceKey) -> Self {
        self.with(|facts| facts.learn_content(Ok(Content::Key(key.clone()))))
    }

    /// Notes refusals of `key` at these moments, in seconds after the start, and moves the time to the last one, which
    /// is not noted yet.
    pub(super) fn refused_at(mut self, key: &ServiceKey, moments: &[u64]) -> Self {
        let (last, before) = moments.split_last().expect("at least one moment");
        for moment in before {
            let then = now_at(START + moment).monotonic;
            self.facts.observations.refused(key.credentials_fingerprint(), then, self.facts.policy.dead_after);
        }
        self.now = now_at(START + last);
        self
    }

    /// Lets the source be unchanged since `START`, for this number of seconds.
    pub(super) fn source_unchanged_for(mut self, seconds: u64) -> Self {
        self.facts.observe_source(now_at(START));
        self.later(seconds)
    }

    pub(super) fn later(mut self, seconds: u64) -> Self {
        self.now = now_at(START + seconds);
        self
    }

    /// Returns the next step.
    pub(super) fn plan(&self) -> Step {
        plan(&self.facts, self.now)
    }

    /// Performs the record that comes next; returns it and the step after it.
    pub(super) fn record(mut self) -> (Pending, Step) {
        match self.plan() {
            Step::Record(pending) => {
                self.facts.note_pending_write(pending.clone());
                (pending, self.plan())
            }
            step => panic!("expected a record, not {step:?}"),
        }
    }

    /// Performs the request to a person that comes next; returns it and the scenario after it.
    pub(super) fn ask(mut self) -> (Action, Self) {
        match self.plan() {
            Step::Ask(action) => {
                self.facts.note_action(Action::clone(&action));
                (*action, self)
            }
            step => panic!("expected a request, not {step:?}"),
        }
    }

    /// Returns the object at its next reconciliation, `seconds` after the start, before any step of it.
    pub(super) fn after_settlement(self, seconds: u64) -> Self {
        let settlement = self.settlement();
        let observations = Observations { settled: None, ..settlement.observations };
        self.later(seconds).with(|facts| {
            facts.ledger = settlement.ledger;
            facts.previous = settlement.conditions.or(facts.previous.take());
            facts.observations = observations;
            facts.answers = Answers::default();
            facts.action_id = format!("drawn at {seconds}");
        })
    }

    /// Returns the settlement.
    pub(super) fn settlement(&self) -> Settlement {
        match self.plan() {
            Step::Settle(settlement) => *settlement,
            step => panic!("expected a settlement, not {step:?}"),
        }
    }

    /// Returns the conditions of the settlement.
    pub(super) fn conditions(&self) -> Conditions {
        self.settlement().conditions.expect("conditions")
    }
}

/// Returns the step that deletes the key.
pub(super) fn delete_at(etag: &str) -> Step {
    Step::Delete { revision: revision(etag) }
}

/// Returns the step that puts the key.
pub(super) fn put_at(etag: &str) -> Step {
    Step::Put { revision: revision(etag), adopted: false }
}
