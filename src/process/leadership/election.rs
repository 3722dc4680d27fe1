//! The leader election, by compare-and-set on a Lease.
//!
//! As in client-go, the age of a renewal is measured by this replica's own monotonic clock from the moment at which it was
//! observed; the holder's timestamps are informational. Each write is conditional on the resource version that was
//! read, so that of two concurrent writes one is refused.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client, ResourceExt};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{info, warn};

use super::lease_params::LeaseParams;
use super::{Leadership, LeaseState};
use crate::cluster::{CallError, call, find};
use crate::domain::retry::spread;
use crate::names::{FIELD_MANAGER, LEASE};

/// A participant in the election.
pub struct Election {
    leases: Api<Lease>,
    identity: String,
    params: LeaseParams,
    state: watch::Sender<LeaseState>,
    /// The Lease as this replica last wrote it.
    held: Option<Lease>,
    /// The last observed spec of another holder's Lease, and the time of its last observed change.
    observed: Option<(LeaseSpec, Instant)>,
    /// The latest observed resource version. The API server numbers the writes to all objects in one sequence.
    latest_version: u64,
}

/// The reason for losing the Lease. The process must exit, because its state in memory is that of a leader.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// The Lease could not be renewed before the renew deadline.
    #[error("the Lease could not be renewed for {0:?}: this replica no longer leads")]
    NotRenewed(Duration),
    /// Another replica holds the Lease.
    #[error("the Lease is held by {0:?}: this replica no longer leads")]
    Taken(String),
    /// The data of the API server is older than before. Watches would wait for a version in the future and report
    /// nothing.
    #[error(
        "the data of the API server is older than before (version {found} after {latest}), as when a backup of etcd is \
         restored: this replica restarts"
    )]
    VersionWentBack {
        /// The resource version of the Lease.
        found: u64,
        /// The latest resource version observed before.
        latest: u64,
    },
}

/// The error of an attempt to acquire or renew the Lease.
enum AttemptError {
    Lost(Lost),
    Failed(CallError),
}

impl From<CallError> for AttemptError {
    fn from(error: CallError) -> Self {
        Self::Failed(error)
    }
}

impl Election {
    /// Creates the participant `identity` in the election in this namespace.
    #[must_use]
    pub fn new(client: Client, namespace: &str, identity: String, params: LeaseParams) -> (Self, Leadership) {
        let (sender, state) = watch::channel(LeaseState::Waiting);
        let leases = Api::namespaced(client, namespace);
        let election = Self { leases, identity, params, state: sender, held: None, observed: None, latest_version: 0 };
        (election, Leadership { state, max_write: params.renew_deadline })
    }

    /// Acquires the Lease and renews it until it is lost.
    pub async fn run(&mut self) -> Lost {
        let acquired = match self.acquire().await {
            Ok(acquired) => acquired,
            Err(lost) => return lost,
        };
        info!(identity = self.identity, "this replica leads");
        let lost = self.renew_loop(acquired).await;
        self.state.send_replace(LeaseState::Waiting);
        self.held = None;
        lost
    }

    /// Releases the Lease, so that the next replica need not wait. Must be called after all work of a leader has ended.
    pub async fn release(mut self) {
        self.state.send_replace(LeaseState::Waiting);
        let Some(lease) = self.held.take() else { return };
        let mut answer = self.clear_holder(lease).await;
        // The answer to a last renewal may have been lost.
        if answer.as_ref().is_err_and(|error| error.status() == Some(409)) {
            answer = match self.read().await {
                Ok(Some(lease)) if holder(&lease) == self.identity => self.clear_holder(lease).await,
                Ok(_) => Ok(()),
                Err(error) => Err(error),
            };
        }
        match answer {
            Ok(()) => info!("the Lease is released"),
            Err(error) => warn!(%error, "the Lease could not be released, and expires by itself"),
        }
    }

    /// Writes the Lease without a holder.
    async fn clear_holder(&self, mut lease: Lease) -> Result<(), CallError> {
        let spec = lease.spec.get_or_insert_default();
        spec.holder_identity = Some(String::new());
        spec.lease_duration_seconds = Some(1);
        spec.renew_time = Some(MicroTime(Timestamp::now()));
        self.attempt(self.leases.replace(LEASE, &post_params(), &lease)).await.map(drop)
    }

    async fn acquire(&mut self) -> Result<Instant, Lost> {
        let mut failing = false;
        loop {
            match self.try_acquire().await {
                Ok(Some(acquired)) => return Ok(acquired),
                Ok(None) => failing = false,
                Err(AttemptError::Lost(lost)) => return Err(lost),
                Err(AttemptError::Failed(error)) if !failing => {
                    warn!(%error, "the Lease cannot be read");
                    failing = true;
                }
                Err(AttemptError::Failed(_)) => {}
            }
            sleep(spread(self.params.retry_period, rand::random())).await;
        }
    }

    /// Acquires the Lease if it is free, and returns the time from which it is held.
    async fn try_acquire(&mut self) -> Result<Option<Instant>, AttemptError> {
        let current = self.get().await?;
        let free = match &current {
            Some(lease) => self.is_free(lease),
            None => self.is_expired(),
        };
        if !free {
            return Ok(None);
        }
        match self.write(current).await {
            Ok(sent) => Ok(Some(sent)),
            Err(AttemptError::Failed(error)) if error.status() == Some(409) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn renew_loop(&mut self, acquired: Instant) -> Lost {
        let mut renewed = acquired;
        loop {
            // Checked before each attempt, because the process may have been suspended.
            if renewed.elapsed() >= self.params.renew_deadline {
                return Lost::NotRenewed(renewed.elapsed());
            }
            let deadline = renewed + self.params.renew_deadline;
            if let Ok(answer) = timeout_at(deadline, self.renew()).await {
                match answer {
                    Ok(sent) => renewed = sent,
                    Err(AttemptError::Lost(lost)) => return lost,
                    Err(AttemptError::Failed(error)) => warn!(%error, "the Lease could not be renewed"),
                }
            }
        }
    }

    /// Renews the Lease after a pause, and returns the time from which it is held.
    async fn renew(&mut self) -> Result<Instant, AttemptError> {
        sleep(self.params.retry_period).await;
        let error = match self.write(self.held.clone()).await {
            Ok(sent) => return Ok(sent),
            Err(AttemptError::Failed(error)) => error,
            Err(lost) => return Err(lost),
        };
        // Another client has changed or deleted the Lease, and need not hold it.
        if !matches!(error.status(), Some(404 | 409)) {
            return Err(error.into());
        }
        let current = self.get().await?;
        match current.as_ref().map(holder).filter(|holder| *holder != self.identity) {
            Some(other) => Err(AttemptError::Lost(Lost::Taken(other.to_owned()))),
            None => self.write(current).await,
        }
    }

    async fn get(&mut self) -> Result<Option<Lease>, AttemptError> {
        let lease = self.read().await?;
        lease.iter().try_for_each(|lease| self.check_version(lease))?;
        Ok(lease)
    }

    async fn read(&self) -> Result<Option<Lease>, CallError> {
        self.attempt_to(find(self.leases.get(LEASE))).await
    }

    /// Returns `VersionWentBack` if the data of the API server is older than what this process has observed, as after
    /// the restore of an etcd backup.
    fn check_version(&mut self, lease: &Lease) -> Result<(), AttemptError> {
        let Some(found) = lease.resource_version().and_then(|version| version.parse().ok()) else { return Ok(()) };
        let latest = self.latest_version;
        if found < latest {
            return Err(AttemptError::Lost(Lost::VersionWentBack { found, latest }));
        }
        self.latest_version = found;
        Ok(())
    }

    /// Returns true if the Lease has no other holder, or if it has expired. It expires when its duration has passed
    /// since this replica observed the last renewal.
    fn is_free(&mut self, lease: &Lease) -> bool {
        let spec = lease.spec.clone().unwrap_or_default();
        let holder = holder(lease);
        if holder.is_empty() || holder == self.identity {
            return true;
        }
        match &self.observed {
            Some((observed, _)) if *observed == spec => self.is_expired(),
            previous => {
                if previous.as_ref().is_none_or(|(observed, _)| observed.holder_identity != spec.holder_identity) {
                    info!(leader = holder, "another replica leads");
                }
                self.observed = Some((spec, Instant::now()));
                false
            }
        }
    }

    /// Returns true if the last observed Lease has expired. A deleted Lease counts until then, because its holder
    /// notices the deletion only when it renews the Lease.
    fn is_expired(&self) -> bool {
        self.observed
            .as_ref()
            .is_none_or(|(spec, since)| since.elapsed() >= self.params.lease_duration.max(lease_duration(spec)))
    }

    /// Writes the Lease with this replica as its holder, if it has not changed since it was read. Returns the time at
    /// which the request was sent.
    async fn write(&mut self, current: Option<Lease>) -> Result<Instant, AttemptError> {
        let now = MicroTime(Timestamp::now());
        let mut lease = current.unwrap_or_else(|| Lease {
            metadata: ObjectMeta { name: Some(LEASE.into()), ..ObjectMeta::default() },
            spec: None,
        });
        let held = holder(&lease) == self.identity;
        let spec = lease.spec.get_or_insert_default();
        if !held {
            spec.holder_identity = Some(self.identity.clone());
            spec.acquire_time = Some(now.clone());
            spec.lease_transitions =
                Some(spec.lease_transitions.map_or(0, |transitions| transitions.saturating_add(1)));
        }
        spec.lease_duration_seconds = i32::try_from(self.params.lease_duration.as_secs()).ok();
        spec.renew_time = Some(now);
        let sent = Instant::now();
        let written = if lease.resource_version().is_some() {
            self.attempt(self.leases.replace(LEASE, &post_params(), &lease)).await?
        } else {
            self.attempt(self.leases.create(&post_params(), &lease)).await?
        };
        self.check_version(&written)?;
        self.held = Some(written);
        self.state.send_replace(LeaseState::Until(sent + self.params.lease_duration));
        Ok(sent)
    }

    /// Makes a call within half the renew deadline, so that a second one is possible.
    async fn attempt<T>(&self, request: impl Future<Output = kube::Result<T>>) -> Result<T, CallError> {
        self.attempt_to(call(request)).await
    }

    async fn attempt_to<T>(&self, request: impl Future<Output = Result<T, CallError>>) -> Result<T, CallError> {
        timeout(self.params.renew_deadline / 2, request).await.unwrap_or(Err(CallError::Deadline))
    }
}

fn holder(lease: &Lease) -> &str {
    lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default()
}

/// Returns the duration of the Lease as its holder declares it.
fn lease_duration(spec: &LeaseSpec) -> Duration {
    Duration::from_secs(spec.lease_duration_seconds.and_then(|seconds| seconds.try_into().ok()).unwrap_or(0))
}

fn post_params() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.into()), ..PostParams::default() }
}

/// Returns the identity of this replica: the host name, which in a cluster is the name of the pod, and a random number
/// that makes it unique.
#[must_use]
pub fn identity() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned());
    let host = host.filter(|name| !name.is_empty()).or_else(|| std::env::var("HOSTNAME").ok());
    format!("{}_{:016x}", host.unwrap_or_else(|| FIELD_MANAGER.into()), rand::random::<u64>())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use hyper::{Method, Request, Response};
    use kube::client::{Body, ClientBuilder};
    use serde_json::{Value, json};

    use super::*;

    const PARAMS: LeaseParams = LeaseParams {
        lease_duration: Duration::from_mins(1),
        renew_deadline: Duration::from_secs(40),
        retry_period: Duration::from_millis(1),
    };

    fn lease(holder: &str, version: u32) -> Value {
        json!({
            "metadata": { "name": LEASE, "namespace": "default", "resourceVersion": version.to_string() },
            "spec": { "holderIdentity": holder, "leaseDurationSeconds": 60 },
        })
    }

    /// Returns a participant whose API server answers by `answer`, and the log of the request methods. The argument of
    /// `answer` is the number of the request.
    fn election(answer: impl Fn(usize) -> (u16, Value) + Send + Sync + 'static) -> (Election, Arc<Mutex<Vec<Method>>>) {
        let requests: Arc<Mutex<Vec<Method>>> = Arc::default();
        let log = Arc::clone(&requests);
        let server = tower::service_fn(move |request: Request<Body>| {
            let mut log = log.lock().expect("not poisoned");
            log.push(request.method().clone());
            let (status, body) = answer(log.len());
            let answer = Response::builder().status(status).body(Body::from(body.to_string().into_bytes()));
            async move { answer }
        });
        let client = ClientBuilder::new(server, "default").build();
        (Election::new(client, "default", "me".into(), PARAMS).0, requests)
    }

    /// Runs the election, and returns none if it does not end.
    async fn run(election: &mut Election) -> Option<Lost> {
        timeout(Duration::from_secs(10), election.run()).await.ok()
    }

    #[tokio::test]
    async fn a_deleted_lease_is_not_acquired_while_its_holder_may_rely_on_it() {
        let not_found = json!({ "kind": "Status", "reason": "NotFound", "code": 404 });
        let failure = json!({ "kind": "Status", "reason": "InternalError", "code": 500 });
        let (mut election, requests) = election(move |count| match count {
            1 => (200, lease("other", 7)),
            2..20 => (404, not_found.clone()),
            _ => (500, failure.clone()),
        });

        for _ in 0..20 {
            let _ = election.try_acquire().await;
        }

        assert!(requests.lock().expect("not poisoned").iter().all(Method::is_safe), "the Lease was written");
    }

    #[tokio::test]
    async fn a_missing_lease_without_an_observed_holder_is_created_at_once() {
        let not_found = json!({ "kind": "Status", "reason": "NotFound", "code": 404 });
        let (mut election, _) = election(move |count| match count {
            1 => (404, not_found.clone()),
            _ => (201, lease("me", 8)),
        });

        assert!(election.try_acquire().await.is_ok_and(|acquired| acquired.is_some()));
    }

    #[tokio::test]
    async fn a_waiting_replica_exits_when_the_data_of_the_api_server_goes_back() {
        let (mut election, _) = election(|count| (200, lease("other", if count < 5 { 900 } else { 100 })));

        assert_eq!(run(&mut election).await, Some(Lost::VersionWentBack { found: 100, latest: 900 }));
    }

    #[tokio::test]
    async fn a_leader_exits_when_the_data_of_the_api_server_goes_back() {
        // The Lease is free, then acquired; a renewal conflicts, and the Lease then has an older version.
        let conflict = json!({ "kind": "Status", "reason": "Conflict", "code": 409 });
        let (mut election, _) = election(move |count| match count {
            1 => (200, lease("", 900)),
            2 => (200, lease("me", 901)),
            3 => (409, conflict.clone()),
            _ => (200, lease("me", 100)),
        });

        assert_eq!(run(&mut election).await, Some(Lost::VersionWentBack { found: 100, latest: 901 }));
    }
}
