//! The part of a reconciliation that belongs to the process: throttle, lock, report, requeue.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;
use tracing::{Instrument, debug};

use super::context::ReconcileContext;
use super::reconcile::{ReconcileResult, back_off, reconcile as reconcile_over_ports};
use super::scheduling;
use crate::api::ALMServiceKey;
use crate::cluster::identity::{KeyId, Uid};
use crate::controller::context::Context;
use crate::controller::events::{key_span, log_failure};
use crate::domain::conditions::{Condition, Conditions};
use crate::executor::execute::{Effect, Outcome};
use crate::executor::ports::LedgerError;
use crate::process::metrics::Controller;

/// Reconciles one object. Never fails: a failed reconciliation is retried after its back-off.
pub(crate) async fn reconcile(object: Arc<ALMServiceKey>, context: Arc<Context>) -> Result<Action, Infallible> {
    let reconcile_context = ReconcileContext::from(&*context);
    if let Some(wait) = scheduling::throttle_reconciliation(&object, &reconcile_context) {
        context.metrics.throttled();
        return Ok(Action::requeue(wait));
    }
    let Some(permit) = context.acquire_permit(|| scheduling::lock_key(&object, &context.tenants)).await else {
        return Ok(Action::await_change());
    };
    let span = key_span(&KeyId::new(&*object), &object.spec.tenant_ref.name);
    let action = async {
        let started = Instant::now();
        let result = reconcile_over_ports(&object, &permit.lock_key, &reconcile_context).await;
        if let Ok(result) = &result {
            report(result, &context);
        }
        let action = result.and_then(requeue);
        context.metrics.reconciled(Controller::ServiceKey, action.is_ok(), started.elapsed());
        action.unwrap_or_else(|error| {
            log_failure(&error);
            Action::requeue(back_off(&object, &reconcile_context))
        })
    };
    let action = action.instrument(span).await;
    forget_if_deleted(&object, &context);
    Ok(action)
}

/// Reports the result in metrics, Events and the log.
fn report(result: &ReconcileResult, context: &Context) {
    let (object, before, outcome) = match result {
        ReconcileResult::Gone | ReconcileResult::CacheLagged(_) => return,
        ReconcileResult::Throttled(wait) => {
            context.metrics.throttled();
            debug!(?wait, "reconciliation throttled: objects of its namespace have made too many remote calls");
            return;
        }
        ReconcileResult::Reconciled { object, before, outcome } => (object, before.as_deref(), outcome),
    };
    match outcome {
        Outcome::Settled { settlement, effects } => {
            report_effects(object, effects, context);
            if let Some(after) = &settlement.conditions {
                report_transition(object, before, after, context);
            }
            if settlement.orphan {
                context.metrics.orphan();
                context.events.orphan(object);
            }
            if !settlement.release {
                debug!(next = ?settlement.next, "reconciliation settled");
            }
        }
        Outcome::Interrupted { effects, .. } => report_effects(object, effects, context),
    }
}

fn report_effects(object: &ALMServiceKey, effects: &[Effect], context: &Context) {
    for effect in effects {
        match effect {
            Effect::Written { operation, upload_delay, dead_for } => {
                context.metrics.effect(*operation);
                context.metrics.durations(*upload_delay, *dead_for);
                context.events.effect(object, *operation);
            }
            Effect::RemovalRequested => context.events.removal_requested(object),
        }
    }
}

/// Reports a change of the condition `Ready`.
fn report_transition(object: &ALMServiceKey, before: Option<&Conditions>, after: &Conditions, context: &Context) {
    let same = |before: &Condition| before.status == after.ready.status && before.reason == after.ready.reason;
    if !before.is_some_and(|before| same(&before.ready)) {
        context.events.transition(object, &after.ready);
    }
}

/// Returns when the object is reconciled again.
fn requeue(result: ReconcileResult) -> Result<Action, LedgerError> {
    match result {
        ReconcileResult::Gone => Ok(Action::await_change()),
        ReconcileResult::CacheLagged(wait) | ReconcileResult::Throttled(wait) => Ok(Action::requeue(wait)),
        ReconcileResult::Reconciled { outcome: Outcome::Settled { settlement, .. }, .. } if settlement.release => {
            Ok(Action::await_change())
        }
        ReconcileResult::Reconciled { outcome: Outcome::Settled { settlement, .. }, .. } => {
            Ok(Action::requeue(settlement.next))
        }
        ReconcileResult::Reconciled { outcome: Outcome::Interrupted { error, .. }, .. } => Err(error),
    }
}

/// Drops the state of an object that was deleted while it was reconciled: its deletion was seen before that state was
/// recorded.
fn forget_if_deleted(object: &ALMServiceKey, context: &Context) {
    let known = context.keys.get(&ObjectRef::from_obj(object));
    if known.is_none_or(|known| Uid::new(&*known) != Uid::new(object)) {
        context.caches.forget(object);
    }
}
