//! One place where a result becomes a log line and an Event.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Client, Resource};
use tracing::{Instrument, Span, debug, error_span, info, warn};

use crate::api::ALMServiceKey;
use crate::cluster::call;
use crate::domain::conditions::{Condition, Status, truncated};
use crate::domain::ledger::Operation;
use crate::names::REPORTER;

/// Longest text of an Event, in bytes.
const MAX_NOTE: usize = 1024;

/// Publishes Events.
#[derive(Clone)]
pub(crate) struct Events(Recorder);

impl Events {
    pub(crate) fn new(client: Client) -> Self {
        Self(Recorder::new(client, Reporter { controller: REPORTER.into(), instance: None }))
    }

    /// A write to the slot took effect.
    pub(crate) fn effect(&self, object: &ALMServiceKey, effect: Operation) {
        let (reason, action, note) = match effect {
            Operation::Upload => ("KeyUploaded", "Upload", "put the proven key into Landscape Management"),
            Operation::Delete => ("KeyDeleted", "Delete", "emptied the slot of Landscape Management"),
            Operation::Adopt => {
                ("KeyAdopted", "Adopt", "took over the key in Landscape Management, which is the very same")
            }
            Operation::Release => ("KeyReleased", "Release", "left the key in Landscape Management to somebody else"),
        };
        info!(effect = reason, "{note}");
        self.publish(object, EventType::Normal, reason, action, note.into());
    }

    /// The object goes, and something of it may stay in the slot with nobody to look after it.
    pub(crate) fn orphan(&self, object: &ALMServiceKey) {
        let note = "let go without a look at Landscape Management: its key may still stand there, and nobody looks after \
                    it any more";
        warn!(effect = "KeyAbandoned", "{note}");
        self.publish(object, EventType::Warning, "KeyAbandoned", "LetGo", note.into());
    }

    /// `Ready` has become another one.
    pub(crate) fn transition(&self, object: &ALMServiceKey, ready: &Condition) {
        let Condition { status, reason, message } = ready;
        let kind = match status {
            Status::True | Status::Unknown => EventType::Normal,
            Status::False => EventType::Warning,
        };
        info!(ready = status.as_str(), %reason, verdict = message, "verdict changed");
        self.publish(object, kind, reason.as_str(), "Check", message.clone());
    }

    /// Best effort, beside the pass: an Event that cannot be written must not hold up a clean-up.
    fn publish(&self, object: &ALMServiceKey, type_: EventType, reason: &str, action: &str, note: String) {
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

/// What every line of one pass tells, at whatever level.
pub(crate) fn span(kind: &str, namespace: Option<&str>, name: &str, tenant: &str) -> Span {
    let id = format!("{:08x}", rand::random::<u32>());
    error_span!("pass", pass = id, kind, namespace, object = name, tenant)
}

/// A pass could not be carried out.
pub(crate) fn pass_failed(error: &dyn std::error::Error) {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    warn!(%error, cause, "the pass is tried again");
}
