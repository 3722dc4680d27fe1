//! Healthy tenants beside tenants whose remote side gives no answer.

use std::ops::Range;
use std::time::Duration;

use super::load;
use super::row::{Row, Unit};
use super::scene::{SETUP, Scene, replace_source};

const HEALTHY: Range<usize> = 0..100;
/// More than the reconciliations that run at the same time.
const DEAD: Range<usize> = 100..150;
const LATENCY: Duration = Duration::from_millis(50);
/// Longer than the operator waits for any answer.
const NO_ANSWER: Duration = Duration::from_mins(1);

/// Returns the time of each rotation of a healthy key, without dead tenants and beside them.
pub async fn run() -> Vec<Row> {
    let scene = Scene::start(SETUP).await;
    load::prepare(&scene, HEALTHY.start..DEAD.end, LATENCY).await;
    load::create(&scene, HEALTHY.start..DEAD.end).await;
    scene.await_quiet().await;
    let alone = rotate(&scene).await;

    scene.for_each(DEAD, async |number| scene.set_latency(number, NO_ANSWER).await).await;
    scene
        .for_each(DEAD, async |number| {
            let key = scene.make_key(number).await;
            replace_source(&scene, number, &key).await;
        })
        .await;
    let beside = rotate(&scene).await;

    let what = |beside: &str| format!("rotation of one of 100 keys, 50 ms, {beside}");
    let bound = 2.0 * LATENCY.as_secs_f64() * 1000.0;
    vec![
        Row::new(what("without dead tenants"), Unit::Milliseconds, alone).with_bound(bound),
        Row::new(what("beside 50 tenants without an answer"), Unit::Milliseconds, beside)
            .with_floor_of_p99(1000.0)
            .with_bound(bound),
    ]
}

/// Rotates each healthy key, one after the other. Returns the times in milliseconds.
async fn rotate(scene: &Scene) -> Vec<f64> {
    let mut times = Vec::new();
    for number in HEALTHY {
        let key = scene.make_key(number).await;
        let before = replace_source(scene, number, &key).await;
        let at = scene.await_upload(number, &key).await;
        times.push(at.duration_since(before).as_secs_f64() * 1000.0);
    }
    times
}
