//! Tests of the tenant's finalizer: one reconciliation of a tenant, with a given answer of its slot.

use futures::executor::block_on;

use crate::controller::tenant::release::release_if_unused;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::slot::{Basis, Owner, Ownership, RemoteTrouble, Revision, Slot};
use crate::names::TENANT_FINALIZER;
use crate::simulation::actions::new_tenant;
use crate::simulation::ports::api_server::ApiConnection;
use crate::simulation::reconciliation::Reconciliation;
use crate::simulation::state::SharedState;
use crate::simulation::step::{Actor, KeyAction};

/// Reconciles a tenant with the finalizer. Returns true if the finalizer is removed.
///
/// `is_named` says if a key without a status names the tenant.
fn is_released(is_named: bool, slot: Result<Slot, RemoteTrouble>) -> bool {
    let state = SharedState::new(false);
    let actor = Actor::FIRST;
    let tenant = state.with(|state| {
        let now = state.now;
        let mut tenant = new_tenant(&mut state.clusters[0], actor.tenant(), now);
        tenant.metadata.finalizers = Some(vec![TENANT_FINALIZER.into()]);
        state.clusters[0].insert_tenant(tenant.clone());
        if is_named {
            state.act_on_key(actor, KeyAction::Create);
        }
        state.reconciliations.push(Reconciliation::new(0, actor.tenant(), 0, 0, now));
        tenant
    });
    let connection = ApiConnection { state: state.clone(), cluster: 0, reconciliation: 0 };
    let outcome = block_on(release_if_unused(&connection, tenant, async { slot }, "one"));
    assert!(outcome.is_ok(), "the API server answers");
    state.with(|state| state.clusters[0].tenants[actor.tenant()].metadata.finalizers.iter().flatten().next().is_none())
}

fn revision() -> Revision {
    Revision::new("\"1\"")
}

fn slot_held_by(cluster_id: &str) -> Slot {
    let owner = Owner { cluster_id: cluster_id.into(), namespace: "monitoring".into(), name: "a".into() };
    Slot::Filled { revision: revision(), owner: Some(Ownership { owner, adopted: false }), basis: Basis::Content }
}

fn unavailable() -> RemoteTrouble {
    let reason = Reason::LandscapeManagementUnavailable;
    RemoteTrouble { reason, message: "no answer".into(), retry: Retry::Backoff }
}

#[test]
fn a_tenant_keeps_its_finalizer_while_a_key_of_its_cluster_owns_the_slot() {
    assert!(!is_released(true, Ok(slot_held_by("one"))));
    assert!(is_released(true, Ok(slot_held_by("another"))));
    assert!(is_released(true, Ok(Slot::Empty { revision: revision() })));
}

#[test]
fn a_tenant_with_keys_keeps_its_finalizer_while_its_slot_is_unreadable() {
    assert!(!is_released(true, Err(unavailable())));
    assert!(is_released(false, Err(unavailable())));
}
