//! The invariants: properties of the plan that hold for all facts and answers.

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
use crate::domain::reason::Reason;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::fingerprint::KeyFingerprint;
use crate::domain::slot::{Holder, Ownership, Revision, Slot};

/// Follows the plan through the answers of `replies`, and passes facts and step to `check` each time.
fn walk(mut facts: Facts, replies: &Replies, mut check: impl FnMut(&Facts, &Step)) {
    let now = now_at(START);
    facts.observe_source(now);
    for draw in &replies.draws {
        let step = plan(&facts, now);
        check(&facts, &step);
        match step {
            Step::SignIn(role) => facts.learn_sign_in(role, draw.get(&replies.verdicts).clone(), now),
            Step::ReadSlot => facts.learn_slot(draw.get(&replies.slots).clone()),
            Step::ReadContent => facts.learn_content(draw.get(&replies.contents).clone()),
            Step::Record(pending) => facts.note_pending_write(pending),
            Step::Put { adopted, .. } => {
                let owner = Some(Ownership { adopted, ..ours() });
                facts.learn_write(Operation::Upload, owner, draw.get(&replies.writes).clone(), now);
            }
            Step::Delete { .. } => facts.learn_write(Operation::Delete, None, draw.get(&replies.writes).clone(), now),
            Step::Adopt { .. } => {
                let owner = Some(Ownership { adopted: true, ..ours() });
                facts.learn_write(Operation::Adopt, owner, draw.get(&replies.writes).clone(), now);
            }
            Step::Release { to, .. } => {
                facts.learn_write(Operation::Release, to, draw.get(&replies.writes).clone(), now);
            }
            Step::Settle(_) => return,
        }
    }
    let _ = settle_exhausted(&facts, now);
}

fn recorded(facts: &Facts, operation: Operation, fingerprint: Option<&KeyFingerprint>, at: &Revision) -> bool {
    facts.ledger.pending.as_ref().is_some_and(|pending| {
        pending.operation == operation
            && pending.revision == *at
            && fingerprint.is_none_or(|fingerprint| pending.fingerprint.as_ref().is_none_or(|it| it == fingerprint))
    })
}

/// Checks that a write is recorded, and that the object is neither observed, suspended nor abandoned.
fn check_write(facts: &Facts, operation: Operation, at: &Revision) {
    assert!(recorded(facts, operation, None, at), "the write is recorded");
    assert_eq!(facts.policy.mode, Mode::Enforce, "an observed object causes no write");
    assert!(!facts.policy.suspend || facts.subject.deleting, "a suspended object causes no write except its removal");
    assert!(!facts.subject.abandoned, "an abandoned object causes no write");
    assert!(!matches!(facts.tenant, Tenant::Missing { .. }), "an object without a tenant has no slot");
    let seen = facts.answers.slot.as_ref().and_then(|slot| slot.as_ref().ok()).map(Slot::revision);
    assert_eq!(seen, Some(at), "a write is conditional on the revision that was read");
}

/// Checks that a key that becomes ours is valid, accepted and admitted by the tenant.
fn check_upload(facts: &Facts) {
    assert!(facts.source_key().is_some(), "only a valid key is put");
    assert!(matches!(facts.answers.source_sign_in, Some(Verdict::Accepted { .. })), "only an accepted key is put");
    assert!(matches!(facts.tenant, Tenant::Open { .. }), "the tenant admits the put");
    assert!(!facts.subject.deleting, "nothing is put for an object that is being deleted");
}

fn check_put(facts: &Facts, at: &Revision, adopted: bool) {
    check_write(facts, Operation::Upload, at);
    check_upload(facts);
    let key = facts.source_key().map(ServiceKey::fingerprint);
    assert!(
        recorded(facts, Operation::Upload, key, at),
        "the record has the fingerprint of the key, or stands for several"
    );
    let credentials = ServiceKey::credentials_fingerprint;
    if adopted {
        assert!(
            matches!(&facts.answers.slot, Some(Ok(slot)) if slot.is_adopted()),
            "only an adopted key stays adopted"
        );
        assert!(matches!(facts.holder(), Some(Holder::Us(_))), "only our adopted key stays adopted");
        assert_eq!(facts.slot_key().map(credentials), facts.source_key().map(credentials), "for the same credentials");
    }
    match facts.holder().expect("the slot was read") {
        Holder::Us(_) => {}
        Holder::Empty(_) => assert_eq!(facts.siblings.ahead, None, "an older sibling uploads first"),
        Holder::Nobody(_) | Holder::Elsewhere(..) => {
            assert_eq!(
                facts.policy.adoption,
                AdoptionPolicy::Replace,
                "a key that is not ours is replaced only with Replace"
            );
            assert_eq!(facts.siblings.ahead, None, "an older sibling uploads first");
            let ours = facts.ledger.uploaded.as_ref().map(|uploaded| uploaded.fingerprint.clone());
            assert!(
                ours.as_ref() != key || facts.subject.requested.is_some(),
                "an overwritten key is not put back without a request"
            );
        }
        Holder::Sibling(..) => panic!("a sibling's key is never replaced"),
    }
}

fn check_adopt(facts: &Facts, at: &Revision) {
    check_write(facts, Operation::Adopt, at);
    check_upload(facts);
    assert!(matches!(facts.holder(), Some(Holder::Nobody(_))), "only a key without an owner is adopted");
    assert_ne!(facts.policy.adoption, AdoptionPolicy::Never);
    let same = facts.slot_key().map(ServiceKey::fingerprint) == facts.source_key().map(ServiceKey::fingerprint);
    assert!(same, "only an identical key is adopted");
}

fn check_release(facts: &Facts, at: &Revision, to: Option<&Ownership>) {
    check_write(facts, Operation::Release, at);
    let is_lost = facts.subject.deleting || matches!(facts.source, Source::Gone { .. });
    assert!(is_lost, "only the loss of object or source leads to a release");
    match facts.holder().expect("the slot was read") {
        Holder::Us(_) => {
            let heir = facts.siblings.heir.as_ref().map(|heir| &heir.owner);
            assert!(
                to.is_none() || to.map(|to| &to.owner) == heir,
                "our key is released to the heir or without an owner"
            );
        }
        Holder::Nobody(_) => assert_eq!(to, None),
        Holder::Sibling(owner, _) | Holder::Elsewhere(owner, _) => {
            assert_eq!(to, Some(owner), "the owner of another key is unchanged");
        }
        Holder::Empty(_) => panic!("an empty slot has no key to release"),
    }
}

/// Checks that a deletion removes our own key for a sufficient reason, or fences a write of ours.
fn check_delete(facts: &Facts, at: &Revision) {
    check_write(facts, Operation::Delete, at);
    match facts.holder().expect("the slot was read") {
        Holder::Us(_) => {
            let dead = facts.slot_refusals().is_some_and(Refusals::prove_dead);
            let adopted = matches!(&facts.answers.slot, Some(Ok(slot)) if slot.is_adopted());
            let gone = matches!(facts.source, Source::Gone { .. });
            let is_lost =
                (facts.subject.deleting || gone) && facts.policy.deletion == DeletionPolicy::Delete && !adopted;
            let removed_with_its_object = facts.subject.deleting && adopted && dead;
            let died = dead && facts.policy.dead_action == DeadAction::Delete;
            assert!(is_lost || removed_with_its_object || died, "our key is deleted only for a reason");
        }
        Holder::Empty(_) => {}
        other => panic!("a deletion of the key of {other:?}"),
    }
}

/// Checks that `Ready=True` with this reason hides nothing.
fn check_ready(facts: &Facts, reason: Reason) {
    if reason == Reason::Suspended {
        let uploaded = facts.ledger.uploaded.as_ref().expect("a suspended object is ready only with an uploaded key");
        let is_uncertain = matches!(facts.source, Source::Unknown { .. });
        let is_current = facts.source_key().is_some_and(|key| uploaded.is_current(key) != Some(false));
        assert!(is_uncertain || is_current, "the source of a suspended object that is ready has the uploaded key");
        return;
    }
    assert!(!facts.policy.suspend, "the readiness of a suspended object is explained as such");
    assert!(matches!(facts.answers.source_sign_in, Some(Verdict::Accepted { .. })));
    match reason {
        Reason::WouldChange => assert_eq!(facts.policy.mode, Mode::Observe),
        _ => assert!(matches!(facts.holder(), Some(Holder::Us(_)))),
    }
}

fn check_settlement(facts: &Facts, settlement: &Settlement) {
    assert!(!settlement.release || facts.subject.deleting, "only an object that is being deleted is released");
    let ready = settlement.conditions.as_ref().map(|conditions| &conditions.ready);
    if let Some(ready) = ready.filter(|ready| ready.status == Status::True) {
        check_ready(facts, ready.reason);
    }
    let looks = !matches!(facts.tenant, Tenant::Missing { .. })
        && !facts.subject.abandoned
        && facts.policy.mode == Mode::Enforce;
    if settlement.release && looks {
        assert!(!matches!(facts.holder(), None | Some(Holder::Us(_))), "a released object has no key in the slot");
        assert!(!settlement.orphan);
    }
}

fn check(facts: &Facts, step: &Step) {
    match step {
        Step::Put { revision, adopted } => check_put(facts, revision, *adopted),
        Step::Adopt { revision } => check_adopt(facts, revision),
        Step::Release { revision, to } => check_release(facts, revision, to.as_ref()),
        Step::Delete { revision } => check_delete(facts, revision),
        Step::Record(pending) => {
            assert_eq!(facts.policy.mode, Mode::Enforce, "an observed object records nothing");
            let seen = facts.answers.slot.as_ref().and_then(|slot| slot.as_ref().ok()).map(Slot::revision);
            assert_eq!(seen, Some(&pending.revision), "the pending write must name the revision that was read");
        }
        Step::SignIn(KeyRole::Source) => assert!(facts.source_key().is_some()),
        Step::SignIn(KeyRole::Slot) => {
            assert!(matches!(facts.holder(), Some(Holder::Us(_))), "only our own key is tested");
            assert!(facts.slot_key().is_some());
        }
        Step::ReadSlot | Step::ReadContent => {
            assert!(!matches!(facts.tenant, Tenant::Missing { .. }), "an object without a tenant causes no call");
        }
        Step::Settle(settlement) => check_settlement(facts, settlement),
    }
    let asks = !matches!(step, Step::Settle(_));
    assert!(!asks || !facts.policy.suspend || facts.subject.deleting, "a suspended object causes no call");
}

proptest! {
    #[test]
    fn no_facts_break_an_invariant(facts in any_facts()) {
        check(&facts, &plan(&facts, now_at(START)));
        let _ = settle_exhausted(&facts, now_at(START));
    }

    #[test]
    fn no_answers_break_an_invariant(facts in any_facts(), replies in replies()) {
        walk(facts, &replies, check);
    }
}

#[test]
fn the_walks_reach_all_kinds_of_writes() {
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
