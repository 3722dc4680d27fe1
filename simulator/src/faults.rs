//! What goes wrong on purpose.

use std::collections::HashMap;

use hyper::Response;
use hyper::header::HeaderName;
use serde::Deserialize;
use tokio::sync::watch;

use crate::corruption::Spoilt;
use crate::http::{Body, Dropped, text};
use crate::listeners::ListenerMode;

/// What goes wrong with a call.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum Fault {
    /// It is answered so, without effect.
    #[serde(rename_all = "camelCase")]
    Status {
        status: u16,
        #[serde(default)]
        headers: HashMap<String, String>,
        #[serde(default)]
        body: String,
        content_type: Option<String>,
        /// With so many spaces after the body.
        #[serde(default)]
        padding: usize,
    },
    /// It is only acted on when it is released, even if the client has gone by then.
    Hold { hold: bool },
    /// The connection is closed without an answer and without effect.
    Drop { drop: bool },
    /// The connection is reset without an answer and without effect.
    Reset { reset: bool },
    /// It takes effect, and the connection is closed without an answer.
    Swallow { swallow: bool },
    /// It takes effect, and its answer is spoilt on the way.
    Answer { answer: Spoilt },
    /// It is answered as usual, and by then the door of this port has become so: the next connection finds it.
    Door { door: u16, becomes: ListenerMode },
}

impl Fault {
    /// What is answered in place of acting; none if it is acted on.
    pub(crate) fn instead(&self) -> Option<Response<Body>> {
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

    /// How the connection ends, if it does without an answer.
    pub(crate) fn dropped(&self) -> Option<Dropped> {
        match self {
            Self::Drop { drop: true } | Self::Swallow { swallow: true } | Self::Answer { answer: Spoilt::Never } => {
                Some(Dropped::Closed)
            }
            Self::Reset { reset: true } | Self::Answer { answer: Spoilt::Reset } => Some(Dropped::Reset),
            _ => None,
        }
    }
}

/// A fault to come.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Planned {
    on: String,
    times: Option<u32>,
    fault: Fault,
}

/// The faults of one tenant.
pub(crate) struct Faults {
    planned: Vec<Planned>,
    pub(crate) holds: Holds,
}

/// The calls that are held.
#[derive(Clone)]
pub(crate) struct Holds {
    /// How many there are.
    held: watch::Sender<usize>,
    /// Counted up at each release.
    released: watch::Sender<u64>,
}

impl Faults {
    pub(crate) fn new() -> Self {
        let holds = Holds { held: watch::Sender::new(0), released: watch::Sender::new(0) };
        Self { planned: Vec::new(), holds }
    }

    pub(crate) fn plan(&mut self, planned: Planned) {
        self.planned.push(planned);
    }

    pub(crate) fn clear(&mut self) {
        self.planned.clear();
    }

    /// What is to go wrong with the next call of this kind.
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
        // The sender lives in `self`: the wait ends with a release only.
        let _ = released.changed().await;
        self.held.send_modify(|held| *held -= 1);
    }

    /// Lets all go on; how many there were.
    pub(crate) fn release(&self) -> usize {
        let held = *self.held.borrow();
        self.released.send_modify(|count| *count += 1);
        held
    }

    /// How many are held, once there is one.
    pub(crate) async fn any(&self) -> usize {
        let mut held = self.held.subscribe();
        held.wait_for(|held| *held > 0).await.map_or(0, |held| *held)
    }

    /// How many are held now.
    pub(crate) fn count(&self) -> usize {
        *self.held.borrow()
    }
}
