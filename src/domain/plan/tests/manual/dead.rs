//! A dead key whose source still exists.

use super::*;
use crate::domain::conditions::Progress;
use crate::domain::evidence::Observations;
use crate::domain::policy::DeadAction;

const ALL_PROBES: [u64; 4] = [0, 60, 240, 600];

/// Returns our key in the slot, which is refused at these moments. It is the source's key.
fn refused_at(moments: &[u64]) -> Scenario {
    uploaded().refused_at(&key(), moments).source_signs_in(refused()).slot_is_ours("1").slot_holds(&key())
}

/// Returns our dead key in the slot, whose source has an invalid key.
fn dead_with_invalid_source() -> Scenario {
    let scenario = uploaded().source(present(Err(findings()))).refused_at(&key(), &ALL_PROBES);
    scenario.slot_is_ours("1").slot_holds(&key()).slot_signs_in(refused())
}

/// Returns the next reconciliation of an object after a restart of the operator, which loses all refusals.
fn restarted(scenario: Scenario) -> Scenario {
    let restarted = scenario.after_settlement(700).with(|facts| facts.observations = Observations::default());
    restarted.slot_is_ours("1")
}

#[test]
fn a_person_is_asked_to_delete_a_dead_key() {
    asks_for_nothing(&refused_at(&ALL_PROBES[..3]));
    let Requested { action, settlement, conditions } = asked(refused_at(&ALL_PROBES));
    assert_asks(&action, ActionOperation::Delete, &key(), "1");
    assert_eq!(action.deadline, Some(now_at(START + 600).wall), "managed systems cannot sign in");
    assert_eq!(verdict(&conditions.uploaded), (Status::True, Reason::ActionRequired));
    assert_eq!(verdict(&conditions.ready), (Status::False, Reason::CredentialsRefused));
    assert_eq!(conditions.progress, Progress::Stalled);
    assert!(conditions.ready.message.contains("delete the key"), "{}", conditions.ready.message);
    assert!(settlement.ledger.uploaded.is_some(), "it is in the slot until a person confirms the deletion");
}

#[test]
fn nothing_is_asked_about_a_dead_key_that_is_only_to_be_reported() {
    let report = |scenario: Scenario| scenario.with(|facts| facts.policy.dead_action = DeadAction::Report);
    asks_for_nothing(&report(refused_at(&ALL_PROBES)));
    asks_for_nothing(&report(dead_with_invalid_source()));
    let asked_before = dead_with_invalid_source().ask().1;
    asks_for_nothing(&report(restarted(asked_before)).slot_holds_unavailable(&key()));
}

#[test]
fn the_request_to_delete_a_dead_key_stands_until_the_key_signs_in() {
    let first = dead_with_invalid_source().ask().1;
    let action = first.facts.ledger.action.clone().expect("an action");
    let again = restarted(first);
    let readable = again.clone().slot_holds(&key());
    for scenario in [
        readable.clone().slot_signs_in(refused()),
        readable.clone().slot_signs_in(unclear()),
        again.slot_holds_unavailable(&key()),
    ] {
        assert_eq!(asked(scenario).action, action, "a restart loses the refusals, but not the request");
    }
    let revived = readable.slot_signs_in(accepted());
    asks_for_nothing(&revived);
    let revived_and_gone = revived.source_is_gone(ABSENT).source_unchanged_for(0);
    assert_eq!(
        asks_for_nothing(&revived_and_gone).conditions.expect("conditions").ready.reason,
        Reason::RemovalPending
    );
}

#[test]
fn a_dead_key_of_a_closed_tenant_is_to_be_deleted() {
    let scenario = refused_at(&ALL_PROBES).tenant_closed();
    let Requested { action, conditions, .. } = asked(scenario);
    assert_asks(&action, ActionOperation::Delete, &key(), "1");
    assert_eq!(verdict(&conditions.uploaded), (Status::True, Reason::ActionRequired));
    assert_eq!(verdict(&conditions.ready), (Status::False, Reason::NamespaceNotAllowed));
}

#[test]
fn a_refused_key_that_may_be_in_the_slot_is_to_be_deleted_once_it_is_dead() {
    let refused_at = |scenario: Scenario, moments| scenario.refused_at(&key(), moments).source_signs_in(refused());
    let unconfirmed = || Scenario::new().manual().unconfirmed(&key(), "1").slot_is_empty("1");
    for scenario in [unconfirmed(), uploaded().slot_is_unknown("1")] {
        let alive = asks_for_nothing(&refused_at(scenario.clone(), &ALL_PROBES[..3]));
        assert_eq!(alive.ledger.unconfirmed, scenario.facts.ledger.unconfirmed, "it may still be in the slot");
        let dead = refused_at(scenario, &ALL_PROBES);
        let Requested { action, conditions, .. } = asked(dead.clone());
        assert_asks(&action, ActionOperation::Delete, &key(), "1");
        assert_eq!(verdict(&conditions.uploaded), (Status::Unknown, Reason::ActionRequired));
        assert_eq!(verdict(&conditions.ready), (Status::False, Reason::CredentialsRefused));

        let slot = dead.facts.answers.slot.clone().expect("the slot was read");
        let restarted = dead.ask().1.after_settlement(700).with(|facts| facts.observations = Observations::default());
        let restarted = restarted.source_signs_in(refused()).with(|facts| facts.learn_slot(slot));
        assert_eq!(asked(restarted).action, action, "a restart does not withdraw the request");
    }
    let report = unconfirmed().with(|facts| facts.policy.dead_action = DeadAction::Report);
    asks_for_nothing(&refused_at(report, &ALL_PROBES));
    let other = Scenario::new().manual().unconfirmed(&rotated(), "1").slot_is_empty("1");
    asks_for_nothing(&refused_at(other, &ALL_PROBES));
}
