//! Half an hour of changes, faults and new leaders: nothing grows, nothing is missed, nothing is uploaded twice.

use std::ops::Range;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::bed::operator::Operator;
use testkit::bed::{Setup, Tenant};
use tokio::time::Instant;

use super::process::{self, Resources};
use super::row::{Row, Unit, mebibytes};
use super::scene::{SETUP, Scene, TEAM, name};
use crate::console::say;

const TENANTS: Range<usize> = 0..50;
const DURATION: Duration = Duration::from_mins(30);
/// The last time at which another replica becomes the leader. What the process uses is compared from then on.
const LAST_HANDOVER: Duration = Duration::from_mins(10);
/// The number of cycles between two new leaders.
const CYCLES_OF_A_LEADER: usize = 10;
/// Uploads in one life of a key: the first one, and two rotations.
const UPLOADS: usize = 3;

/// Returns how what the process uses grows, and what the changes have led to.
pub async fn run() -> Vec<Row> {
    let mut scene = Scene::start(Setup { arguments: &[], ..SETUP }).await;
    scene.create_tenants(TENANTS).await;
    let mut leader = scene.bed.operator.take().expect("the operator runs");
    let (started, mut cycles, mut samples) = (Instant::now(), 0, Vec::new());
    while started.elapsed() < DURATION {
        if cycles % CYCLES_OF_A_LEADER == 0 && started.elapsed() < LAST_HANDOVER {
            // The changes go on meanwhile.
            let ((), follower) = tokio::join!(live(&scene, cycles), hand_over(&scene, leader, cycles));
            leader = follower;
            samples.clear();
        } else {
            live(&scene, cycles).await;
        }
        cycles += 1;
        samples.push((started.elapsed().as_secs_f64() / 60.0, process::resources(leader.pid())));
        say(format!("bench: soak, {} s, {cycles} lives of each key", started.elapsed().as_secs()));
    }
    let (uploads, left) = outcome(&scene).await;
    assert!(leader.stop(), "the leader ends by itself");
    let expected = cycles * UPLOADS * TENANTS.len();
    let mut rows = growth(&samples);
    rows.push(Row::count("lives of a key: bound, uploaded, rotated twice, deleted", cycles * TENANTS.len()));
    rows.push(Row::count("uploads beyond or below those expected", uploads.abs_diff(expected)).with_floor(0.0));
    rows.push(Row::count("slots with a key in the end", left).with_floor(0.0));
    rows
}

/// Lets a key of each tenant live once: it is bound, uploaded, rotated, rotated with a fault, and deleted.
async fn live(scene: &Scene, cycle: usize) {
    scene
        .for_each(TENANTS, async |number| {
            let client = scene.bed.client.clone();
            let (bed, object) = (&scene.bed, name(number));
            let tenant = Tenant { bed, name: object.clone(), namespace: TEAM.into(), client };
            let (first, second, third) = (tenant.make_key().await, tenant.make_key().await, tenant.make_key().await);
            tenant.bind(&object, &first).await;
            tenant.apply_for_binding(&object, &object).await;
            tenant.await_uploaded(&object, &first).await;
            tenant.rotate_binding(&object, &second).await;
            tenant.await_uploaded(&object, &second).await;
            let (call, fault) = fault(cycle + number);
            tenant.fail_once(call, fault).await;
            tenant.rotate_binding(&object, &third).await;
            tenant.await_uploaded(&object, &third).await;
            tenant.heal().await;
            tenant.unbind(&object, &third).await;
            tenant.await_ready(&object, "False", "SourceGone").await;
            tenant.delete(&object).await;
        })
        .await;
}

/// Returns a fault that a rotation meets: the kind of the call, and what becomes of it.
fn fault(number: usize) -> (&'static str, Value) {
    match number % 4 {
        0 => ("SignIn", json!({ "status": 503 })),
        1 => ("Put", json!({ "swallow": true })),
        2 => ("ReadSlot", json!({ "reset": true })),
        _ => ("Put", json!({ "status": 429, "headers": { "retry-after": "1" } })),
    }
}

/// Starts another replica, and ends the leader.
async fn hand_over(scene: &Scene, mut leader: Operator, number: usize) -> Operator {
    let follower = scene.bed.start_replica(&format!("replica-{number}"));
    follower.await_ready().await;
    leader.signal("TERM");
    let ended = tokio::task::spawn_blocking(move || leader.wait_exit().is_some_and(|status| status.success()));
    assert!(ended.await.expect("no panic"), "the leader ends by itself");
    follower
}

/// Returns the number of uploads that took effect, and of slots that are not empty.
async fn outcome(scene: &Scene) -> (usize, usize) {
    let (mut uploads, mut left) = (0, 0);
    for number in TENANTS {
        let calls = scene.bed.simulator.journal(&name(number), 0, Duration::ZERO).await;
        uploads += calls.iter().filter(|call| call["kind"] == "Put" && call["effect"] == true).count();
        let tenant = Tenant::existing(&scene.bed, &name(number), scene.bed.client.clone());
        left += usize::from(!tenant.slot_key().await.is_null());
    }
    (uploads, left)
}

/// Returns the slopes of what the process uses.
fn growth(samples: &[(f64, Resources)]) -> Vec<Row> {
    #[expect(clippy::cast_precision_loss, reason = "a few digits are shown")]
    let per_hour = |value: fn(&Resources) -> u64| {
        let points: Vec<_> = samples.iter().map(|(minutes, used)| (*minutes, value(used) as f64)).collect();
        slope(&points) * 60.0
    };
    let memory = per_hour(|used| used.memory.anonymous) * mebibytes(1);
    let what = |what: &str| format!("growth of {what} in an hour, by the last twenty minutes");
    vec![
        Row::single(what("anonymous memory"), Unit::Mebibytes, memory),
        Row::single(what("open file descriptors"), Unit::Count, per_hour(|used| used.descriptors)),
        Row::single(what("threads"), Unit::Count, per_hour(|used| used.threads)),
    ]
}

/// Returns the slope of the line with the least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let count = points.len() as f64;
    let mean = |value: fn(&(f64, f64)) -> f64| points.iter().map(value).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let covariance: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let variance: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    covariance / variance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_is_that_of_the_line_with_the_least_squares() {
        assert_eq!(slope(&[(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)]).to_string(), "2");
        assert_eq!(slope(&[(0.0, 1.0), (1.0, 3.0), (2.0, 1.0)]).to_string(), "0");
    }
}
