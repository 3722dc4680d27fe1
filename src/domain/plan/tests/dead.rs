//! The source still stands, but its key no longer signs in.

use std::time::Duration;

use super::scenario::*;
use crate::domain::conditions::{Progress, Status};
use crate::domain::ledger::{Ledger, Operation};
use crate::domain::plan::{KeyRole, Step};
use crate::domain::policy::DeadAction;
use crate::domain::reason::Reason;
use crate::domain::service_key::examples::key;
use crate::domain::service_key::fingerprint::Fingerprint;
use crate::domain::slot::WriteAnswer;

const ALL_PROBES: [u64; 4] = [0, 60, 240, 600];

/// The key in the slot, which is the source's, is refused at these moments.
fn refused_at_probes(moments: &[u64]) -> World {
    World::kept().refused_at(&key(), moments).source_signs_in(refused()).slot_is_ours("1").slot_holds(&key())
}

#[test]
fn a_key_refused_at_all_four_probes_is_deleted() {
    let (pending, next) = refused_at_probes(&ALL_PROBES).record();
    assert_eq!((pending.operation, pending.revision), (Operation::Delete, revision("1")));
    assert_eq!(next, delete_at("1"));
}

#[test]
fn a_key_refused_at_fewer_probes_stays_and_is_asked_when_the_next_one_is_due() {
    for (moments, next) in [(&[0][..], 60), (&[0, 60], 180), (&[0, 60, 240], 360), (&[0, 10, 20, 30, 40, 50], 10)] {
        let settlement = refused_at_probes(moments).settlement();
        assert_eq!(settlement.next, Duration::from_secs(next), "{moments:?}");
        assert!(settlement.ledger.uploaded.is_some());
        let conditions = settlement.conditions.expect("a verdict");
        assert_eq!(conditions.ready.reason, Reason::CredentialsRefused);
        assert_eq!(conditions.progress, Progress::Stalled);
        assert_eq!(conditions.uploaded.status, Status::True);
    }
}

#[test]
fn one_success_between_the_probes_keeps_the_key() {
    let bed = World::kept().refused_at(&key(), &[0, 60, 240, 500]).source_signs_in(accepted());
    let bed = bed.with(|facts| facts.answers.source_sign_in = None).later(600).source_signs_in(refused());
    assert!(matches!(bed.slot_is_ours("1").slot_holds(&key()).plan(), Step::Settle(_)));
}

#[test]
fn probes_that_were_missed_are_not_made_up_for_in_a_burst() {
    // Refused once, then no clear answer for an hour: a moment's refusals after that prove nothing yet.
    let bed = refused_at_probes(&[0, 3_600, 3_600, 3_601]);
    assert!(matches!(bed.plan(), Step::Settle(_)));
    assert!(refused_at_probes(&[0, 3_600]).settlement().next >= Duration::from_secs(1));
}

#[test]
fn it_is_the_content_of_the_slot_that_is_dead_and_not_the_sources_key() {
    // The source's new key was never in the slot: what stands there signs in and stays.
    let bed = World::kept().source(present(Ok(rotated()))).refused_at(&rotated(), &ALL_PROBES);
    let bed = bed.source_signs_in(refused()).slot_is_ours("1").slot_holds(&key()).slot_signs_in(accepted());
    assert!(bed.settlement().ledger.uploaded.is_some());
}

#[test]
fn an_old_key_in_the_slot_that_is_dead_is_deleted_although_the_source_holds_another() {
    let bed = World::kept().source(present(Ok(rotated()))).refused_at(&key(), &ALL_PROBES);
    let bed = bed.source_signs_in(refused()).slot_is_ours("1").slot_holds(&key());
    assert_eq!(bed.plan(), Step::SignIn(KeyRole::Slot));
    assert_eq!(bed.slot_signs_in(refused()).record().1, delete_at("1"));
}

#[test]
fn a_dead_key_is_only_reported_if_the_spec_says_so() {
    let bed = refused_at_probes(&ALL_PROBES).with(|facts| facts.policy.dead_action = DeadAction::Report);
    let settlement = bed.settlement();
    assert_eq!(settlement.ledger, bed.facts.ledger);
    assert_eq!(settlement.next, Duration::from_hours(1));
    let conditions = settlement.conditions.expect("a verdict");
    assert_eq!(conditions.ready.reason, Reason::CredentialsRefused);
    assert_eq!(conditions.uploaded.status, Status::True);
}

#[test]
fn once_it_is_deleted_the_object_says_why_nothing_is_uploaded() {
    let mut bed = refused_at_probes(&ALL_PROBES);
    let Step::Record(pending) = bed.plan() else { panic!("a record comes first") };
    bed.facts.learn_recorded(pending);
    bed.facts.learn_write(Operation::Delete, WriteAnswer::Done(revision("2")), bed.now);
    let settlement = bed.settlement();
    assert_eq!(settlement.ledger, Ledger::default());
    assert_eq!(settlement.next, Duration::from_hours(1));
    let conditions = settlement.conditions.expect("a verdict");
    assert_eq!(conditions.ready.reason, Reason::CredentialsRefused);
    assert_eq!(conditions.uploaded.reason, Reason::DeadKeyRemoved);

    // And goes on saying so in the next pass.
    let next = World::new().with(|facts| facts.previous = Some(conditions));
    let next = next.refused_at(&key(), &[0, 60]).source_signs_in(refused()).slot_is_empty("2");
    assert_eq!(next.verdict().uploaded.reason, Reason::DeadKeyRemoved);
}

#[test]
fn a_dead_key_that_signs_in_again_is_put_again() {
    let bed = World::new().refused_at(&key(), &ALL_PROBES).source_signs_in(accepted()).slot_is_empty("2");
    let (pending, next) = bed.record();
    assert_eq!(pending.fingerprint, Some(Fingerprint::of(&key())));
    assert_eq!(next, put_at("2"));
}

#[test]
fn an_outage_between_the_probes_neither_counts_nor_voids_them() {
    let bed = World::kept().refused_at(&key(), &[0, 60, 240, 500]).source_signs_in(unclear());
    assert!(matches!(bed.plan(), Step::Settle(_)));
    let bed = bed.with(|facts| facts.answers.source_sign_in = None).later(600).source_signs_in(refused());
    assert_eq!(bed.slot_is_ours("1").slot_holds(&key()).record().1, delete_at("1"));
}

#[test]
fn an_invalid_source_does_not_save_a_dead_key_in_the_slot() {
    for (moments, dead) in [(&ALL_PROBES[..3], false), (&ALL_PROBES[..], true)] {
        let bed = World::kept().source(present(Err(findings()))).refused_at(&key(), moments);
        let bed = bed.slot_is_ours("1").slot_holds(&key()).slot_signs_in(refused());
        assert_eq!(matches!(bed.plan(), Step::Record(_)), dead, "{moments:?}");
    }
}
