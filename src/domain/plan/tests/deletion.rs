//! The object is being deleted: nothing of it stays, also nothing under way.

use super::scenario::*;
use crate::domain::conditions::{Progress, Status};
use crate::domain::ledger::{Ledger, Operation};
use crate::domain::plan::Step;
use crate::domain::reason::Reason;
use crate::domain::service_key::examples::key;
use crate::domain::service_key::fingerprint::Fingerprint;
use crate::domain::slot::WriteAnswer;

#[test]
fn the_slot_is_looked_at_first_and_nothing_is_signed_in_with() {
    assert_eq!(World::kept().object_deleted().plan(), Step::ReadSlot);
}

#[test]
fn its_key_is_deleted_after_a_record_and_at_the_revision_looked_at() {
    let (pending, next) = World::kept().object_deleted().slot_is_ours("1").record();
    assert_eq!(pending.operation, Operation::Delete);
    assert_eq!(pending.fingerprint, Some(Fingerprint::of(&key())));
    assert_eq!(pending.revision, revision("1"));
    assert_eq!(next, delete_at("1"));
}

#[test]
fn it_is_released_when_its_key_is_gone_and_not_before() {
    let mut bed = World::kept().object_deleted().slot_is_ours("1");
    let Step::Record(pending) = bed.plan() else { panic!("a record comes first") };
    bed.facts.learn_recorded(pending);
    assert_eq!(bed.plan(), delete_at("1"));
    bed.facts.learn_write(Operation::Delete, WriteAnswer::Done(revision("2")), bed.now);
    let settlement = bed.settlement();
    assert!(settlement.release);
    assert_eq!(settlement.ledger, Ledger::default());
}

#[test]
fn it_is_kept_while_the_outcome_of_the_deletion_is_unknown() {
    let mut bed = World::kept().object_deleted().slot_is_ours("1");
    let Step::Record(pending) = bed.plan() else { panic!("a record comes first") };
    bed.facts.learn_recorded(pending.clone());
    bed.facts.learn_write(Operation::Delete, WriteAnswer::Unknown(unavailable()), bed.now);
    let settlement = bed.settlement();
    assert!(!settlement.release);
    assert_eq!(settlement.ledger.pending, Some(pending));
    assert_eq!(settlement.conditions.expect("a verdict").ready.reason, Reason::Removing);
}

#[test]
fn it_is_kept_while_the_slot_cannot_be_looked_at() {
    let bed = World::kept().object_deleted().with(|facts| facts.learn_slot(Err(unavailable())));
    let settlement = bed.settlement();
    assert!(!settlement.release);
    let ready = settlement.conditions.expect("a verdict").ready;
    assert_eq!((ready.status, ready.reason), (Status::Unknown, Reason::Removing));
}

#[test]
fn after_412_the_slot_is_looked_at_again() {
    let mut bed = World::kept().object_deleted().slot_is_ours("1");
    bed.facts.learn_write(Operation::Delete, WriteAnswer::Changed, bed.now);
    assert_eq!(bed.plan(), Step::ReadSlot);
}

#[test]
fn a_put_that_may_still_land_is_fenced_before_the_object_is_released() {
    let bed = World::new().pending(Operation::Upload, Some(&key()), "1").object_deleted();
    let mut bed = bed.slot_is_empty("1");
    let Step::Record(pending) = bed.plan() else { panic!("a record comes first") };
    assert_eq!((pending.operation, &pending.revision), (Operation::Delete, &revision("1")));
    bed.facts.learn_recorded(pending);
    assert_eq!(bed.plan(), delete_at("1"));
    bed.facts.learn_write(Operation::Delete, WriteAnswer::Done(revision("2")), bed.now);
    assert!(bed.settlement().release);
}

#[test]
fn a_put_that_can_no_longer_land_does_not_hold_the_object() {
    let bed = World::new().pending(Operation::Upload, Some(&key()), "1").object_deleted();
    assert!(bed.slot_is_empty("2").settlement().release);
}

#[test]
fn an_object_that_never_got_anywhere_is_released() {
    assert!(World::new().object_deleted().slot_is_empty("1").settlement().release);
}

#[test]
fn it_is_deleted_although_its_tenant_is_closed() {
    let bed = World::kept().tenant_closed().object_deleted().slot_is_ours("1");
    assert_eq!(bed.record().1, delete_at("1"));
}

#[test]
fn it_is_deleted_whatever_became_of_its_source() {
    for bed in [
        World::kept().source_is_unknown(),
        World::kept().source(present(Err(findings()))),
        World::kept().source(present(Ok(rotated()))),
    ] {
        assert_eq!(bed.object_deleted().slot_is_ours("1").record().1, delete_at("1"));
    }
}

#[test]
fn without_its_tenant_it_is_released_if_nothing_was_ever_begun() {
    let settlement = World::new().tenant_missing().object_deleted().settlement();
    assert!(settlement.release);
}

#[test]
fn without_its_tenant_it_is_kept_if_something_was_uploaded_or_begun() {
    for bed in [World::kept(), World::new().pending(Operation::Upload, Some(&key()), "1")] {
        let bed = bed.tenant_missing().object_deleted();
        let settlement = bed.settlement();
        assert!(!settlement.release);
        assert_eq!(settlement.ledger, bed.facts.ledger);
        let conditions = settlement.conditions.expect("a verdict");
        assert_eq!((conditions.ready.status, conditions.ready.reason), (Status::False, Reason::WaitingForTenant));
        assert_eq!(conditions.progress, Progress::Stalled);
    }
}

#[test]
fn a_deletion_is_acted_on_although_nothing_else_has_changed() {
    let settled = World::kept().source_signs_in(accepted()).slot_is_ours("1").settlement();
    let bed = World::kept().with(|facts| facts.observations = settled.observations).object_deleted();
    assert_eq!(bed.later(1).plan(), Step::ReadSlot);
}
