//! The calls of a reconciliation and their order.

use std::time::Duration;

use super::models::*;
use super::object::*;
use crate::domain::ledger::{Ledger, Operation};
use crate::domain::reason::Reason;
use crate::domain::service_key::examples::{key, key_with_secret};
use crate::executor::execute::{Effect, Outcome};
use crate::executor::ports::LedgerError;

fn ours() -> Content {
    Content::Ours(key().fingerprint().clone())
}

/// Returns an object whose key is in the slot, without recorded calls.
async fn uploaded() -> (TestBed, Object) {
    let (bed, mut object) = (TestBed::new(), Object::new());
    object.settle(&bed).await;
    assert_eq!(bed.slot(), ours());
    bed.calls();
    (bed, object)
}

/// Returns the effects of a settled reconciliation.
fn effects(outcome: &Outcome) -> &[Effect] {
    match outcome {
        Outcome::Settled { effects, .. } => effects,
        Outcome::Interrupted { error, .. } => panic!("{error}"),
    }
}

/// Returns the kinds of the writes that took effect.
fn written(outcome: &Outcome) -> Vec<Operation> {
    let kind = |effect: &Effect| match effect {
        Effect::Written { operation, .. } => Some(*operation),
        Effect::RemovalRequested => None,
    };
    effects(outcome).iter().filter_map(kind).collect()
}

#[tokio::test]
async fn a_first_upload_is_sign_in_read_record_put_settle() {
    let (bed, mut object) = (TestBed::new(), Object::new());
    let outcome = object.reconcile(&bed).await;
    assert_eq!(bed.calls(), ["sign in", "read", "record", "put", "settle"]);
    assert_eq!(bed.slot(), ours());
    assert_eq!(bed.ready(), Some(Reason::Uploaded));
    assert_eq!(bed.ledger().pending, None);
    assert_eq!(written(&outcome), [Operation::Upload]);
}

#[tokio::test]
async fn a_settled_key_causes_no_remote_call_until_it_is_due() {
    let (bed, mut object) = uploaded().await;
    object.settle(&bed).await;
    assert_eq!(bed.calls(), ["settle"]);
    bed.advance(Duration::from_mins(15));
    object.settle(&bed).await;
    assert_eq!(bed.calls(), ["sign in", "read", "settle"]);
}

#[tokio::test]
async fn a_key_that_is_refused_is_not_put() {
    let (bed, mut object) = (TestBed::new(), Object::new());
    bed.revoke(&key());
    object.settle(&bed).await;
    assert_eq!(bed.calls(), ["sign in", "read", "settle"]);
    assert_eq!(bed.ready(), Some(Reason::CredentialsRefused));
}

#[tokio::test]
async fn a_rotation_tests_the_new_key_and_replaces_the_old_one() {
    let (bed, mut object) = uploaded().await;
    let rotated = key_with_secret("rotated");
    bed.accept(&rotated);
    object.source = present(rotated.clone());
    object.settle(&bed).await;
    assert_eq!(bed.calls(), ["sign in", "read", "record", "put", "settle"]);
    assert_eq!(bed.slot(), Content::Ours(rotated.fingerprint().clone()));
}

#[tokio::test]
async fn a_rotation_to_a_key_that_is_not_active_yet_waits_for_it() {
    let (bed, mut object) = uploaded().await;
    let rotated = key_with_secret("rotated");
    object.source = present(rotated.clone());
    object.settle(&bed).await;
    assert_eq!(bed.calls(), ["sign in", "read", "read content", "sign in", "settle"]);
    assert_eq!(bed.slot(), ours());
    bed.accept(&rotated);
    object.run_for(&bed, Duration::from_mins(2)).await;
    assert_eq!(bed.slot(), Content::Ours(rotated.fingerprint().clone()));
}

#[tokio::test]
async fn the_key_of_a_lost_source_is_deleted() {
    let (bed, mut object) = uploaded().await;
    object.source = gone();
    let outcome = object.reconcile(&bed).await;
    assert_eq!(bed.calls(), ["read", "record", "delete", "settle"]);
    assert_eq!(bed.slot(), Content::Nothing);
    assert_eq!(bed.ledger(), Ledger::default());
    assert_eq!(bed.ready(), Some(Reason::SourceGone));
    assert_eq!(written(&outcome), [Operation::Delete]);
}

#[tokio::test]
async fn the_key_of_a_deleted_object_is_deleted_before_the_release() {
    let (bed, mut object) = uploaded().await;
    object.deleting = true;
    object.settle(&bed).await;
    assert_eq!(bed.calls(), ["read", "record", "delete", "settle"]);
    assert_eq!(bed.slot(), Content::Nothing);
    assert!(bed.released());
}

#[tokio::test]
async fn after_a_conflict_on_the_record_no_remote_call_follows() {
    let (bed, mut object) = (TestBed::new(), Object::new());
    bed.start(Trouble::StatusConflicts);
    let outcome = object.reconcile(&bed).await;
    assert_eq!(bed.calls(), ["sign in", "read", "record"]);
    assert_eq!(bed.slot(), Content::Nothing);
    let Outcome::Interrupted { error: LedgerError::Conflict, observations, effects } = outcome else {
        panic!("expected a conflict, not {outcome:?}")
    };
    assert_eq!((observations.settled.clone(), effects), (None, vec![]));

    bed.stop(Trouble::StatusConflicts);
    object.settle(&bed).await;
    assert_eq!(bed.slot(), ours());
}

#[tokio::test]
async fn after_a_conflict_on_the_record_nothing_is_deleted() {
    let (bed, mut object) = uploaded().await;
    object.deleting = true;
    bed.start(Trouble::StatusConflicts);
    object.reconcile(&bed).await;
    assert_eq!(bed.calls(), ["read", "record"]);
    assert_eq!(bed.slot(), ours());
}

#[tokio::test]
async fn a_settlement_that_could_not_be_written_does_not_count_as_written() {
    let (bed, mut object) = uploaded().await;
    bed.advance(Duration::from_mins(15));
    bed.revoke(&key());
    bed.start(Trouble::StatusLostAtTheEnd);
    let outcome = object.reconcile(&bed).await;
    assert!(matches!(outcome, Outcome::Interrupted { observations, .. } if observations.settled.is_none()));
    assert_eq!(bed.ready(), Some(Reason::Uploaded));

    bed.stop(Trouble::StatusLostAtTheEnd);
    object.settle(&bed).await;
    assert_eq!(bed.ready(), Some(Reason::CredentialsRefused));
}

#[tokio::test]
async fn after_412_the_slot_is_read_again_and_the_key_is_uploaded() {
    let (bed, mut object) = uploaded().await;
    let rotated = key_with_secret("rotated");
    bed.accept(&rotated);
    object.source = present(rotated.clone());
    bed.fail_next_write(Fault::Emptied);
    object.settle(&bed).await;
    assert_eq!(bed.calls(), ["sign in", "read", "record", "put", "read", "record", "put", "settle"]);
    assert_eq!(bed.slot(), Content::Ours(rotated.fingerprint().clone()));
}

#[tokio::test]
async fn a_key_that_a_person_uploads_just_before_a_put_is_not_replaced() {
    let (bed, mut object) = (TestBed::new(), Object::new());
    bed.fail_next_write(Fault::Forestalled);
    object.settle(&bed).await;
    assert_eq!(bed.calls(), ["sign in", "read", "record", "put", "read", "read content", "settle"]);
    assert_eq!(bed.slot(), Content::Foreign);
    assert_eq!(bed.ready(), Some(Reason::SlotOccupied));
}

#[tokio::test]
async fn a_key_that_a_person_uploads_just_before_a_deletion_is_not_deleted() {
    let (bed, mut object) = uploaded().await;
    object.deleting = true;
    bed.fail_next_write(Fault::Forestalled);
    object.settle(&bed).await;
    assert_eq!(bed.slot(), Content::Foreign);
    assert!(bed.released());
}

// proves: limit executor/execute MAX_STEPS
#[tokio::test]
async fn a_slot_that_keeps_changing_ends_the_reconciliation_after_twelve_steps() {
    let (bed, mut object) = (TestBed::new(), Object::new());
    bed.start(Trouble::EveryWriteGets412);
    let next = object.settle(&bed).await;
    let calls = bed.calls();
    assert_eq!(calls.last().map(String::as_str), Some("settle"));
    assert_eq!(calls.len() - 1, 12, "{calls:?}");
    assert_eq!(bed.ready(), Some(Reason::SlotUnknown));
    assert!(next > Duration::ZERO);
}

#[tokio::test]
async fn an_outage_of_the_token_endpoint_keeps_the_uploaded_key() {
    let (bed, mut object) = uploaded().await;
    bed.start(Trouble::TokenEndpointDown);
    object.run_for(&bed, Duration::from_hours(24)).await;
    assert_eq!(bed.slot(), ours());
    assert!(!bed.calls().iter().any(|call| ["record", "put", "delete"].contains(&call.as_str())));
}

#[tokio::test]
async fn a_dead_key_is_deleted_after_ten_minutes_and_put_again_when_accepted() {
    let (bed, mut object) = uploaded().await;
    bed.revoke(&key());
    bed.advance(Duration::from_mins(15));
    object.run_for(&bed, Duration::from_secs(599)).await;
    assert_eq!(bed.slot(), ours());
    object.run_for(&bed, Duration::from_secs(2)).await;
    assert_eq!(bed.slot(), Content::Nothing);
    assert_eq!(bed.ready(), Some(Reason::CredentialsRefused));

    bed.accept(&key());
    object.run_for(&bed, Duration::from_hours(2)).await;
    assert_eq!(bed.slot(), ours());
}
