//! The growth of time, memory and requests with the number of tenants.

use std::time::Duration;

use testkit::bed::Setup;
use xtask::workspace::root;

use super::load;
use super::plot::{Series, draw};
use super::process;
use super::requests::AuditLog;
use super::row::{Row, Unit, mebibytes};
use super::scene::{SETUP, Scene};
use super::siblings;
use crate::console::{complain, say};

const KEYS: [usize; 5] = [1, 10, 100, 1000, 5000];
const LATENCIES: [Duration; 3] = [Duration::ZERO, Duration::from_millis(50), Duration::from_millis(500)];
/// Objects that name one tenant.
const SIBLINGS: [usize; 3] = [10, 100, 500];

/// A point of each curve.
struct Point {
    keys: usize,
    time: f64,
    cpu: f64,
    memory: f64,
    api_requests: usize,
    remote_calls: f64,
}

/// Returns the rows of all points, and draws the curves below `docs/`.
pub async fn run() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut curves: Vec<(String, Vec<Point>)> = Vec::new();
    for latency in LATENCIES {
        let mut points = Vec::new();
        for keys in KEYS {
            say(format!("bench: curves, {keys} keys, {} ms", latency.as_millis()));
            let point = measure(keys, latency).await;
            rows.extend(rows_for(&point, latency));
            points.push(point);
        }
        curves.push((format!("{} ms", latency.as_millis()), points));
    }
    for objects in SIBLINGS {
        say(format!("bench: curves, {objects} objects that name one tenant"));
        rows.extend(siblings::measure(objects).await);
    }
    plot(&curves, "benchmarks-time.svg", "New keys until all are Ready", "seconds", |point| point.time);
    plot(&curves, "benchmarks-cpu.svg", "CPU time for that", "seconds", |point| point.cpu);
    plot(&curves, "benchmarks-memory.svg", "Resident memory afterwards", "MiB", |point| point.memory);
    rows
}

async fn measure(keys: usize, latency: Duration) -> Point {
    let scene = Scene::start(Setup { audit: true, ..SETUP }).await;
    load::prepare(&scene, 0..keys, latency).await;
    let mut audit = AuditLog::of(scene.audit_log());
    let load = load::create(&scene, 0..keys).await;
    let api_requests = audit.read().values().sum();
    scene.await_quiet().await;
    let memory = mebibytes(process::memory(scene.pid()).resident);
    Point { keys, time: load.time, cpu: load.cpu, memory, api_requests, remote_calls: load.remote_calls }
}

fn rows_for(point: &Point, latency: Duration) -> Vec<Row> {
    let Point { keys, time, cpu, memory, api_requests, remote_calls } = *point;
    let what = |what: &str| format!("{keys} keys, {} ms: {what}", latency.as_millis());
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let (keys, api_requests) = (keys as f64, api_requests as f64);
    vec![
        Row::single(what("until all are Ready"), Unit::Seconds, time),
        Row::single(what("CPU time for that"), Unit::Seconds, cpu),
        Row::single(what("resident memory afterwards"), Unit::Mebibytes, memory),
        Row::single(what("requests to the API server for each"), Unit::Count, api_requests / keys),
        Row::single(what("remote calls for each"), Unit::Count, remote_calls / keys),
    ]
}

fn plot(curves: &[(String, Vec<Point>)], file: &str, title: &str, unit: &str, value: fn(&Point) -> f64) {
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let point = |point: &Point| (point.keys as f64, value(point));
    let series: Vec<_> = curves
        .iter()
        .map(|(name, points)| Series { name: name.clone(), points: points.iter().map(point).collect() })
        .collect();
    if let Err(error) = draw(&root().join("docs").join(file), title, ["tenants and keys", unit], &series) {
        complain(error.to_string());
    }
}
