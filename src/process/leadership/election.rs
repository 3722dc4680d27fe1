//! The election, by compare-and-set on a Lease.
//!
//! As client-go does it: how old a renewal is, is counted by one's own monotonic clock from when one saw it; what the
//! other side's wall clock wrote is for people. Each write names the version that it was decided on, so of two that
//! reach for the Lease one is refused.

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

/// One replica's part in the election.
pub struct Election {
    leases: Api<Lease>,
    identity: String,
    params: LeaseParams,
    state: watch::Sender<LeaseState>,
    /// As this replica wrote it last.
    held: Option<Lease>,
    /// As it was seen last, and when it was seen to change.
    seen: Option<(LeaseSpec, Instant)>,
    /// The latest version of it that was seen. The API server counts the writes to all objects in one row.
    latest: u64,
}

/// The Lease is not held any more. The process must end: what it has in memory is a leader's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// It could not be renewed.
    #[error("the Lease could not be renewed for {0:?}: this replica does not lead any more")]
    NotRenewed(Duration),
    /// Another one holds it.
    #[error("the Lease is held by {0:?}: this replica does not lead any more")]
    Taken(String),
    /// Watches would go on from a version that is yet to come, and tell of nothing until then.
    #[error(
        "the data of the API server is older than before (version {found} after {latest}), as when a backup of etcd is \
         restored: this replica begins anew"
    )]
    VersionWentBack {
        /// The version that the Lease has.
        found: u64,
        /// The latest that it had.
        latest: u64,
    },
}

/// Why the Lease could not be had or renewed.
enum NotHeld {
    Lost(Lost),
    Failed(CallError),
}

impl From<CallError> for NotHeld {
    fn from(error: CallError) -> Self {
        Self::Failed(error)
    }
}

impl Election {
    /// For the Lease in this namespace, in which this replica goes by `identity`.
    #[must_use]
    pub fn new(client: Client, namespace: &str, identity: String, params: LeaseParams) -> (Self, Leadership) {
        let (sender, state) = watch::channel(LeaseState::Waiting);
        let leases = Api::namespaced(client, namespace);
        let election = Self { leases, identity, params, state: sender, held: None, seen: None, latest: 0 };
        (election, Leadership { state, longest_write: params.renew_deadline })
    }

    /// Gets the Lease and keeps it; ends when it is lost.
    pub async fn run_election(&mut self) -> Lost {
        let began = match self.acquire().await {
            Ok(began) => began,
            Err(lost) => return lost,
        };
        info!(identity = self.identity, "this replica leads");
        let lost = self.renew_loop(began).await;
        self.state.send_replace(LeaseState::Waiting);
        self.held = None;
        lost
    }

    /// Gives the Lease back, so that the next replica need not wait. To be called once nothing is under way any more.
    pub async fn release(mut self) {
        self.state.send_replace(LeaseState::Waiting);
        let Some(lease) = self.held.take() else { return };
        let mut answer = self.clear_holder(lease).await;
        // A last renewal may have been under way, whose answer nobody waited for.
        if answer.as_ref().is_err_and(|error| error.status() == Some(409)) {
            answer = match self.read().await {
                Ok(Some(lease)) if holder(&lease) == self.identity => self.clear_holder(lease).await,
                Ok(_) => Ok(()),
                Err(error) => Err(error),
            };
        }
        match answer {
            Ok(()) => info!("the Lease is released"),
            Err(error) => warn!(%error, "the Lease could not be released: it runs out by itself"),
        }
    }

    /// Writes that nobody holds it.
    async fn clear_holder(&self, mut lease: Lease) -> Result<(), CallError> {
        let spec = lease.spec.get_or_insert_default();
        spec.holder_identity = Some(String::new());
        spec.lease_duration_seconds = Some(1);
        spec.renew_time = Some(MicroTime(Timestamp::now()));
        self.attempt(self.leases.replace(LEASE, &parameters(), &lease)).await.map(drop)
    }

    async fn acquire(&mut self) -> Result<Instant, Lost> {
        let mut failing = false;
        loop {
            match self.try_acquire().await {
                Ok(Some(began)) => return Ok(began),
                Ok(None) => failing = false,
                Err(NotHeld::Lost(lost)) => return Err(lost),
                Err(NotHeld::Failed(error)) if !failing => {
                    warn!(%error, "the Lease cannot be looked at");
                    failing = true;
                }
                Err(NotHeld::Failed(_)) => {}
            }
            sleep(spread(self.params.retry_period, rand::random())).await;
        }
    }

    /// Takes the Lease if it is free. Answers with the moment from which it is held.
    async fn try_acquire(&mut self) -> Result<Option<Instant>, NotHeld> {
        let found = self.get().await?;
        let free = match &found {
            Some(lease) => self.is_free(lease),
            None => self.is_expired(),
        };
        if !free {
            return Ok(None);
        }
        match self.write(found).await {
            Ok(sent) => Ok(Some(sent)),
            Err(NotHeld::Failed(error)) if error.status() == Some(409) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn renew_loop(&mut self, began: Instant) -> Lost {
        let mut renewed = began;
        loop {
            // After a pause of the whole process, too: what was answered meanwhile came too late.
            if renewed.elapsed() >= self.params.renew_deadline {
                return Lost::NotRenewed(renewed.elapsed());
            }
            let deadline = renewed + self.params.renew_deadline;
            if let Ok(answer) = timeout_at(deadline, self.renew_after_a_pause()).await {
                match answer {
                    Ok(sent) => renewed = sent,
                    Err(NotHeld::Lost(lost)) => return lost,
                    Err(NotHeld::Failed(error)) => warn!(%error, "the Lease could not be renewed"),
                }
            }
        }
    }

    async fn renew_after_a_pause(&mut self) -> Result<Instant, NotHeld> {
        sleep(self.params.retry_period).await;
        let error = match self.write(self.held.clone()).await {
            Ok(sent) => return Ok(sent),
            Err(NotHeld::Failed(error)) => error,
            Err(lost) => return Err(lost),
        };
        // Somebody wrote or deleted it, which need not mean that somebody holds it.
        if !matches!(error.status(), Some(404 | 409)) {
            return Err(error.into());
        }
        let found = self.get().await?;
        match found.as_ref().map(holder).filter(|holder| *holder != self.identity) {
            Some(other) => Err(NotHeld::Lost(Lost::Taken(other.to_owned()))),
            None => self.write(found).await,
        }
    }

    async fn get(&mut self) -> Result<Option<Lease>, NotHeld> {
        let found = self.read().await?;
        found.iter().try_for_each(|lease| self.check_version(lease))?;
        Ok(found)
    }

    async fn read(&self) -> Result<Option<Lease>, CallError> {
        self.attempt_to(find(self.leases.get(LEASE))).await
    }

    /// Whether the API server has forgotten nothing since the Lease was seen last. If it has, all that this process
    /// knows of the cluster is from a time that has not been.
    fn check_version(&mut self, lease: &Lease) -> Result<(), NotHeld> {
        let Some(found) = lease.resource_version().and_then(|version| version.parse().ok()) else { return Ok(()) };
        let latest = self.latest;
        if found < latest {
            return Err(NotHeld::Lost(Lost::VersionWentBack { found, latest }));
        }
        self.latest = found;
        Ok(())
    }

    /// Whether nobody holds it. Who holds it and does not renew it, holds it for its duration from when this replica
    /// saw the last renewal.
    fn is_free(&mut self, lease: &Lease) -> bool {
        let spec = lease.spec.clone().unwrap_or_default();
        let holder = holder(lease);
        if holder.is_empty() || holder == self.identity {
            return true;
        }
        match &self.seen {
            Some((seen, since)) if *seen == spec => {
                since.elapsed() >= self.params.lease_duration.max(lease_duration(&spec))
            }
            before => {
                if before.as_ref().is_none_or(|(seen, _)| seen.holder_identity != spec.holder_identity) {
                    info!(leader = holder, "another replica leads");
                }
                self.seen = Some((spec, Instant::now()));
                false
            }
        }
    }

    /// Whether nobody relies any more on a Lease that somebody deleted: who held it learns of that only when it renews it,
    /// and writes until then.
    fn is_expired(&self) -> bool {
        self.seen
            .as_ref()
            .is_none_or(|(spec, since)| since.elapsed() >= self.params.lease_duration.max(lease_duration(spec)))
    }

    /// Writes that this replica holds it from now on, or still, if it is still as it was found.
    async fn write(&mut self, found: Option<Lease>) -> Result<Instant, NotHeld> {
        let now = MicroTime(Timestamp::now());
        let mut lease = found.unwrap_or_else(|| Lease {
            metadata: ObjectMeta { name: Some(LEASE.into()), ..ObjectMeta::default() },
            spec: None,
        });
        let held = holder(&lease) == self.identity;
        let spec = lease.spec.get_or_insert_default();
        if !held {
            spec.holder_identity = Some(self.identity.clone());
            spec.acquire_time = Some(now.clone());
            spec.lease_transitions = Some(spec.lease_transitions.map_or(0, |before| before.saturating_add(1)));
        }
        spec.lease_duration_seconds = i32::try_from(self.params.lease_duration.as_secs()).ok();
        spec.renew_time = Some(now);
        let sent = Instant::now();
        let written = if lease.resource_version().is_some() {
            self.attempt(self.leases.replace(LEASE, &parameters(), &lease)).await?
        } else {
            self.attempt(self.leases.create(&parameters(), &lease)).await?
        };
        self.check_version(&written)?;
        self.held = Some(written);
        self.state.send_replace(LeaseState::Until(sent + self.params.lease_duration));
        Ok(sent)
    }

    /// One call must leave time for a second one.
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

/// For how long a renewal keeps others away, as its holder says.
fn lease_duration(spec: &LeaseSpec) -> Duration {
    Duration::from_secs(spec.lease_duration_seconds.and_then(|it| it.try_into().ok()).unwrap_or(0))
}

fn parameters() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.into()), ..PostParams::default() }
}

/// What this replica goes by: the host's name, which is the pod's in a cluster, and something that no other process of
/// that name has.
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

    const TERMS: LeaseParams = LeaseParams {
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

    /// A replica in front of an API server that answers so, and the methods that it was asked with.
    fn election(answer: impl Fn(usize) -> (u16, Value) + Send + Sync + 'static) -> (Election, Arc<Mutex<Vec<Method>>>) {
        let asked: Arc<Mutex<Vec<Method>>> = Arc::default();
        let noted = Arc::clone(&asked);
        let server = tower::service_fn(move |request: Request<Body>| {
            let mut noted = noted.lock().expect("no panic");
            noted.push(request.method().clone());
            let (status, body) = answer(noted.len());
            let answer = Response::builder().status(status).body(Body::from(body.to_string().into_bytes()));
            async move { answer }
        });
        let client = ClientBuilder::new(server, "default").build();
        (Election::new(client, "default", "me".into(), TERMS).0, asked)
    }

    /// How the run_election ends; none if it does not.
    async fn end(election: &mut Election) -> Option<Lost> {
        timeout(Duration::from_secs(10), election.run_election()).await.ok()
    }

    #[tokio::test]
    async fn a_lease_that_somebody_deleted_is_not_taken_from_who_may_still_rely_on_it() {
        let not_found = json!({ "kind": "Status", "reason": "NotFound", "code": 404 });
        let seen_enough = json!({ "kind": "Status", "reason": "InternalError", "code": 500 });
        let (mut election, asked) = election(move |count| match count {
            1 => (200, lease("other", 7)),
            2..20 => (404, not_found.clone()),
            _ => (500, seen_enough.clone()),
        });

        for _ in 0..20 {
            let _ = election.try_acquire().await;
        }

        assert!(asked.lock().expect("no panic").iter().all(Method::is_safe), "it was taken");
    }

    #[tokio::test]
    async fn a_lease_that_nobody_was_seen_to_hold_is_made_at_once() {
        let not_found = json!({ "kind": "Status", "reason": "NotFound", "code": 404 });
        let (mut election, _) = election(move |count| match count {
            1 => (404, not_found.clone()),
            _ => (201, lease("me", 8)),
        });

        assert!(election.try_acquire().await.is_ok_and(|began| began.is_some()));
    }

    #[tokio::test]
    async fn a_replica_that_waits_begins_anew_when_the_data_of_the_api_server_goes_back() {
        let (mut election, _) = election(|count| (200, lease("other", if count < 5 { 900 } else { 100 })));

        assert_eq!(end(&mut election).await, Some(Lost::VersionWentBack { found: 100, latest: 900 }));
    }

    #[tokio::test]
    async fn a_leader_begins_anew_when_the_data_of_the_api_server_goes_back() {
        // Its Lease is free, then its own; then a renewal meets another version, and the Lease is as it was before.
        let conflict = json!({ "kind": "Status", "reason": "Conflict", "code": 409 });
        let (mut election, _) = election(move |count| match count {
            1 => (200, lease("", 900)),
            2 => (200, lease("me", 901)),
            3 => (409, conflict.clone()),
            _ => (200, lease("me", 100)),
        });

        assert_eq!(end(&mut election).await, Some(Lost::VersionWentBack { found: 100, latest: 901 }));
    }
}
