//! The end of one process and the start of the next.

use std::time::Duration;

use testkit::bed::Setup;
use testkit::bed::operator::Operator;
use tokio::time::Instant;

use super::load;
use super::row::{Row, Unit};
use super::scene::{SETUP, Scene, name, replace_source};

const KEYS: usize = 10;
const HANDOVERS: usize = 5;
/// The time between two looks at a follower.
const POLL: Duration = Duration::from_millis(10);

/// Stops the operator and starts another one. Returns the time until that is ready.
pub async fn restart(scene: &mut Scene) -> Duration {
    assert!(scene.bed.operator.take().is_some_and(Operator::stop), "it ends by itself");
    let started = Instant::now();
    scene.bed.start_operator("restarted");
    scene.bed.operator.as_ref().expect("it was started").await_ready().await;
    started.elapsed()
}

/// Returns the time from SIGTERM to the leader until the other replica leads. No key is uploaded again.
pub async fn handovers() -> Vec<Row> {
    let mut scene = Scene::start(Setup { arguments: &[], ..SETUP }).await;
    load::prepare(&scene, 0..KEYS, Duration::ZERO).await;
    load::create(&scene, 0..KEYS).await;
    let mut times = Vec::new();
    for number in 0..HANDOVERS {
        let follower = scene.bed.start_replica(&format!("follower-{number}"));
        follower.await_ready().await;
        let mut leader = scene.bed.operator.replace(follower).expect("the leader runs");
        let started = Instant::now();
        leader.signal("TERM");
        while scene.metrics().await.get("leader_election_master_status") != Some(&1.0) {
            tokio::time::sleep(POLL).await;
        }
        times.push(started.elapsed().as_secs_f64());
        assert!(leader.wait_exit().is_some_and(|status| status.success()), "the leader ends by itself");
    }
    // The new leader works.
    let key = scene.make_key(0).await;
    replace_source(&scene, 0, &key).await;
    scene.await_upload(0, &key).await;
    let mut uploads = Vec::new();
    for number in 0..KEYS {
        let calls = scene.bed.simulator.journal(&name(number), 0, Duration::ZERO).await;
        uploads.push(calls.iter().filter(|call| call["kind"] == "Put").count());
    }
    assert_eq!(uploads.iter().sum::<usize>(), KEYS + 1, "a key was uploaded again: {uploads:?}");
    vec![Row::new("SIGTERM to the leader until the other replica leads", Unit::Seconds, times).with_floor(5.0)]
}
