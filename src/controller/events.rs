//! The log lines and Events that report the results of reconciliations.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Client, Resource};
use tracing::{Instrument, Span, debug, error_span, info, warn};

use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::call;
use crate::cluster::identity::KeyId;
use crate::domain::conditions::{Condition, Status, truncated};
use crate::domain::ledger::Operation;
use crate::domain::record::Removal;
use crate::domain::service_key::fingerprint::KeyFingerprint;
use crate::names::REPORTER;

/// Maximum length of the note of an Event, in bytes. The API server refuses longer ones.
const MAX_NOTE: usize = 1024;

/// The publisher of Events.
#[derive(Clone)]
pub(crate) struct Events(Recorder);

impl Events {
    /// Publishes through a client.
    pub(crate) fn new(client: Client) -> Self {
        Self(Recorder::new(client, Reporter { controller: REPORTER.into(), instance: None }))
    }

    /// Reports that a write to the slot took effect.
    pub(crate) fn effect(&self, object: &ALMServiceKey, effect: Operation) {
        let (reason, action, note) = match effect {
            Operation::Upload => ("KeyUploaded", "Upload", "put the proven key into Landscape Management"),
            Operation::Delete => ("KeyDeleted", "Delete", "emptied the slot of Landscape Management"),
            Operation::Adopt => ("KeyAdopted", "Adopt", "adopted the key in Landscape Management, which is identical"),
            Operation::Release => {
                ("KeyReleased", "Release", "released the key in Landscape Management, which stays there")
            }
        };
        info!(effect = reason, "{note}");
        self.publish(object, EventType::Normal, reason, action, note.into());
    }

    /// Reports that a person was asked to delete the key, and that the deletion of the object does not wait for that.
    pub(crate) fn removal_requested(&self, object: &ALMServiceKey) {
        let tenant = &object.spec.tenant_ref.name;
        let note = format!(
            "the key may still be in Landscape Management: the status of ALMTenant {tenant} says how a person deletes it"
        );
        warn!(effect = "RemovalRequested", "{note}");
        self.publish(object, EventType::Warning, "RemovalRequested", "Delete", note);
    }

    /// Reports that the object was released although its key may remain in the slot without an owner.
    pub(crate) fn orphan(&self, object: &ALMServiceKey) {
        let note = "removed the finalizer without a check of Landscape Management: its key may still be there and is no \
                    longer kept up to date; delete it in the app";
        warn!(effect = "KeyAbandoned", "{note}");
        self.publish(object, EventType::Warning, "KeyAbandoned", "Abandon", note.into());
    }

    /// Reports that a tenant was deleted, or left manual mode, although a person has not confirmed a removal.
    pub(crate) fn removal_abandoned(&self, tenant: &ALMTenant, removal: &Removal) {
        let keys: Vec<_> = removal.keys.iter().map(KeyFingerprint::as_str).collect();
        let note = format!(
            "the tenant waits no longer for the deletion of the key of ALMServiceKey {}/{} ({}), which nobody has confirmed: \
             delete it in the app if it is still there",
            removal.owner.namespace,
            removal.owner.name,
            keys.join(" or ")
        );
        warn!(effect = "KeyAbandoned", "{note}");
        self.publish(tenant, EventType::Warning, "KeyAbandoned", "Abandon", note);
    }

    /// Reports a change of the condition `Ready`.
    pub(crate) fn transition(&self, object: &ALMServiceKey, ready: &Condition) {
        let Condition { status, reason, message } = ready;
        let kind = match status {
            Status::True | Status::Unknown => EventType::Normal,
            Status::False => EventType::Warning,
        };
        info!(ready = status.as_str(), %reason, verdict = message, "verdict changed");
        self.publish(object, kind, reason.as_str(), "Check", message.clone());
    }

    /// Publishes an Event beside the reconciliation: an Event that cannot be written must not delay a deletion.
    fn publish(
        &self,
        object: &impl Resource<DynamicType = ()>,
        type_: EventType,
        reason: &str,
        action: &str,
        note: String,
    ) {
        let event = Event {
            type_,
            reason: reason.into(),
            note: Some(truncated(note, MAX_NOTE)),
            action: action.into(),
            secondary: None,
        };
        let reference: ObjectReference = object.object_ref(&());
        let recorder = self.0.clone();
        let publish = async move {
            if let Err(error) = call(recorder.publish(&event, &reference)).await {
                debug!(%error, "an Event could not be written");
            }
        };
        tokio::spawn(publish.in_current_span());
    }
}

/// Creates the span of one reconciliation of an `ALMServiceKey`. Its fields are in every line, whatever the level.
pub(crate) fn key_span(key: &KeyId, tenant: &str) -> Span {
    let (namespace, name) = (&key.namespace, &key.name);
    error_span!("reconcile", reconcile_id = reconcile_id(), kind = "ALMServiceKey", namespace, object = name, tenant)
}

/// Creates the span of one reconciliation of an `ALMTenant`.
pub(crate) fn tenant_span(name: &str) -> Span {
    error_span!("reconcile", reconcile_id = reconcile_id(), kind = "ALMTenant", object = name, tenant = name)
}

fn reconcile_id() -> String {
    format!("{:08x}", rand::random::<u32>())
}

/// Logs that a reconciliation of an `ALMServiceKey` could not be carried out.
pub(crate) fn log_failure(error: &dyn std::error::Error) {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    warn!(%error, cause, "reconciliation failed, retrying");
}
