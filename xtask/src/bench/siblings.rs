//! Many objects that name one tenant, made at once: one gets the slot, each gets a verdict.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::load;
use super::row::{Row, Unit};
use super::scene::{SETUP, Scene, name};

/// The number of objects that has a floor.
const OBJECTS: usize = 200;
/// The floors: seconds, and reconciliations for each object.
const FLOORS: [f64; 2] = [5.0, 3.0];

/// Returns the rows of the number of objects that has a floor.
pub async fn run() -> Vec<Row> {
    let mut floors = FLOORS.into_iter();
    let with_floor = |row: Row| match floors.next() {
        Some(floor) => row.with_floor(floor),
        None => row,
    };
    measure(OBJECTS).await.into_iter().map(with_floor).collect()
}

/// Returns the time until each object has a verdict, and the reconciliations that they took.
pub async fn measure(objects: usize) -> Vec<Row> {
    let scene = Scene::start(SETUP).await;
    load::prepare(&scene, 0..1, Duration::ZERO).await;
    let before = scene.metrics().await;
    let started = Instant::now();
    let create = scene.for_each(0..objects, async |number| {
        let spec = json!({ "tenantRef": { "name": name(0) }, "source": { "secretRef": { "name": name(0) } } });
        scene.create_key(number, spec).await;
    });
    let verdicts = scene.await_keys(0..objects, |key| {
        let mut conditions = key.status.iter().flat_map(|status| &status.conditions);
        conditions.any(|condition| condition.type_ == "Ready" && condition.status != "Unknown")
    });
    tokio::join!(create, verdicts);
    let time = started.elapsed().as_secs_f64();
    scene.await_quiet().await;
    let after = scene.metrics().await;
    let counted = |name: &str| after.get(name).unwrap_or(&0.0) - before.get(name).unwrap_or(&0.0);
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let each = counted("controller_runtime_reconcile_total") / objects as f64;
    let what = |what: &str| format!("{objects} objects that name one tenant, made at once: {what}");
    vec![
        Row::single(what("until each has a verdict"), Unit::Seconds, time),
        Row::single(what("reconciliations for each"), Unit::Count, each),
        Row::single(what("reconciliations put off"), Unit::Count, counted("almkey_throttled_total")),
    ]
}
