//! Lost answers, lost records and delayed writes: nothing is uploaded twice, and no deleted key comes back.

use std::time::Duration;

use super::models::*;
use super::object::*;
use crate::domain::service_key::examples::{key, key_with_secret};

fn ours() -> Content {
    Content::Ours(key().fingerprint().clone())
}

fn count(calls: &[String], call: &str) -> usize {
    calls.iter().filter(|made| *made == call).count()
}

/// Returns an object whose first put had this fault.
async fn first_put(fault: Fault) -> (TestBed, Object) {
    let (bed, mut object) = (TestBed::new(), Object::new());
    bed.fail_next_write(fault);
    object.settle(&bed).await;
    assert_eq!(count(&bed.calls(), "put"), 1);
    assert!(bed.ledger().pending.is_some(), "a write that may still be under way stays recorded");
    (bed, object)
}

#[tokio::test]
async fn a_put_whose_answer_was_lost_is_not_repeated() {
    let (bed, mut object) = first_put(Fault::AnswerLost).await;
    object.run_for(&bed, Duration::from_hours(1)).await;
    assert_eq!(count(&bed.calls(), "put"), 0);
    assert_eq!(bed.slot(), ours());
    assert_eq!(bed.ledger().pending, None);
}

#[tokio::test]
async fn a_put_without_a_written_status_is_not_repeated_after_a_restart() {
    let (bed, mut object) = (TestBed::new(), Object::new());
    bed.start(Trouble::StatusLostAtTheEnd);
    object.reconcile(&bed).await;
    assert_eq!(count(&bed.calls(), "put"), 1);
    bed.stop(Trouble::StatusLostAtTheEnd);
    object.restart_process();
    object.settle(&bed).await;
    assert_eq!(bed.calls(), ["sign in", "read", "read content", "settle"]);
    assert_eq!(bed.ledger().uploaded.map(|uploaded| uploaded.fingerprint), Some(key().fingerprint().clone()));
}

#[tokio::test]
async fn a_loss_of_the_ledger_does_not_cause_a_second_upload() {
    let (bed, mut object) = (TestBed::new(), Object::new());
    object.settle(&bed).await;
    bed.calls();
    bed.lose_ledger();
    object.restart_process();
    object.settle(&bed).await;
    assert_eq!(bed.calls(), ["sign in", "read", "read content", "settle"]);
    assert!(bed.ledger().uploaded.is_some());
}

#[tokio::test]
async fn after_a_loss_of_the_ledger_a_deleted_object_still_removes_its_key() {
    let (bed, mut object) = (TestBed::new(), Object::new());
    object.settle(&bed).await;
    bed.lose_ledger();
    object.restart_process();
    object.deleting = true;
    object.settle(&bed).await;
    assert_eq!(bed.slot(), Content::Nothing);
    assert!(bed.released());
}

#[tokio::test]
async fn a_delayed_put_that_was_repeated_cannot_land_a_second_time() {
    let (bed, mut object) = first_put(Fault::Delayed).await;
    object.restart_process();
    object.settle(&bed).await;
    assert_eq!(count(&bed.calls(), "put"), 1);
    assert_eq!(bed.slot(), ours());
    assert!(!bed.land_delayed_writes());
}

#[tokio::test]
async fn a_delayed_put_cannot_land_after_the_release_of_its_object() {
    let (bed, mut object) = first_put(Fault::Delayed).await;
    object.deleting = true;
    object.settle(&bed).await;
    assert_eq!(bed.calls(), ["read", "record", "delete", "settle"]);
    assert!(bed.released());
    assert!(!bed.land_delayed_writes(), "the slot has another revision");
    assert_eq!(bed.slot(), Content::Nothing);
}

#[tokio::test]
async fn a_delayed_put_cannot_land_after_the_loss_of_its_source() {
    let (bed, mut object) = first_put(Fault::Delayed).await;
    object.source = gone();
    object.settle(&bed).await;
    assert!(!bed.land_delayed_writes());
    assert_eq!(bed.slot(), Content::Nothing);
}

#[tokio::test]
async fn a_delayed_rotation_cannot_replace_the_restored_key() {
    let (bed, mut object) = (TestBed::new(), Object::new());
    object.settle(&bed).await;
    let rotated = key_with_secret("rotated");
    bed.accept(&rotated);
    object.source = present(rotated);
    bed.fail_next_write(Fault::Delayed);
    object.settle(&bed).await;
    object.source = present(key());
    object.settle(&bed).await;
    assert!(!bed.land_delayed_writes());
    assert_eq!(bed.slot(), ours());
}

#[tokio::test]
async fn a_delayed_put_that_lands_before_the_removal_is_removed() {
    let (bed, mut object) = first_put(Fault::Delayed).await;
    assert!(bed.land_delayed_writes());
    object.deleting = true;
    object.settle(&bed).await;
    assert_eq!(bed.slot(), Content::Nothing);
    assert!(bed.released());
}

#[tokio::test]
async fn a_deletion_without_an_answer_still_ends_with_the_release() {
    for fault in [Fault::AnswerLost, Fault::Delayed] {
        let (bed, mut object) = (TestBed::new(), Object::new());
        object.settle(&bed).await;
        object.deleting = true;
        bed.fail_next_write(fault);
        object.settle(&bed).await;
        assert!(!bed.released(), "{fault:?}");
        object.run_for(&bed, Duration::from_secs(10)).await;
        assert!(bed.released(), "{fault:?}");
        assert_eq!(bed.slot(), Content::Nothing);
    }
}

#[tokio::test]
async fn a_delayed_deletion_cannot_delete_a_key_that_was_put_later() {
    let (bed, mut object) = (TestBed::new(), Object::new());
    object.settle(&bed).await;
    object.source = gone();
    bed.fail_next_write(Fault::Delayed);
    object.settle(&bed).await;
    // The binding is applied again at once.
    object.source = present(key());
    object.settle(&bed).await;
    assert!(!bed.land_delayed_writes());
    assert_eq!(bed.slot(), ours());
}

#[tokio::test]
async fn an_object_is_not_released_while_landscape_management_is_down() {
    let (bed, mut object) = (TestBed::new(), Object::new());
    object.settle(&bed).await;
    bed.start(Trouble::LandscapeDown);
    object.deleting = true;
    object.run_for(&bed, Duration::from_hours(24)).await;
    assert!(!bed.released());
    bed.stop(Trouble::LandscapeDown);
    object.run_for(&bed, Duration::from_hours(3)).await;
    assert!(bed.released());
    assert_eq!(bed.slot(), Content::Nothing);
}
