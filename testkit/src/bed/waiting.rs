//! Waits with an upper bound.

use std::fmt::Debug;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

/// Upper bound of every wait in tests. It is far more than anything takes: reaching it is a failure.
pub const WAIT_LIMIT: Duration = Duration::from_mins(1);

/// Awaits `future`, and fails the test after [`WAIT_LIMIT`].
pub async fn wait_for<T>(what: &str, future: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(WAIT_LIMIT, future).await;
    result.unwrap_or_else(|_| panic!("waited {WAIT_LIMIT:?} in vain for {what}"))
}

/// Waits until no object of this name exists.
pub async fn wait_until_gone<K>(api: Api<K>, name: &str)
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let watch = watcher(api, watcher::Config::default().fields(&format!("metadata.name={name}")));
    let mut events = watch.default_backoff().boxed();
    let mut is_listed = false;
    wait_for(&format!("{name} to be deleted"), async {
        while let Some(event) = events.try_next().await.expect("the object can be watched") {
            match event {
                watcher::Event::Delete(_) => return,
                watcher::Event::InitApply(_) => is_listed = true,
                watcher::Event::InitDone if !is_listed => return,
                _ => {}
            }
        }
    })
    .await;
}

/// Waits until the API server serves the kind. It does so a moment after the definition is applied.
pub async fn wait_until_served<K>(api: Api<K>)
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let mut events = watcher(api, watcher::Config::default()).default_backoff().boxed();
    wait_for(&format!("{} to be served", K::kind(&())), async {
        // The list is retried after a failure, as while the kind is not served.
        while !matches!(events.next().await, Some(Ok(watcher::Event::InitDone))) {}
    })
    .await;
}
