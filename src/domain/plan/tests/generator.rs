//! The generators of arbitrary facts and answers, for properties that hold for all of them.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::scenario::*;
use crate::domain::action::{Action, ActionOperation, Unconfirmed};
use crate::domain::evidence::{Observations, Settled};
use crate::domain::ledger::{Operation, Pending};
use crate::domain::plan::{Answers, Content, Evidence, Facts, Heir, Siblings, Subject, Tenant, Verdict, Written};
use crate::domain::policy::{Adapter, AdoptionPolicy, DeadAction, DeletionPolicy, Mode, Policy};
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::examples::{key, key_with_secret, policy};
use crate::domain::service_key::fingerprint::KeyFingerprint;
use crate::domain::slot::{Basis, Owner, Ownership, RemoteTrouble, Slot, WriteAnswer};

const REVISIONS: [&str; 3] = ["1", "2", "3"];

pub(super) fn sources() -> impl Strategy<Value = Scenario> {
    let new = Scenario::new;
    let uploaded = Scenario::uploaded;
    let mut scenarios = vec![
        new().source(present(Err(findings()))),
        uploaded().source_is_unknown(),
        uploaded().source_is_gone(Evidence::DeletionSeen),
        uploaded().source_is_gone(ABSENT),
        uploaded().source_is_gone(Evidence::SecretAbsent),
    ];
    scenarios.extend([new(), uploaded(), uploaded().source(present(Ok(rotated()))), new(), uploaded()]);
    select(scenarios)
}

pub(super) fn subjects() -> impl Strategy<Value = Subject> {
    (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(deleting, abandoned, requested, has_read_slot)| Subject {
            has_read_slot,
            deleting,
            abandoned: deleting && abandoned,
            requested: requested.then(|| "now".into()),
            ..Scenario::new().facts.subject
        },
    )
}

pub(super) fn tenants() -> impl Strategy<Value = Tenant> {
    let [open, closed, missing] = [Scenario::new(), Scenario::new().tenant_closed(), Scenario::new().tenant_missing()]
        .map(|scenario| scenario.facts.tenant);
    select(vec![open.clone(), open.clone(), open, closed, missing])
}

pub(super) fn pendings() -> impl Strategy<Value = Option<Pending>> {
    let fingerprints = [None, Some(key().fingerprint().clone()), Some(rotated().fingerprint().clone())].to_vec();
    let operations = [Operation::Upload, Operation::Delete].to_vec();
    let pending = (select(operations), select(fingerprints), select(REVISIONS.to_vec())).prop_map(
        |(operation, fingerprint, etag)| Pending {
            operation,
            fingerprint,
            revision: revision(etag),
            started_at: now_at(0).wall,
        },
    );
    proptest::option::of(pending)
}

fn fingerprints() -> impl Strategy<Value = KeyFingerprint> {
    select(vec![key().fingerprint().clone(), key().fingerprint().clone(), rotated().fingerprint().clone()])
}

/// Returns the action that an earlier reconciliation asked for.
pub(super) fn actions() -> impl Strategy<Value = Option<Action>> {
    let operations = [ActionOperation::Upload, ActionOperation::Replace, ActionOperation::Delete].to_vec();
    let deadlines = vec![None, Some(now_at(0).wall), Some(now_at(START + 60).wall)];
    let action = (select(operations), fingerprints(), select(REVISIONS.to_vec()), select(deadlines)).prop_map(
        |(operation, fingerprint, etag, deadline)| Action {
            id: "earlier".into(),
            operation,
            fingerprint: Some(fingerprint),
            revision: revision(etag),
            requested_at: now_at(0).wall,
            deadline,
            steps: Vec::new(),
        },
    );
    proptest::option::of(action)
}

pub(super) fn unconfirmed() -> impl Strategy<Value = Option<Unconfirmed>> {
    let unconfirmed = (vec(fingerprints(), 1..3), select(REVISIONS.to_vec()))
        .prop_map(|(keys, etag)| Unconfirmed { revision: revision(etag), keys });
    proptest::option::of(unconfirmed)
}

pub(super) fn observations() -> impl Strategy<Value = Observations> {
    let since = || proptest::option::of((0..START).prop_map(|seconds| now_at(seconds).monotonic));
    (since(), since(), 0..=4_usize, 0..=4_usize, any::<bool>()).prop_map(
        |(gone_since, unknown_since, key_refusals, rotated_refusals, settled)| {
            let mut observations = Observations { gone_since, unknown_since, ..Observations::default() };
            for (key, times) in [(key(), key_refusals), (rotated(), rotated_refusals)] {
                for moment in [0, 60, 240, 600].into_iter().take(times) {
                    observations.refused(
                        key.credentials_fingerprint(),
                        now_at(moment).monotonic,
                        Duration::from_mins(10),
                    );
                }
            }
            let due = now_at(START + 1).monotonic;
            observations.settled = settled.then(|| Settled { change_marker: "other facts".into(), due });
            observations
        },
    )
}

pub(super) fn slots() -> impl Strategy<Value = Result<Slot, RemoteTrouble>> {
    let mut all = vec![Err(unavailable())];
    for etag in REVISIONS {
        let held = |owner: Option<Owner>, adopted| {
            let owner = owner.map(|owner| Ownership { owner, adopted });
            Ok(Slot::Filled { revision: revision(etag), owner, basis: Basis::Content })
        };
        all.extend(other_owners().map(|owner| held(owner, false)));
        let empty = Ok(Slot::Empty { revision: revision(etag) });
        let unknown = |leaving: &[ServiceKey]| {
            let leaving = leaving.iter().map(|key| key.fingerprint().clone()).collect();
            Ok(Slot::Unknown { revision: revision(etag), leaving })
        };
        let confirmed = Slot::Filled { revision: revision(etag), owner: Some(ours()), basis: Basis::Confirmation };
        all.extend([unknown(&[]), unknown(&[rotated()]), Ok(confirmed), empty.clone()]);
        all.extend([held(Some(us()), false), held(Some(us()), false), held(Some(us()), true), empty]);
    }
    select(all)
}

pub(super) fn contents() -> impl Strategy<Value = Result<Content, RemoteTrouble>> {
    let key_with = |secret: &str| Ok(Content::Key(key_with_secret(secret)));
    select(vec![
        Ok(Content::Key(key())),
        Ok(Content::Key(key())),
        Ok(Content::Key(rotated())),
        key_with("third"),
        Ok(Content::Unreadable(findings())),
        Ok(Content::NotAvailable(None)),
        Ok(Content::NotAvailable(Some(rotated().fingerprint().clone()))),
        Err(unavailable()),
    ])
}

pub(super) fn verdicts() -> impl Strategy<Value = Verdict> {
    select(vec![accepted(), accepted(), refused(), refused(), unclear()])
}

pub(super) fn writes() -> impl Strategy<Value = WriteAnswer> {
    let never = RemoteTrouble { retry: Retry::Never, ..unavailable() };
    select(vec![
        WriteAnswer::Done(revision("4")),
        WriteAnswer::HandedOver(revision("4")),
        WriteAnswer::Changed,
        WriteAnswer::Rejected("422 at $.key".into()),
        WriteAnswer::Refused(never),
        WriteAnswer::Unknown(unavailable()),
    ])
}

pub(super) fn answers() -> impl Strategy<Value = Answers> {
    let some = proptest::option::of::<BoxedStrategy<_>>;
    let asked = (some(verdicts().boxed()), some(verdicts().boxed()));
    let looked = (proptest::option::of(slots()), proptest::option::of(contents()), proptest::option::of(writes()));
    (asked, looked).prop_map(|((source_sign_in, slot_sign_in), (slot, content, write))| Answers {
        source_sign_in,
        slot_sign_in,
        slot,
        content,
        write: write.map(|answer| Written { operation: Operation::Upload, answer }),
        ..Answers::default()
    })
}

pub(super) fn policies() -> impl Strategy<Value = Policy> {
    let deletion = select(vec![DeletionPolicy::Delete, DeletionPolicy::Retain]);
    let adoption = select(vec![AdoptionPolicy::Never, AdoptionPolicy::IfIdentical, AdoptionPolicy::Replace]);
    let mode = select(vec![Mode::Enforce, Mode::Enforce, Mode::Enforce, Mode::Observe]);
    let suspend = select(vec![false, false, false, true]);
    let adapter = select(vec![Adapter::Http, Adapter::Manual]);
    (deletion, adoption, mode, suspend, adapter).prop_map(|(deletion, adoption, mode, suspend, adapter)| Policy {
        deletion,
        adoption,
        mode,
        suspend,
        adapter,
        ..policy()
    })
}

pub(super) fn siblings() -> impl Strategy<Value = Siblings> {
    let sibling = Owner { name: "sibling".into(), ..us() };
    let heir = |key: &ServiceKey| {
        Some(Heir {
            owner: sibling.clone(),
            credentials: key.credentials_fingerprint().clone(),
            key: key.fingerprint().clone(),
        })
    };
    let name = || Some("monitoring/sibling".to_owned());
    let alone = Siblings::default();
    select(vec![
        alone.clone(),
        alone.clone(),
        Siblings { heir: heir(&key()), ..alone.clone() },
        Siblings { heir: heir(&rotated()), ahead: name(), ..alone.clone() },
        Siblings { holding: name(), ..alone.clone() },
        Siblings { requested: vec![key().fingerprint().clone()], ..alone },
    ])
}

/// Returns arbitrary facts, consistent or not.
pub(super) fn any_facts() -> impl Strategy<Value = Facts> {
    let policy = (select(vec![0, 300, 100_000]), any::<bool>(), policies());
    let of_object = (sources(), tenants(), subjects(), 0.0..1.0_f64, policy);
    let expires_at = select(vec![None, Some(now_at(START - 1).wall), Some(now_at(START + 60).wall)]);
    let answers = (prop_oneof![Just(Answers::default()), answers()], expires_at)
        .prop_map(|(answers, slot_key_expires_at)| Answers { slot_key_expires_at, ..answers });
    let recorded = (pendings(), actions(), unconfirmed());
    (of_object, recorded, observations(), siblings(), answers).prop_map(
        |((scenario, tenant, subject, jitter, (grace, report, policy)), recorded, observations, siblings, answers)| {
            let mut facts = scenario.facts;
            facts.tenant = tenant;
            facts.policy = policy;
            facts.subject = subject;
            facts.siblings = siblings;
            facts.jitter = jitter;
            facts.policy.grace_period = Duration::from_secs(grace);
            facts.policy.dead_action = if report { DeadAction::Report } else { DeadAction::Delete };
            (facts.ledger.pending, facts.ledger.action, facts.ledger.unconfirmed) = recorded;
            facts.observations = observations;
            facts.answers = answers;
            facts
        },
    )
}

/// The answers that a walk draws from.
#[derive(Clone, Debug)]
pub(super) struct Replies {
    pub(super) verdicts: Vec<Verdict>,
    pub(super) slots: Vec<Result<Slot, RemoteTrouble>>,
    pub(super) contents: Vec<Result<Content, RemoteTrouble>>,
    pub(super) writes: Vec<WriteAnswer>,
    pub(super) draws: Vec<Index>,
}

const LENGTH: usize = 12;

pub(super) fn replies() -> impl Strategy<Value = Replies> {
    let draws = vec(any::<Index>(), LENGTH);
    (vec(verdicts(), 4), vec(slots(), 4), vec(contents(), 4), vec(writes(), 4), draws)
        .prop_map(|(verdicts, slots, contents, writes, draws)| Replies { verdicts, slots, contents, writes, draws })
}
