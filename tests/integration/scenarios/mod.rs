//! Scenarios: the behaviour of the real operator on a real API server and a simulated SAP. Each test is a sentence.
//!
//! A new scenario belongs in the file that covers its subject; each folder's `mod.rs` says what its files cover.

// The API: what the API server admits, what a user can set, what status and `kubectl get` show.
mod api;
// The process: flags, probes, metrics, logs, leader election, installation.
mod process;
// Sources of keys: plain Secrets, ServiceBindings, and every layout in which they hold a key.
mod source;
// The life of a key: deletion, restore, crashes, dead keys, outages, back-off, modes.
mod lifecycle;
// Security: what is refused, who may do what, attackers, and the search for leaked secrets.
mod security;
// Manual mode: requests to a person, confirmations, deadlines, removals.
mod manual;
// Commands that a person with a kubeconfig runs.
mod commands;
// The pages for readers: their commands, run as a reader runs them.
mod pages;
// The slot: keys that are not ours, writes that go wrong, several keys or tenants for one slot.
mod slot;

use std::sync::LazyLock;

use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

use crate::OWN_CONTROL_PLANES;
use testkit::bed::{Setup, Tenant, TestBed};

/// The runtime of all tests: the shared bed's connections must outlive the test that opened them.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("the runtime starts"));
static SHARED: OnceCell<TestBed> = OnceCell::const_new();

/// Runs a test in the shared bed, with its own tenant and namespace, both called `name`.
///
/// Fails if a call broke the contract of Landscape Management, or if key material is found outside Secrets. A bed of a
/// test's own checks both when it is dropped.
fn scenario(name: &str, test: impl AsyncFnOnce(Tenant<'static>)) {
    RUNTIME.block_on(async {
        let bed = shared().await;
        test(Tenant::create(bed, name, bed.client.clone()).await).await;
        let violations = bed.simulator.violations(Some(name)).await;
        assert!(violations.is_empty(), "the contract of Landscape Management was broken:\n{}", violations.join("\n"));
        bed.expect_no_key_material();
    });
}

/// Returns the bed that is shared by all tests that neither kill nor configure the operator.
async fn shared() -> &'static TestBed {
    SHARED.get_or_init(|| TestBed::start_for("shared", Setup::default())).await
}

/// Runs a test in a bed of its own, once there is a permit for another control plane.
fn alone(setup: Setup, test: impl AsyncFnOnce(TestBed)) {
    RUNTIME.block_on(async {
        let _permit = OWN_CONTROL_PLANES.acquire().await.expect("the semaphore is never closed");
        test(TestBed::start(setup).await).await;
    });
}

/// Uploads a new key for the object `calm` from the Secret `pasted`, and returns it.
async fn upload(tenant: &Tenant<'_>) -> Value {
    let key = tenant.make_key().await;
    tenant.write_secret("pasted", &key).await;
    tenant.apply_for_secret("calm", "pasted").await;
    tenant.await_ready("calm", "True", "Uploaded").await;
    key
}
