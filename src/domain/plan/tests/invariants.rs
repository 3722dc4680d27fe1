//! The invariants: properties of the plan that hold for all facts and answers.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::generator::{Replies, any_facts, replies};
use super::scenario::*;
use crate::domain::action::{Action, ActionOperation};
use crate::domain::conditions::Status;
use crate::domain::evidence::Refusals;
use crate::domain::ledger::Operation;
use crate::domain::plan::{Facts, KeyRole, Settlement, Source, Step, Tenant, Verdict, plan, settle_exhausted};
use crate::domain::policy::{Adapter, AdoptionPolicy, DeadAction, DeletionPolicy, Mode};
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
            Step::Ask(action) => facts.note_action(*action),
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

/// Checks that a write is recorded and permitted.
fn check_write(facts: &Facts, operation: Operation, at: &Revision) {
    assert!(recorded(facts, operation, None, at), "the write is recorded");
    check_permitted(facts, at);
}

/// Checks that the object is neither observed, suspended nor abandoned, and that the slot has been read.
fn check_permitted(facts: &Facts, at: &Revision) {
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
    assert_eq!(facts.policy.adapter, Adapter::Http, "in manual mode, only a person can put a key");
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
    check_place(facts);
}

/// Checks that the source's key may be put into the slot as it is.
fn check_place(facts: &Facts) {
    let key = facts.source_key().map(ServiceKey::fingerprint);
    match facts.holder().expect("the slot was read") {
        Holder::Us(_) => {}
        Holder::Empty(_) | Holder::Unknown(_) => {
            assert_eq!(facts.siblings.ahead, None, "an older sibling uploads first");
        }
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
        Holder::Empty(_) | Holder::Unknown(_) => panic!("an empty slot has no key to release"),
    }
}

/// Checks that a deletion removes our own key for a sufficient reason, or fences a write of ours.
fn check_delete(facts: &Facts, at: &Revision) {
    check_write(facts, Operation::Delete, at);
    match facts.holder().expect("the slot was read") {
        Holder::Us(_) => {
            let by_person = facts.policy.adapter == Adapter::Manual && !facts.subject.deleting;
            assert!(!by_person, "in manual mode, a person is asked to delete the key of an object that exists");
            assert!(may_delete_ours(facts), "our key is deleted only for a reason");
        }
        Holder::Empty(_) | Holder::Unknown(_) => {}
        other => panic!("a deletion of the key of {other:?}"),
    }
}

/// Returns true if our key in the slot may be deleted.
fn may_delete_ours(facts: &Facts) -> bool {
    let dead = facts.slot_refusals().is_some_and(Refusals::prove_dead);
    let adopted = matches!(&facts.answers.slot, Some(Ok(slot)) if slot.is_adopted());
    let is_lost =
        (facts.subject.deleting || is_gone(facts)) && facts.policy.deletion == DeletionPolicy::Delete && !adopted;
    let removed_with_its_object = facts.subject.deleting && adopted && dead;
    let died = dead && facts.policy.dead_action == DeadAction::Delete;
    is_lost || removed_with_its_object || died
}

fn is_gone(facts: &Facts) -> bool {
    matches!(facts.source, Source::Gone { .. })
}

/// Checks that a person is asked only for a write that the operator would be permitted to perform.
fn check_ask(facts: &Facts, action: &Action) {
    check_permitted(facts, &action.revision);
    assert_eq!(facts.policy.adapter, Adapter::Manual, "a person is asked only in manual mode");
    assert!(!facts.subject.deleting, "the deletion of an object never waits for a person");
    let before = facts.ledger.action.as_ref().filter(|before| before.asks_for_same(action));
    let id = before.map_or(facts.action_id.as_str(), |before| before.id.as_str());
    assert_eq!(action.id, id, "the same request has the same ID, and any other one a new ID");
    let is_filled = matches!(&facts.answers.slot, Some(Ok(Slot::Filled { .. })));
    match action.operation {
        ActionOperation::Upload | ActionOperation::Replace => {
            check_upload(facts);
            check_place(facts);
            assert_eq!(action.upload(), facts.source_key().map(ServiceKey::fingerprint), "the source's key is put");
            assert!(!is_filled || action.operation == ActionOperation::Replace, "a key in the slot is replaced");
        }
        ActionOperation::Delete => check_asked_deletion(facts, action),
    }
}

/// Returns true if the key in the slot, which may be the source's, is accepted.
fn slot_key_signs_in(facts: &Facts) -> bool {
    let credentials = ServiceKey::credentials_fingerprint;
    facts.slot_key().map(credentials).is_some_and(|slot_key| {
        let is_sources = facts.source_key().map(credentials) == Some(slot_key);
        let answers = &facts.answers;
        let verdict = if is_sources { &answers.source_sign_in } else { &answers.slot_sign_in };
        matches!(verdict, Some(Verdict::Accepted { .. }))
    })
}

/// Checks that a person is asked for a deletion only for a sufficient reason, which an earlier reconciliation may have found.
fn check_asked_deletion(facts: &Facts, action: &Action) {
    let Facts { ledger, policy, .. } = facts;
    let before = ledger.action.as_ref().filter(|before| before.revision == action.revision);
    let was_asked = before.is_some_and(|before| before.operation == ActionOperation::Delete);
    match facts.holder().expect("the slot was read") {
        Holder::Us(_) => {
            let died = was_asked && policy.dead_action == DeadAction::Delete && !slot_key_signs_in(facts);
            assert!(may_delete_ours(facts) || died, "a person is asked to delete our key only for a reason");
        }
        holder @ (Holder::Empty(_) | Holder::Unknown(_) | Holder::Nobody(_)) => {
            let requested = ledger.unconfirmed.iter().any(|requested| requested.revision == action.revision);
            let is_lost = matches!(holder, Holder::Unknown(_)) && ledger.uploaded.is_some();
            assert!(requested || is_lost, "a key of ours may be in the slot");
            let key = facts.source_key().map(ServiceKey::credentials_fingerprint);
            let refusals = key.and_then(|key| facts.observations.refusals.get(key));
            let died = policy.dead_action == DeadAction::Delete
                && matches!(facts.answers.source_sign_in, Some(Verdict::Refused { .. }))
                && (was_asked || refusals.is_some_and(Refusals::prove_dead));
            let is_lost = is_gone(facts) && policy.deletion == DeletionPolicy::Delete;
            assert!(is_lost || died, "a person is asked to delete what may be our key only for a reason");
        }
        other => panic!("a request to delete the key of {other:?}"),
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
        Reason::ActionRequired => {
            assert!(matches!(facts.holder(), Some(Holder::Us(_))), "our key is in the slot until it is replaced");
            let action = facts.ledger.action.as_ref().filter(|_| facts.answers.asked);
            assert_eq!(action.map(|action| action.operation), Some(ActionOperation::Replace));
        }
        _ => assert!(matches!(facts.holder(), Some(Holder::Us(_)))),
    }
}

fn check_settlement(facts: &Facts, settlement: &Settlement) {
    assert!(!settlement.release || facts.subject.deleting, "only an object that is being deleted is released");
    let ready = settlement.conditions.as_ref().map(|conditions| &conditions.ready);
    if let Some(ready) = ready.filter(|ready| ready.status == Status::True) {
        check_ready(facts, ready.reason);
    }
    check_settled_action(facts, settlement);
    let looks = !matches!(facts.tenant, Tenant::Missing { .. })
        && !facts.subject.abandoned
        && facts.policy.mode == Mode::Enforce;
    if settlement.release && looks {
        assert!(!matches!(facts.holder(), None | Some(Holder::Us(_))), "a released object has no key in the slot");
        assert!(!settlement.orphan);
    }
}

/// Checks that the status asks a person only for an action that this object may need.
fn check_settled_action(facts: &Facts, settlement: &Settlement) {
    if facts.subject.deleting {
        let ready = settlement.conditions.as_ref().map(|conditions| conditions.ready.reason);
        assert_ne!(ready, Some(Reason::ActionRequired), "the deletion of an object never waits for a person");
    }
    let Some(action) = &settlement.ledger.action else { return };
    assert_eq!(facts.policy.adapter, Adapter::Manual, "a person is asked only in manual mode");
    assert!(!facts.subject.deleting, "an object that is being deleted asks for nothing");
    assert!(!facts.policy.suspend, "a suspended object asks for nothing");
    assert_eq!(facts.policy.mode, Mode::Enforce, "an observed object asks for nothing");
    if let Some(Ok(slot)) = &facts.answers.slot {
        assert_eq!(action.revision, *slot.revision(), "an action is based on the record that was read");
    }
}

fn check(facts: &Facts, step: &Step) {
    match step {
        Step::Ask(action) => check_ask(facts, action),
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
    let strategy = (any_facts(), replies());
    let (mut puts, mut deletes, mut patches) = (0, 0, 0);
    let (mut uploads, mut replacements, mut removals) = (0, 0, 0);
    for _ in 0..10_000 {
        let tree = strategy.new_tree(&mut runner).expect("facts and replies");
        let (facts, replies) = tree.current();
        walk(facts, &replies, |_, step| match step {
            Step::Put { .. } => puts += 1,
            Step::Delete { .. } => deletes += 1,
            Step::Adopt { .. } | Step::Release { .. } => patches += 1,
            Step::Ask(action) => match action.operation {
                ActionOperation::Upload => uploads += 1,
                ActionOperation::Replace => replacements += 1,
                ActionOperation::Delete => removals += 1,
            },
            _ => {}
        });
    }
    assert!(puts > 20 && deletes > 20 && patches > 20, "{puts} puts, {deletes} deletions, {patches} changes of owner");
    assert!(
        uploads > 20 && replacements > 20 && removals > 20,
        "requests for {uploads} uploads, {replacements} replacements, {removals} deletions"
    );
}
