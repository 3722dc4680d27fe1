//! Waiting for the operator, with a spinner on a terminal.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use indicatif::ProgressBar;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use kube::runtime::{WatchStreamExt, watcher};

use super::access::is_refused;
use super::outcome::current_ready;
use super::{Cluster, Failure, Object};
use crate::api::ALMServiceKey;
use crate::cluster::CallError;
use crate::domain::untrusted::sanitize;

/// Interval between two pictures of the spinner.
const TICK: Duration = Duration::from_millis(100);
/// Maximum length of the state beside it, in characters.
const MAX_STATE_CHARS: usize = 128;

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
        wait: WaitFlags,
        predicate: impl Fn(&ALMServiceKey) -> bool,
    ) -> Result<Option<ALMServiceKey>, Failure> {
        self.await_object(name, wait, predicate).await
    }

    /// Waits until an object satisfies a predicate, which holds once the operator has reconciled it. Returns none if that
    /// takes too long.
    pub(in crate::cli) async fn await_object<K: Object>(
        &self,
        name: &str,
        wait: WaitFlags,
        predicate: impl Fn(&K) -> bool,
    ) -> Result<Option<K>, Failure> {
        let message = format!("waiting until the operator has reconciled the {}", K::kind(&()));
        let found = self.await_state(name, wait, &message, |object: Option<K>| match object {
            None => Some(Err(K::not_found(self, name))),
            Some(object) => predicate(&object).then_some(Ok(object)),
        });
        found.await?.transpose()
    }

    /// Waits until an object is gone. Returns its last state if that takes too long.
    pub(in crate::cli) async fn await_gone(
        &self,
        object: &ALMServiceKey,
        wait: WaitFlags,
    ) -> Result<Option<ALMServiceKey>, Failure> {
        let message = "waiting until the operator has let go of the key";
        let (name, mut last) = (object.name_any(), object.clone());
        let gone = self.await_state(&name, wait, message, |key: Option<ALMServiceKey>| match key {
            Some(key) if key.uid() == object.uid() => {
                last = key;
                None
            }
            Some(_) | None => Some(()),
        });
        let is_gone = gone.await?.is_some();
        Ok((!is_gone).then_some(last))
    }

    /// Waits until `accept` returns a value for a state of an object, which is none while no such object exists. The
    /// spinner shows the state. Returns none if that takes too long.
    async fn await_state<K: Object, T>(
        &self,
        name: &str,
        WaitFlags { timeout }: WaitFlags,
        message: &str,
        mut accept: impl FnMut(Option<K>) -> Option<T>,
    ) -> Result<Option<T>, Failure> {
        let timeout = Duration::from_secs(timeout);
        let spinner = ProgressBar::new_spinner().with_message(message.to_owned());
        spinner.enable_steady_tick(TICK);
        let accept = |object: Option<K>| {
            if let Some(object) = &object {
                let Condition { status, reason, .. } = current_ready(object);
                let state = sanitize(&format!("{message}: Ready is {status} ({reason})"), MAX_STATE_CHARS);
                spinner.set_message(state);
            }
            accept(object)
        };
        let mut trouble = None;
        let result = tokio::time::timeout(timeout, self.watch_object(name, &mut trouble, accept)).await;
        spinner.finish_and_clear();
        match (result, trouble) {
            (Ok(found), _) => found.map(Some),
            (Err(_), Some(source)) => Err(self.failure(K::access(self, "watch"), source)),
            (Err(_), None) => Ok(None),
        }
    }

    /// Watches an object until `accept` returns a value. `trouble` holds the error of a watch that cannot be made at
    /// present.
    async fn watch_object<K: Object, T>(
        &self,
        name: &str,
        trouble: &mut Option<CallError>,
        mut accept: impl FnMut(Option<K>) -> Option<T>,
    ) -> Result<T, Failure> {
        let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let mut events = watcher(K::api(self), config).default_backoff().boxed();
        let mut is_listed = false;
        loop {
            let event = events.try_next().await;
            *trouble = None;
            let state = match event {
                Ok(Some(watcher::Event::InitApply(object) | watcher::Event::Apply(object))) => {
                    is_listed = true;
                    Some(object)
                }
                Ok(Some(watcher::Event::Init)) => {
                    is_listed = false;
                    continue;
                }
                Ok(Some(watcher::Event::InitDone)) if is_listed => continue,
                Ok(Some(watcher::Event::InitDone | watcher::Event::Delete(_)) | None) => None,
                Err(error) => {
                    let source = call_error(error);
                    // An API server that is away for a moment comes back; one that refuses does not change its mind.
                    if is_refused(&source) {
                        return Err(self.failure(K::access(self, "watch"), source));
                    }
                    *trouble = Some(source);
                    continue;
                }
            };
            if let Some(accepted) = accept(state) {
                return Ok(accepted);
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
