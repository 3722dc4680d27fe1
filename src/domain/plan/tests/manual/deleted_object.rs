//! An object that is being deleted never waits for a person.

use super::*;
use crate::domain::ledger::{Ledger, Operation};
use crate::domain::plan::Step;
use crate::domain::policy::DeletionPolicy;
use crate::domain::slot::{Ownership, WriteAnswer};

/// Returns deleted objects whose key is in the slot, or may be there.
fn with_key() -> [Scenario; 4] {
    let unconfirmed = || Scenario::new().manual().unconfirmed(&key(), "1");
    [
        uploaded().slot_is_ours("1"),
        uploaded().slot_is_unknown("1"),
        unconfirmed().slot_is_empty("1"),
        unconfirmed().slot_is_unknown("1"),
    ]
    .map(Scenario::object_deleted)
}

fn retained(scenario: Scenario) -> Scenario {
    scenario.with(|facts| facts.policy.deletion = DeletionPolicy::Retain)
}

fn assert_released(scenario: &Scenario) {
    let settlement = scenario.settlement();
    assert!(settlement.release && !settlement.orphan);
    assert_eq!(settlement.ledger, Ledger::default());
}

#[test]
fn the_removal_of_its_key_is_handed_over_and_the_object_is_released() {
    for mut scenario in with_key() {
        let Step::Record(pending) = scenario.plan() else { panic!("the write is recorded first") };
        assert_eq!((pending.operation, &pending.revision), (Operation::Delete, &revision("1")));
        scenario.facts.note_pending_write(pending);
        assert_eq!(scenario.plan(), delete_at("1"));
        let answer = WriteAnswer::HandedOver(revision("2"));
        scenario.facts.learn_write(Operation::Delete, None, answer, scenario.now);
        assert_released(&scenario);
    }
}

#[test]
fn without_a_key_that_may_be_in_the_slot_it_is_released() {
    for scenario in [Scenario::new(), Scenario::new().unconfirmed(&key(), "0")] {
        let scenario = scenario.manual().object_deleted();
        assert_released(&scenario.clone().slot_is_empty("1"));
        assert_released(&scenario.slot_is_owned_by("1", None));
    }
    assert_released(&Scenario::new().manual().object_deleted().slot_is_unknown("1"));
}

#[test]
fn with_retain_a_key_that_may_be_in_the_slot_stays_there() {
    let [with_slot, possible @ ..] = with_key().map(retained);
    for scenario in possible {
        assert_released(&scenario);
    }
    for scenario in
        [with_slot.clone().slot_holds_unavailable(&key()), with_slot.slot_holds(&key()).source_signs_in(accepted())]
    {
        assert_eq!(scenario.record().1, Step::Release { revision: revision("1"), to: None });
    }
}

#[test]
fn an_adopted_key_that_cannot_be_tested_is_left_without_an_owner() {
    let scenario = uploaded().object_deleted().slot_is_adopted("1").slot_holds_unavailable(&key());
    assert_eq!(scenario.record().1, Step::Release { revision: revision("1"), to: None });
}

#[test]
fn a_key_that_may_have_replaced_that_of_another_owner_is_fenced() {
    for owner in other_owners() {
        let scenario = Scenario::new().manual().unconfirmed(&key(), "1").object_deleted();
        let to = owner.clone().map(|owner| Ownership { owner, adopted: false });
        let scenario = scenario.slot_is_owned_by("1", owner);
        assert_eq!(scenario.record().1, Step::Release { revision: revision("1"), to });
    }
}

#[test]
fn an_object_that_is_being_deleted_asks_for_nothing_even_in_an_outage() {
    let outage = requested().object_deleted().with(|facts| facts.learn_slot(Err(unavailable())));
    let settlement = asks_for_nothing(&outage);
    assert_eq!(settlement.ledger.unconfirmed, requested().facts.ledger.unconfirmed);
    assert_eq!(settlement.conditions.expect("conditions").ready.reason, Reason::Removing);
}
