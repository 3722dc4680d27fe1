//! Whatever is lost, nothing is uploaded twice, and nothing that is gone comes back.

use std::time::Duration;

use super::models::*;
use super::object::*;
use crate::domain::service_key::examples::{key, key_with_secret};
use crate::domain::service_key::fingerprint::Fingerprint;

fn ours() -> Holds {
    Holds::Ours(Fingerprint::of(&key()))
}

fn count(calls: &[String], call: &str) -> usize {
    calls.iter().filter(|made| *made == call).count()
}

/// An object whose first put fared so.
async fn first_put(fault: Fault) -> (World, Object) {
    let (bed, mut object) = (World::new(), Object::new());
    bed.next_write(fault);
    object.settles(&bed).await;
    assert_eq!(count(&bed.calls(), "put"), 1);
    assert!(bed.ledger().pending.is_some(), "what may still be under way is remembered");
    (bed, object)
}

#[tokio::test]
async fn a_put_whose_answer_was_lost_is_not_repeated() {
    let (bed, mut object) = first_put(Fault::AnswerLost).await;
    object.lives(&bed, Duration::from_hours(1)).await;
    assert_eq!(count(&bed.calls(), "put"), 0);
    assert_eq!(bed.slot(), ours());
    assert_eq!(bed.ledger().pending, None);
}

#[tokio::test]
async fn a_put_whose_effect_could_not_be_recorded_is_not_repeated_after_a_restart() {
    let (bed, mut object) = (World::new(), Object::new());
    bed.begins(Trouble::StatusLostAtTheEnd);
    object.pass(&bed).await;
    assert_eq!(count(&bed.calls(), "put"), 1);
    bed.ends(Trouble::StatusLostAtTheEnd);
    object.restarts();
    object.settles(&bed).await;
    assert_eq!(bed.calls(), ["sign in", "read", "read content", "settle"]);
    assert_eq!(bed.ledger().uploaded.map(|uploaded| uploaded.fingerprint), Some(Fingerprint::of(&key())));
}

#[tokio::test]
async fn a_ledger_that_was_lost_does_not_lead_to_a_second_upload() {
    let (bed, mut object) = (World::new(), Object::new());
    object.settles(&bed).await;
    bed.calls();
    bed.the_ledger_is_lost();
    object.restarts();
    object.settles(&bed).await;
    assert_eq!(bed.calls(), ["sign in", "read", "read content", "settle"]);
    assert!(bed.ledger().uploaded.is_some());
}

#[tokio::test]
async fn with_a_lost_ledger_a_deleted_object_still_takes_its_key_along() {
    let (bed, mut object) = (World::new(), Object::new());
    object.settles(&bed).await;
    bed.the_ledger_is_lost();
    object.restarts();
    object.deleting = true;
    object.settles(&bed).await;
    assert_eq!(bed.slot(), Holds::Nothing);
    assert!(bed.released());
}

#[tokio::test]
async fn a_put_that_was_held_back_and_repeated_cannot_land_a_second_time() {
    let (bed, mut object) = first_put(Fault::HeldBack).await;
    object.restarts();
    object.settles(&bed).await;
    assert_eq!(count(&bed.calls(), "put"), 1);
    assert_eq!(bed.slot(), ours());
    assert!(!bed.let_held_back_writes_land());
}

#[tokio::test]
async fn a_put_that_was_held_back_cannot_land_after_the_object_was_released() {
    let (bed, mut object) = first_put(Fault::HeldBack).await;
    object.deleting = true;
    object.settles(&bed).await;
    assert_eq!(bed.calls(), ["read", "record", "delete", "settle"]);
    assert!(bed.released());
    assert!(!bed.let_held_back_writes_land(), "the slot has another revision by now");
    assert_eq!(bed.slot(), Holds::Nothing);
}

#[tokio::test]
async fn a_put_that_was_held_back_cannot_land_after_its_source_was_gone() {
    let (bed, mut object) = first_put(Fault::HeldBack).await;
    object.source = gone();
    object.settles(&bed).await;
    assert!(!bed.let_held_back_writes_land());
    assert_eq!(bed.slot(), Holds::Nothing);
}

#[tokio::test]
async fn a_rotation_that_was_held_back_cannot_win_over_the_key_that_came_back() {
    let (bed, mut object) = (World::new(), Object::new());
    object.settles(&bed).await;
    let rotated = key_with_secret("rotated");
    bed.accepts(&rotated);
    object.source = present(rotated);
    bed.next_write(Fault::HeldBack);
    object.settles(&bed).await;
    object.source = present(key());
    object.settles(&bed).await;
    assert!(!bed.let_held_back_writes_land());
    assert_eq!(bed.slot(), ours());
}

#[tokio::test]
async fn a_put_that_lands_while_its_object_is_deleted_is_deleted_with_it() {
    let (bed, mut object) = first_put(Fault::HeldBack).await;
    assert!(bed.let_held_back_writes_land());
    object.deleting = true;
    object.settles(&bed).await;
    assert_eq!(bed.slot(), Holds::Nothing);
    assert!(bed.released());
}

#[tokio::test]
async fn a_deletion_whose_answer_was_lost_ends_with_the_object_released() {
    for fault in [Fault::AnswerLost, Fault::HeldBack] {
        let (bed, mut object) = (World::new(), Object::new());
        object.settles(&bed).await;
        object.deleting = true;
        bed.next_write(fault);
        object.settles(&bed).await;
        assert!(!bed.released(), "{fault:?}");
        object.lives(&bed, Duration::from_secs(10)).await;
        assert!(bed.released(), "{fault:?}");
        assert_eq!(bed.slot(), Holds::Nothing);
    }
}

#[tokio::test]
async fn a_deletion_that_was_held_back_cannot_hit_a_key_put_later() {
    let (bed, mut object) = (World::new(), Object::new());
    object.settles(&bed).await;
    object.source = gone();
    bed.next_write(Fault::HeldBack);
    object.settles(&bed).await;
    // The binding is applied again at once.
    object.source = present(key());
    object.settles(&bed).await;
    assert!(!bed.let_held_back_writes_land());
    assert_eq!(bed.slot(), ours());
}

#[tokio::test]
async fn an_object_is_not_released_while_landscape_management_is_down() {
    let (bed, mut object) = (World::new(), Object::new());
    object.settles(&bed).await;
    bed.begins(Trouble::LandscapeDown);
    object.deleting = true;
    object.lives(&bed, Duration::from_hours(24)).await;
    assert!(!bed.released());
    bed.ends(Trouble::LandscapeDown);
    object.lives(&bed, Duration::from_hours(3)).await;
    assert!(bed.released());
    assert_eq!(bed.slot(), Holds::Nothing);
}
