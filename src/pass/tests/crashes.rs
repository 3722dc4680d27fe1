//! Whatever is lost, nothing is uploaded twice, and nothing that is gone comes back.

use std::time::Duration;

use super::models::*;
use super::object::*;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::service_key::examples::{key, key_with_secret};

fn ours() -> Holds {
    Holds::Ours(Fingerprint::of(&key()))
}

fn count(calls: &[String], call: &str) -> usize {
    calls.iter().filter(|made| *made == call).count()
}

/// An object whose first put fared so.
async fn first_put(fault: Fault) -> (World, Object) {
    let (world, mut object) = (World::new(), Object::new());
    world.next_write(fault);
    object.settles(&world).await;
    assert_eq!(count(&world.calls(), "put"), 1);
    assert!(world.ledger().pending.is_some(), "what may still be under way is remembered");
    (world, object)
}

#[tokio::test]
async fn a_put_whose_answer_was_lost_is_not_repeated() {
    let (world, mut object) = first_put(Fault::AnswerLost).await;
    object.lives(&world, Duration::from_hours(1)).await;
    assert_eq!(count(&world.calls(), "put"), 0);
    assert_eq!(world.slot(), ours());
    assert_eq!(world.ledger().pending, None);
}

#[tokio::test]
async fn a_put_whose_effect_could_not_be_recorded_is_not_repeated_after_a_restart() {
    let (world, mut object) = (World::new(), Object::new());
    world.begins(Trouble::StatusLostAtTheEnd);
    object.pass(&world).await;
    assert_eq!(count(&world.calls(), "put"), 1);
    world.ends(Trouble::StatusLostAtTheEnd);
    object.restarts();
    object.settles(&world).await;
    assert_eq!(world.calls(), ["sign in", "read", "read content", "settle"]);
    assert_eq!(world.ledger().uploaded.map(|uploaded| uploaded.fingerprint), Some(Fingerprint::of(&key())));
}

#[tokio::test]
async fn a_ledger_that_was_lost_does_not_lead_to_a_second_upload() {
    let (world, mut object) = (World::new(), Object::new());
    object.settles(&world).await;
    world.calls();
    world.the_ledger_is_lost();
    object.restarts();
    object.settles(&world).await;
    assert_eq!(world.calls(), ["sign in", "read", "read content", "settle"]);
    assert!(world.ledger().uploaded.is_some());
}

#[tokio::test]
async fn with_a_lost_ledger_a_deleted_object_still_takes_its_key_along() {
    let (world, mut object) = (World::new(), Object::new());
    object.settles(&world).await;
    world.the_ledger_is_lost();
    object.restarts();
    object.deleting = true;
    object.settles(&world).await;
    assert_eq!(world.slot(), Holds::Nothing);
    assert!(world.released());
}

#[tokio::test]
async fn a_put_that_was_held_back_and_repeated_cannot_land_a_second_time() {
    let (world, mut object) = first_put(Fault::HeldBack).await;
    object.restarts();
    object.settles(&world).await;
    assert_eq!(count(&world.calls(), "put"), 1);
    assert_eq!(world.slot(), ours());
    assert!(!world.let_held_back_writes_land());
}

#[tokio::test]
async fn a_put_that_was_held_back_cannot_land_after_the_object_was_released() {
    let (world, mut object) = first_put(Fault::HeldBack).await;
    object.deleting = true;
    object.settles(&world).await;
    assert_eq!(world.calls(), ["read", "record", "delete", "settle"]);
    assert!(world.released());
    assert!(!world.let_held_back_writes_land(), "the slot has another revision by now");
    assert_eq!(world.slot(), Holds::Nothing);
}

#[tokio::test]
async fn a_put_that_was_held_back_cannot_land_after_its_source_was_gone() {
    let (world, mut object) = first_put(Fault::HeldBack).await;
    object.source = gone();
    object.settles(&world).await;
    assert!(!world.let_held_back_writes_land());
    assert_eq!(world.slot(), Holds::Nothing);
}

#[tokio::test]
async fn a_rotation_that_was_held_back_cannot_win_over_the_key_that_came_back() {
    let (world, mut object) = (World::new(), Object::new());
    object.settles(&world).await;
    let rotated = key_with_secret("rotated");
    world.accepts(&rotated);
    object.source = present(rotated);
    world.next_write(Fault::HeldBack);
    object.settles(&world).await;
    object.source = present(key());
    object.settles(&world).await;
    assert!(!world.let_held_back_writes_land());
    assert_eq!(world.slot(), ours());
}

#[tokio::test]
async fn a_put_that_lands_while_its_object_is_deleted_is_deleted_with_it() {
    let (world, mut object) = first_put(Fault::HeldBack).await;
    assert!(world.let_held_back_writes_land());
    object.deleting = true;
    object.settles(&world).await;
    assert_eq!(world.slot(), Holds::Nothing);
    assert!(world.released());
}

#[tokio::test]
async fn a_deletion_whose_answer_was_lost_ends_with_the_object_released() {
    for fault in [Fault::AnswerLost, Fault::HeldBack] {
        let (world, mut object) = (World::new(), Object::new());
        object.settles(&world).await;
        object.deleting = true;
        world.next_write(fault);
        object.settles(&world).await;
        assert!(!world.released(), "{fault:?}");
        object.lives(&world, Duration::from_secs(10)).await;
        assert!(world.released(), "{fault:?}");
        assert_eq!(world.slot(), Holds::Nothing);
    }
}

#[tokio::test]
async fn a_deletion_that_was_held_back_cannot_hit_a_key_put_later() {
    let (world, mut object) = (World::new(), Object::new());
    object.settles(&world).await;
    object.source = gone();
    world.next_write(Fault::HeldBack);
    object.settles(&world).await;
    // The binding is applied again at once.
    object.source = present(key());
    object.settles(&world).await;
    assert!(!world.let_held_back_writes_land());
    assert_eq!(world.slot(), ours());
}

#[tokio::test]
async fn an_object_is_not_released_while_landscape_management_is_down() {
    let (world, mut object) = (World::new(), Object::new());
    object.settles(&world).await;
    world.begins(Trouble::LandscapeDown);
    object.deleting = true;
    object.lives(&world, Duration::from_hours(24)).await;
    assert!(!world.released());
    world.ends(Trouble::LandscapeDown);
    object.lives(&world, Duration::from_hours(3)).await;
    assert!(world.released());
    assert_eq!(world.slot(), Holds::Nothing);
}
