//! Waiting for the operator, with a spinner on a terminal.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use indicatif::ProgressBar;
use kube::runtime::{WatchStreamExt, watcher};

use super::access::is_refused;
use super::{Cluster, Failure};
use crate::api::ALMServiceKey;
use crate::cluster::CallError;

/// Interval between two pictures of the spinner.
const TICK: Duration = Duration::from_millis(100);

#[derive(clap::Args)]
pub(in crate::cli) struct WaitFlags {
    /// Maximum time to wait for the operator, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

impl Cluster {
    /// Waits until a key satisfies a predicate, which holds once the operator has reconciled it. Returns none if that
    /// takes too long.
    pub(in crate::cli) async fn await_reconciled(
        &self,
        name: &str,
        WaitFlags { timeout }: WaitFlags,
        predicate: impl Fn(&ALMServiceKey) -> bool,
    ) -> Result<Option<ALMServiceKey>, Failure> {
        let timeout = Duration::from_secs(timeout);
        let spinner = ProgressBar::new_spinner().with_message("waiting until the operator has reconciled the key");
        spinner.enable_steady_tick(TICK);
        let mut trouble = None;
        let result = tokio::time::timeout(timeout, self.watch_key(name, predicate, &mut trouble)).await;
        spinner.finish_and_clear();
        match (result, trouble) {
            (Ok(found), _) => found.map(Some),
            (Err(_), Some(source)) => Err(self.failure(self.access("watch"), source)),
            (Err(_), None) => Ok(None),
        }
    }

    /// Watches a key until it satisfies a predicate. `trouble` holds the error of a watch that cannot be made at present.
    async fn watch_key(
        &self,
        name: &str,
        predicate: impl Fn(&ALMServiceKey) -> bool,
        trouble: &mut Option<CallError>,
    ) -> Result<ALMServiceKey, Failure> {
        let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let mut events = watcher(self.keys(), config).default_backoff().boxed();
        let mut is_listed = false;
        loop {
            let event = events.try_next().await;
            *trouble = None;
            match event {
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
                Err(error) => {
                    let source = call_error(error);
                    // An API server that is away for a moment comes back; one that refuses does not change its mind.
                    if is_refused(&source) {
                        return Err(self.failure(self.access("watch"), source));
                    }
                    *trouble = Some(source);
                }
            }
        }
    }
}

/// Returns the failed call behind the error of a watch.
pub(in crate::cli) fn call_error(error: watcher::Error) -> CallError {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => CallError::Api(error),
        watcher::Error::WatchError(status) => CallError::Api(kube::Error::Api(status)),
        watcher::Error::NoResourceVersion => CallError::Deadline,
    }
}
