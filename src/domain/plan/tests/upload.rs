//! From a valid key in the source to the slot.

use super::scenario::*;
use crate::domain::evidence::Observations;
use crate::domain::ledger::Operation;
use crate::domain::plan::{KeyRole, Step};
use crate::domain::reason::Reason;
use crate::domain::service_key::examples::key;
use crate::domain::service_key::fingerprint::Fingerprint;
use crate::domain::slot::WriteAnswer;

#[test]
fn a_new_key_is_not_put_before_it_is_proven_in_the_same_pass() {
    let empty = World::new().slot_is_empty("1");
    assert_eq!(empty.plan(), Step::SignIn(KeyRole::Source));
    assert!(matches!(empty.source_signs_in(accepted()).plan(), Step::Record(_)));
}

#[test]
fn a_proof_of_an_earlier_pass_does_not_count() {
    let replaced = World::kept().slot_is_empty("2");
    assert_eq!(replaced.plan(), Step::SignIn(KeyRole::Source));
}

#[test]
fn the_slot_is_looked_at_before_anything_is_recorded() {
    assert_eq!(World::new().source_signs_in(accepted()).plan(), Step::ReadSlot);
}

#[test]
fn a_put_is_recorded_first_with_its_key_and_the_revision_looked_at() {
    let bed = World::new().source_signs_in(accepted()).slot_is_empty("7");
    let (pending, next) = bed.record();
    assert_eq!(pending.operation, Operation::Upload);
    assert_eq!(pending.fingerprint, Some(Fingerprint::of(&key())));
    assert_eq!(pending.revision, revision("7"));
    assert_eq!(next, put_at("7"));
}

#[test]
fn a_put_is_conditional_on_the_revision_looked_at_and_not_on_an_older_one() {
    let bed = World::new().pending(Operation::Upload, Some(&key()), "6");
    let (pending, next) = bed.source_signs_in(accepted()).slot_is_empty("7").record();
    assert_eq!(pending.revision, revision("7"));
    assert_eq!(next, put_at("7"));
}

#[test]
fn after_the_put_the_ledger_says_what_stands_there_and_nothing_is_pending() {
    let mut bed = World::new().source_signs_in(accepted()).slot_is_empty("1");
    let Step::Record(pending) = bed.plan() else { panic!("a record comes first") };
    bed.facts.learn_recorded(pending);
    bed.facts.learn_write(Operation::Upload, WriteAnswer::Done(revision("2")), bed.now);
    let settlement = bed.settlement();
    let uploaded = settlement.ledger.uploaded.expect("an upload");
    assert_eq!((uploaded.fingerprint, uploaded.revision), (Fingerprint::of(&key()), revision("2")));
    assert_eq!(uploaded.proven_at, bed.now.wall);
    assert_eq!(settlement.ledger.pending, None);
    assert_eq!(settlement.conditions.expect("a verdict").ready.reason, Reason::Uploaded);
}

#[test]
fn after_412_the_slot_is_looked_at_again_and_the_proof_still_counts() {
    let mut bed = World::new().source_signs_in(accepted()).slot_is_empty("1");
    bed.facts.learn_write(Operation::Upload, WriteAnswer::Changed, bed.now);
    assert_eq!(bed.plan(), Step::ReadSlot);
    assert_eq!(bed.slot_is_empty("2").record().1, put_at("2"));
}

#[test]
fn in_a_rotation_the_new_key_is_proven_and_then_replaces_the_old_one() {
    let bed = World::kept().source(present(Ok(rotated()))).slot_is_ours("1");
    assert_eq!(bed.plan(), Step::SignIn(KeyRole::Source));
    let (pending, next) = bed.source_signs_in(accepted()).record();
    assert_eq!(pending.fingerprint, Some(Fingerprint::of(&rotated())));
    assert_eq!(next, put_at("1"));
}

#[test]
fn a_refused_new_key_leaves_the_old_one_in_the_slot_which_goes_on_being_tested() {
    let bed = World::kept().source(present(Ok(rotated()))).source_signs_in(refused());
    assert_eq!(bed.plan(), Step::ReadSlot);
    let bed = bed.slot_is_ours("1");
    assert_eq!(bed.plan(), Step::ReadContent);
    let bed = bed.slot_holds(&key());
    assert_eq!(bed.plan(), Step::SignIn(KeyRole::Slot));
    let bed = bed.slot_signs_in(accepted());
    let settlement = bed.settlement();
    assert_eq!(settlement.ledger, bed.facts.ledger);
    let conditions = settlement.conditions.expect("a verdict");
    assert_eq!(conditions.ready.reason, Reason::CredentialsRefused);
    assert_eq!(conditions.uploaded.reason, Reason::Uploaded);
}

#[test]
fn an_unclear_answer_about_a_new_key_leaves_the_old_one_in_the_slot() {
    let bed = World::kept().source(present(Ok(rotated()))).source_signs_in(unclear()).slot_is_ours("1");
    assert_eq!(bed.plan(), Step::ReadContent, "the old one goes on being tested");
    let bed = bed.slot_holds(&key());
    assert_eq!(bed.plan(), Step::SignIn(KeyRole::Slot));
    let bed = bed.slot_signs_in(accepted());
    let settlement = bed.settlement();
    assert_eq!(settlement.ledger, bed.facts.ledger);
    let conditions = settlement.conditions.expect("a verdict on another key than the one that stands");
    assert_eq!(conditions.ready.reason, Reason::SignInUnknown);
}

#[test]
fn an_unclear_answer_leaves_ready_standing_for_the_same_key_and_generation() {
    let bed = World::kept().source_signs_in(unclear());
    let settlement = bed.settlement();
    assert_eq!(settlement.conditions, None);
    assert_eq!(settlement.ledger, bed.facts.ledger);
}

#[test]
fn an_unclear_answer_leaves_nothing_standing_of_an_older_generation() {
    // The conditions of an older generation are no facts.
    let bed = World::kept().with(|facts| facts.previous = None).source_signs_in(unclear());
    let bed = bed.slot_is_ours("1").slot_holds(&key());
    assert_eq!(bed.verdict().ready.reason, Reason::SignInUnknown);
}

#[test]
fn an_unclear_answer_is_not_counted_as_a_refusal() {
    let settlement = World::kept().source_signs_in(unclear()).settlement();
    assert_eq!(settlement.observations.refusals, Observations::default().refusals);
    let once = World::kept().refused_at(&key(), &[0, 60]).source_signs_in(refused());
    assert!(once.facts.observations.refusals.contains_key(&Fingerprint::of(&key())));
}

#[test]
fn an_outage_of_landscape_management_leaves_ready_standing_for_the_same_key() {
    let bed = World::kept().source_signs_in(accepted()).with(|facts| facts.learn_slot(Err(unavailable())));
    assert_eq!(bed.settlement().conditions, None);
    let new = World::new().source_signs_in(accepted()).with(|facts| facts.learn_slot(Err(unavailable())));
    assert_eq!(new.verdict().ready.reason, Reason::LandscapeManagementUnavailable);
}

#[test]
fn a_key_that_stands_where_the_ledger_says_is_neither_read_nor_put_again() {
    let settlement = World::kept().source_signs_in(accepted()).slot_is_ours("1").settlement();
    assert_eq!(settlement.ledger, World::kept().facts.ledger);
    assert_eq!(settlement.next, World::kept().facts.policy.interval);
}

#[test]
fn a_slot_of_ours_that_somebody_emptied_is_filled_again() {
    let (pending, next) = World::kept().source_signs_in(accepted()).slot_is_empty("2").record();
    assert_eq!(pending.operation, Operation::Upload);
    assert_eq!(next, put_at("2"));
}

#[test]
fn a_write_whose_outcome_is_unknown_is_not_repeated_in_the_same_pass_and_stays_pending() {
    let mut bed = World::new().source_signs_in(accepted()).slot_is_empty("1");
    let Step::Record(pending) = bed.plan() else { panic!("a record comes first") };
    bed.facts.learn_recorded(pending.clone());
    bed.facts.learn_write(Operation::Upload, WriteAnswer::Unknown(unavailable()), bed.now);
    let settlement = bed.settlement();
    assert_eq!(settlement.ledger.pending, Some(pending));
}

#[test]
fn a_key_that_the_slot_rejects_is_reported_and_no_longer_pending() {
    let mut bed = World::new().source_signs_in(accepted()).slot_is_empty("1");
    let Step::Record(pending) = bed.plan() else { panic!("a record comes first") };
    bed.facts.learn_recorded(pending);
    bed.facts.learn_write(Operation::Upload, WriteAnswer::Rejected("422 at $.key".into()), bed.now);
    let settlement = bed.settlement();
    assert_eq!(settlement.ledger.pending, None);
    assert_eq!(settlement.conditions.expect("a verdict").ready.reason, Reason::UploadRejected);
}
