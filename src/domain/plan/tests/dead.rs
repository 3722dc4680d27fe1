//! A dead key whose source still exists.

use std::time::Duration;

use super::scenario::*;
use crate::domain::conditions::{Progress, Status};
use crate::domain::ledger::{Ledger, Operation};
use crate::domain::plan::{KeyRole, Step};
use crate::domain::policy::DeadAction;
use crate::domain::reason::Reason;
use crate::domain::service_key::examples::key;
use crate::domain::slot::WriteAnswer;

const ALL_PROBES: [u64; 4] = [0, 60, 240, 600];

/// Returns an uploaded key that is refused at these moments.
fn refused_at_probes(moments: &[u64]) -> Scenario {
    Scenario::uploaded().refused_at(&key(), moments).source_signs_in(refused()).slot_is_ours("1").slot_holds(&key())
}

#[test]
fn a_key_refused_at_all_four_probes_is_deleted() {
    let (pending, next) = refused_at_probes(&ALL_PROBES).record();
    assert_eq!((pending.operation, pending.revision), (Operation::Delete, revision("1")));
    assert_eq!(next, delete_at("1"));
}

#[test]
fn a_key_refused_at_fewer_probes_stays_until_the_next_one_is_due() {
    for (moments, next) in [(&[0][..], 60), (&[0, 60], 180), (&[0, 60, 240], 360), (&[0, 10, 20, 30, 40, 50], 10)] {
        let settlement = refused_at_probes(moments).settlement();
        assert_eq!(settlement.next, Duration::from_secs(next), "{moments:?}");
        assert!(settlement.ledger.uploaded.is_some());
        let conditions = settlement.conditions.expect("conditions");
        assert_eq!(conditions.ready.reason, Reason::CredentialsRefused);
        assert_eq!(conditions.progress, Progress::Stalled);
        assert_eq!(conditions.uploaded.status, Status::True);
    }
}

#[test]
fn one_success_between_the_probes_keeps_the_key() {
    let scenario = Scenario::uploaded().refused_at(&key(), &[0, 60, 240, 500]).source_signs_in(accepted());
    let scenario = scenario.with(|facts| facts.answers.source_sign_in = None).later(600).source_signs_in(refused());
    assert!(matches!(scenario.slot_is_ours("1").slot_holds(&key()).plan(), Step::Settle(_)));
}

#[test]
fn probes_that_were_missed_are_not_made_up_for_in_a_burst() {
    // One refusal, an outage of an hour, and two refusals within a second.
    let scenario = refused_at_probes(&[0, 3_600, 3_600, 3_601]);
    assert!(matches!(scenario.plan(), Step::Settle(_)));
    assert!(refused_at_probes(&[0, 3_600]).settlement().next >= Duration::from_secs(1));
}

#[test]
fn refusals_of_the_sources_key_do_not_delete_another_key_in_the_slot() {
    // The source's new key was never in the slot. The old key in the slot signs in and stays.
    let scenario = Scenario::uploaded().source(present(Ok(rotated()))).refused_at(&rotated(), &ALL_PROBES);
    let scenario = scenario.source_signs_in(refused()).slot_is_ours("1").slot_holds(&key()).slot_signs_in(accepted());
    assert!(scenario.settlement().ledger.uploaded.is_some());
}

#[test]
fn a_dead_key_in_the_slot_is_deleted_although_the_source_has_another() {
    let scenario = Scenario::uploaded().source(present(Ok(rotated()))).refused_at(&key(), &ALL_PROBES);
    let scenario = scenario.source_signs_in(refused()).slot_is_ours("1").slot_holds(&key());
    assert_eq!(scenario.plan(), Step::SignIn(KeyRole::Slot));
    assert_eq!(scenario.slot_signs_in(refused()).record().1, delete_at("1"));
}

#[test]
fn a_dead_key_is_only_reported_if_the_spec_says_so() {
    let scenario = refused_at_probes(&ALL_PROBES).with(|facts| facts.policy.dead_action = DeadAction::Report);
    let settlement = scenario.settlement();
    assert_eq!(settlement.ledger, scenario.facts.ledger);
    assert_eq!(settlement.next, Duration::from_hours(1));
    let conditions = settlement.conditions.expect("conditions");
    assert_eq!(conditions.ready.reason, Reason::CredentialsRefused);
    assert_eq!(conditions.uploaded.status, Status::True);
}

#[test]
fn after_the_deletion_of_a_dead_key_uploaded_gives_the_reason() {
    let mut scenario = refused_at_probes(&ALL_PROBES);
    let Step::Record(pending) = scenario.plan() else { panic!("the write is recorded first") };
    scenario.facts.note_pending_write(pending);
    scenario.facts.learn_write(Operation::Delete, None, WriteAnswer::Done(revision("2")), scenario.now);
    let settlement = scenario.settlement();
    assert_eq!(settlement.ledger, Ledger::default());
    assert_eq!(settlement.next, Duration::from_hours(1));
    let conditions = settlement.conditions.expect("conditions");
    assert_eq!(conditions.ready.reason, Reason::CredentialsRefused);
    assert_eq!(conditions.uploaded.reason, Reason::DeadKeyRemoved);

    // The reason is kept in the next reconciliation.
    let next = Scenario::new().with(|facts| facts.previous = Some(conditions));
    let next = next.refused_at(&key(), &[0, 60]).source_signs_in(refused()).slot_is_empty("2");
    assert_eq!(next.conditions().uploaded.reason, Reason::DeadKeyRemoved);
}

#[test]
fn a_deleted_key_that_signs_in_again_is_put_again() {
    let scenario = Scenario::new().refused_at(&key(), &ALL_PROBES).source_signs_in(accepted()).slot_is_empty("2");
    let (pending, next) = scenario.record();
    assert_eq!(pending.fingerprint, Some(key().fingerprint().clone()));
    assert_eq!(next, put_at("2"));
}

#[test]
fn an_outage_between_the_probes_neither_counts_nor_voids_them() {
    let scenario = Scenario::uploaded().refused_at(&key(), &[0, 60, 240, 500]).source_signs_in(unclear());
    assert!(matches!(scenario.plan(), Step::Settle(_)));
    let scenario = scenario.with(|facts| facts.answers.source_sign_in = None).later(600).source_signs_in(refused());
    assert_eq!(scenario.slot_is_ours("1").slot_holds(&key()).record().1, delete_at("1"));
}

#[test]
fn an_invalid_source_does_not_keep_a_dead_key_in_the_slot() {
    for (moments, dead) in [(&ALL_PROBES[..3], false), (&ALL_PROBES[..], true)] {
        let scenario = Scenario::uploaded().source(present(Err(findings()))).refused_at(&key(), moments);
        let scenario = scenario.slot_is_ours("1").slot_holds(&key()).slot_signs_in(refused());
        assert_eq!(matches!(scenario.plan(), Step::Record(_)), dead, "{moments:?}");
    }
}
