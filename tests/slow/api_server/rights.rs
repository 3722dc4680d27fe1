//! Rights that are taken away and given back, one by one.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::DeleteParams;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::moments::effects;
use super::right::{self, Right};
use crate::beds::{alone, told};
use testkit::bed::key::condition;
use testkit::bed::operator::Operator;
use testkit::bed::waiting::wait_for;
use testkit::bed::{Setup, Tenant, TestBed};
use testkit::names::NAMESPACE;

const TERMS: &[&str] = &["--leader-elect=true", "--lease-duration=5s", "--renew-deadline=4s", "--retry-period=250ms"];
const LEASE: &str = "alm-key-operator";
const POLL: Duration = Duration::from_millis(50);

/// What an operator that runs need not miss, since it asks for it when it begins, or begins a watch anew; one that starts
/// does.
const AT_START: [&str; 8] = [
    // A watch goes on without the right to begin it. What keys there are is asked anew for each tenant.
    "watch almservicekeys",
    "list almtenants",
    "watch almtenants",
    "list secrets",
    "watch secrets",
    "list servicebindings",
    "watch servicebindings",
    // Its uid never changes.
    "get namespaces kube-system",
];
/// The tenants whose keys are to stay as they are, and what they say: of a binding, of a plain Secret, and of a binding
/// that has gone, whose key is not to be removed yet.
const KEPT: [(&str, (&str, &str)); 3] =
    [("kept", ("True", "Uploaded")), ("pasted", ("True", "Uploaded")), ("pending", ("Unknown", "RemovalPending"))];
/// The tenants whose keys come and go by turns.
const TURNS: [&str; 2] = ["by-turns", "the-others-turn"];

fn tenant<'a>(bed: &'a TestBed, name: &str) -> Tenant<'a> {
    Tenant::existing(bed, name, bed.client.clone())
}

fn leases(bed: &TestBed) -> Api<Lease> {
    Api::namespaced(bed.client.clone(), NAMESPACE)
}

/// What is asked of the operator at once: something for each of its rights.
struct Task {
    number: usize,
    /// What the rotated binding gets.
    key: Value,
}

impl Task {
    /// From number 1 on.
    async fn new(bed: &TestBed, number: usize) -> Self {
        Self { number, key: tenant(bed, "rotated").make_key().await }
    }

    fn word(&self) -> String {
        self.number.to_string()
    }

    /// In which tenant a key comes, and in which one goes.
    fn turns(&self) -> (&'static str, &'static str) {
        (TURNS[self.number % 2], TURNS[(self.number + 1) % 2])
    }

    /// A binding is rotated, a key comes, one goes, the others are to be looked at, a tenant is changed, and somebody
    /// deletes the Lease.
    async fn begin(&self, bed: &TestBed) {
        let (comes, goes) = self.turns();
        tenant(bed, "rotated").rotate_binding("plain", &self.key).await;
        for (name, _) in KEPT {
            tenant(bed, name).annotate("calm", "almkey.dev/reconcile-requested-at", &self.word()).await;
        }
        tenant(bed, comes).apply_for_secret("calm", "pasted").await;
        tenant(bed, goes).begin_deletion("calm").await;
        let timeout = json!({ "http": { "timeout": format!("{}ms", 3000 + self.number) } });
        tenant(bed, "kept").patch_tenant(json!({ "spec": { "landscapeManagement": timeout } })).await;
        leases(bed).delete(LEASE, &DeleteParams::default()).await.expect("an admin can delete it");
    }

    /// Waits until all of it is done.
    async fn done(&self, bed: &TestBed) {
        let (comes, goes) = self.turns();
        tenant(bed, "rotated").await_uploaded("calm", &self.key).await;
        for (name, (status, reason)) in KEPT {
            let looked_at = |key: &alm_key_operator::api::ALMServiceKey| {
                let handled = key.status.as_ref().and_then(|status| status.last_handled_reconcile_at.clone());
                handled == Some(self.word()) && condition(key, "Ready") == (status.into(), reason.into())
            };
            tenant(bed, name).await_key("calm", "looked at, and as before", looked_at).await;
        }
        tenant(bed, comes).await_ready("calm", "True", "Uploaded").await;
        tenant(bed, goes).await_gone("calm").await;
        tenant(bed, goes).await_tenant_as(goes, "kept by nobody", |tenant| tenant.finalizers().is_empty()).await;
        tenant(bed, "kept").await_tenant("kept", "True", "Connected").await;
        wait_for("the Lease to be there again", async {
            while leases(bed).get_opt(LEASE).await.expect("it can be read").is_none() {
                tokio::time::sleep(POLL).await;
            }
        })
        .await;
    }
}

/// All tenants with their keys; of those that stay, the keys.
async fn prepared(bed: &TestBed) -> Vec<Value> {
    for name in ["rotated", TURNS[0], TURNS[1]].into_iter().chain(KEPT.map(|(name, _)| name)) {
        Tenant::create(bed, name, bed.client.clone()).await;
    }
    for name in TURNS.into_iter().chain(["pasted"]) {
        tenant(bed, name).write_secret("pasted", &tenant(bed, name).make_key().await).await;
    }
    for name in ["rotated", "kept", "pending"] {
        tenant(bed, name).bind("plain", &tenant(bed, name).make_key().await).await;
    }
    tenant(bed, TURNS[0]).apply_for_secret("calm", "pasted").await;
    let spec = json!({ "source": { "secretRef": { "name": "pasted" } }, "gracePeriod": "0s" });
    tenant(bed, "pasted").apply("calm", spec).await;
    tenant(bed, "rotated").apply_for_binding("calm", "plain").await;
    tenant(bed, "kept").apply_for_binding("calm", "plain").await;
    let spec = json!({ "source": { "serviceBindingRef": { "name": "plain" } }, "gracePeriod": "1h" });
    tenant(bed, "pending").apply("calm", spec).await;
    for name in ["rotated", TURNS[0]].into_iter().chain(KEPT.map(|(name, _)| name)) {
        tenant(bed, name).await_ready("calm", "True", "Uploaded").await;
    }
    // It goes, and its key goes on to sign in.
    let pending = tenant(bed, "pending");
    pending.bindings().delete("plain", &DeleteParams::default()).await.expect("bindings can be deleted");
    pending.delete_secret("plain").await;
    pending.remove_binding_finalizer("plain").await;
    pending.await_ready("calm", "Unknown", "RemovalPending").await;
    let mut keys = Vec::new();
    for (name, _) in KEPT {
        keys.push(tenant(bed, name).slot_key().await);
    }
    keys
}

/// Sees to it that an operator runs. One that ended is started again, as Kubernetes would.
async fn kept_running(bed: &TestBed, operator: &mut Operator) {
    loop {
        if !operator.is_running() {
            *operator = bed.start_replica("operator-again");
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The operator has the right again: it does all that it was asked for.
async fn recovered(bed: &mut TestBed, task: &Task) {
    let mut operator = bed.operator.take().expect("it was started");
    tokio::select! {
        () = kept_running(bed, &mut operator) => {}
        () = task.done(bed) => {}
    }
    bed.operator = Some(operator);
}

/// The operator loses the right while it runs, and gets it back when it has missed it. If it does without, it ends, and
/// another one starts without the right, and gets it then. Whether the one that ran missed it.
async fn lost(bed: &mut TestBed, right: &Right, number: &mut usize) -> bool {
    let from = right::audit_end(bed);
    right.taken(bed).await;
    *number += 1;
    let mut task = Task::new(bed, *number).await;
    task.begin(bed).await;
    let may_do_without = AT_START.contains(&right.name().as_str());
    let missed = tokio::select! {
        () = right.missed(bed, from) => true,
        () = task.done(bed), if may_do_without => false,
    };
    if !missed {
        let from = right::audit_end(bed);
        assert!(bed.operator.take().expect("it runs").stop(), "it ends with success");
        *number += 1;
        task = Task::new(bed, *number).await;
        task.begin(bed).await;
        bed.start_operator(&format!("without-{}", right.name().replace([' ', '/'], "-")));
        right.missed(bed, from).await;
    }
    right.given_back(bed).await;
    recovered(bed, &task).await;
    missed
}

#[test]
fn no_right_is_such_that_to_lose_it_loses_a_key() {
    alone(Setup { arguments: TERMS, audit: true, ..Setup::default() }, async |mut bed| {
        let keys = prepared(&bed).await;
        let rights = right::all(&bed).await;
        for name in AT_START {
            assert!(rights.iter().any(|right| right.name() == name), "there is no right to {name}");
        }
        let (mut tasks, mut at_once) = (0, 0);
        for right in &rights {
            at_once += usize::from(lost(&mut bed, right, &mut tasks).await);
        }

        assert_eq!(effects(&tenant(&bed, "rotated")).await, vec!["+Put"; tasks + 1]);
        for ((name, (status, reason)), key) in KEPT.into_iter().zip(keys) {
            let tenant = tenant(&bed, name);
            tenant.await_ready("calm", status, reason).await;
            assert_eq!((tenant.slot_key().await, effects(&tenant).await), (key, vec!["+Put".into()]), "{name}");
        }
        for (name, writes) in [(TURNS[0], tasks + 1), (TURNS[1], tasks)] {
            let by_turns: Vec<_> = ["+Put", "+Delete"].into_iter().cycle().take(writes).collect();
            assert_eq!(effects(&tenant(&bed, name)).await, by_turns, "{name}");
        }
        told(&format!(
            "api-server: {} rights taken away and given back one by one, {at_once} of them missed at once and {} by an \
             operator that starts: {tasks} rotations, 0 deletions of what was to stay",
            rights.len(),
            rights.len() - at_once,
        ));
    });
}

#[test]
fn an_operator_that_is_asked_to_stop_before_it_could_list_anything_goes_at_once() {
    alone(Setup { arguments: TERMS, audit: true, ..Setup::default() }, async |mut bed| {
        let mut operator = bed.operator.take().expect("it runs");
        operator.signal("KILL");
        operator.wait_exit();
        let lists = right::all(&bed).await.into_iter().find(|right| right.name() == "list almservicekeys");
        let lists = lists.expect("it may list them");
        lists.taken(&bed).await;
        let from = right::audit_end(&bed);
        bed.start_operator("without-lists");
        lists.missed(&bed, from).await;

        assert!(bed.operator.take().expect("it runs").stop(), "it ends with success");
        told("api-server: an operator that could not list anything ended with success when it was asked to stop");
    });
}
