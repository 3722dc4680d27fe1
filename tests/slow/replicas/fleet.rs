//! Replicas that start and end, and which of them leads.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::runtime::{WatchStreamExt, watcher};

use super::audit::{Credential, Request, requests_since};
use testkit::bed::TestBed;
use testkit::bed::operator::Operator;
use testkit::bed::waiting::wait_for;
use testkit::names::NAMESPACE;

const LEASE: &str = "alm-key-operator";
/// Log message of a replica that has become the leader.
pub const LEADS: &str = "this replica leads";
/// Log message of a replica that ends because it has lost its Lease.
pub const LOST: &str = "this replica no longer leads";
/// Log message of a replica that waits for the Lease.
const WAITS: &str = "another replica leads";

/// A replica as a process.
pub struct Replica {
    /// Process of the replica.
    pub operator: Operator,
    credential: Credential,
}

impl Replica {
    /// Starts a replica.
    pub async fn start(bed: &TestBed, name: &str) -> Self {
        let credential = Credential::issue(bed).await;
        let kubeconfig =
            bed.control_plane.kubeconfig_with(name, &credential.token).expect("a kubeconfig can be written");
        Self { operator: bed.start_replica_as(&kubeconfig, name), credential }
    }

    /// Returns the requests of the replica to the API server since a point in time.
    pub fn requests_since(&self, bed: &TestBed, since: Timestamp) -> Vec<Request> {
        requests_since(bed, &self.credential, since)
    }

    /// Returns true if the log of the replica contains the text.
    pub fn has_logged(&self, text: &str) -> bool {
        self.read_log().contains(text)
    }

    /// Reads the log of the replica.
    fn read_log(&self) -> String {
        std::fs::read_to_string(&self.operator.log).unwrap_or_default()
    }

    /// Returns true if the replica has led under this identity.
    fn has_led_as(&self, identity: &str) -> bool {
        self.read_log().lines().any(|line| line.contains(LEADS) && line.contains(identity))
    }
}

/// Stops the operator that each bed starts with, so that every replica has a token of its own.
pub fn stop_first_operator(bed: &mut TestBed) {
    let operator = bed.operator.take().expect("the operator runs");
    // A leader handles signals.
    operator.await_lines(LEADS, 1);
    assert!(operator.stop(), "the operator releases its Lease and ends with success");
}

/// Returns the identity of the holder of the Lease, if it is held.
pub async fn holder(bed: &TestBed) -> Option<String> {
    let leases: Api<Lease> = Api::namespaced(bed.client.clone(), NAMESPACE);
    let lease = leases.get_opt(LEASE).await.expect("the Lease can be read")?;
    lease.spec?.holder_identity.filter(|holder| !holder.is_empty())
}

/// Waits until another identity than `before` holds the Lease, and returns it.
pub async fn await_other_holder(bed: &TestBed, before: &str) -> String {
    let leases: Api<Lease> = Api::namespaced(bed.client.clone(), NAMESPACE);
    let watch = watcher(leases, watcher::Config::default().fields(&format!("metadata.name={LEASE}")));
    let mut leases = watch.default_backoff().applied_objects().boxed();
    wait_for("another leader", async {
        while let Some(lease) = leases.try_next().await.expect("the Lease can be watched") {
            let holder = lease.spec.and_then(|spec| spec.holder_identity).unwrap_or_default();
            if !holder.is_empty() && holder != before {
                return holder;
            }
        }
        panic!("the watch of the Lease ended")
    })
    .await
}

/// Two replicas, one of which leads.
pub struct Fleet<'a> {
    bed: &'a TestBed,
    replicas: Vec<Replica>,
    started: usize,
    /// Number of replicas that ended by themselves, because a busy machine made them miss their Lease.
    pub lost: usize,
}

impl<'a> Fleet<'a> {
    /// Starts both replicas.
    pub async fn start(bed: &'a TestBed) -> Self {
        let mut fleet = Self { bed, replicas: Vec::new(), started: 0, lost: 0 };
        fleet.complete().await;
        fleet
    }

    /// Starts the missing replicas, as Kubernetes would, and waits until each leads or waits.
    pub async fn complete(&mut self) {
        let before = self.replicas.len();
        self.replicas.retain_mut(|replica| {
            let is_running = replica.operator.is_running();
            assert!(
                is_running || replica.has_logged(LOST),
                "a replica ended for another reason: {}",
                replica.read_log()
            );
            is_running
        });
        self.lost += before - self.replicas.len();
        while self.replicas.len() < 2 {
            self.started += 1;
            let replica = Replica::start(self.bed, &format!("replica-{}", self.started)).await;
            self.replicas.push(replica);
        }
        for replica in &self.replicas {
            wait_for("a replica to lead or to wait", async {
                while !replica.has_logged(LEADS) && !replica.has_logged(WAITS) {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            })
            .await;
        }
    }

    /// Takes the leader out of the fleet, and returns it with its identity.
    pub async fn take_leader(&mut self) -> (Replica, String) {
        wait_for("a replica that leads", async {
            loop {
                if let Some(holder) = holder(self.bed).await {
                    let is_leader = |replica: &Replica| replica.has_led_as(&holder);
                    if let Some(index) = self.replicas.iter().position(is_leader) {
                        return (self.replicas.remove(index), holder);
                    }
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
    }

    /// Returns the replica that is left after [`Fleet::take_leader`].
    pub fn standby(&self) -> &Replica {
        self.replicas.first().expect("the fleet has a second replica")
    }
}
