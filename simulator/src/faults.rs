//! Faults that tests plan.

use std::collections::HashMap;

use hyper::Response;
use hyper::header::HeaderName;
use serde::Deserialize;
use tokio::sync::watch;

use crate::corruption::Corruption;
use crate::http::{Body, Dropped, text};
use crate::listeners::ListenerMode;

/// A fault of one call.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum Fault {
    /// The call is answered in this way, without effect.
    #[serde(rename_all = "camelCase")]
    Status {
        status: u16,
        #[serde(default)]
        headers: HashMap<String, String>,
        #[serde(default)]
        body: String,
        content_type: Option<String>,
        /// Number of spaces after the body.
        #[serde(default)]
        padding: usize,
    },
    /// The call is acted on when it is released, even if the client has closed its connection by then.
    Hold { hold: bool },
    /// The connection is closed without an answer and without effect.
    Drop { drop: bool },
    /// The connection is reset without an answer and without effect.
    Reset { reset: bool },
    /// The call takes effect, and the connection is closed without an answer.
    Swallow { swallow: bool },
    /// The call takes effect, and its answer is corrupted on its way.
    Corrupt { corruption: Corruption },
    /// The call is answered as usual, and by then the listener of this port has this mode for the next connection.
    Listener { listener: u16, mode: ListenerMode },
}

impl Fault {
    /// Returns the answer that is sent in place of acting. Returns none if the call is acted on.
    pub(crate) fn replacement(&self) -> Option<Response<Body>> {
        match self {
            Self::Status { status, headers, body, content_type, padding } => {
                let body = format!("{body}{}", " ".repeat(*padding));
                let mut response = text(*status, content_type.as_deref().unwrap_or("text/plain"), body);
                for (name, value) in headers {
                    if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
                        response.headers_mut().insert(name, value);
                    }
                }
                Some(response)
            }
            Self::Drop { drop: true } | Self::Reset { reset: true } => Some(text(0, "", "")),
            _ => None,
        }
    }

    /// Returns the way in which the connection ends, if it ends without an answer.
    pub(crate) fn dropped(&self) -> Option<Dropped> {
        match self {
            Self::Drop { drop: true }
            | Self::Swallow { swallow: true }
            | Self::Corrupt { corruption: Corruption::Never } => Some(Dropped::Closed),
            Self::Reset { reset: true } | Self::Corrupt { corruption: Corruption::Reset } => Some(Dropped::Reset),
            _ => None,
        }
    }
}

/// A fault of the next calls of a kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlannedFault {
    /// Kind of the calls, as it is in the journal.
    on: String,
    /// Number of calls; none means all.
    times: Option<u32>,
    fault: Fault,
}

/// The faults of one tenant.
pub(crate) struct Faults {
    planned: Vec<PlannedFault>,
    pub(crate) holds: Holds,
}

/// The calls of one tenant that are held.
#[derive(Clone)]
pub(crate) struct Holds {
    /// Number of calls that are held.
    held: watch::Sender<usize>,
    /// Number of releases.
    released: watch::Sender<u64>,
}

impl Faults {
    pub(crate) fn new() -> Self {
        let holds = Holds { held: watch::Sender::new(0), released: watch::Sender::new(0) };
        Self { planned: Vec::new(), holds }
    }

    pub(crate) fn plan(&mut self, fault: PlannedFault) {
        self.planned.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.planned.clear();
    }

    /// Takes the fault of the next call of this kind.
    pub(crate) fn next(&mut self, kind: &str) -> Option<Fault> {
        let planned = self.planned.iter_mut().find(|planned| planned.on == kind && planned.times != Some(0))?;
        planned.times = planned.times.map(|times| times - 1);
        Some(planned.fault.clone())
    }
}

impl Holds {
    /// Waits for the next release.
    pub(crate) async fn hold(&self) {
        let mut released = self.released.subscribe();
        self.held.send_modify(|held| *held += 1);
        // The sender lives in `self`, so that only a release ends the wait.
        let _ = released.changed().await;
        self.held.send_modify(|held| *held -= 1);
    }

    /// Lets all held calls go on, and returns their number.
    pub(crate) fn release(&self) -> usize {
        let held = *self.held.borrow();
        self.released.send_modify(|count| *count += 1);
        held
    }

    /// Waits until a call is held, and returns the number of held calls.
    pub(crate) async fn wait_for_one(&self) -> usize {
        let mut held = self.held.subscribe();
        held.wait_for(|held| *held > 0).await.map_or(0, |held| *held)
    }

    /// Returns the number of calls that are held now.
    pub(crate) fn count(&self) -> usize {
        *self.held.borrow()
    }
}
