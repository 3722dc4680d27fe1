//! Many new keys at once, until all are `Ready`.

use std::ops::Range;
use std::time::Duration;

use tokio::time::Instant;

use super::scene::Scene;

/// The cost of making keys until all of them are `Ready`.
pub struct Load {
    /// Seconds from the first request of the user to the last key that is `Ready`.
    pub time: f64,
    /// Seconds of CPU time of the operator.
    pub cpu: f64,
    /// Calls to token endpoints and to Landscape Management.
    pub remote_calls: f64,
}

/// Creates tenants with their credentials, and Secrets with keys. Nothing happens any more when this returns, and each
/// remote side takes `latency` for an answer from now on.
pub async fn prepare(scene: &Scene, numbers: Range<usize>, latency: Duration) {
    scene.create_tenants(numbers.clone()).await;
    scene.create_sources(numbers.clone()).await;
    scene.for_each(numbers, async |number| scene.set_latency(number, latency).await).await;
    scene.await_quiet().await;
}

/// Creates a key for each tenant, and waits until all are `Ready`.
pub async fn create(scene: &Scene, numbers: Range<usize>) -> Load {
    let calls = remote_calls(scene).await;
    let (cpu, started) = (scene.cpu(), Instant::now());
    tokio::join!(scene.create_keys(numbers.clone()), scene.await_ready(numbers));
    let (time, cpu) = (started.elapsed().as_secs_f64(), scene.cpu() - cpu);
    Load { time, cpu, remote_calls: remote_calls(scene).await - calls }
}

async fn remote_calls(scene: &Scene) -> f64 {
    *scene.metrics().await.get("almkey_remote_call_duration_seconds_count").unwrap_or(&0.0)
}
