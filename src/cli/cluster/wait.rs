//! Waiting for the operator, with a spinner on a terminal.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use indicatif::ProgressBar;
use kube::runtime::{WatchStreamExt, watcher};

use super::{Cluster, Failure, Kind};
use crate::api::ALMServiceKey;

/// Interval between two pictures of the spinner.
const TICK: Duration = Duration::from_millis(100);

impl Cluster {
    /// Waits until a key satisfies a predicate, and returns it; none if it does not within `timeout`.
    pub(in crate::cli) async fn await_key(
        &self,
        name: &str,
        timeout: Duration,
        what: &'static str,
        predicate: impl Fn(&ALMServiceKey) -> bool,
    ) -> Result<Option<ALMServiceKey>, Failure> {
        let spinner = ProgressBar::new_spinner().with_message(what);
        spinner.enable_steady_tick(TICK);
        let result = tokio::time::timeout(timeout, self.watch_key(name, predicate)).await;
        spinner.finish_and_clear();
        result.ok().transpose()
    }

    async fn watch_key(
        &self,
        name: &str,
        predicate: impl Fn(&ALMServiceKey) -> bool,
    ) -> Result<ALMServiceKey, Failure> {
        let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let mut events = watcher(self.keys(), config).default_backoff().boxed();
        let mut is_listed = false;
        loop {
            match events.try_next().await {
                Ok(Some(watcher::Event::InitApply(key) | watcher::Event::Apply(key))) => {
                    is_listed = true;
                    if predicate(&key) {
                        return Ok(key);
                    }
                }
                Ok(Some(watcher::Event::Init)) => is_listed = false,
                Ok(Some(watcher::Event::InitDone)) if is_listed => {}
                Ok(Some(watcher::Event::InitDone | watcher::Event::Delete(_)) | None) => {
                    return Err(self.not_found(name));
                }
                // An API server that is away for a moment comes back; one that refuses does not change its mind.
                Err(source) if is_refused(&source) => return Err(self.watch_failure(Kind::Keys, source)),
                Err(_) => {}
            }
        }
    }

    /// Returns the failure of a watch.
    pub(in crate::cli) fn watch_failure(&self, kind: Kind, source: watcher::Error) -> Failure {
        Failure::Watch { kind, server: self.server.clone(), source }
    }
}

/// Returns true if the API server answered, and refused the watch.
pub(in crate::cli) fn is_refused(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => matches!(status.code, 401 | 403 | 404),
        watcher::Error::InitialListFailed(_)
        | watcher::Error::WatchStartFailed(_)
        | watcher::Error::WatchFailed(_)
        | watcher::Error::NoResourceVersion => false,
    }
}
