//! A source that is gone: a person is asked to delete its key once the evidence suffices.

use std::time::Duration;

use super::*;
use crate::domain::conditions::Progress;
use crate::domain::evidence::Observations;
use crate::domain::ledger::{Ledger, Operation};
use crate::domain::plan::{Evidence, Heir, Step};
use crate::domain::policy::DeletionPolicy;
use crate::domain::slot::Ownership;

const GRACE: u64 = 300;

/// Returns the scenario with a source that has just been lost.
fn gone(scenario: Scenario, evidence: Evidence, grace: u64) -> Scenario {
    let scenario = scenario.with(|facts| facts.policy.grace_period = Duration::from_secs(grace));
    scenario.source_is_gone(evidence).source_unchanged_for(0)
}

/// Returns our key in the slot, whose source has just been lost and which cannot be tested.
fn not_testable(evidence: Evidence, grace: u64) -> Scenario {
    gone(uploaded(), evidence, grace).slot_is_ours("1").slot_holds_unavailable(&key())
}

/// Returns objects whose key may be in the slot: its upload was not confirmed, or the record was lost.
fn possible() -> [Scenario; 3] {
    [
        requested().slot_is_unknown("1"),
        Scenario::new().manual().unconfirmed(&key(), "1").slot_is_empty("1"),
        uploaded().slot_is_unknown("1"),
    ]
}

fn retained(scenario: Scenario) -> Scenario {
    scenario.with(|facts| facts.policy.deletion = DeletionPolicy::Retain)
}

/// Asserts that no person is asked yet, and the delay of the next reconciliation in seconds.
fn assert_waits(scenario: &Scenario, seconds: u64) {
    let settlement = asks_for_nothing(scenario);
    assert_eq!(settlement.next, Duration::from_secs(seconds));
    let ready = settlement.conditions.expect("conditions").ready;
    assert_eq!(verdict(&ready), (Status::Unknown, Reason::RemovalPending));
}

#[test]
fn a_person_is_asked_to_delete_the_key_of_a_lost_source() {
    let Requested { action, settlement, conditions } = asked(not_testable(Evidence::DeletionSeen, 0));
    assert_asks(&action, ActionOperation::Delete, &key(), "1");
    assert_eq!(action.deadline, None);
    assert_eq!(verdict(&conditions.uploaded), (Status::True, Reason::ActionRequired));
    assert_eq!(verdict(&conditions.ready), (Status::Unknown, Reason::ActionRequired));
    assert_eq!(conditions.progress, Progress::Reconciling);
    assert!(conditions.ready.message.starts_with("the binding is gone; delete the key"), "{:?}", conditions.ready);
    assert_eq!(settlement.ledger.uploaded, uploaded().facts.ledger.uploaded, "the key is still in the slot");
}

#[test]
fn a_request_to_delete_waits_for_the_grace_period() {
    for evidence in [Evidence::DeletionSeen, Evidence::SecretAbsent] {
        let at = |seconds| not_testable(evidence, GRACE).later(seconds);
        assert_waits(&at(0), GRACE);
        assert_waits(&at(GRACE - 1), 1);
        assert_eq!(asked(at(GRACE)).action.operation, ActionOperation::Delete);
    }
}

#[test]
fn without_a_test_the_key_of_an_absent_binding_counts_like_an_accepted_one() {
    for (grace, needed) in [(0, 600), (GRACE, 600), (3_600, 3_600)] {
        let accepted = gone(uploaded(), ABSENT, grace).slot_is_ours("1").slot_holds(&key()).slot_signs_in(accepted());
        for scenario in [not_testable(ABSENT, grace), accepted] {
            assert!(matches!(scenario.plan(), Step::Settle(_)));
            assert_waits(&scenario.clone().later(needed - 1), 1);
            assert_eq!(asked(scenario.later(needed)).action.operation, ActionOperation::Delete);
        }
    }
}

#[test]
fn neither_a_restart_nor_an_outage_withdraws_the_request_to_delete() {
    let first = not_testable(ABSENT, 0).later(600).ask().1;
    let action = first.facts.ledger.action.clone().expect("an action");
    let restarted = first.after_settlement(700).with(|facts| facts.observations = Observations::default());
    let again = restarted.source_unchanged_for(0).slot_is_ours("1");
    for scenario in [again.clone().slot_holds_unavailable(&key()), again.slot_holds(&key()).slot_signs_in(unclear())] {
        let asked = asked(scenario);
        assert_eq!(asked.action.id, action.id);
        assert_eq!(verdict(&asked.conditions.ready), (Status::Unknown, Reason::ActionRequired));
    }
}

#[test]
fn a_key_that_may_be_in_the_slot_is_to_be_deleted_with_its_source() {
    for scenario in possible() {
        let scenario = gone(scenario, ABSENT, 0);
        assert_waits(&scenario, 600);
        let Requested { action, conditions, .. } = asked(scenario.clone().later(600));
        assert_asks(&action, ActionOperation::Delete, &key(), "1");
        assert_eq!(verdict(&conditions.uploaded), (Status::Unknown, Reason::ActionRequired));
        assert_eq!(verdict(&conditions.ready), (Status::Unknown, Reason::ActionRequired));

        let first = scenario.later(600).ask().1;
        let slot = first.facts.answers.slot.clone().expect("the slot was read");
        let restarted = first.after_settlement(700).with(|facts| facts.observations = Observations::default());
        let restarted = restarted.source_unchanged_for(0).with(|facts| facts.learn_slot(slot));
        assert_eq!(asked(restarted).action, action, "a restart does not withdraw the request");
    }
}

#[test]
fn a_key_that_may_be_in_a_slot_without_an_owner_is_to_be_deleted() {
    let replacing = Scenario::new().manual().unconfirmed(&key(), "1").slot_is_owned_by("1", None);
    let Requested { action, .. } = asked(gone(replacing, Evidence::DeletionSeen, 0));
    assert_asks(&action, ActionOperation::Delete, &key(), "1");
}

#[test]
fn a_key_that_is_requested_for_a_sibling_is_not_to_be_deleted() {
    for scenario in possible() {
        let first = gone(scenario, ABSENT, 0).later(600).ask().1;
        let slot = first.facts.answers.slot.clone().expect("the slot was read");
        let shared = first.after_settlement(601).source_unchanged_for(601).with(|facts| {
            facts.siblings.requested = vec![rotated().fingerprint().clone(), key().fingerprint().clone()];
        });
        let settlement = asks_for_nothing(&shared.with(|facts| facts.learn_slot(slot)));
        let ready = settlement.conditions.expect("conditions").ready;
        assert_eq!(verdict(&ready), (Status::False, Reason::SourceGone));
    }
}

#[test]
fn a_confirmed_deletion_ends_the_request() {
    let first = not_testable(Evidence::DeletionSeen, 0).ask().1.after_settlement(60);
    let settlement = asks_for_nothing(&first.slot_is_empty("2"));
    assert_eq!(settlement.ledger, Ledger::default());
    let ready = settlement.conditions.expect("conditions").ready;
    assert_eq!(verdict(&ready), (Status::False, Reason::SourceGone));
}

#[test]
fn a_key_that_is_found_after_its_removal_is_to_be_deleted_again() {
    let removed = not_testable(Evidence::DeletionSeen, 0).ask().1.after_settlement(60).slot_is_empty("2");
    let found = removed.after_settlement(120).slot_is_ours("3").slot_holds_unavailable(&key());
    let Requested { action, conditions, .. } = asked(found);
    assert_asks(&action, ActionOperation::Delete, &key(), "3");
    assert_eq!(verdict(&conditions.uploaded), (Status::True, Reason::ActionRequired));
}

#[test]
fn with_retain_a_lost_source_asks_for_nothing() {
    let long_gone = |scenario: Scenario| retained(gone(scenario, ABSENT, 0)).later(1_000_000);
    let with_slot = long_gone(uploaded()).slot_is_ours("1");
    for scenario in
        [with_slot.clone().slot_holds_unavailable(&key()), with_slot.slot_holds(&key()).slot_signs_in(accepted())]
    {
        assert_eq!(scenario.record().1, Step::Release { revision: revision("1"), to: None });
    }
    for scenario in possible() {
        let settlement = asks_for_nothing(&long_gone(scenario));
        assert_eq!(settlement.ledger, Ledger::default());
        assert_eq!(settlement.conditions.expect("conditions").ready.reason, Reason::SourceGone);
    }
}

#[test]
fn a_key_that_signs_in_again_is_to_be_deleted_without_a_deadline() {
    let dead = gone(uploaded(), ABSENT, 0).refused_at(&key(), &[0, 60, 240, 600]).slot_is_ours("1");
    let first = dead.slot_holds(&key()).slot_signs_in(refused()).ask().1;
    let action = first.facts.ledger.action.clone().expect("an action");
    assert_eq!(action.deadline, Some(now_at(START + 600).wall));
    let revived = first.after_settlement(4_200).slot_is_ours("1").slot_holds(&key()).slot_signs_in(accepted());
    assert_eq!(asked(revived).action, Action { deadline: None, ..action });
}

#[test]
fn the_key_of_a_lost_source_is_handed_over_to_a_sibling_without_a_person() {
    let heir = Heir {
        owner: sibling(),
        credentials: key().credentials_fingerprint().clone(),
        key: key().fingerprint().clone(),
    };
    let scenario = gone(uploaded(), Evidence::DeletionSeen, 0).with(|facts| facts.siblings.heir = Some(heir));
    let scenario = scenario.slot_is_ours("1").slot_holds(&key()).slot_signs_in(accepted());
    let to = Some(Ownership { owner: sibling(), adopted: false });
    assert_eq!(scenario.record().1, Step::Release { revision: revision("1"), to });
}

#[test]
fn an_adopted_key_that_cannot_be_tested_stays_without_a_request() {
    let adopted = gone(uploaded(), ABSENT, 0).later(1_000_000).slot_is_adopted("1").slot_holds_unavailable(&key());
    let ready = asks_for_nothing(&adopted).conditions.expect("conditions").ready;
    assert_eq!(verdict(&ready), (Status::False, Reason::SourceGone));
    assert!(ready.message.contains("can no longer be tested"), "{}", ready.message);
}

#[test]
fn a_write_of_the_operator_is_fenced_without_a_person() {
    let adopting = Scenario::new().manual().pending(Operation::Adopt, Some(&key()), "1").slot_is_owned_by("1", None);
    let (pending, step) = gone(adopting, ABSENT, 0).record();
    assert_eq!(pending.operation, Operation::Release);
    assert_eq!(step, Step::Release { revision: revision("1"), to: None });
}

#[test]
fn a_lost_source_withdraws_the_request_to_upload_and_remembers_it() {
    let settlement = asks_for_nothing(&gone(requested(), ABSENT, 0).slot_is_unknown("1"));
    assert_eq!(settlement.ledger.unconfirmed, requested().facts.ledger.unconfirmed);
}
