//! What the operator does, on a real API server. Each test is a sentence.

mod admin;
mod admission;
mod admission_policy;
mod adoption;
mod annotations;
mod attackers;
mod backoff;
mod binding;
mod binding_crd;
mod canary;
mod crash;
mod crash_points;
mod dead_key;
mod definitions;
mod deletion;
mod flags;
mod gitops;
mod idempotence;
mod install;
mod key_guards;
mod layouts;
mod leadership;
mod misconfigured;
mod modes;
mod namespaced;
mod recorded_replay;
mod refusal;
mod restore;
mod rights;
mod secret;
mod siblings;
mod slot;
mod status;
mod tenants;
mod undecodable;
mod user_roles;

use std::sync::LazyLock;

use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

use crate::OWN_CONTROL_PLANES;
use testkit::bed::{Setup, Tenant, TestBed};

/// One runtime for all tests: connections of the shared world must outlive the test that opened them.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));
static SHARED: OnceCell<TestBed> = OnceCell::const_new();

/// Runs a test in the shared world, with a tenant and namespace of its own. All that Landscape Management was asked in
/// it must be within the contract, and nothing of a key may be left anywhere; a world of a test's own sees to both at its
/// end.
fn scenario(name: &str, test: impl AsyncFnOnce(Tenant<'static>)) {
    RUNTIME.block_on(async {
        let bed = shared().await;
        test(Tenant::create(bed, name, bed.client.clone()).await).await;
        let violations = bed.simulator.violations(Some(name)).await;
        assert!(violations.is_empty(), "the contract of Landscape Management was broken:\n{}", violations.join("\n"));
        bed.expect_no_key_material();
    });
}

/// The world that all tests share which neither kill nor configure the operator.
async fn shared() -> &'static TestBed {
    SHARED.get_or_init(|| TestBed::start_for("shared", Setup::default())).await
}

/// Runs a test in a world of its own.
fn alone(setup: Setup, test: impl AsyncFnOnce(TestBed)) {
    RUNTIME.block_on(async {
        let _place = OWN_CONTROL_PLANES.acquire().await.expect("never closed");
        test(TestBed::start(setup).await).await;
    });
}
