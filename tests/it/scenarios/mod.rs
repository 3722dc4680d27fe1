//! What the operator does, on a real API server. Each test is a sentence.

mod admin;
mod admission;
mod adoption;
mod annotations;
mod attackers;
mod binding;
mod canary;
mod crash;
mod crash_points;
mod dead_key;
mod definitions;
mod deletion;
mod gitops;
mod guards;
mod install;
mod kinds;
mod layouts;
mod leadership;
mod misconfigured;
mod modes;
mod namespaced;
mod patience;
mod people;
mod recording;
mod refusal;
mod restore;
mod rights;
mod secret;
mod settings;
mod settled;
mod siblings;
mod slot;
mod sources;
mod status;
mod tenants;

use std::sync::LazyLock;

use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

use crate::OWN_CONTROL_PLANES;
use crate::world::{Setup, Tenant, World};

/// One runtime for all tests: connections of the shared world must outlive the test that opened them.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));
static SHARED: OnceCell<World> = OnceCell::const_new();

/// Runs a test in the shared world, with a tenant and namespace of its own. All that Landscape Management was asked in
/// it must be within the contract, and nothing of a key may be left anywhere; a world of a test's own sees to both at its
/// end.
fn scenario(name: &str, test: impl AsyncFnOnce(Tenant<'static>)) {
    RUNTIME.block_on(async {
        let world = shared().await;
        test(Tenant::create(world, name, world.client.clone()).await).await;
        let violations = world.simulator.violations(Some(name)).await;
        assert!(violations.is_empty(), "the contract of Landscape Management was broken:\n{}", violations.join("\n"));
        world.expect_no_key_material();
    });
}

/// The world that all tests share which neither kill nor configure the operator.
async fn shared() -> &'static World {
    SHARED.get_or_init(|| World::start_for("shared", Setup::default())).await
}

/// Runs a test in a world of its own.
fn alone(setup: Setup, test: impl AsyncFnOnce(World)) {
    RUNTIME.block_on(async {
        let _place = OWN_CONTROL_PLANES.acquire().await.expect("never closed");
        test(World::start(setup).await).await;
    });
}
