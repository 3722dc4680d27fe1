//! What holds whatever the facts are and whatever the world answers.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::generator::{Replies, any_facts, replies};
use super::scenario::*;
use crate::domain::conditions::Status;
use crate::domain::evidence::Refusals;
use crate::domain::ledger::Operation;
use crate::domain::plan::{Facts, KeyRole, Settlement, Source, Step, Tenant, Verdict, plan, settle_exhausted};
use crate::domain::policy::{AdoptionPolicy, DeadAction, DeletionPolicy, Mode};
use crate::domain::service_key::fingerprint::Fingerprint;
use crate::domain::slot::{Holder, Ownership, Revision, Slot};

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
            Step::Adopt { .. } => facts.learn_write(Operation::Adopt, draw.get(&replies.writes).clone(), now),
            Step::Release { to, .. } => facts.learn_released(to, draw.get(&replies.writes).clone(), now),
            Step::Settle(_) => return,
        }
    }
    let _ = settle_exhausted(&facts, now);
}

fn holder(facts: &Facts) -> Option<Holder<'_>> {
    match &facts.answers.slot {
        Some(Ok(slot)) => Some(slot.holder(&facts.subject.owner)),
        _ => None,
    }
}

fn recorded(facts: &Facts, wanted: Operation, fingerprint: Option<&Fingerprint>, at: &Revision) -> bool {
    facts.ledger.pending.as_ref().is_some_and(|pending| {
        pending.operation == wanted
            && pending.revision == *at
            && fingerprint.is_none_or(|fingerprint| pending.fingerprint.as_ref() == Some(fingerprint))
    })
}

/// Nothing is written for whoever only observes, is suspended, or is abandoned, and each write is recorded.
fn check_write(facts: &Facts, operation: Operation, at: &Revision) {
    assert!(recorded(facts, operation, None, at), "a write is recorded");
    assert_eq!(facts.policy.mode, Mode::Enforce, "who observes writes nothing");
    assert!(!facts.policy.suspend || facts.subject.deleting, "who is suspended writes nothing but its removal");
    assert!(!facts.subject.abandoned, "nothing is done for what is abandoned");
    assert!(!matches!(facts.tenant, Tenant::Missing { .. }), "without a tenant there is no slot");
    let seen = facts.answers.slot.as_ref().and_then(|slot| slot.as_ref().ok()).map(Slot::revision);
    assert_eq!(seen, Some(at), "a write is conditional on what was seen");
}

/// What becomes ours is a valid and proven key, and allowed.
fn check_upload(facts: &Facts) {
    assert!(facts.source_key().is_some(), "only a key that keeps the rules is put");
    assert!(matches!(facts.answers.source_sign_in, Some(Verdict::Accepted { .. })), "only a proven key is put");
    assert!(matches!(facts.tenant, Tenant::Open { .. }), "a put is allowed by the tenant");
    assert!(!facts.subject.deleting, "nothing is put for an object that goes");
}

fn check_put(facts: &Facts, at: &Revision) {
    check_write(facts, Operation::Upload, at);
    check_upload(facts);
    let key = facts.source_key().map(Fingerprint::of);
    assert!(recorded(facts, Operation::Upload, key.as_ref(), at), "the key is recorded with it");
    match holder(facts).expect("the slot was looked at") {
        Holder::Us(_) => {}
        Holder::Empty(_) => assert_eq!(facts.siblings.ahead, None, "an older one goes first"),
        Holder::Nobody(_) | Holder::Elsewhere(..) => {
            assert_eq!(
                facts.policy.adoption,
                AdoptionPolicy::Replace,
                "a key that is not ours is replaced only if wanted"
            );
            assert_eq!(facts.siblings.ahead, None, "an older one goes first");
            let ours = facts.ledger.uploaded.as_ref().map(|uploaded| uploaded.fingerprint.clone());
            assert!(ours != key || facts.subject.requested.is_some(), "what was overwritten is not put back by itself");
        }
        Holder::Sibling(..) => panic!("a sibling's key is never replaced"),
    }
}

fn check_take_over(facts: &Facts, at: &Revision) {
    check_write(facts, Operation::Adopt, at);
    check_upload(facts);
    assert!(matches!(holder(facts), Some(Holder::Nobody(_))), "only a key of nobody is taken over");
    assert_ne!(facts.policy.adoption, AdoptionPolicy::Never);
    let same = facts.slot_key().map(Fingerprint::of) == facts.source_key().map(Fingerprint::of);
    assert!(same, "only the very same key is taken over");
}

fn check_give_up(facts: &Facts, at: &Revision, to: Option<&Ownership>) {
    check_write(facts, Operation::Release, at);
    let leaves = facts.subject.deleting || matches!(facts.source, Source::Gone { .. });
    assert!(leaves, "only who goes gives up");
    match holder(facts).expect("the slot was looked at") {
        Holder::Us(_) => {
            let heir = facts.siblings.heir.as_ref().map(|heir| &heir.owner);
            assert!(to.is_none() || to.map(|to| &to.owner) == heir, "a key of ours is left to the heir or to nobody");
        }
        Holder::Nobody(_) => assert_eq!(to, None),
        Holder::Sibling(owner, _) | Holder::Elsewhere(owner, _) => {
            assert_eq!(to, Some(owner), "whose key it is stays as it is");
        }
        Holder::Empty(_) => panic!("there is nothing to give up"),
    }
}

/// A deletion is of our own key or fences a write of ours, and on grounds that suffice.
fn check_delete(facts: &Facts, at: &Revision) {
    check_write(facts, Operation::Delete, at);
    match holder(facts).expect("the slot was looked at") {
        Holder::Us(_) => {
            let refusals = facts.slot_key().and_then(|key| facts.observations.refusals.get(&Fingerprint::of(key)));
            let dead = refusals.is_some_and(Refusals::prove_dead);
            let adopted = matches!(&facts.answers.slot, Some(Ok(slot)) if slot.is_adopted());
            let gone = matches!(facts.source, Source::Gone { .. });
            let leaves =
                (facts.subject.deleting || gone) && facts.policy.deletion == DeletionPolicy::Delete && !adopted;
            let removed_with_its_object = facts.subject.deleting && adopted && dead;
            let died = dead && facts.policy.dead_action == DeadAction::Delete;
            assert!(leaves || removed_with_its_object || died, "a key of ours is deleted on grounds only");
        }
        Holder::Empty(_) => {}
        other => panic!("a deletion in a slot that is {other:?}"),
    }
}

fn check_settlement(facts: &Facts, settlement: &Settlement) {
    assert!(!settlement.release || facts.subject.deleting, "only an object that is deleted is released");
    let ready = settlement.conditions.as_ref().map(|conditions| conditions.ready.status);
    if ready == Some(Status::True) {
        assert!(matches!(facts.answers.source_sign_in, Some(Verdict::Accepted { .. })));
        assert!(matches!(holder(facts), Some(Holder::Us(_))));
    }
    let looks = !matches!(facts.tenant, Tenant::Missing { .. })
        && !facts.subject.abandoned
        && facts.policy.mode == Mode::Enforce;
    if settlement.release && looks {
        assert!(!matches!(holder(facts), None | Some(Holder::Us(_))), "what is released has nothing of its own left");
        assert!(!settlement.orphan);
    }
}

fn check(facts: &Facts, step: &Step) {
    match step {
        Step::Put { revision } => check_put(facts, revision),
        Step::Adopt { revision } => check_take_over(facts, revision),
        Step::Release { revision, to } => check_give_up(facts, revision, to.as_ref()),
        Step::Delete { revision } => check_delete(facts, revision),
        Step::Record(pending) => {
            assert_eq!(facts.policy.mode, Mode::Enforce, "who observes records nothing");
            let seen = facts.answers.slot.as_ref().and_then(|slot| slot.as_ref().ok()).map(Slot::revision);
            assert_eq!(seen, Some(&pending.revision), "what is recorded is what was seen");
        }
        Step::SignIn(KeyRole::Source) => assert!(facts.source_key().is_some()),
        Step::SignIn(KeyRole::Slot) => {
            assert!(matches!(holder(facts), Some(Holder::Us(_))), "only a key of ours is signed in with");
            assert!(facts.slot_key().is_some());
        }
        Step::ReadSlot | Step::ReadContent => {
            assert!(!matches!(facts.tenant, Tenant::Missing { .. }), "without a tenant nothing is asked");
        }
        Step::Settle(settlement) => check_settlement(facts, settlement),
    }
    let asks = !matches!(step, Step::Settle(_));
    assert!(!asks || !facts.policy.suspend || facts.subject.deleting, "who is suspended asks nobody");
}

proptest! {
    #[test]
    fn no_facts_make_it_panic_or_break_a_promise(facts in any_facts()) {
        check(&facts, &plan(&facts, now_at(START)));
        let _ = settle_exhausted(&facts, now_at(START));
    }

    #[test]
    fn no_answers_make_a_pass_break_a_promise(facts in any_facts(), replies in replies()) {
        walk(facts, &replies, check);
    }
}

#[test]
fn the_walks_get_as_far_as_writing() {
    let mut runner = TestRunner::deterministic();
    let (mut puts, mut deletes, mut patches) = (0, 0, 0);
    for _ in 0..5_000 {
        let tree = (any_facts(), replies()).new_tree(&mut runner).expect("facts and replies");
        let (facts, replies) = tree.current();
        walk(facts, &replies, |_, step| match step {
            Step::Put { .. } => puts += 1,
            Step::Delete { .. } => deletes += 1,
            Step::Adopt { .. } | Step::Release { .. } => patches += 1,
            _ => {}
        });
    }
    assert!(puts > 20 && deletes > 20 && patches > 20, "{puts} puts, {deletes} deletions, {patches} changes of owner");
}
