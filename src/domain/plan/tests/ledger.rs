//! The ledger only saves calls: if it is lost, outdated or forged, no key is lost and no foreign key is deleted.

use super::scenario::*;
use crate::domain::ledger::{Ledger, Operation};
use crate::domain::plan::{Content, Evidence, KeyRole, Step};
use crate::domain::reason::Reason;
use crate::domain::service_key::examples::{key, key_with_secret};
use crate::domain::slot::WriteAnswer;

#[test]
fn after_a_loss_of_the_ledger_our_key_is_recognized_and_not_uploaded_again() {
    let scenario = Scenario::new().source_signs_in(accepted()).slot_is_ours("5");
    assert_eq!(scenario.plan(), Step::ReadContent);
    let settlement = scenario.slot_holds(&key()).settlement();
    let uploaded = settlement.ledger.uploaded.expect("the ledger is written again");
    assert_eq!((uploaded.fingerprint, uploaded.revision), (key().fingerprint().clone(), revision("5")));
    assert_eq!(settlement.conditions.expect("conditions").ready.reason, Reason::Uploaded);
}

#[test]
fn after_a_loss_of_the_ledger_an_outdated_key_of_ours_is_replaced() {
    let scenario = Scenario::new().source_signs_in(accepted()).slot_is_ours("5").slot_holds(&rotated());
    assert_eq!(scenario.record().1, put_at("5"));
}

#[test]
fn invalid_content_in_our_slot_is_replaced() {
    let scenario = Scenario::new().source_signs_in(accepted()).slot_is_ours("5");
    let scenario = scenario.with(|facts| facts.learn_content(Ok(Content::Unreadable(findings()))));
    assert_eq!(scenario.record().1, put_at("5"));
}

#[test]
fn content_that_cannot_be_read_is_not_replaced() {
    let scenario = Scenario::new().source_signs_in(accepted()).slot_is_ours("5");
    let scenario = scenario.with(|facts| facts.learn_content(Err(unavailable())));
    assert_eq!(scenario.conditions().ready.reason, Reason::LandscapeManagementUnavailable);
}

#[test]
fn a_ledger_with_another_revision_is_not_trusted() {
    let stale = Scenario::uploaded().source_signs_in(accepted()).slot_is_ours("2");
    assert_eq!(stale.plan(), Step::ReadContent);
}

#[test]
fn content_of_an_outdated_revision_is_read_again() {
    let mut scenario = Scenario::new().source_signs_in(accepted()).slot_is_ours("5").slot_holds(&rotated());
    scenario.facts.learn_write(Operation::Upload, Some(ours()), WriteAnswer::Changed, scenario.now);
    assert_eq!(scenario.slot_is_ours("6").plan(), Step::ReadContent);
}

#[test]
fn a_forged_ledger_does_not_determine_the_fingerprint_of_a_deletion() {
    // The ledger records a key at a revision that the slot does not have.
    let scenario = Scenario::new().ledger_has(&key_with_secret("foreign"), "9").object_deleted();
    let (pending, next) = scenario.slot_is_ours("5").record();
    assert_eq!((pending.fingerprint, pending.revision), (None, revision("5")));
    assert_eq!(next, delete_at("5"));
}

#[test]
fn a_forged_pending_write_never_deletes_at_its_own_revision() {
    let scenario = Scenario::new().pending(Operation::Delete, Some(&key()), "9").object_deleted();
    assert_eq!(scenario.clone().slot_is_ours("5").record().1, delete_at("5"));
    assert!(scenario.slot_is_empty("5").settlement().release);
}

#[test]
fn after_a_crash_a_put_that_may_still_land_is_repeated_at_its_revision() {
    let crashed = Scenario::new().pending(Operation::Upload, Some(&key()), "1");
    let empty = crashed.clone().source_signs_in(accepted()).slot_is_empty("1");
    assert_eq!(empty.plan(), put_at("1"), "the write is already recorded");
    let ours = crashed.ledger_has(&rotated(), "1").source_signs_in(accepted()).slot_is_ours("1");
    assert_eq!(ours.plan(), put_at("1"));
}

#[test]
fn after_a_crash_the_current_key_is_put_again_while_another_one_may_still_land() {
    // A rotation was begun and reverted: its put, which may still be under way, must not win.
    let scenario = Scenario::uploaded().pending(Operation::Upload, Some(&rotated()), "1");
    let (pending, next) = scenario.source_signs_in(accepted()).slot_is_ours("1").record();
    assert_eq!(pending.fingerprint, None, "one record stands for both writes");
    assert_eq!(next, put_at("1"));
}

#[test]
fn after_a_crash_a_put_that_took_effect_is_recognized_and_not_repeated() {
    let scenario = Scenario::new().pending(Operation::Upload, Some(&key()), "1");
    let scenario = scenario.source_signs_in(accepted()).slot_is_ours("2");
    assert_eq!(scenario.plan(), Step::ReadContent);
    let settlement = scenario.slot_holds(&key()).settlement();
    assert_eq!(settlement.ledger.pending, None);
    assert_eq!(settlement.ledger.uploaded.expect("an upload").revision, revision("2"));
}

#[test]
fn after_a_crash_the_key_is_tested_again_before_it_is_put_again() {
    let scenario = Scenario::new().pending(Operation::Upload, Some(&key()), "1").slot_is_empty("1");
    assert_eq!(scenario.plan(), Step::SignIn(KeyRole::Source));
}

#[test]
fn a_put_that_may_still_land_is_fenced_when_its_key_is_refused_now() {
    let scenario = Scenario::new().pending(Operation::Upload, Some(&key()), "1").source_signs_in(refused());
    assert_eq!(scenario.clone().slot_is_empty("1").record().1, delete_at("1"));
    assert_eq!(scenario.slot_is_empty("2").settlement().ledger, Ledger::default());
}

#[test]
fn a_put_that_may_still_land_is_fenced_when_the_source_is_gone() {
    let scenario = Scenario::new().pending(Operation::Upload, Some(&key()), "1");
    let scenario = scenario.source_is_gone(Evidence::DeletionSeen).source_unchanged_for(0);
    assert_eq!(scenario.clone().slot_is_empty("1").record().1, delete_at("1"));
    assert_eq!(scenario.slot_is_empty("2").settlement().ledger, Ledger::default());
}

#[test]
fn a_key_that_another_client_removed_leaves_the_ledger_in_any_source_state() {
    for scenario in [
        Scenario::uploaded().source_is_unknown(),
        Scenario::uploaded().source(present(Err(findings()))),
        Scenario::uploaded().tenant_closed(),
        Scenario::uploaded()
            .with(|facts| facts.previous = None)
            .source(present(Ok(rotated())))
            .source_signs_in(unclear()),
    ] {
        // After this time, no grace keeps the conditions.
        let scenario = scenario.source_unchanged_for(60).slot_is_empty("7");
        assert_eq!(scenario.settlement().ledger, Ledger::default(), "{:?}", scenario.facts.source);
        let overwritten = scenario.slot_is_owned_by("8", None).settlement().ledger;
        assert_eq!(overwritten.uploaded, None);
        assert!(overwritten.overwritten.is_some(), "two clusters must not overwrite each other forever");
    }
}
