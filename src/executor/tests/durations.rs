//! The durations that a write ends: from a change of the source to the upload, and since a key is refused.

use std::time::Duration;

use super::models::*;
use super::object::*;
use crate::domain::ledger::Operation;
use crate::domain::service_key::examples::{key, key_with_secret};
use crate::executor::execute::{Effect, Outcome};

const TEN_MINUTES: Duration = Duration::from_mins(10);

/// Reconciles whenever it is due until a write takes effect, and returns it.
async fn await_write(object: &mut Object, bed: &TestBed) -> Effect {
    for _ in 0..100 {
        let Outcome::Settled { settlement, effects } = object.reconcile(bed).await else { panic!("interrupted") };
        if let Some(effect) = effects.first() {
            return *effect;
        }
        bed.advance(settlement.next);
    }
    panic!("nothing was written")
}

#[tokio::test]
async fn an_upload_is_timed_from_the_first_read_of_the_changed_key() {
    let (bed, mut object) = (TestBed::new(), Object::new());
    let first = await_write(&mut object, &bed).await;
    assert!(matches!(first, Effect::Written { upload_delay: Some(Duration::ZERO), dead_for: None, .. }), "{first:?}");

    let rotated = key_with_secret("rotated");
    object.source = present(rotated.clone());
    object.run_for(&bed, TEN_MINUTES).await;
    bed.accept(&rotated);
    let second = await_write(&mut object, &bed).await;
    let Effect::Written { upload_delay, .. } = second else { panic!("{second:?}") };
    assert_eq!(upload_delay, Some(Duration::from_mins(70)), "ten minutes, and an hour until the next attempt");
}

#[tokio::test]
async fn an_upload_of_the_key_that_was_in_order_before_is_not_timed() {
    let (bed, mut object) = (TestBed::new(), Object::new());
    object.settle(&bed).await;
    bed.revoke(&key());
    object.run_for(&bed, Duration::from_hours(1)).await;
    assert_eq!(bed.slot(), Content::Nothing, "the dead key was deleted");
    bed.accept(&key());
    let effect = await_write(&mut object, &bed).await;
    assert!(matches!(effect, Effect::Written { operation: Operation::Upload, upload_delay: None, .. }), "{effect:?}");
}

#[tokio::test]
async fn an_upload_of_a_recorded_key_by_a_restarted_process_is_not_timed() {
    let (bed, mut object) = (TestBed::new(), Object::new());
    object.settle(&bed).await;
    object.restart_process();
    bed.empty_slot_by_person();
    let effect = await_write(&mut object, &bed).await;
    assert!(matches!(effect, Effect::Written { operation: Operation::Upload, upload_delay: None, .. }), "{effect:?}");
}

#[tokio::test]
async fn the_removal_of_a_dead_key_says_for_how_long_it_was_refused() {
    let (bed, mut object) = (TestBed::new(), Object::new());
    object.settle(&bed).await;
    bed.revoke(&key());
    let effect = await_write(&mut object, &bed).await;
    let Effect::Written { operation: Operation::Delete, dead_for: Some(dead_for), .. } = effect else {
        panic!("{effect:?}")
    };
    assert_eq!(dead_for, TEN_MINUTES, "the default of spec.deadKey.after");
}
