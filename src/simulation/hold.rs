//! One look at a tenant that carries the finalizer.

use futures::executor::block_on;

use crate::controller::tenant::release::release_if_unused;
use crate::domain::slot::{RemoteTrouble, Slot};
use crate::names::TENANT_FINALIZER;
use crate::simulation::actions::tenant_of;
use crate::simulation::model::api_server::View;
use crate::simulation::state::World;
use crate::simulation::step::{Act, Who};

/// Whether a tenant is let go whose slot shows this, and which a key names that has nothing recorded; or none does.
pub(crate) fn is_let_go(is_named: bool, slot: Result<Slot, RemoteTrouble>) -> bool {
    let world = World::new(false);
    let tenant = world.with(|state| {
        let (now, who) = (state.now, Who::FIRST);
        let mut tenant = tenant_of(&mut state.clusters[0], who.tenant(), now);
        tenant.metadata.finalizers = Some(vec![TENANT_FINALIZER.into()]);
        state.clusters[0].makes_tenant(tenant.clone());
        if is_named {
            state.key_act(who, Act::Create);
        }
        state.passes.push(crate::simulation::pass::Pass::new(0, who.tenant(), 0, 0, now));
        tenant
    });
    let view = View { world: world.clone(), cluster: 0, pass: 0 };
    assert!(block_on(release_if_unused(&view, tenant, async { slot }, "one")).is_ok(), "the API server answers");
    world.with(|state| state.clusters[0].tenants["acme"].metadata.finalizers.iter().flatten().next().is_none())
}
