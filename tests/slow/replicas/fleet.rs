//! Replicas that come and go, and which of them leads.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::runtime::{WatchStreamExt, watcher};

use super::audit::{Asked, Credential, asked_since};
use testkit::bed::TestBed;
use testkit::bed::operator::Operator;
use testkit::bed::waiting::wait_for;
use testkit::names::NAMESPACE;

const LEASE: &str = "alm-key-operator";
pub const LEADS: &str = "this replica leads";
/// What it says before it ends, if it has lost its Lease.
pub const LOST: &str = "this replica does not lead any more";
const WAITS: &str = "another replica leads";

/// One replica as a process.
pub struct Replica {
    /// It.
    pub operator: Operator,
    credential: Credential,
}

impl Replica {
    /// Starts one.
    pub async fn start(bed: &TestBed, name: &str) -> Self {
        let credential = Credential::issue(bed).await;
        let kubeconfig = bed.control_plane.kubeconfig_with(name, &credential.token).expect("it can be written");
        Self { operator: bed.start_replica_as(&kubeconfig, name), credential }
    }

    /// What it asked of the API server from then on.
    pub fn asked_since(&self, bed: &TestBed, since: Timestamp) -> Vec<Asked> {
        asked_since(bed, &self.credential, since)
    }

    /// Whether its log has a line with this.
    pub fn has_said(&self, text: &str) -> bool {
        self.said().contains(text)
    }

    /// Its log.
    fn said(&self) -> String {
        std::fs::read_to_string(&self.operator.log).unwrap_or_default()
    }

    /// Whether it has led as `identity`.
    fn has_led_as(&self, identity: &str) -> bool {
        self.said().lines().any(|line| line.contains(LEADS) && line.contains(identity))
    }
}

/// Ends the operator that each world begins with, so that all replicas have a token of their own.
pub fn end_the_first(bed: &mut TestBed) {
    let operator = bed.operator.take().expect("it runs");
    // From then on it hears what it is asked.
    operator.await_lines(LEADS, 1);
    assert!(operator.stop(), "it gives its Lease back");
}

/// As what the Lease is held, if it is.
pub async fn holder(bed: &TestBed) -> Option<String> {
    let leases: Api<Lease> = Api::namespaced(bed.client.clone(), NAMESPACE);
    let lease = leases.get_opt(LEASE).await.expect("it can be read")?;
    lease.spec?.holder_identity.filter(|holder| !holder.is_empty())
}

/// Waits until somebody else than `before` holds the Lease.
pub async fn await_other_holder(bed: &TestBed, before: &str) -> String {
    let leases: Api<Lease> = Api::namespaced(bed.client.clone(), NAMESPACE);
    let watch = watcher(leases, watcher::Config::default().fields(&format!("metadata.name={LEASE}")));
    let mut leases = watch.default_backoff().applied_objects().boxed();
    wait_for("another leader", async {
        while let Some(lease) = leases.try_next().await.expect("it can be watched") {
            let holder = lease.spec.and_then(|spec| spec.holder_identity).unwrap_or_default();
            if !holder.is_empty() && holder != before {
                return holder;
            }
        }
        panic!("the watch of the Lease ended")
    })
    .await
}

/// Two replicas, of which one leads.
pub struct Fleet<'a> {
    bed: &'a TestBed,
    replicas: Vec<Replica>,
    started: usize,
    /// How many ended by themselves, as they do if a busy machine lets them miss their Lease.
    pub lost: usize,
}

impl<'a> Fleet<'a> {
    /// Starts them.
    pub async fn start(bed: &'a TestBed) -> Self {
        let mut fleet = Self { bed, replicas: Vec::new(), started: 0, lost: 0 };
        fleet.complete().await;
        fleet
    }

    /// Starts as many as are missing, as Kubernetes would, and waits until one leads and the other one waits.
    pub async fn complete(&mut self) {
        let before = self.replicas.len();
        self.replicas.retain_mut(|replica| {
            let runs = replica.operator.is_running();
            assert!(runs || replica.has_said(LOST), "a replica ended for another reason: {}", replica.said());
            runs
        });
        self.lost += before - self.replicas.len();
        while self.replicas.len() < 2 {
            self.started += 1;
            let replica = Replica::start(self.bed, &format!("replica-{}", self.started)).await;
            self.replicas.push(replica);
        }
        for replica in &self.replicas {
            wait_for("a replica to lead or to wait", async {
                while !replica.has_said(LEADS) && !replica.has_said(WAITS) {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            })
            .await;
        }
    }

    /// Takes the leader out, and tells as what it leads.
    pub async fn leader(&mut self) -> (Replica, String) {
        wait_for("a replica that leads", async {
            loop {
                if let Some(holder) = holder(self.bed).await {
                    let leads = |replica: &Replica| replica.has_led_as(&holder);
                    if let Some(place) = self.replicas.iter().position(leads) {
                        return (self.replicas.remove(place), holder);
                    }
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
    }

    /// The one that is left while the leader is out.
    pub fn other(&self) -> &Replica {
        self.replicas.first().expect("there were two")
    }
}
