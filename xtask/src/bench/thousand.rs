//! A thousand tenants and keys: until all are `Ready`, afterwards, rotations, and a restart.

use std::time::Duration;

use testkit::bed::Setup;

use super::load;
use super::process;
use super::requests::{AuditLog, count, is_write};
use super::restart::restart;
use super::row::{Row, Unit, mebibytes};
use super::scene::{SETUP, Scene, replace_source};

const KEYS: usize = 1000;
const ROTATIONS: usize = 200;
/// The time that a remote side takes for an answer.
const LATENCY: Duration = Duration::from_millis(50);
/// Remote calls of a new key, one after the other: sign in, read the slot, write it.
const CALLS_OF_A_KEY: f64 = 3.0;
/// The time for which the operator is watched once all keys are `Ready`.
const WATCHED: Duration = Duration::from_secs(20);
/// The time for which a restarted operator is watched.
const RESTARTED: Duration = Duration::from_secs(10);

/// Returns the rows of all phases.
pub async fn run() -> Vec<Row> {
    let mut scene = Scene::start(Setup { audit: true, ..SETUP }).await;
    let mut audit = AuditLog::of(scene.audit_log());
    load::prepare(&scene, 0..KEYS, LATENCY).await;

    let mut rows = until_ready(&scene).await;
    audit.read();
    rows.extend(watch(&scene, &mut audit, "in the first 20 s after that").await);
    scene.await_quiet().await;
    audit.read();
    rows.extend(watch(&scene, &mut audit, "settled, in 20 s").await);
    let memory = process::memory(scene.pid());
    rows.push(Row::single("resident memory, 1,000 keys", Unit::Mebibytes, mebibytes(memory.resident)).with_floor(32.0));
    let anonymous = mebibytes(memory.anonymous);
    rows.push(Row::single("anonymous memory, 1,000 keys", Unit::Mebibytes, anonymous).with_floor(20.0));
    rows.push(rotations(&scene).await);
    rows.extend(restarted(&mut scene).await);
    rows
}

async fn until_ready(scene: &Scene) -> Vec<Row> {
    let load = load::create(scene, 0..KEYS).await;
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let bound = CALLS_OF_A_KEY * LATENCY.as_secs_f64() * KEYS as f64 / alm_key_operator::controller::CONCURRENCY as f64;
    vec![
        Row::single("1,000 new keys until all are Ready, remote latency 50 ms", Unit::Seconds, load.time)
            .with_floor(6.0)
            .with_bound(bound),
        Row::single("CPU time for that", Unit::Seconds, load.cpu).with_floor(4.0),
    ]
}

/// Watches the operator while nothing happens.
async fn watch(scene: &Scene, audit: &mut AuditLog, when: &str) -> Vec<Row> {
    let cpu = scene.cpu();
    tokio::time::sleep(WATCHED).await;
    let share = (scene.cpu() - cpu) / WATCHED.as_secs_f64() * 100.0;
    let requests = audit.read();
    let what = |what: &str| format!("1,000 keys, {when}: {what}");
    vec![
        Row::single(what("CPU of one core"), Unit::Percent, share).with_floor(1.0),
        Row::count(what("LISTs"), count(&requests, |request| request.starts_with("list "))).with_floor(0.0),
        Row::count(what("writes"), count(&requests, is_write)).with_floor(0.0),
    ]
}

/// Rotates keys, one after the other, and times each until the new one is in the slot.
async fn rotations(scene: &Scene) -> Row {
    let mut times = Vec::new();
    for rotation in 0..ROTATIONS {
        let number = rotation * (KEYS / ROTATIONS);
        let key = scene.make_key(number).await;
        let before = replace_source(scene, number, &key).await;
        let at = scene.await_upload(number, &key).await;
        times.push(at.duration_since(before).as_secs_f64() * 1000.0);
    }
    let calls = 2.0 * LATENCY.as_secs_f64() * 1000.0;
    Row::new("rotation of a Secret until the new key is in the slot, 1,000 keys, 50 ms", Unit::Milliseconds, times)
        .with_floor(calls + 20.0)
        .with_floor_of_p99(1000.0)
        .with_bound(calls)
}

async fn restarted(scene: &mut Scene) -> Vec<Row> {
    let ready = restart(scene).await;
    tokio::time::sleep(RESTARTED.saturating_sub(ready)).await;
    vec![
        Row::single("restart until ready, 1,000 keys", Unit::Seconds, ready.as_secs_f64()).with_floor(0.5),
        Row::single("CPU time in the first 10 s of it", Unit::Seconds, scene.cpu()).with_floor(1.5),
    ]
}
