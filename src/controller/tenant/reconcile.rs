//! One look at a tenant.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use kube::api::{Patch, PatchParams};
use kube::runtime::controller::Action;
use kube::{Api, ResourceExt};
use serde_json::json;
use tracing::{info, warn};

use crate::api::ALMTenant;
use crate::api::tenant::ALMTenantStatus;
use crate::cluster::{CallError, call, find};
use crate::controller::connections::Connection;
use crate::controller::service_key::reconcile::Context;
use crate::controller::status::merged;
use crate::domain::conditions::{Condition, Progress, Status};
use crate::domain::evidence::Memory;
use crate::domain::policy::DEFAULT_INTERVAL;
use crate::domain::reason::Reason;
use crate::domain::retry::{BACKOFF_MIN, Failing, LONGEST_WAIT, REPROBE, Retry, spread};
use crate::domain::slot::RemoteTrouble;
use crate::names::{FIELD_MANAGER, GROUP, VERSION, condition};
use crate::pass::ports::{Clock, LandscapeManagement};

/// Looks at the tenant's slot and says whether that worked.
pub(crate) async fn reconcile(tenant: Arc<ALMTenant>, context: Arc<Context>) -> Result<Action, Infallible> {
    let Some(_turn) = context.turn(&tenant.name_any()).await else {
        return Ok(Action::await_change());
    };
    Ok(match look(&tenant, &context).await {
        Ok(next) => Action::requeue(next),
        Err(error) => {
            warn!(tenant = tenant.name_any(), error = error.in_words(), "the look at the tenant is tried again");
            Action::requeue(back_off(&tenant, &context))
        }
    })
}

async fn look(cached: &ALMTenant, context: &Context) -> Result<Duration, CallError> {
    let api: Api<ALMTenant> = Api::all(context.client.clone());
    let Some(tenant) = find(api.get(&cached.name_any())).await? else {
        context.shared.connections.forget(cached);
        return Ok(REPROBE);
    };
    let connection = Connection {
        connections: &context.shared.connections,
        client: context.client.clone(),
        tenant: Some(&tenant),
        resource_namespace: &context.resource_namespace,
    };
    let (ready, progress, next) = match connection.read_slot().await {
        Ok(_) => {
            let text = "Landscape Management answers and accepts the operator's credentials";
            (Condition::yes(Reason::Connected, text), Progress::Done, spread(DEFAULT_INTERVAL, rand::random()))
        }
        Err(trouble) => not_connected(&tenant, trouble, context),
    };
    write(&api, &tenant, &ready, progress).await?;
    if progress == Progress::Done {
        context.shared.memories.forget(&tenant.uid().unwrap_or_default());
    }
    Ok(next)
}

fn not_connected(tenant: &ALMTenant, trouble: RemoteTrouble, context: &Context) -> (Condition, Progress, Duration) {
    let RemoteTrouble { reason, message, retry } = trouble;
    match retry {
        Retry::Never => (Condition::no(reason, message), Progress::Stalled, spread(REPROBE, rand::random())),
        Retry::After(wait) => {
            (Condition::unknown(reason, message), Progress::Reconciling, wait.clamp(BACKOFF_MIN, LONGEST_WAIT))
        }
        Retry::Backoff => (Condition::unknown(reason, message), Progress::Reconciling, back_off(tenant, context)),
    }
}

/// Again, ever more rarely.
fn back_off(tenant: &ALMTenant, context: &Context) -> Duration {
    let uid = tenant.uid().unwrap_or_default();
    let now = context.clock.now().monotonic;
    let memory = context.shared.memories.of(&uid);
    let failing = Failing::once_more(memory.failing, now);
    context.shared.memories.keep(&uid, Memory { failing: Some(failing), ..memory });
    failing.wait(now, rand::random())
}

async fn write(
    api: &Api<ALMTenant>,
    tenant: &ALMTenant,
    ready: &Condition,
    progress: Progress,
) -> Result<(), CallError> {
    let before = tenant.status.clone().unwrap_or_default();
    let generation = tenant.metadata.generation.unwrap_or_default();
    let after = ALMTenantStatus {
        observed_generation: generation,
        conditions: merged(&before.conditions, &[(condition::READY, ready)], progress, generation),
    };
    if after == before {
        return Ok(());
    }
    let Condition { status, reason, message } = ready;
    match status {
        Status::True => info!(tenant = tenant.name_any(), %reason, message, "tenant looked at"),
        Status::False | Status::Unknown => warn!(tenant = tenant.name_any(), %reason, message, "tenant looked at"),
    }
    let patch = json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": "ALMTenant",
        "metadata": {
            "name": tenant.name_any(),
            "uid": tenant.uid(),
            "resourceVersion": tenant.resource_version(),
        },
        "status": after,
    });
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    call(api.patch_status(&tenant.name_any(), &parameters, &Patch::Apply(&patch))).await?;
    Ok(())
}
