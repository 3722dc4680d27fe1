//! The source is gone: on which grounds, and after which wait, its key goes too.

use std::time::Duration;

use jiff::Timestamp;

use super::scenario::*;
use crate::domain::conditions::Status;
use crate::domain::ledger::{Ledger, Operation};
use crate::domain::plan::{Content, Evidence, KeyRole, Source, Step};
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::examples::key;
use crate::domain::slot::WriteAnswer;

const GRACE: u64 = 300;

/// Ours stands in the slot; of the slot's key nothing is known yet.
fn gone(evidence: Evidence, grace: u64) -> World {
    World::kept()
        .with(|facts| facts.policy.grace_period = Duration::from_secs(grace))
        .source_is_gone(evidence)
        .slot_is_ours("1")
}

/// The same, and the slot's key signs in, should anybody ask.
fn gone_alive(evidence: Evidence, grace: u64) -> World {
    gone(evidence, grace).slot_holds(&key()).slot_signs_in(accepted())
}

/// With the slot's key read.
fn binding_absent(grace: u64) -> World {
    gone(ABSENT, grace).slot_holds(&key())
}

/// It waits, and comes back after so many seconds.
fn waits(bed: &World, seconds: u64) {
    let settlement = bed.settlement();
    assert_eq!(settlement.next, Duration::from_secs(seconds));
    assert_eq!(settlement.ledger, bed.facts.ledger);
    let ready = settlement.conditions.expect("a verdict").ready;
    assert_eq!((ready.status, ready.reason), (Status::Unknown, Reason::RemovalPending));
}

#[test]
fn a_deletion_that_was_seen_deletes_at_once_without_a_grace_period() {
    let bed = gone(Evidence::DeletionSeen, 0).lasting(0);
    let (pending, next) = bed.record();
    assert_eq!((pending.operation, pending.revision), (Operation::Delete, revision("1")));
    assert_eq!(next, delete_at("1"));
}

#[test]
fn a_deletion_that_was_seen_waits_the_grace_period() {
    waits(&gone_alive(Evidence::DeletionSeen, GRACE).lasting(0), GRACE);
    waits(&gone_alive(Evidence::DeletionSeen, GRACE).lasting(GRACE - 1), 1);
    assert_eq!(gone(Evidence::DeletionSeen, GRACE).lasting(GRACE).record().1, delete_at("1"));
}

#[test]
fn a_deletion_that_was_seen_needs_no_sign_in() {
    assert!(matches!(gone(Evidence::DeletionSeen, 0).lasting(0).plan(), Step::Record(_)));
}

#[test]
fn a_secret_that_is_absent_waits_the_grace_period() {
    waits(&gone_alive(Evidence::SecretAbsent, GRACE).lasting(0), GRACE);
    waits(&gone_alive(Evidence::SecretAbsent, GRACE).lasting(GRACE - 1), 1);
    assert_eq!(gone(Evidence::SecretAbsent, GRACE).lasting(GRACE).record().1, delete_at("1"));
}

#[test]
fn when_a_binding_is_absent_the_slots_own_key_is_asked() {
    let bed = gone(ABSENT, 0).lasting(0);
    assert_eq!(bed.plan(), Step::ReadContent);
    assert_eq!(bed.slot_holds(&key()).plan(), Step::SignIn(KeyRole::Slot));
}

#[test]
fn when_a_binding_is_absent_and_its_key_is_refused_it_is_deleted_at_once() {
    let bed = binding_absent(GRACE).lasting(0).slot_signs_in(refused());
    assert_eq!(bed.record().1, delete_at("1"));
}

#[test]
fn when_a_binding_is_absent_and_its_key_signs_in_the_longer_of_both_waits_must_pass() {
    for (grace, needed) in [(0, 600), (GRACE, 600), (3_600, 3_600)] {
        let at = |seconds: u64| binding_absent(grace).lasting(seconds).slot_signs_in(accepted());
        assert!(matches!(at(0).plan(), Step::Settle(_)));
        waits(&at(needed - 1), 1);
        assert_eq!(at(needed).record().1, delete_at("1"));
    }
}

#[test]
fn when_a_binding_is_absent_an_unclear_answer_waits_however_long_it_takes() {
    let bed = binding_absent(0).lasting(1_000_000).slot_signs_in(unclear());
    let settlement = bed.settlement();
    assert_eq!(settlement.ledger, bed.facts.ledger);
    assert_eq!(settlement.conditions.expect("a verdict").ready.reason, Reason::RemovalPending);
}

#[test]
fn when_a_binding_is_absent_and_the_content_cannot_be_read_it_waits() {
    let bed = gone(ABSENT, 0).lasting(1_000_000);
    let bed = bed.with(|facts| facts.learn_content(Err(unavailable())));
    assert_eq!(bed.verdict().ready.reason, Reason::RemovalPending);
}

#[test]
fn when_a_binding_is_absent_content_that_is_no_key_is_deleted_after_the_wait() {
    let at = |seconds: u64| {
        gone(ABSENT, 0).with(|facts| facts.learn_content(Ok(Content::Unreadable(findings())))).lasting(seconds)
    };
    waits(&at(599), 1);
    assert_eq!(at(600).record().1, delete_at("1"));
}

#[test]
fn an_absence_is_counted_over_all_passes_that_saw_it() {
    let mut bed = gone_alive(Evidence::SecretAbsent, GRACE).lasting(0);
    bed.facts.begin(now_at(START + 200));
    waits(&bed.clone().later(200), GRACE - 200);
    assert_eq!(bed.later(GRACE).record().1, delete_at("1"));
}

#[test]
fn an_absence_begins_anew_under_a_later_definition_of_the_kind() {
    let defined = |at: i64| Source::Gone {
        evidence: Evidence::BindingAbsent { kind_since: Some(Timestamp::from_second(at).expect("a time")) },
        message: "the binding is gone".into(),
    };
    let mut bed = gone(ABSENT, 0).source(defined(1)).slot_holds(&key()).slot_signs_in(accepted()).lasting(0);
    bed.facts.begin(now_at(START + 500));
    waits(&bed.clone().later(500), 100);
    bed.facts.source = defined(2);
    bed.facts.begin(now_at(START + 550));
    waits(&bed.later(550), 600);
}

#[test]
fn an_absence_that_was_broken_begins_anew() {
    let mut bed = gone_alive(Evidence::SecretAbsent, GRACE).lasting(0);
    let source = bed.facts.source.clone();
    bed.facts.source = present(Ok(key()));
    bed.facts.begin(now_at(START + 100));
    bed.facts.source = source;
    bed.facts.begin(now_at(START + 200));
    waits(&bed.clone().later(GRACE), 200);
    assert_eq!(bed.later(200 + GRACE).record().1, delete_at("1"));
}

#[test]
fn a_process_that_has_just_started_begins_to_count_anew() {
    let bed = gone_alive(Evidence::SecretAbsent, GRACE).with(|facts| facts.observations.gone_since = None);
    waits(&bed.later(1_000_000), GRACE);
}

#[test]
fn once_the_slot_is_cleared_the_object_says_that_its_source_is_gone() {
    let mut bed = gone(Evidence::DeletionSeen, 0).lasting(0);
    let Step::Record(pending) = bed.plan() else { panic!("a record comes first") };
    bed.facts.learn_recorded(pending);
    bed.facts.learn_write(Operation::Delete, WriteAnswer::Done(revision("2")), bed.now);
    let settlement = bed.settlement();
    assert!(!settlement.release);
    assert_eq!(settlement.ledger, Ledger::default());
    let ready = settlement.conditions.expect("a verdict").ready;
    assert_eq!((ready.status, ready.reason), (Status::False, Reason::SourceGone));
}

#[test]
fn a_source_of_which_nothing_is_certain_never_deletes_a_key_that_signs_in() {
    let bed = World::kept().source_is_unknown().lasting(1_000_000).slot_is_ours("1").slot_holds(&key());
    let settlement = bed.slot_signs_in(accepted()).settlement();
    assert_eq!(settlement.ledger, World::kept().facts.ledger);
    assert_eq!(settlement.conditions.expect("a verdict").uploaded.status, Status::True);
}

#[test]
fn a_source_of_which_nothing_is_certain_deletes_only_a_key_that_was_refused_four_times() {
    for (moments, dead) in [(&[0][..], false), (&[0, 60, 240], false), (&[0, 60, 240, 600], true)] {
        let bed = World::kept().source_is_unknown().lasting(60).refused_at(&key(), moments);
        let bed = bed.slot_is_ours("1").slot_holds(&key()).slot_signs_in(refused());
        assert_eq!(matches!(bed.plan(), Step::Record(_)), dead, "{moments:?}");
    }
}

#[test]
fn a_key_that_dies_while_the_grace_period_runs_is_deleted_as_a_dead_one() {
    let bed = gone(Evidence::SecretAbsent, 1_000_000).slot_holds(&key()).lasting(0);
    let bed = bed.refused_at(&key(), &[0, 60, 240, 600]).slot_signs_in(refused());
    assert_eq!(bed.record().1, delete_at("1"));
}

#[test]
fn a_binding_that_btp_does_not_find_is_signed_in_with_now() {
    let settled = World::kept().source_signs_in(accepted()).slot_is_ours("1").settlement();
    let mut bed = World::kept().with(|facts| facts.observations = settled.observations).later(1);
    assert!(matches!(bed.plan(), Step::Settle(_)));
    if let Source::Present { suspected_lost, .. } = &mut bed.facts.source {
        *suspected_lost = true;
    }
    assert_eq!(bed.plan(), Step::SignIn(KeyRole::Source));
}

#[test]
fn a_pass_that_waits_for_nothing_but_evidence_comes_back_after_an_hour() {
    let bed = World::new().source_is_gone(Evidence::SecretAbsent).lasting(0).slot_is_empty("1");
    assert_eq!(bed.settlement().next, Duration::from_hours(1));
    let unknown = World::new().source(Source::Unknown {
        reason: Reason::SourceUnreadable,
        message: "the API server answered 403".into(),
        retry: Retry::Backoff,
    });
    assert!(unknown.lasting(0).slot_is_empty("1").settlement().next <= Duration::from_secs(2));
}
