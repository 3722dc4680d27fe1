//! The deletion of an `ALMServiceKey` until its slot is empty.

use std::time::Duration;

use jiff::Timestamp;
use kube::api::DeleteParams;

use super::load;
use super::row::{Row, Unit};
use super::scene::{SETUP, Scene, name};

const KEYS: usize = 200;

/// Returns the time of each deletion, one after the other.
pub async fn run() -> Vec<Row> {
    let scene = Scene::start(SETUP).await;
    load::prepare(&scene, 0..KEYS, Duration::ZERO).await;
    load::create(&scene, 0..KEYS).await;
    scene.await_quiet().await;
    let mut times = Vec::new();
    for number in 0..KEYS {
        let before = Timestamp::now();
        scene.keys().delete(&name(number), &DeleteParams::default()).await.expect("the key can be deleted");
        let at = scene.await_call(number, |call| call["kind"] == "Delete" && call["effect"] == true).await;
        times.push(at.duration_since(before).as_secs_f64() * 1000.0);
    }
    let what = "deletion of an ALMServiceKey until the slot is empty, no latency";
    vec![Row::new(what, Unit::Milliseconds, times).with_floor(15.0).with_floor_of_p99(60.0)]
}
