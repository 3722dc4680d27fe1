//! Which calls a pass makes, and in which order.

use std::time::Duration;

use super::models::*;
use super::object::*;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::ledger::{Ledger, Operation};
use crate::domain::reason::Reason;
use crate::domain::service_key::examples::{key, key_with_secret};
use crate::pass::ports::LedgerError;
use crate::pass::run::Outcome;

fn ours() -> Holds {
    Holds::Ours(Fingerprint::of(&key()))
}

/// An object whose key stands in the slot, with nothing called since.
async fn uploaded() -> (World, Object) {
    let (world, mut object) = (World::new(), Object::new());
    object.settles(&world).await;
    assert_eq!(world.slot(), ours());
    world.calls();
    (world, object)
}

#[tokio::test]
async fn a_first_upload_is_sign_in_read_record_put_settle() {
    let (world, mut object) = (World::new(), Object::new());
    let outcome = object.pass(&world).await;
    assert_eq!(world.calls(), ["sign in", "read", "record", "put", "settle"]);
    assert_eq!(world.slot(), ours());
    assert_eq!(world.ready(), Some(Reason::Uploaded));
    assert_eq!(world.ledger().pending, None);
    assert!(matches!(outcome, Outcome::Settled { effects, .. } if effects == [Operation::Upload]));
}

#[tokio::test]
async fn a_settled_key_calls_nothing_remote_until_it_is_due() {
    let (world, mut object) = uploaded().await;
    object.settles(&world).await;
    assert_eq!(world.calls(), ["settle"]);
    world.passes(Duration::from_mins(15));
    object.settles(&world).await;
    assert_eq!(world.calls(), ["sign in", "read", "settle"]);
}

#[tokio::test]
async fn a_key_that_is_refused_is_not_put() {
    let (world, mut object) = (World::new(), Object::new());
    world.revokes(&key());
    object.settles(&world).await;
    assert_eq!(world.calls(), ["sign in", "read", "settle"]);
    assert_eq!(world.ready(), Some(Reason::CredentialsRefused));
}

#[tokio::test]
async fn a_rotation_proves_the_new_key_and_replaces_the_old_one() {
    let (world, mut object) = uploaded().await;
    let rotated = key_with_secret("rotated");
    world.accepts(&rotated);
    object.source = present(rotated.clone());
    object.settles(&world).await;
    assert_eq!(world.calls(), ["sign in", "read", "record", "put", "settle"]);
    assert_eq!(world.slot(), Holds::Ours(Fingerprint::of(&rotated)));
}

#[tokio::test]
async fn a_rotation_to_a_key_that_is_not_alive_yet_waits_for_it() {
    let (world, mut object) = uploaded().await;
    let rotated = key_with_secret("rotated");
    object.source = present(rotated.clone());
    object.settles(&world).await;
    assert_eq!(world.calls(), ["sign in", "read", "read content", "sign in", "settle"]);
    assert_eq!(world.slot(), ours());
    world.accepts(&rotated);
    object.lives(&world, Duration::from_mins(2)).await;
    assert_eq!(world.slot(), Holds::Ours(Fingerprint::of(&rotated)));
}

#[tokio::test]
async fn a_source_that_is_gone_takes_its_key_along() {
    let (world, mut object) = uploaded().await;
    object.source = gone();
    let outcome = object.pass(&world).await;
    assert_eq!(world.calls(), ["read", "record", "delete", "settle"]);
    assert_eq!(world.slot(), Holds::Nothing);
    assert_eq!(world.ledger(), Ledger::default());
    assert_eq!(world.ready(), Some(Reason::SourceGone));
    assert!(matches!(outcome, Outcome::Settled { effects, .. } if effects == [Operation::Delete]));
}

#[tokio::test]
async fn a_deleted_object_takes_its_key_along_and_is_released() {
    let (world, mut object) = uploaded().await;
    object.deleting = true;
    object.settles(&world).await;
    assert_eq!(world.calls(), ["read", "record", "delete", "settle"]);
    assert_eq!(world.slot(), Holds::Nothing);
    assert!(world.released());
}

#[tokio::test]
async fn after_a_conflict_on_the_record_nothing_remote_follows() {
    let (world, mut object) = (World::new(), Object::new());
    world.begins(Trouble::StatusConflicts);
    let outcome = object.pass(&world).await;
    assert_eq!(world.calls(), ["sign in", "read", "record"]);
    assert_eq!(world.slot(), Holds::Nothing);
    let Outcome::Interrupted { error: LedgerError::Conflict, memory, effects } = outcome else {
        panic!("a conflict interrupts, not {outcome:?}")
    };
    assert_eq!((memory.settled.clone(), effects), (None, vec![]));

    world.ends(Trouble::StatusConflicts);
    object.settles(&world).await;
    assert_eq!(world.slot(), ours());
}

#[tokio::test]
async fn after_a_conflict_on_the_record_nothing_is_deleted_either() {
    let (world, mut object) = uploaded().await;
    object.deleting = true;
    world.begins(Trouble::StatusConflicts);
    object.pass(&world).await;
    assert_eq!(world.calls(), ["read", "record"]);
    assert_eq!(world.slot(), ours());
}

#[tokio::test]
async fn a_verdict_that_could_not_be_written_is_not_taken_for_written() {
    let (world, mut object) = uploaded().await;
    world.passes(Duration::from_mins(15));
    world.revokes(&key());
    world.begins(Trouble::StatusLostAtTheEnd);
    let outcome = object.pass(&world).await;
    assert!(matches!(outcome, Outcome::Interrupted { memory, .. } if memory.settled.is_none()));
    assert_eq!(world.ready(), Some(Reason::Uploaded));

    world.ends(Trouble::StatusLostAtTheEnd);
    object.settles(&world).await;
    assert_eq!(world.ready(), Some(Reason::CredentialsRefused));
}

#[tokio::test]
async fn after_412_the_slot_is_looked_at_again_and_the_pass_converges() {
    let (world, mut object) = uploaded().await;
    let rotated = key_with_secret("rotated");
    world.accepts(&rotated);
    object.source = present(rotated.clone());
    world.next_write(Fault::Emptied);
    object.settles(&world).await;
    assert_eq!(world.calls(), ["sign in", "read", "record", "put", "read", "record", "put", "settle"]);
    assert_eq!(world.slot(), Holds::Ours(Fingerprint::of(&rotated)));
}

#[tokio::test]
async fn a_key_that_a_person_put_there_a_moment_before_is_not_replaced() {
    let (world, mut object) = (World::new(), Object::new());
    world.next_write(Fault::Forestalled);
    object.settles(&world).await;
    assert_eq!(world.calls(), ["sign in", "read", "record", "put", "read", "read content", "settle"]);
    assert_eq!(world.slot(), Holds::Foreign);
    assert_eq!(world.ready(), Some(Reason::SlotOccupied));
}

#[tokio::test]
async fn a_key_that_a_person_put_there_a_moment_before_is_not_deleted() {
    let (world, mut object) = uploaded().await;
    object.deleting = true;
    world.next_write(Fault::Forestalled);
    object.settles(&world).await;
    assert_eq!(world.slot(), Holds::Foreign);
    assert!(world.released());
}

// proves: limit pass/run MAX_STEPS
#[tokio::test]
async fn a_slot_that_always_changes_ends_the_pass_after_twelve_steps() {
    let (world, mut object) = (World::new(), Object::new());
    world.begins(Trouble::EveryWriteGets412);
    let next = object.settles(&world).await;
    let calls = world.calls();
    assert_eq!(calls.last().map(String::as_str), Some("settle"));
    assert_eq!(calls.len() - 1, 12, "{calls:?}");
    assert_eq!(world.ready(), Some(Reason::SlotUnknown));
    assert!(next > Duration::ZERO);
}

#[tokio::test]
async fn an_outage_of_the_token_endpoint_changes_nothing_of_a_key_that_stands() {
    let (world, mut object) = uploaded().await;
    world.begins(Trouble::TokenEndpointDown);
    object.lives(&world, Duration::from_hours(24)).await;
    assert_eq!(world.slot(), ours());
    assert!(!world.calls().iter().any(|call| ["record", "put", "delete"].contains(&call.as_str())));
}

#[tokio::test]
async fn a_dead_key_is_deleted_after_ten_minutes_and_put_again_when_it_lives() {
    let (world, mut object) = uploaded().await;
    world.revokes(&key());
    world.passes(Duration::from_mins(15));
    object.lives(&world, Duration::from_secs(599)).await;
    assert_eq!(world.slot(), ours());
    object.lives(&world, Duration::from_secs(2)).await;
    assert_eq!(world.slot(), Holds::Nothing);
    assert_eq!(world.ready(), Some(Reason::CredentialsRefused));

    world.accepts(&key());
    object.lives(&world, Duration::from_hours(2)).await;
    assert_eq!(world.slot(), ours());
}
