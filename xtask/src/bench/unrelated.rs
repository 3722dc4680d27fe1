//! Secrets that no object names: what they cost.

use std::time::Duration;

use serde_json::json;
use testkit::bed::tenant::create;

use super::load;
use super::process;
use super::restart::restart;
use super::row::{Row, Unit, mebibytes};
use super::scene::{SETUP, Scene};

const SECRETS: usize = 10_000;
/// The number of large ones among them.
const LARGE: usize = 300;
/// The size of a large one, in bytes; the API server accepts 1 MiB.
const LARGE_SIZE: usize = 900_000;

/// Returns the memory that the Secrets add while the operator runs, and at its restart.
pub async fn run() -> Vec<Row> {
    let mut scene = Scene::start(SETUP).await;
    load::prepare(&scene, 0..1, Duration::ZERO).await;
    load::create(&scene, 0..1).await;
    let alone = peak_of_restart(&mut scene).await;
    let before = process::memory(scene.pid()).resident;
    let large = "x".repeat(LARGE_SIZE);
    scene
        .for_each(0..SECRETS, async |number| {
            let content = if number < LARGE { large.as_str() } else { "small" };
            let secret = json!({
                "metadata": { "name": format!("unrelated-{number}") }, "stringData": { "content": content },
            });
            create(&scene.secrets(), secret).await;
        })
        .await;
    scene.await_quiet().await;
    let added = mebibytes(process::memory(scene.pid()).resident) - mebibytes(before);
    let peak = peak_of_restart(&mut scene).await - alone;
    let what = "10,000 unrelated Secrets, 300 of them of 0.9 MB";
    vec![
        Row::single(format!("{what}: resident memory that they add"), Unit::Mebibytes, added).with_floor(1.0),
        Row::single(format!("{what}: added to the peak of a restart"), Unit::Mebibytes, peak).with_floor(1.0),
    ]
}

/// Restarts the operator. Returns the peak of its resident memory until everything has settled, in MiB.
async fn peak_of_restart(scene: &mut Scene) -> f64 {
    restart(scene).await;
    scene.await_quiet().await;
    mebibytes(process::peak(scene.pid()))
}
