//! The upload of a valid key from the source to the slot.

use super::scenario::*;
use crate::domain::evidence::Observations;
use crate::domain::ledger::Operation;
use crate::domain::plan::{KeyRole, Step};
use crate::domain::reason::Reason;
use crate::domain::service_key::examples::key;
use crate::domain::slot::WriteAnswer;

#[test]
fn a_new_key_is_put_only_after_a_sign_in_in_the_same_reconciliation() {
    let empty = Scenario::new().slot_is_empty("1");
    assert_eq!(empty.plan(), Step::SignIn(KeyRole::Source));
    assert!(matches!(empty.source_signs_in(accepted()).plan(), Step::Record(_)));
}

#[test]
fn a_sign_in_of_an_earlier_reconciliation_does_not_count() {
    let replaced = Scenario::uploaded().slot_is_empty("2");
    assert_eq!(replaced.plan(), Step::SignIn(KeyRole::Source));
}

#[test]
fn the_slot_is_read_before_anything_is_recorded() {
    assert_eq!(Scenario::new().source_signs_in(accepted()).plan(), Step::ReadSlot);
}

#[test]
fn a_put_is_recorded_first_with_its_key_and_the_revision_that_was_read() {
    let scenario = Scenario::new().source_signs_in(accepted()).slot_is_empty("7");
    let (pending, next) = scenario.record();
    assert_eq!(pending.operation, Operation::Upload);
    assert_eq!(pending.fingerprint, Some(key().fingerprint().clone()));
    assert_eq!(pending.revision, revision("7"));
    assert_eq!(next, put_at("7"));
}

#[test]
fn a_put_is_conditional_on_the_revision_that_was_read() {
    let scenario = Scenario::new().pending(Operation::Upload, Some(&key()), "6");
    let (pending, next) = scenario.source_signs_in(accepted()).slot_is_empty("7").record();
    assert_eq!(pending.revision, revision("7"));
    assert_eq!(next, put_at("7"));
}

#[test]
fn after_a_put_the_ledger_has_the_upload_and_no_pending_write() {
    let mut scenario = Scenario::new().source_signs_in(accepted()).slot_is_empty("1");
    let Step::Record(pending) = scenario.plan() else { panic!("the write is recorded first") };
    scenario.facts.note_pending_write(pending);
    scenario.facts.learn_write(Operation::Upload, Some(ours()), WriteAnswer::Done(revision("2")), scenario.now);
    let settlement = scenario.settlement();
    let uploaded = settlement.ledger.uploaded.expect("an upload");
    assert_eq!((uploaded.fingerprint, uploaded.revision), (key().fingerprint().clone(), revision("2")));
    assert_eq!(uploaded.proven_at, scenario.now.wall);
    assert_eq!(settlement.ledger.pending, None);
    assert_eq!(settlement.conditions.expect("conditions").ready.reason, Reason::Uploaded);
}

#[test]
fn after_412_on_a_put_the_slot_is_read_again_and_the_sign_in_still_counts() {
    let mut scenario = Scenario::new().source_signs_in(accepted()).slot_is_empty("1");
    scenario.facts.learn_write(Operation::Upload, Some(ours()), WriteAnswer::Changed, scenario.now);
    assert_eq!(scenario.plan(), Step::ReadSlot);
    assert_eq!(scenario.slot_is_empty("2").record().1, put_at("2"));
}

#[test]
fn in_a_rotation_the_new_key_is_tested_and_then_replaces_the_old_one() {
    let scenario = Scenario::uploaded().source(present(Ok(rotated()))).slot_is_ours("1");
    assert_eq!(scenario.plan(), Step::SignIn(KeyRole::Source));
    let (pending, next) = scenario.source_signs_in(accepted()).record();
    assert_eq!(pending.fingerprint, Some(rotated().fingerprint().clone()));
    assert_eq!(next, put_at("1"));
}

#[test]
fn a_refused_new_key_leaves_the_old_one_in_the_slot_where_it_is_probed() {
    let scenario = Scenario::uploaded().source(present(Ok(rotated()))).source_signs_in(refused());
    assert_eq!(scenario.plan(), Step::ReadSlot);
    let scenario = scenario.slot_is_ours("1");
    assert_eq!(scenario.plan(), Step::ReadContent);
    let scenario = scenario.slot_holds(&key());
    assert_eq!(scenario.plan(), Step::SignIn(KeyRole::Slot));
    let scenario = scenario.slot_signs_in(accepted());
    let settlement = scenario.settlement();
    assert_eq!(settlement.ledger, scenario.facts.ledger);
    let conditions = settlement.conditions.expect("conditions");
    assert_eq!(conditions.ready.reason, Reason::CredentialsRefused);
    assert_eq!(conditions.uploaded.reason, Reason::Uploaded);
}

#[test]
fn an_unclear_answer_about_a_new_key_leaves_the_old_one_in_the_slot() {
    let scenario = Scenario::uploaded().source(present(Ok(rotated()))).source_signs_in(unclear()).slot_is_ours("1");
    assert_eq!(scenario.plan(), Step::ReadContent, "the old key is still probed");
    let scenario = scenario.slot_holds(&key());
    assert_eq!(scenario.plan(), Step::SignIn(KeyRole::Slot));
    let scenario = scenario.slot_signs_in(accepted());
    let settlement = scenario.settlement();
    assert_eq!(settlement.ledger, scenario.facts.ledger);
    let conditions = settlement.conditions.expect("conditions, because the key has changed");
    assert_eq!(conditions.ready.reason, Reason::SignInUnknown);
}

#[test]
fn an_unclear_answer_keeps_ready_for_the_same_key_and_generation() {
    let scenario = Scenario::uploaded().source_signs_in(unclear());
    let settlement = scenario.settlement();
    assert_eq!(settlement.conditions, None);
    assert_eq!(settlement.ledger, scenario.facts.ledger);
}

#[test]
fn an_unclear_answer_keeps_nothing_of_an_older_generation() {
    // Conditions of an older generation are not part of the facts.
    let scenario = Scenario::uploaded().with(|facts| facts.previous = None).source_signs_in(unclear());
    let scenario = scenario.slot_is_ours("1").slot_holds(&key());
    assert_eq!(scenario.conditions().ready.reason, Reason::SignInUnknown);
}

#[test]
fn an_unclear_answer_is_not_counted_as_a_refusal() {
    let settlement = Scenario::uploaded().source_signs_in(unclear()).settlement();
    assert_eq!(settlement.observations.refusals, Observations::default().refusals);
    let once = Scenario::uploaded().refused_at(&key(), &[0, 60]).source_signs_in(refused());
    assert!(once.facts.observations.refusals.contains_key(key().credentials_fingerprint()));
}

#[test]
fn an_outage_of_landscape_management_keeps_ready_for_the_same_key() {
    let scenario = Scenario::uploaded().source_signs_in(accepted()).with(|facts| facts.learn_slot(Err(unavailable())));
    assert_eq!(scenario.settlement().conditions, None);
    let new = Scenario::new().source_signs_in(accepted()).with(|facts| facts.learn_slot(Err(unavailable())));
    assert_eq!(new.conditions().ready.reason, Reason::LandscapeManagementUnavailable);
}

#[test]
fn a_key_at_the_recorded_revision_is_neither_read_nor_put_again() {
    let settlement = Scenario::uploaded().source_signs_in(accepted()).slot_is_ours("1").settlement();
    assert_eq!(settlement.ledger, Scenario::uploaded().facts.ledger);
    assert_eq!(settlement.next, Scenario::uploaded().facts.policy.interval);
}

#[test]
fn our_slot_is_filled_again_after_another_client_emptied_it() {
    let (pending, next) = Scenario::uploaded().source_signs_in(accepted()).slot_is_empty("2").record();
    assert_eq!(pending.operation, Operation::Upload);
    assert_eq!(next, put_at("2"));
}

#[test]
fn a_write_with_an_unknown_result_is_not_repeated_and_stays_pending() {
    let mut scenario = Scenario::new().source_signs_in(accepted()).slot_is_empty("1");
    let Step::Record(pending) = scenario.plan() else { panic!("the write is recorded first") };
    scenario.facts.note_pending_write(pending.clone());
    scenario.facts.learn_write(Operation::Upload, Some(ours()), WriteAnswer::Unknown(unavailable()), scenario.now);
    let settlement = scenario.settlement();
    assert_eq!(settlement.ledger.pending, Some(pending));
}

#[test]
fn a_rejected_key_is_reported_and_no_longer_pending() {
    let mut scenario = Scenario::new().source_signs_in(accepted()).slot_is_empty("1");
    let Step::Record(pending) = scenario.plan() else { panic!("the write is recorded first") };
    scenario.facts.note_pending_write(pending);
    scenario.facts.learn_write(
        Operation::Upload,
        Some(ours()),
        WriteAnswer::Rejected("422 at $.key".into()),
        scenario.now,
    );
    let settlement = scenario.settlement();
    assert_eq!(settlement.ledger.pending, None);
    assert_eq!(settlement.conditions.expect("conditions").ready.reason, Reason::UploadRejected);
}
