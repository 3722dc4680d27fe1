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

use super::terms::Terms;
use super::{Leadership, Standing};
use crate::cluster::{CallError, call, find};
use crate::domain::retry::spread;
use crate::names::{FIELD_MANAGER, LEASE};

/// One replica's part in the election.
pub struct Election {
    leases: Api<Lease>,
    identity: String,
    terms: Terms,
    standing: watch::Sender<Standing>,
    /// As this replica wrote it last.
    held: Option<Lease>,
    /// As it was seen last, and when it was seen to change.
    seen: Option<(LeaseSpec, Instant)>,
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
}

/// Why a renewal had no success.
enum NotRenewed {
    Taken(String),
    Failed(CallError),
}

impl From<CallError> for NotRenewed {
    fn from(error: CallError) -> Self {
        Self::Failed(error)
    }
}

impl Election {
    /// For the Lease in this namespace, in which this replica goes by `identity`.
    #[must_use]
    pub fn new(client: Client, namespace: &str, identity: String, terms: Terms) -> (Self, Leadership) {
        let (sender, standing) = watch::channel(Standing::Waiting);
        let leases = Api::namespaced(client, namespace);
        let election = Self { leases, identity, terms, standing: sender, held: None, seen: None };
        (election, Leadership { standing, longest_write: terms.renew_deadline })
    }

    /// Gets the Lease and keeps it; ends when it is lost.
    pub async fn campaign(&mut self) -> Lost {
        let began = self.acquire().await;
        info!(identity = self.identity, "this replica leads");
        let lost = self.keep(began).await;
        self.standing.send_replace(Standing::Waiting);
        self.held = None;
        lost
    }

    /// Gives the Lease back, so that the next replica need not wait. To be called once nothing is under way any more.
    pub async fn release(mut self) {
        self.standing.send_replace(Standing::Waiting);
        let Some(lease) = self.held.take() else { return };
        let mut answer = self.empty(lease).await;
        // A last renewal may have been under way, whose answer nobody waited for.
        if answer.as_ref().is_err_and(|error| error.status() == Some(409)) {
            answer = match self.look().await {
                Ok(Some(lease)) if holder(&lease) == self.identity => self.empty(lease).await,
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
    async fn empty(&self, mut lease: Lease) -> Result<(), CallError> {
        let spec = lease.spec.get_or_insert_default();
        spec.holder_identity = Some(String::new());
        spec.lease_duration_seconds = Some(1);
        spec.renew_time = Some(MicroTime(Timestamp::now()));
        self.attempt(self.leases.replace(LEASE, &parameters(), &lease)).await.map(drop)
    }

    async fn acquire(&mut self) -> Instant {
        let mut failing = false;
        loop {
            match self.reach().await {
                Ok(Some(began)) => return began,
                Ok(None) => failing = false,
                Err(error) if !failing => {
                    warn!(%error, "the Lease cannot be looked at");
                    failing = true;
                }
                Err(_) => {}
            }
            sleep(spread(self.terms.retry_period, rand::random())).await;
        }
    }

    /// Takes the Lease if it is free. Answers with the moment from which it is held.
    async fn reach(&mut self) -> Result<Option<Instant>, CallError> {
        let found = self.look().await?;
        let free = found.as_ref().is_none_or(|lease| self.is_free(lease));
        if !free {
            return Ok(None);
        }
        match self.write(found).await {
            Ok(sent) => Ok(Some(sent)),
            Err(error) if error.status() == Some(409) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn keep(&mut self, began: Instant) -> Lost {
        let mut renewed = began;
        loop {
            // After a pause of the whole process, too: what was answered meanwhile came too late.
            if renewed.elapsed() >= self.terms.renew_deadline {
                return Lost::NotRenewed(renewed.elapsed());
            }
            let deadline = renewed + self.terms.renew_deadline;
            if let Ok(answer) = timeout_at(deadline, self.renew_after_a_pause()).await {
                match answer {
                    Ok(sent) => renewed = sent,
                    Err(NotRenewed::Taken(holder)) => return Lost::Taken(holder),
                    Err(NotRenewed::Failed(error)) => warn!(%error, "the Lease could not be renewed"),
                }
            }
        }
    }

    async fn renew_after_a_pause(&mut self) -> Result<Instant, NotRenewed> {
        sleep(self.terms.retry_period).await;
        let error = match self.write(self.held.clone()).await {
            Ok(sent) => return Ok(sent),
            Err(error) => error,
        };
        // Somebody wrote or deleted it, which need not mean that somebody holds it.
        if !matches!(error.status(), Some(404 | 409)) {
            return Err(error.into());
        }
        let found = self.look().await?;
        match found.as_ref().map(holder).filter(|holder| *holder != self.identity) {
            Some(other) => Err(NotRenewed::Taken(other.to_owned())),
            None => Ok(self.write(found).await?),
        }
    }

    async fn look(&self) -> Result<Option<Lease>, CallError> {
        self.attempt_to(find(self.leases.get(LEASE))).await
    }

    /// Whether nobody holds it. Who holds it and does not renew it, holds it for its duration from when this replica
    /// saw the last renewal.
    fn is_free(&mut self, lease: &Lease) -> bool {
        let spec = lease.spec.clone().unwrap_or_default();
        let its_own = Duration::from_secs(spec.lease_duration_seconds.and_then(|it| it.try_into().ok()).unwrap_or(0));
        let holder = holder(lease);
        if holder.is_empty() || holder == self.identity {
            return true;
        }
        match &self.seen {
            Some((seen, since)) if *seen == spec => since.elapsed() >= self.terms.lease_duration.max(its_own),
            before => {
                if before.as_ref().is_none_or(|(seen, _)| seen.holder_identity != spec.holder_identity) {
                    info!(leader = holder, "another replica leads");
                }
                self.seen = Some((spec, Instant::now()));
                false
            }
        }
    }

    /// Writes that this replica holds it from now on, or still, if it is still as it was found.
    async fn write(&mut self, found: Option<Lease>) -> Result<Instant, CallError> {
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
        spec.lease_duration_seconds = i32::try_from(self.terms.lease_duration.as_secs()).ok();
        spec.renew_time = Some(now);
        let sent = Instant::now();
        let written = if lease.resource_version().is_some() {
            self.attempt(self.leases.replace(LEASE, &parameters(), &lease)).await?
        } else {
            self.attempt(self.leases.create(&parameters(), &lease)).await?
        };
        self.held = Some(written);
        self.standing.send_replace(Standing::Until(sent + self.terms.lease_duration));
        Ok(sent)
    }

    /// One call must leave time for a second one.
    async fn attempt<T>(&self, request: impl Future<Output = kube::Result<T>>) -> Result<T, CallError> {
        self.attempt_to(call(request)).await
    }

    async fn attempt_to<T>(&self, request: impl Future<Output = Result<T, CallError>>) -> Result<T, CallError> {
        timeout(self.terms.renew_deadline / 2, request).await.unwrap_or(Err(CallError::Deadline))
    }
}

fn holder(lease: &Lease) -> &str {
    lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default()
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
