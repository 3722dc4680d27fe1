//! Waiting for what happens to an object of any kind.

use std::fmt::Debug;

use futures::{StreamExt, TryStreamExt};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

use super::cluster::patiently;

/// Waits until the object of this name has gone.
pub async fn gone<K>(api: Api<K>, name: &str)
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let watch = watcher(api, watcher::Config::default().fields(&format!("metadata.name={name}")));
    let mut events = watch.default_backoff().boxed();
    let mut listed = false;
    patiently(&format!("{name} to go"), async {
        while let Some(event) = events.try_next().await.expect("it can be watched") {
            match event {
                watcher::Event::Delete(_) => return,
                watcher::Event::InitApply(_) => listed = true,
                watcher::Event::InitDone if !listed => return,
                _ => {}
            }
        }
    })
    .await;
}
