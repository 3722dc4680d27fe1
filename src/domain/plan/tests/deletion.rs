//! An object that is being deleted: neither a key nor a pending write of it may remain.

use super::scenario::*;
use crate::domain::conditions::{Progress, Status};
use crate::domain::ledger::{Ledger, Operation};
use crate::domain::plan::Step;
use crate::domain::reason::Reason;
use crate::domain::service_key::examples::key;
use crate::domain::slot::WriteAnswer;

#[test]
fn the_slot_is_read_first_and_no_key_is_tested() {
    assert_eq!(Scenario::uploaded().object_deleted().plan(), Step::ReadSlot);
}

#[test]
fn its_key_is_deleted_after_a_record_and_at_the_revision_that_was_read() {
    let (pending, next) = Scenario::uploaded().object_deleted().slot_is_ours("1").record();
    assert_eq!(pending.operation, Operation::Delete);
    assert_eq!(pending.fingerprint, Some(key().fingerprint().clone()));
    assert_eq!(pending.revision, revision("1"));
    assert_eq!(next, delete_at("1"));
}

#[test]
fn a_deleted_object_is_released_only_after_its_key_is_gone() {
    let mut scenario = Scenario::uploaded().object_deleted().slot_is_ours("1");
    let Step::Record(pending) = scenario.plan() else { panic!("the write is recorded first") };
    scenario.facts.note_pending_write(pending);
    assert_eq!(scenario.plan(), delete_at("1"));
    scenario.facts.learn_write(Operation::Delete, None, WriteAnswer::Done(revision("2")), scenario.now);
    let settlement = scenario.settlement();
    assert!(settlement.release);
    assert_eq!(settlement.ledger, Ledger::default());
}

#[test]
fn a_deleted_object_is_kept_while_the_result_of_the_deletion_is_unknown() {
    let mut scenario = Scenario::uploaded().object_deleted().slot_is_ours("1");
    let Step::Record(pending) = scenario.plan() else { panic!("the write is recorded first") };
    scenario.facts.note_pending_write(pending.clone());
    scenario.facts.learn_write(Operation::Delete, None, WriteAnswer::Unknown(unavailable()), scenario.now);
    let settlement = scenario.settlement();
    assert!(!settlement.release);
    assert_eq!(settlement.ledger.pending, Some(pending));
    assert_eq!(settlement.conditions.expect("conditions").ready.reason, Reason::Removing);
}

#[test]
fn a_deleted_object_is_kept_while_the_slot_cannot_be_read() {
    let scenario = Scenario::uploaded().object_deleted().with(|facts| facts.learn_slot(Err(unavailable())));
    let settlement = scenario.settlement();
    assert!(!settlement.release);
    let ready = settlement.conditions.expect("conditions").ready;
    assert_eq!((ready.status, ready.reason), (Status::Unknown, Reason::Removing));
}

#[test]
fn after_412_on_a_deletion_the_slot_is_read_again() {
    let mut scenario = Scenario::uploaded().object_deleted().slot_is_ours("1");
    scenario.facts.learn_write(Operation::Delete, None, WriteAnswer::Changed, scenario.now);
    assert_eq!(scenario.plan(), Step::ReadSlot);
}

#[test]
fn a_put_that_may_still_land_is_fenced_before_the_object_is_released() {
    let scenario = Scenario::new().pending(Operation::Upload, Some(&key()), "1").object_deleted();
    let mut scenario = scenario.slot_is_empty("1");
    let Step::Record(pending) = scenario.plan() else { panic!("the write is recorded first") };
    assert_eq!((pending.operation, &pending.revision), (Operation::Delete, &revision("1")));
    scenario.facts.note_pending_write(pending);
    assert_eq!(scenario.plan(), delete_at("1"));
    scenario.facts.learn_write(Operation::Delete, None, WriteAnswer::Done(revision("2")), scenario.now);
    assert!(scenario.settlement().release);
}

#[test]
fn a_put_that_can_no_longer_land_does_not_delay_the_release() {
    let scenario = Scenario::new().pending(Operation::Upload, Some(&key()), "1").object_deleted();
    assert!(scenario.slot_is_empty("2").settlement().release);
}

#[test]
fn an_object_that_never_uploaded_anything_is_released() {
    assert!(Scenario::new().object_deleted().slot_is_empty("1").settlement().release);
}

#[test]
fn a_closed_tenant_does_not_prevent_the_removal_of_a_key() {
    let scenario = Scenario::uploaded().tenant_closed().object_deleted().slot_is_ours("1");
    assert_eq!(scenario.record().1, delete_at("1"));
}

#[test]
fn the_key_of_a_deleted_object_is_removed_in_any_source_state() {
    for scenario in [
        Scenario::uploaded().source_is_unknown(),
        Scenario::uploaded().source(present(Err(findings()))),
        Scenario::uploaded().source(present(Ok(rotated()))),
    ] {
        assert_eq!(scenario.object_deleted().slot_is_ours("1").record().1, delete_at("1"));
    }
}

#[test]
fn without_a_tenant_a_deleted_object_is_released_if_nothing_was_begun() {
    let settlement = Scenario::new().tenant_missing().object_deleted().settlement();
    assert!(settlement.release);
}

#[test]
fn without_a_tenant_a_deleted_object_is_kept_if_an_upload_was_begun() {
    for scenario in [Scenario::uploaded(), Scenario::new().pending(Operation::Upload, Some(&key()), "1")] {
        let scenario = scenario.tenant_missing().object_deleted();
        let settlement = scenario.settlement();
        assert!(!settlement.release);
        assert_eq!(settlement.ledger, scenario.facts.ledger);
        let conditions = settlement.conditions.expect("conditions");
        assert_eq!((conditions.ready.status, conditions.ready.reason), (Status::False, Reason::WaitingForTenant));
        assert_eq!(conditions.progress, Progress::Stalled);
    }
}

#[test]
fn a_deletion_is_handled_although_nothing_else_has_changed() {
    let settled = Scenario::uploaded().source_signs_in(accepted()).slot_is_ours("1").settlement();
    let scenario = Scenario::uploaded().with(|facts| facts.observations = settled.observations).object_deleted();
    assert_eq!(scenario.later(1).plan(), Step::ReadSlot);
}
