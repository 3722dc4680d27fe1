//! What holds whatever the facts are and whatever the world answers.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::world::*;
use crate::domain::evidence::{Memory, Refusals, Settled};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::ledger::{Operation, Pending};
use crate::domain::plan::{Answers, Content, Evidence, Facts, Source, Step, Tenant, Verdict, Which, give_way, plan};
use crate::domain::policy::DeadAction;
use crate::domain::retry::Retry;
use crate::domain::service_key::examples::{key, key_with_secret};
use crate::domain::slot::{Holder, RemoteTrouble, Slot, WriteAnswer};

const REVISIONS: [&str; 3] = ["1", "2", "3"];

fn sources() -> impl Strategy<Value = World> {
    let world = World::new;
    let kept = World::kept;
    let mut worlds = vec![
        world().source(present(Err(findings()))),
        kept().source_is_unknown(),
        kept().source_is_gone(Evidence::DeletionSeen),
        kept().source_is_gone(Evidence::BindingAbsent),
        kept().source_is_gone(Evidence::SecretAbsent),
    ];
    worlds.extend([world(), kept(), kept().source(present(Ok(rotated()))), world(), kept()]);
    select(worlds)
}

fn tenants() -> impl Strategy<Value = Tenant> {
    let [open, closed, missing] =
        [World::new(), World::new().tenant_closed(), World::new().tenant_missing()].map(|world| world.facts.tenant);
    select(vec![open.clone(), open.clone(), open, closed, missing])
}

fn pendings() -> impl Strategy<Value = Option<Pending>> {
    let fingerprints = [None, Some(Fingerprint::of(&key())), Some(Fingerprint::of(&rotated()))].to_vec();
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

fn memories() -> impl Strategy<Value = Memory> {
    let since = || proptest::option::of((0..START).prop_map(|seconds| now_at(seconds).monotonic));
    (since(), since(), 0..=4_usize, 0..=4_usize, any::<bool>()).prop_map(
        |(gone_since, unknown_since, of_key, of_rotated, settled)| {
            let mut memory = Memory { gone_since, unknown_since, ..Memory::default() };
            for (key, times) in [(key(), of_key), (rotated(), of_rotated)] {
                for moment in [0, 60, 240, 600].into_iter().take(times) {
                    memory.refused(&Fingerprint::of(&key), now_at(moment).monotonic, Duration::from_mins(10));
                }
            }
            let due = now_at(START + 1).monotonic;
            memory.settled = settled.then(|| Settled { stamp: "other facts".into(), due });
            memory
        },
    )
}

fn slots() -> impl Strategy<Value = Result<Slot, RemoteTrouble>> {
    let mut all = vec![Err(unavailable())];
    for etag in REVISIONS {
        let held = |owner| Ok(Slot::Filled { revision: revision(etag), owner });
        all.extend(others().map(held));
        all.extend([held(Some(us())), held(Some(us())), Ok(Slot::Empty { revision: revision(etag) })]);
    }
    select(all)
}

fn contents() -> impl Strategy<Value = Result<Content, RemoteTrouble>> {
    let key_of = |secret: &str| Ok(Content::Key(key_with_secret(secret)));
    select(vec![
        Ok(Content::Key(key())),
        Ok(Content::Key(key())),
        Ok(Content::Key(rotated())),
        key_of("third"),
        Ok(Content::Unreadable(findings())),
        Err(unavailable()),
    ])
}

fn verdicts() -> impl Strategy<Value = Verdict> {
    select(vec![accepted(), accepted(), refused(), refused(), unclear()])
}

fn writes() -> impl Strategy<Value = WriteAnswer> {
    let never = RemoteTrouble { retry: Retry::Never, ..unavailable() };
    select(vec![
        WriteAnswer::Done(revision("4")),
        WriteAnswer::Changed,
        WriteAnswer::Rejected("422 at $.key".into()),
        WriteAnswer::Refused(never),
        WriteAnswer::Unknown(unavailable()),
    ])
}

fn answers() -> impl Strategy<Value = Answers> {
    let some = proptest::option::of::<BoxedStrategy<_>>;
    let asked = (some(verdicts().boxed()), some(verdicts().boxed()));
    let looked = (proptest::option::of(slots()), proptest::option::of(contents()), proptest::option::of(writes()));
    (asked, looked).prop_map(|((source_sign_in, slot_sign_in), (slot, content, write))| Answers {
        source_sign_in,
        slot_sign_in,
        slot,
        content,
        write,
        first_attempt: false,
    })
}

/// Any facts, consistent or not.
fn any_facts() -> impl Strategy<Value = Facts> {
    let policy = (select(vec![0, 300, 100_000]), any::<bool>());
    let of_object = (sources(), tenants(), any::<bool>(), 0.0..1.0_f64, policy);
    (of_object, pendings(), memories(), prop_oneof![Just(Answers::default()), answers()]).prop_map(
        |((world, tenant, deleting, jitter, (grace, report)), pending, memory, answers)| {
            let mut facts = world.facts;
            facts.tenant = tenant;
            facts.subject.deleting = deleting;
            facts.jitter = jitter;
            facts.policy.grace_period = Duration::from_secs(grace);
            facts.policy.dead_action = if report { DeadAction::Report } else { DeadAction::Delete };
            facts.ledger.pending = pending;
            facts.memory = memory;
            facts.answers = answers;
            facts
        },
    )
}

/// All that the world could answer, for a walk to draw from.
#[derive(Clone, Debug)]
struct Replies {
    verdicts: Vec<Verdict>,
    slots: Vec<Result<Slot, RemoteTrouble>>,
    contents: Vec<Result<Content, RemoteTrouble>>,
    writes: Vec<WriteAnswer>,
    draws: Vec<Index>,
}

const LENGTH: usize = 12;

fn replies() -> impl Strategy<Value = Replies> {
    let draws = vec(any::<Index>(), LENGTH);
    (vec(verdicts(), 4), vec(slots(), 4), vec(contents(), 4), vec(writes(), 4), draws)
        .prop_map(|(verdicts, slots, contents, writes, draws)| Replies { verdicts, slots, contents, writes, draws })
}

/// Follows the plan through the answers of `replies`, and shows `look` the facts before each step.
fn walk(mut facts: Facts, replies: &Replies, mut look: impl FnMut(&Facts, &Step)) {
    let now = now_at(START);
    facts.begin(now);
    for draw in &replies.draws {
        let step = plan(&facts, now);
        look(&facts, &step);
        match step {
            Step::SignIn(which) => facts.learn_sign_in(which, draw.get(&replies.verdicts).clone(), now),
            Step::ReadSlot => facts.learn_slot(draw.get(&replies.slots).clone()),
            Step::ReadContent => facts.learn_content(draw.get(&replies.contents).clone()),
            Step::Record(pending) => facts.learn_recorded(pending),
            Step::Put { .. } => facts.learn_write(Operation::Upload, draw.get(&replies.writes).clone(), now),
            Step::Delete { .. } => facts.learn_write(Operation::Delete, draw.get(&replies.writes).clone(), now),
            Step::Settle(_) => return,
        }
    }
    let _ = give_way(&facts, now);
}

fn holder(facts: &Facts) -> Option<Holder<'_>> {
    match &facts.answers.slot {
        Some(Ok(slot)) => Some(slot.holder(&facts.subject.owner)),
        _ => None,
    }
}

fn recorded(
    facts: &Facts,
    wanted: Operation,
    fingerprint: Option<&Fingerprint>,
    at: &crate::domain::slot::Revision,
) -> bool {
    facts.ledger.pending.as_ref().is_some_and(|pending| {
        pending.operation == wanted
            && pending.revision == *at
            && fingerprint.is_none_or(|fingerprint| pending.fingerprint.as_ref() == Some(fingerprint))
    })
}

/// A put is of a valid and proven key, recorded, conditional on what was looked at, and allowed.
fn check_put(facts: &Facts, at: &crate::domain::slot::Revision) {
    let key = facts.source_key().expect("only a key that keeps the rules is put");
    assert_eq!(facts.answers.source_sign_in, Some(Verdict::Accepted), "only a proven key is put");
    assert!(recorded(facts, Operation::Upload, Some(&Fingerprint::of(key)), at), "a put is recorded");
    assert!(matches!(facts.tenant, Tenant::Open { .. }), "a put is allowed by the tenant");
    assert!(!facts.subject.deleting, "nothing is put for an object that goes");
    match holder(facts) {
        Some(Holder::Empty(seen) | Holder::Us(seen)) => assert_eq!(seen, at, "a put is conditional on what was seen"),
        other => panic!("a put into a slot that is {other:?}"),
    }
}

/// A deletion is of our own key or fences a write of ours, recorded, and on grounds that suffice.
fn check_delete(facts: &Facts, at: &crate::domain::slot::Revision) {
    assert!(recorded(facts, Operation::Delete, None, at), "a deletion is recorded");
    assert!(!matches!(facts.tenant, Tenant::Missing { .. }));
    match holder(facts) {
        Some(Holder::Us(seen)) => {
            assert_eq!(seen, at, "a deletion is conditional on what was seen");
            let refusals = facts.slot_key().and_then(|key| facts.memory.refusals.get(&Fingerprint::of(key)));
            let dead = refusals.is_some_and(Refusals::prove_dead) && facts.policy.dead_action == DeadAction::Delete;
            let gone = matches!(facts.source, Source::Gone { .. });
            assert!(facts.subject.deleting || gone || dead, "a key of ours is deleted on grounds only");
        }
        Some(Holder::Empty(seen)) => assert_eq!(seen, at, "a fence stands where the slot was seen"),
        other => panic!("a deletion in a slot that is {other:?}"),
    }
}

fn check(facts: &Facts, step: &Step) {
    let ours = Some(us());
    let foreign = matches!(&facts.answers.slot, Some(Ok(Slot::Filled { owner, .. })) if *owner != ours);
    match step {
        Step::Put { .. } | Step::Delete { .. } if foreign => panic!("a write to a slot that is not ours"),
        Step::Put { revision } => check_put(facts, revision),
        Step::Delete { revision } => check_delete(facts, revision),
        Step::Record(pending) => {
            assert!(!foreign, "nothing is begun in a slot that is not ours");
            let seen = facts.answers.slot.as_ref().and_then(|slot| slot.as_ref().ok()).map(Slot::revision);
            assert_eq!(seen, Some(&pending.revision), "what is recorded is what was seen");
        }
        Step::SignIn(Which::Source) => assert!(facts.source_key().is_some()),
        Step::SignIn(Which::Slot) => {
            assert!(matches!(holder(facts), Some(Holder::Us(_))), "only a key of ours is signed in with");
            assert!(facts.slot_key().is_some());
        }
        Step::ReadSlot | Step::ReadContent => {
            assert!(!matches!(facts.tenant, Tenant::Missing { .. }), "without a tenant nothing is asked");
        }
        Step::Settle(settlement) => {
            assert!(!settlement.release || facts.subject.deleting, "only an object that is deleted is released");
            let ready = settlement.conditions.as_ref().map(|conditions| conditions.ready.status);
            if ready == Some(crate::domain::conditions::Status::True) {
                assert_eq!(facts.answers.source_sign_in, Some(Verdict::Accepted));
                assert!(matches!(holder(facts), Some(Holder::Us(_))));
            }
            if settlement.release && !matches!(facts.tenant, Tenant::Missing { .. }) {
                let ours = matches!(holder(facts), None | Some(Holder::Us(_)));
                assert!(!ours, "an object is released only when nothing of it is left");
            }
        }
    }
}

proptest! {
    #[test]
    fn no_facts_make_it_panic_or_break_a_promise(facts in any_facts()) {
        check(&facts, &plan(&facts, now_at(START)));
        let _ = give_way(&facts, now_at(START));
    }

    #[test]
    fn no_answers_make_a_pass_break_a_promise(facts in any_facts(), replies in replies()) {
        walk(facts, &replies, check);
    }
}

#[test]
fn the_walks_get_as_far_as_writing() {
    let mut runner = TestRunner::deterministic();
    let (mut puts, mut deletes) = (0, 0);
    for _ in 0..1_000 {
        let tree = (any_facts(), replies()).new_tree(&mut runner).expect("facts and replies");
        let (facts, replies) = tree.current();
        walk(facts, &replies, |_, step| match step {
            Step::Put { .. } => puts += 1,
            Step::Delete { .. } => deletes += 1,
            _ => {}
        });
    }
    assert!(puts > 20 && deletes > 20, "{puts} puts and {deletes} deletions");
}
