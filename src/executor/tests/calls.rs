//! Which calls a pass makes, and in which order.

use std::time::Duration;

use super::models::*;
use super::object::*;
use crate::domain::ledger::{Ledger, Operation};
use crate::domain::reason::Reason;
use crate::domain::service_key::examples::{key, key_with_secret};
use crate::domain::service_key::fingerprint::Fingerprint;
use crate::executor::execute::Outcome;
use crate::executor::ports::LedgerError;

fn ours() -> Holds {
    Holds::Ours(Fingerprint::of(&key()))
}

/// An object whose key stands in the slot, with nothing called since.
async fn uploaded() -> (World, Object) {
    let (bed, mut object) = (World::new(), Object::new());
    object.settles(&bed).await;
    assert_eq!(bed.slot(), ours());
    bed.calls();
    (bed, object)
}

#[tokio::test]
async fn a_first_upload_is_sign_in_read_record_put_settle() {
    let (bed, mut object) = (World::new(), Object::new());
    let outcome = object.pass(&bed).await;
    assert_eq!(bed.calls(), ["sign in", "read", "record", "put", "settle"]);
    assert_eq!(bed.slot(), ours());
    assert_eq!(bed.ready(), Some(Reason::Uploaded));
    assert_eq!(bed.ledger().pending, None);
    assert!(matches!(outcome, Outcome::Settled { effects, .. } if effects == [Operation::Upload]));
}

#[tokio::test]
async fn a_settled_key_calls_nothing_remote_until_it_is_due() {
    let (bed, mut object) = uploaded().await;
    object.settles(&bed).await;
    assert_eq!(bed.calls(), ["settle"]);
    bed.passes(Duration::from_mins(15));
    object.settles(&bed).await;
    assert_eq!(bed.calls(), ["sign in", "read", "settle"]);
}

#[tokio::test]
async fn a_key_that_is_refused_is_not_put() {
    let (bed, mut object) = (World::new(), Object::new());
    bed.revokes(&key());
    object.settles(&bed).await;
    assert_eq!(bed.calls(), ["sign in", "read", "settle"]);
    assert_eq!(bed.ready(), Some(Reason::CredentialsRefused));
}

#[tokio::test]
async fn a_rotation_proves_the_new_key_and_replaces_the_old_one() {
    let (bed, mut object) = uploaded().await;
    let rotated = key_with_secret("rotated");
    bed.accepts(&rotated);
    object.source = present(rotated.clone());
    object.settles(&bed).await;
    assert_eq!(bed.calls(), ["sign in", "read", "record", "put", "settle"]);
    assert_eq!(bed.slot(), Holds::Ours(Fingerprint::of(&rotated)));
}

#[tokio::test]
async fn a_rotation_to_a_key_that_is_not_alive_yet_waits_for_it() {
    let (bed, mut object) = uploaded().await;
    let rotated = key_with_secret("rotated");
    object.source = present(rotated.clone());
    object.settles(&bed).await;
    assert_eq!(bed.calls(), ["sign in", "read", "read content", "sign in", "settle"]);
    assert_eq!(bed.slot(), ours());
    bed.accepts(&rotated);
    object.lives(&bed, Duration::from_mins(2)).await;
    assert_eq!(bed.slot(), Holds::Ours(Fingerprint::of(&rotated)));
}

#[tokio::test]
async fn a_source_that_is_gone_takes_its_key_along() {
    let (bed, mut object) = uploaded().await;
    object.source = gone();
    let outcome = object.pass(&bed).await;
    assert_eq!(bed.calls(), ["read", "record", "delete", "settle"]);
    assert_eq!(bed.slot(), Holds::Nothing);
    assert_eq!(bed.ledger(), Ledger::default());
    assert_eq!(bed.ready(), Some(Reason::SourceGone));
    assert!(matches!(outcome, Outcome::Settled { effects, .. } if effects == [Operation::Delete]));
}

#[tokio::test]
async fn a_deleted_object_takes_its_key_along_and_is_released() {
    let (bed, mut object) = uploaded().await;
    object.deleting = true;
    object.settles(&bed).await;
    assert_eq!(bed.calls(), ["read", "record", "delete", "settle"]);
    assert_eq!(bed.slot(), Holds::Nothing);
    assert!(bed.released());
}

#[tokio::test]
async fn after_a_conflict_on_the_record_nothing_remote_follows() {
    let (bed, mut object) = (World::new(), Object::new());
    bed.begins(Trouble::StatusConflicts);
    let outcome = object.pass(&bed).await;
    assert_eq!(bed.calls(), ["sign in", "read", "record"]);
    assert_eq!(bed.slot(), Holds::Nothing);
    let Outcome::Interrupted { error: LedgerError::Conflict, observations, effects } = outcome else {
        panic!("a conflict interrupts, not {outcome:?}")
    };
    assert_eq!((observations.settled.clone(), effects), (None, vec![]));

    bed.ends(Trouble::StatusConflicts);
    object.settles(&bed).await;
    assert_eq!(bed.slot(), ours());
}

#[tokio::test]
async fn after_a_conflict_on_the_record_nothing_is_deleted_either() {
    let (bed, mut object) = uploaded().await;
    object.deleting = true;
    bed.begins(Trouble::StatusConflicts);
    object.pass(&bed).await;
    assert_eq!(bed.calls(), ["read", "record"]);
    assert_eq!(bed.slot(), ours());
}

#[tokio::test]
async fn a_verdict_that_could_not_be_written_is_not_taken_for_written() {
    let (bed, mut object) = uploaded().await;
    bed.passes(Duration::from_mins(15));
    bed.revokes(&key());
    bed.begins(Trouble::StatusLostAtTheEnd);
    let outcome = object.pass(&bed).await;
    assert!(matches!(outcome, Outcome::Interrupted { observations, .. } if observations.settled.is_none()));
    assert_eq!(bed.ready(), Some(Reason::Uploaded));

    bed.ends(Trouble::StatusLostAtTheEnd);
    object.settles(&bed).await;
    assert_eq!(bed.ready(), Some(Reason::CredentialsRefused));
}

#[tokio::test]
async fn after_412_the_slot_is_looked_at_again_and_the_pass_converges() {
    let (bed, mut object) = uploaded().await;
    let rotated = key_with_secret("rotated");
    bed.accepts(&rotated);
    object.source = present(rotated.clone());
    bed.next_write(Fault::Emptied);
    object.settles(&bed).await;
    assert_eq!(bed.calls(), ["sign in", "read", "record", "put", "read", "record", "put", "settle"]);
    assert_eq!(bed.slot(), Holds::Ours(Fingerprint::of(&rotated)));
}

#[tokio::test]
async fn a_key_that_a_person_put_there_a_moment_before_is_not_replaced() {
    let (bed, mut object) = (World::new(), Object::new());
    bed.next_write(Fault::Forestalled);
    object.settles(&bed).await;
    assert_eq!(bed.calls(), ["sign in", "read", "record", "put", "read", "read content", "settle"]);
    assert_eq!(bed.slot(), Holds::Foreign);
    assert_eq!(bed.ready(), Some(Reason::SlotOccupied));
}

#[tokio::test]
async fn a_key_that_a_person_put_there_a_moment_before_is_not_deleted() {
    let (bed, mut object) = uploaded().await;
    object.deleting = true;
    bed.next_write(Fault::Forestalled);
    object.settles(&bed).await;
    assert_eq!(bed.slot(), Holds::Foreign);
    assert!(bed.released());
}

// proves: limit pass/run MAX_STEPS
#[tokio::test]
async fn a_slot_that_always_changes_ends_the_pass_after_twelve_steps() {
    let (bed, mut object) = (World::new(), Object::new());
    bed.begins(Trouble::EveryWriteGets412);
    let next = object.settles(&bed).await;
    let calls = bed.calls();
    assert_eq!(calls.last().map(String::as_str), Some("settle"));
    assert_eq!(calls.len() - 1, 12, "{calls:?}");
    assert_eq!(bed.ready(), Some(Reason::SlotUnknown));
    assert!(next > Duration::ZERO);
}

#[tokio::test]
async fn an_outage_of_the_token_endpoint_changes_nothing_of_a_key_that_stands() {
    let (bed, mut object) = uploaded().await;
    bed.begins(Trouble::TokenEndpointDown);
    object.lives(&bed, Duration::from_hours(24)).await;
    assert_eq!(bed.slot(), ours());
    assert!(!bed.calls().iter().any(|call| ["record", "put", "delete"].contains(&call.as_str())));
}

#[tokio::test]
async fn a_dead_key_is_deleted_after_ten_minutes_and_put_again_when_it_lives() {
    let (bed, mut object) = uploaded().await;
    bed.revokes(&key());
    bed.passes(Duration::from_mins(15));
    object.lives(&bed, Duration::from_secs(599)).await;
    assert_eq!(bed.slot(), ours());
    object.lives(&bed, Duration::from_secs(2)).await;
    assert_eq!(bed.slot(), Holds::Nothing);
    assert_eq!(bed.ready(), Some(Reason::CredentialsRefused));

    bed.accepts(&key());
    object.lives(&bed, Duration::from_hours(2)).await;
    assert_eq!(bed.slot(), ours());
}
