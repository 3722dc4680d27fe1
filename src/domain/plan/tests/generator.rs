//! The generators of arbitrary facts and answers, for properties that hold for all of them.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::scenario::*;
use crate::domain::evidence::{Observations, Settled};
use crate::domain::ledger::{Operation, Pending};
use crate::domain::plan::{Answers, Content, Evidence, Facts, Heir, Siblings, Subject, Tenant, Verdict, Written};
use crate::domain::policy::{AdoptionPolicy, DeadAction, DeletionPolicy, Mode, Policy};
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::examples::{key, key_with_secret, policy};
use crate::domain::slot::{Owner, Ownership, RemoteTrouble, Slot, WriteAnswer};

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
            Ok(Slot::Filled { revision: revision(etag), owner })
        };
        all.extend(other_owners().map(|owner| held(owner, false)));
        let empty = Ok(Slot::Empty { revision: revision(etag) });
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
        first_attempt: false,
        earlier_write: false,
    })
}

pub(super) fn policies() -> impl Strategy<Value = Policy> {
    let deletion = select(vec![DeletionPolicy::Delete, DeletionPolicy::Retain]);
    let adoption = select(vec![AdoptionPolicy::Never, AdoptionPolicy::IfIdentical, AdoptionPolicy::Replace]);
    let mode = select(vec![Mode::Enforce, Mode::Enforce, Mode::Enforce, Mode::Observe]);
    let suspend = select(vec![false, false, false, true]);
    (deletion, adoption, mode, suspend).prop_map(|(deletion, adoption, mode, suspend)| Policy {
        deletion,
        adoption,
        mode,
        suspend,
        ..policy()
    })
}

pub(super) fn siblings() -> impl Strategy<Value = Siblings> {
    let sibling = Owner { name: "sibling".into(), ..us() };
    let heir =
        |key: &ServiceKey| Some(Heir { owner: sibling.clone(), credentials: key.credentials_fingerprint().clone() });
    let name = || Some("monitoring/sibling".to_owned());
    let alone = Siblings::default();
    select(vec![
        alone.clone(),
        alone.clone(),
        Siblings { heir: heir(&key()), ..alone.clone() },
        Siblings { heir: heir(&rotated()), ahead: name(), ..alone.clone() },
        Siblings { holding: name(), ..alone },
    ])
}

/// Returns arbitrary facts, consistent or not.
pub(super) fn any_facts() -> impl Strategy<Value = Facts> {
    let policy = (select(vec![0, 300, 100_000]), any::<bool>(), policies());
    let of_object = (sources(), tenants(), subjects(), 0.0..1.0_f64, policy);
    (of_object, pendings(), observations(), siblings(), prop_oneof![Just(Answers::default()), answers()]).prop_map(
        |((scenario, tenant, subject, jitter, (grace, report, policy)), pending, observations, siblings, answers)| {
            let mut facts = scenario.facts;
            facts.tenant = tenant;
            facts.policy = policy;
            facts.subject = subject;
            facts.siblings = siblings;
            facts.jitter = jitter;
            facts.policy.grace_period = Duration::from_secs(grace);
            facts.policy.dead_action = if report { DeadAction::Report } else { DeadAction::Delete };
            facts.ledger.pending = pending;
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
