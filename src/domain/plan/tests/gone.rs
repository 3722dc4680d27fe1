//! A source that is gone: the evidence and the waits before its key is removed.

use std::time::Duration;

use jiff::Timestamp;

use super::scenario::*;
use crate::domain::conditions::{Condition, Conditions, Progress, Status};
use crate::domain::ledger::{Ledger, Operation};
use crate::domain::plan::{Content, Evidence, KeyRole, Source, Step};
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::examples::key;
use crate::domain::slot::WriteAnswer;

const GRACE: u64 = 300;

/// Returns a lost source whose key is in our slot and has not been read.
fn gone(evidence: Evidence, grace: u64) -> Scenario {
    Scenario::uploaded()
        .with(|facts| facts.policy.grace_period = Duration::from_secs(grace))
        .source_is_gone(evidence)
        .slot_is_ours("1")
}

/// Returns the same, with an accepted key in the slot.
fn gone_but_accepted(evidence: Evidence, grace: u64) -> Scenario {
    gone(evidence, grace).slot_holds(&key()).slot_signs_in(accepted())
}

/// Returns an absent binding whose key has been read from the slot.
fn binding_absent(grace: u64) -> Scenario {
    gone(ABSENT, grace).slot_holds(&key())
}

/// Asserts that the removal is pending, and the delay of the next reconciliation in seconds.
fn assert_waits(scenario: &Scenario, seconds: u64) {
    let settlement = scenario.settlement();
    assert_eq!(settlement.next, Duration::from_secs(seconds));
    assert_eq!(settlement.ledger, scenario.facts.ledger);
    let ready = settlement.conditions.expect("conditions").ready;
    assert_eq!((ready.status, ready.reason), (Status::Unknown, Reason::RemovalPending));
}

#[test]
fn after_an_observed_deletion_the_key_is_deleted_without_a_grace_period() {
    let scenario = gone(Evidence::DeletionSeen, 0).source_unchanged_for(0);
    let (pending, next) = scenario.record();
    assert_eq!((pending.operation, pending.revision), (Operation::Delete, revision("1")));
    assert_eq!(next, delete_at("1"));
}

#[test]
fn after_an_observed_deletion_the_key_stays_for_the_grace_period() {
    assert_waits(&gone_but_accepted(Evidence::DeletionSeen, GRACE).source_unchanged_for(0), GRACE);
    assert_waits(&gone_but_accepted(Evidence::DeletionSeen, GRACE).source_unchanged_for(GRACE - 1), 1);
    assert_eq!(gone(Evidence::DeletionSeen, GRACE).source_unchanged_for(GRACE).record().1, delete_at("1"));
}

#[test]
fn after_an_observed_deletion_no_sign_in_is_needed() {
    assert!(matches!(gone(Evidence::DeletionSeen, 0).source_unchanged_for(0).plan(), Step::Record(_)));
}

#[test]
fn the_key_of_an_absent_secret_stays_for_the_grace_period() {
    assert_waits(&gone_but_accepted(Evidence::SecretAbsent, GRACE).source_unchanged_for(0), GRACE);
    assert_waits(&gone_but_accepted(Evidence::SecretAbsent, GRACE).source_unchanged_for(GRACE - 1), 1);
    assert_eq!(gone(Evidence::SecretAbsent, GRACE).source_unchanged_for(GRACE).record().1, delete_at("1"));
}

#[test]
fn when_a_binding_is_absent_the_slots_own_key_is_tested() {
    let scenario = gone(ABSENT, 0).source_unchanged_for(0);
    assert_eq!(scenario.plan(), Step::ReadContent);
    assert_eq!(scenario.slot_holds(&key()).plan(), Step::SignIn(KeyRole::Slot));
}

#[test]
fn when_a_binding_is_absent_and_its_key_is_refused_it_is_deleted_at_once() {
    let scenario = binding_absent(GRACE).source_unchanged_for(0).slot_signs_in(refused());
    assert_eq!(scenario.record().1, delete_at("1"));
}

#[test]
fn when_a_binding_is_absent_and_its_zone_is_unknown_all_four_probes_are_needed() {
    let probed = |moments: &[u64]| binding_absent(0).refused_at(&key(), moments).slot_signs_in(zone_unknown());
    assert_waits(&probed(&[0]).source_unchanged_for(0), 60);
    assert_waits(&probed(&[0, 60, 240]).source_unchanged_for(240), 360);
    assert_eq!(probed(&[0, 60, 240, 600]).source_unchanged_for(600).record().1, delete_at("1"));
}

#[test]
fn an_accepted_key_of_an_absent_binding_stays_for_the_longer_of_both_waits() {
    for (grace, needed) in [(0, 600), (GRACE, 600), (3_600, 3_600)] {
        let at = |seconds: u64| binding_absent(grace).source_unchanged_for(seconds).slot_signs_in(accepted());
        assert!(matches!(at(0).plan(), Step::Settle(_)));
        assert_waits(&at(needed - 1), 1);
        assert_eq!(at(needed).record().1, delete_at("1"));
    }
}

#[test]
fn when_a_binding_is_absent_an_unclear_answer_delays_the_deletion() {
    let scenario = binding_absent(0).source_unchanged_for(1_000_000).slot_signs_in(unclear());
    let settlement = scenario.settlement();
    assert_eq!(settlement.ledger, scenario.facts.ledger);
    assert_eq!(settlement.conditions.expect("conditions").ready.reason, Reason::RemovalPending);
}

#[test]
fn when_a_binding_is_absent_unreadable_content_delays_the_deletion() {
    let scenario = gone(ABSENT, 0).source_unchanged_for(1_000_000);
    let scenario = scenario.with(|facts| facts.learn_content(Err(unavailable())));
    assert_eq!(scenario.conditions().ready.reason, Reason::RemovalPending);
}

#[test]
fn when_a_binding_is_absent_invalid_content_is_deleted_after_the_wait() {
    let at = |seconds: u64| {
        gone(ABSENT, 0)
            .with(|facts| facts.learn_content(Ok(Content::Unreadable(findings()))))
            .source_unchanged_for(seconds)
    };
    assert_waits(&at(599), 1);
    assert_eq!(at(600).record().1, delete_at("1"));
}

#[test]
fn an_absence_is_measured_across_reconciliations() {
    let mut scenario = gone_but_accepted(Evidence::SecretAbsent, GRACE).source_unchanged_for(0);
    scenario.facts.observe_source(now_at(START + 200));
    assert_waits(&scenario.clone().later(200), GRACE - 200);
    assert_eq!(scenario.later(GRACE).record().1, delete_at("1"));
}

#[test]
fn an_absence_starts_again_under_a_later_definition_of_the_kind() {
    let defined = |at: i64| Source::Gone {
        evidence: Evidence::BindingAbsent { kind_since: Some(Timestamp::from_second(at).expect("a time")) },
        message: "the binding is gone".into(),
    };
    let mut scenario =
        gone(ABSENT, 0).source(defined(1)).slot_holds(&key()).slot_signs_in(accepted()).source_unchanged_for(0);
    scenario.facts.observe_source(now_at(START + 500));
    assert_waits(&scenario.clone().later(500), 100);
    scenario.facts.source = defined(2);
    scenario.facts.observe_source(now_at(START + 550));
    assert_waits(&scenario.later(550), 600);
}

#[test]
fn an_interrupted_absence_starts_again() {
    let mut scenario = gone_but_accepted(Evidence::SecretAbsent, GRACE).source_unchanged_for(0);
    let source = scenario.facts.source.clone();
    scenario.facts.source = present(Ok(key()));
    scenario.facts.observe_source(now_at(START + 100));
    scenario.facts.source = source;
    scenario.facts.observe_source(now_at(START + 200));
    assert_waits(&scenario.clone().later(GRACE), 200);
    assert_eq!(scenario.later(200 + GRACE).record().1, delete_at("1"));
}

#[test]
fn an_absence_starts_again_in_a_new_process() {
    let scenario = gone_but_accepted(Evidence::SecretAbsent, GRACE).with(|facts| facts.observations.gone_since = None);
    assert_waits(&scenario.later(1_000_000), GRACE);
}

#[test]
fn after_the_removal_the_reason_is_source_gone() {
    let mut scenario = gone(Evidence::DeletionSeen, 0).source_unchanged_for(0);
    let Step::Record(pending) = scenario.plan() else { panic!("the write is recorded first") };
    scenario.facts.note_pending_write(pending);
    scenario.facts.learn_write(Operation::Delete, None, WriteAnswer::Done(revision("2")), scenario.now);
    let settlement = scenario.settlement();
    assert!(!settlement.release);
    assert_eq!(settlement.ledger, Ledger::default());
    let ready = settlement.conditions.expect("conditions").ready;
    assert_eq!((ready.status, ready.reason), (Status::False, Reason::SourceGone));
}

#[test]
fn an_uncertain_source_never_deletes_a_key_that_signs_in() {
    let scenario =
        Scenario::uploaded().source_is_unknown().source_unchanged_for(1_000_000).slot_is_ours("1").slot_holds(&key());
    let settlement = scenario.slot_signs_in(accepted()).settlement();
    assert_eq!(settlement.ledger, Scenario::uploaded().facts.ledger);
    assert_eq!(settlement.conditions.expect("conditions").uploaded.status, Status::True);
}

#[test]
fn under_an_uncertain_source_only_a_key_refused_four_times_is_deleted() {
    for (moments, dead) in [(&[0][..], false), (&[0, 60, 240], false), (&[0, 60, 240, 600], true)] {
        let scenario = Scenario::uploaded().source_is_unknown().source_unchanged_for(60).refused_at(&key(), moments);
        let scenario = scenario.slot_is_ours("1").slot_holds(&key()).slot_signs_in(refused());
        assert_eq!(matches!(scenario.plan(), Step::Record(_)), dead, "{moments:?}");
    }
}

#[test]
fn a_key_that_dies_in_the_grace_period_is_deleted() {
    let scenario = gone(Evidence::SecretAbsent, 1_000_000).slot_holds(&key()).source_unchanged_for(0);
    let scenario = scenario.refused_at(&key(), &[0, 60, 240, 600]).slot_signs_in(refused());
    assert_eq!(scenario.record().1, delete_at("1"));
}

#[test]
fn the_key_of_a_binding_that_btp_does_not_find_is_tested_at_once() {
    let settled = Scenario::uploaded().source_signs_in(accepted()).slot_is_ours("1").settlement();
    let mut scenario = Scenario::uploaded().with(|facts| facts.observations = settled.observations).later(1);
    assert!(matches!(scenario.plan(), Step::Settle(_)));
    if let Source::Present { suspected_lost, .. } = &mut scenario.facts.source {
        *suspected_lost = true;
    }
    assert_eq!(scenario.plan(), Step::SignIn(KeyRole::Source));
}

#[test]
fn a_stalled_object_is_checked_again_after_an_hour() {
    let scenario = Scenario::new().source_is_gone(Evidence::SecretAbsent).source_unchanged_for(0).slot_is_empty("1");
    assert_eq!(scenario.settlement().next, Duration::from_hours(1));
    let unknown = Scenario::new().source(Source::Unknown {
        reason: Reason::SourceUnreadable,
        message: "the API server answered 403".into(),
        retry: Retry::Backoff,
    });
    assert!(unknown.source_unchanged_for(0).slot_is_empty("1").settlement().next <= Duration::from_secs(2));
}

/// Returns an object whose key was removed with its source, and under whose name another client has put a key.
fn filled_by_namesake() -> Scenario {
    let removed = Condition::no(Reason::SourceGone, "no key of this object is in Landscape Management");
    let previous = Conditions { ready: removed.clone(), uploaded: removed, ..ready_conditions() };
    Scenario::new()
        .with(|facts| facts.previous = Some(previous))
        .source_is_gone(Evidence::DeletionSeen)
        .slot_is_ours("7")
        .slot_holds(&rotated())
}

#[test]
fn a_key_that_another_client_puts_under_the_name_of_a_lost_source_stays() {
    let settlement = filled_by_namesake().slot_signs_in(accepted()).settlement();
    assert!(settlement.next >= Duration::from_mins(50), "{:?}: it is checked hourly", settlement.next);
    let conditions = settlement.conditions.expect("conditions");
    let Conditions { ready, uploaded, progress, .. } = &conditions;
    assert_eq!((ready.status, ready.reason, *progress), (Status::False, Reason::SlotOverwritten, Progress::Stalled));
    assert_eq!((uploaded.status, uploaded.reason), (Status::False, Reason::SlotOverwritten));

    let again = filled_by_namesake().slot_signs_in(accepted()).with(|facts| facts.previous = Some(conditions));
    assert_eq!(again.conditions().ready.reason, Reason::SlotOverwritten);
}

#[test]
fn an_outage_does_not_make_a_key_under_the_name_of_a_lost_source_ours() {
    let in_between: [fn(Scenario) -> Scenario; 4] = [
        |scenario| scenario.with(|facts| facts.learn_slot(Err(unavailable()))),
        |scenario| scenario.source_is_unknown().slot_signs_in(accepted()),
        |scenario| scenario.source_is_unknown().with(|facts| facts.learn_slot(Err(unavailable()))),
        Scenario::tenant_missing,
    ];
    for happens in in_between {
        let conditions = happens(filled_by_namesake()).conditions();
        let after = filled_by_namesake().slot_signs_in(accepted()).with(|facts| facts.previous = Some(conditions));
        assert_eq!(after.conditions().ready.reason, Reason::SlotOverwritten);
    }
}

#[test]
fn a_key_under_the_name_of_a_lost_source_is_deleted_on_request_or_once_dead() {
    let requested = filled_by_namesake().with(|facts| facts.subject.requested = Some("now".into()));
    assert_eq!(requested.record().1, delete_at("7"));
    let dead = filled_by_namesake().refused_at(&rotated(), &[0, 60, 240, 600]).slot_signs_in(refused());
    assert_eq!(dead.record().1, delete_at("7"));
    let pending = filled_by_namesake().pending(Operation::Upload, Some(&rotated()), "6");
    assert_eq!(pending.record().1, delete_at("7"), "the key may be that of a write of ours");
}
