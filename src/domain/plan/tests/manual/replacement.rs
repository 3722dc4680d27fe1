//! The request to replace our key in the slot by the new key of its source.

use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::domain::conditions::Progress;
use crate::domain::evidence::{Observations, Verified};
use crate::domain::ledger::{Ledger, Overwritten};
use crate::domain::plan::{Content, Step};
use crate::domain::service_key::examples::key_with;

const ALL_PROBES: [u64; 4] = [0, 60, 240, 600];

fn expires_at(scenario: Scenario, time: Timestamp) -> Scenario {
    scenario.with(|facts| facts.answers.slot_key_expires_at = Some(time))
}

/// Returns the time this number of seconds after the start.
fn after(seconds: u64) -> Timestamp {
    now_at(START + seconds).wall
}

/// Performs the reads of the next reconciliation: the old key is in the slot, and the new one is accepted.
fn read_again(scenario: Scenario) -> Scenario {
    scenario.source_signs_in(accepted()).slot_is_ours("1").slot_holds(&key())
}

/// Returns the state of the conditions `Ready` and `Uploaded`, and the progress.
fn state(conditions: &Conditions) -> (Status, Reason, Status, Progress) {
    let Conditions { ready, uploaded, progress, .. } = conditions;
    (ready.status, ready.reason, uploaded.status, *progress)
}

const READY: (Status, Reason, Status, Progress) = (Status::True, Reason::ActionRequired, Status::True, Progress::Done);
const NOT_READY: (Status, Reason, Status, Progress) =
    (Status::False, Reason::ActionRequired, Status::True, Progress::Stalled);
const UNKNOWN: (Status, Reason, Status, Progress) =
    (Status::Unknown, Reason::ActionRequired, Status::True, Progress::Reconciling);

#[test]
fn while_the_old_key_signs_in_the_object_is_ready() {
    let Requested { action, settlement, conditions } = asked(rotated_source().slot_signs_in(accepted()));
    assert_asks(&action, ActionOperation::Replace, &rotated(), "1");
    assert_eq!(action.deadline, None);
    assert_eq!(state(&conditions), READY);
    assert_eq!(settlement.ledger.uploaded, uploaded().facts.ledger.uploaded, "the old key is in the slot");
    assert_eq!(settlement.next, Duration::from_mins(15), "the old key is tested once per interval");
}

#[test]
fn the_old_key_is_tested_before_its_replacement_is_requested() {
    assert!(matches!(rotated_source().plan(), Step::SignIn(_)));
}

#[test]
fn from_the_deadline_on_the_object_is_not_ready() {
    let until = |time| asked(expires_at(rotated_source(), time).slot_signs_in(accepted()));
    let before = until(after(1));
    assert_eq!((state(&before.conditions), before.action.deadline), (READY, Some(after(1))));
    let then = until(after(0));
    assert_eq!((state(&then.conditions), then.action.deadline), (NOT_READY, Some(after(0))));
    assert!(then.settlement.next >= Duration::from_mins(50), "{:?}: it is checked hourly", then.settlement.next);
}

#[test]
fn the_object_is_reconciled_at_the_deadline() {
    let settlement = asked(expires_at(rotated_source(), after(60)).slot_signs_in(accepted())).settlement;
    assert_eq!(settlement.next, Duration::from_mins(1));
}

#[test]
fn the_deadline_outlives_the_stale_copy_that_says_it() {
    let first = expires_at(rotated_source(), after(60)).slot_signs_in(accepted()).ask().1;
    let without_copy = |seconds| {
        let scenario = first.clone().after_settlement(seconds).source_signs_in(accepted());
        asked(scenario.slot_is_ours("1").slot_holds_unavailable(&key()))
    };
    let before = without_copy(59);
    assert_eq!((before.action.deadline, state(&before.conditions)), (Some(after(60)), UNKNOWN));
    assert_eq!(before.settlement.next, Duration::from_secs(1));
    assert_eq!(state(&without_copy(60).conditions), NOT_READY);
}

#[test]
fn a_dead_old_key_makes_the_object_not_ready_at_once() {
    let dead = rotated_source().refused_at(&key(), &ALL_PROBES).slot_signs_in(refused());
    let Requested { action, settlement, conditions } = asked(expires_at(dead.clone(), after(1_000_000)));
    assert_eq!((state(&conditions), action.deadline), (NOT_READY, Some(after(600))));
    assert!(settlement.next >= Duration::from_mins(50), "{:?}: it is checked hourly", settlement.next);

    let later = asked(read_again(dead.ask().1.after_settlement(4_200)).slot_signs_in(refused()));
    assert_eq!((later.action, later.conditions), (action, conditions), "nothing changes with time");
}

#[test]
fn a_restart_does_not_make_the_object_ready_while_its_old_key_is_dead() {
    let dead = rotated_source().refused_at(&key(), &ALL_PROBES).slot_signs_in(refused()).ask().1;
    let restarted = dead.after_settlement(700).with(|facts| facts.observations = Observations::default());
    for verdict in [refused(), unclear()] {
        let Requested { action, conditions, .. } = asked(read_again(restarted.clone()).slot_signs_in(verdict));
        assert_eq!((state(&conditions), action.deadline), (NOT_READY, Some(after(600))));
    }
    let revived = asked(read_again(restarted).slot_signs_in(accepted()));
    assert_eq!((state(&revived.conditions), revived.action.deadline), (READY, None), "a sign-in voids the deadline");
}

#[test]
fn an_old_key_that_is_refused_once_is_probed_again() {
    let Requested { settlement, conditions, .. } = asked(rotated_source().slot_signs_in(refused()));
    assert_eq!((state(&conditions), settlement.next), (UNKNOWN, Duration::from_mins(1)));
}

#[test]
fn an_old_key_that_cannot_be_tested_makes_ready_unknown() {
    for content in [Content::NotAvailable(Some(key().fingerprint().clone())), Content::Unreadable(findings())] {
        let scenario = rotated_source().with(|facts| facts.learn_content(Ok(content)));
        let Requested { settlement, conditions, .. } = asked(scenario);
        assert_eq!(state(&conditions), UNKNOWN);
        let message = conditions.ready.message;
        assert!(message.ends_with("the key in Landscape Management can no longer be tested"), "{message}");
        assert!(settlement.next >= Duration::from_mins(50), "{:?}: there is nothing to test", settlement.next);
    }
}

#[test]
fn an_outage_keeps_ready_for_three_intervals() {
    let ready = rotated_source().slot_signs_in(accepted()).ask().1;
    let outage = |seconds| read_again(ready.clone().after_settlement(seconds)).slot_signs_in(unclear()).ask().1;
    let kept = outage(2_699).settlement();
    assert_eq!((kept.conditions, kept.ledger.action), (None, ready.facts.ledger.action.clone()));
    let lost = outage(2_700).settlement();
    assert_eq!(lost.ledger.action, ready.facts.ledger.action);
    let conditions = lost.conditions.expect("conditions");
    assert_eq!(verdict(&conditions.ready), (Status::Unknown, Reason::NotVerifiedLately));
    assert_eq!(conditions.uploaded.status, Status::True);
}

#[test]
fn an_outage_does_not_keep_ready_past_the_deadline() {
    let ready = expires_at(rotated_source(), after(600)).slot_signs_in(accepted()).ask().1;
    let outage = |scenario: Scenario, seconds| scenario.after_settlement(seconds).source_signs_in(unclear());
    let before = outage(ready.clone(), 599);
    let kept = before.settlement();
    assert_eq!((kept.conditions, kept.next), (None, Duration::from_secs(1)));

    let passed = outage(ready.clone(), 600);
    assert_eq!(passed.plan(), Step::ReadSlot, "the key may have been replaced in time");
    let passed = passed.slot_is_ours("1").slot_holds_unavailable(&key());
    let settlement = passed.settlement();
    assert_eq!(settlement.ledger.action, ready.facts.ledger.action);
    assert_eq!(state(&settlement.conditions.expect("conditions")), NOT_READY);
    let later = outage(passed, 4_200).slot_is_ours("1").slot_holds_unavailable(&key()).settlement();
    assert_eq!(state(&later.conditions.expect("conditions")), NOT_READY, "it stays so");

    let replaced = outage(ready, 600).slot_is_ours("2").settlement();
    assert_eq!(replaced.conditions, None, "another revision is another key");
}

#[test]
fn an_outage_during_the_first_request_keeps_ready() {
    assert_eq!(state(&asked(rotated_source().slot_signs_in(unclear())).conditions), READY);
    let never_ready = rotated_source().with(|facts| facts.previous = None).slot_signs_in(unclear());
    assert_eq!(state(&asked(never_ready).conditions), UNKNOWN);
}

#[test]
fn the_first_request_is_reported_even_in_an_outage() {
    let verified = Verified { document: rotated().document_fingerprint().clone(), at: now_at(START).monotonic };
    let scenario = rotated_source().with(|facts| facts.observations.verified = Some(verified));
    assert_eq!(state(&asked(scenario.slot_signs_in(unclear())).conditions), READY);
}

#[test]
fn a_second_rotation_is_another_request_with_the_same_deadline() {
    let first = expires_at(rotated_source(), after(600)).slot_signs_in(accepted()).ask().1;
    let third = key_with(|document| document["uaa"]["clientsecret"] = "third".into());
    let second = first.after_settlement(60).source(present(Ok(third.clone()))).source_signs_in(accepted());
    let Requested { action, .. } = asked(second.slot_is_ours("1").slot_holds_unavailable(&key()));
    assert_asks(&action, ActionOperation::Replace, &third, "1");
    assert_eq!((action.id.as_str(), action.deadline), ("drawn at 60", Some(after(600))));
}

#[test]
fn a_source_that_returns_to_the_key_in_the_slot_withdraws_the_request() {
    let asked = rotated_source().slot_signs_in(accepted()).ask().1.after_settlement(60);
    let returned = asked.source(present(Ok(key()))).source_signs_in(accepted()).slot_is_ours("1");
    let settlement = asks_for_nothing(&returned);
    assert_eq!(settlement.ledger.uploaded, uploaded().facts.ledger.uploaded);
    assert_eq!(verdict(&settlement.conditions.expect("conditions").ready), (Status::True, Reason::Uploaded));
}

#[test]
fn another_document_of_the_same_key_asks_for_nothing() {
    let reformatted = key_with(|document| document["note"] = "added".into());
    assert_ne!(reformatted.document_fingerprint(), key().document_fingerprint());
    for scenario in [uploaded(), uploaded().with(|facts| facts.ledger = Ledger::default())] {
        let scenario = scenario.source(present(Ok(reformatted.clone()))).source_signs_in(accepted());
        let settlement = asks_for_nothing(&scenario.slot_is_ours("1").slot_holds(&key()));
        assert_eq!(settlement.conditions.expect("conditions").ready.reason, Reason::Uploaded);
    }
}

#[test]
fn in_manual_mode_no_namesake_can_have_filled_the_slot() {
    let filled = |scenario: Scenario| scenario.source_signs_in(accepted()).slot_is_ours("9").slot_holds(&rotated());
    assert_eq!(
        filled(Scenario::uploaded()).slot_signs_in(accepted()).conditions().ready.reason,
        Reason::SlotOverwritten
    );
    assert_eq!(state(&asked(filled(uploaded()).slot_signs_in(accepted())).conditions), READY);

    let overwritten = Overwritten { fingerprint: rotated().fingerprint().clone(), generation: 1 };
    let returned = rotated_source().with(|facts| facts.ledger.overwritten = Some(overwritten));
    assert_eq!(state(&asked(returned.slot_signs_in(accepted())).conditions), READY);
}
