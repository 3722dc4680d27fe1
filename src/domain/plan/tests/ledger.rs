//! The ledger only saves asking: lost, stale or forged, it neither loses a key nor deletes a foreign one.

use super::scenario::*;
use crate::domain::ledger::{Ledger, Operation};
use crate::domain::plan::{Content, Evidence, KeyRole, Step};
use crate::domain::reason::Reason;
use crate::domain::service_key::examples::{key, key_with_secret};
use crate::domain::service_key::fingerprint::Fingerprint;
use crate::domain::slot::WriteAnswer;

#[test]
fn with_a_lost_ledger_our_key_in_the_slot_is_recognised_and_not_uploaded_again() {
    let bed = World::new().source_signs_in(accepted()).slot_is_ours("5");
    assert_eq!(bed.plan(), Step::ReadContent);
    let settlement = bed.slot_holds(&key()).settlement();
    let uploaded = settlement.ledger.uploaded.expect("the ledger is written anew");
    assert_eq!((uploaded.fingerprint, uploaded.revision), (Fingerprint::of(&key()), revision("5")));
    assert_eq!(settlement.conditions.expect("a verdict").ready.reason, Reason::Uploaded);
}

#[test]
fn with_a_lost_ledger_another_key_of_ours_in_the_slot_is_replaced() {
    let bed = World::new().source_signs_in(accepted()).slot_is_ours("5").slot_holds(&rotated());
    assert_eq!(bed.record().1, put_at("5"));
}

#[test]
fn something_of_ours_that_is_no_key_is_replaced() {
    let bed = World::new().source_signs_in(accepted()).slot_is_ours("5");
    let bed = bed.with(|facts| facts.learn_content(Ok(Content::Unreadable(findings()))));
    assert_eq!(bed.record().1, put_at("5"));
}

#[test]
fn content_that_cannot_be_read_is_not_written_over() {
    let bed = World::new().source_signs_in(accepted()).slot_is_ours("5");
    let bed = bed.with(|facts| facts.learn_content(Err(unavailable())));
    assert_eq!(bed.verdict().ready.reason, Reason::LandscapeManagementUnavailable);
}

#[test]
fn a_ledger_that_speaks_of_another_revision_is_not_believed() {
    let stale = World::kept().source_signs_in(accepted()).slot_is_ours("2");
    assert_eq!(stale.plan(), Step::ReadContent);
}

#[test]
fn content_of_a_revision_that_is_no_more_is_read_again() {
    let mut bed = World::new().source_signs_in(accepted()).slot_is_ours("5").slot_holds(&rotated());
    bed.facts.learn_write(Operation::Upload, WriteAnswer::Changed, bed.now);
    assert_eq!(bed.slot_is_ours("6").plan(), Step::ReadContent);
}

#[test]
fn a_forged_ledger_does_not_name_the_key_that_a_deletion_is_of() {
    // It claims to know a key at a revision that is not the slot's.
    let bed = World::new().remembers(&key_with_secret("somebody-elses"), "9").object_deleted();
    let (pending, next) = bed.slot_is_ours("5").record();
    assert_eq!((pending.fingerprint, pending.revision), (None, revision("5")));
    assert_eq!(next, delete_at("5"));
}

#[test]
fn a_forged_pending_write_never_deletes_at_its_own_revision() {
    let bed = World::new().pending(Operation::Delete, Some(&key()), "9").object_deleted();
    assert_eq!(bed.clone().slot_is_ours("5").record().1, delete_at("5"));
    assert!(bed.slot_is_empty("5").settlement().release);
}

#[test]
fn after_a_crash_a_put_that_may_still_land_is_repeated_with_the_revision_it_carried() {
    let crashed = World::new().pending(Operation::Upload, Some(&key()), "1");
    let empty = crashed.clone().source_signs_in(accepted()).slot_is_empty("1");
    assert_eq!(empty.plan(), put_at("1"), "it is recorded already");
    let ours = crashed.remembers(&rotated(), "1").source_signs_in(accepted()).slot_is_ours("1");
    assert_eq!(ours.plan(), put_at("1"));
}

#[test]
fn after_a_crash_even_the_key_that_stands_is_put_again_while_another_one_may_still_land() {
    // A rotation was begun and taken back: what may still be under way must not win.
    let bed = World::kept().pending(Operation::Upload, Some(&rotated()), "1");
    let (pending, next) = bed.source_signs_in(accepted()).slot_is_ours("1").record();
    assert_eq!(pending.fingerprint, Some(Fingerprint::of(&key())));
    assert_eq!(next, put_at("1"));
}

#[test]
fn after_a_crash_a_put_that_took_effect_is_recognised_and_not_repeated() {
    let bed = World::new().pending(Operation::Upload, Some(&key()), "1");
    let bed = bed.source_signs_in(accepted()).slot_is_ours("2");
    assert_eq!(bed.plan(), Step::ReadContent);
    let settlement = bed.slot_holds(&key()).settlement();
    assert_eq!(settlement.ledger.pending, None);
    assert_eq!(settlement.ledger.uploaded.expect("an upload").revision, revision("2"));
}

#[test]
fn after_a_crash_the_key_is_proven_anew_before_it_is_put_again() {
    let bed = World::new().pending(Operation::Upload, Some(&key()), "1").slot_is_empty("1");
    assert_eq!(bed.plan(), Step::SignIn(KeyRole::Source));
}

#[test]
fn a_put_that_may_still_land_is_fenced_when_its_key_is_refused_now() {
    let bed = World::new().pending(Operation::Upload, Some(&key()), "1").source_signs_in(refused());
    assert_eq!(bed.clone().slot_is_empty("1").record().1, delete_at("1"));
    assert_eq!(bed.slot_is_empty("2").settlement().ledger, Ledger::default());
}

#[test]
fn a_put_that_may_still_land_is_fenced_when_the_source_is_gone() {
    let bed = World::new().pending(Operation::Upload, Some(&key()), "1");
    let bed = bed.source_is_gone(Evidence::DeletionSeen).lasting(0);
    assert_eq!(bed.clone().slot_is_empty("1").record().1, delete_at("1"));
    assert_eq!(bed.slot_is_empty("2").settlement().ledger, Ledger::default());
}

#[test]
fn a_key_that_somebody_took_away_is_not_said_to_stand_there_whatever_the_source_says() {
    for bed in [
        World::kept().source_is_unknown(),
        World::kept().source(present(Err(findings()))),
        World::kept().tenant_closed(),
        World::kept().with(|facts| facts.previous = None).source(present(Ok(rotated()))).source_signs_in(unclear()),
    ] {
        // Long enough for no verdict to stand by itself.
        let bed = bed.lasting(60).slot_is_empty("7");
        assert_eq!(bed.settlement().ledger, Ledger::default(), "{:?}", bed.facts.source);
        let overwritten = bed.slot_is_held("8", None).settlement().ledger;
        assert_eq!(overwritten.uploaded, None);
        assert!(overwritten.overwritten.is_some(), "two clusters are not to fight over it");
    }
}
