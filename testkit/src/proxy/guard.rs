//! Who decides at the gate, and of what.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use hyper::body::Bytes;
use hyper::http::request::Parts;

use super::request_name::{Name, kind};

/// A request at the gate.
pub struct Request {
    /// By this it is known in every life.
    pub name: Name,
    /// The host that it is for, without port.
    pub host: String,
    /// The path as it was asked for, with the names of objects.
    pub path: String,
    /// Its body.
    pub body: Bytes,
}

/// What becomes of a request or of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It goes on.
    Pass,
    /// It goes no further, and the connection that it came on is closed without an answer.
    Cut,
}

/// Decides. What it waits for holds up this request alone: a guard that answers late holds the request.
#[async_trait]
pub trait Guard: Send + Sync {
    /// A request was made, and was not sent on yet.
    async fn asked(&self, _request: &Request) -> Ruling {
        Ruling::Pass
    }

    /// The request took effect and was answered with this HTTP status; nothing of the answer was passed on yet.
    async fn answered(&self, _request: &Request, _status: u16) -> Ruling {
        Ruling::Pass
    }
}

/// Lets everything pass.
pub struct Open;

impl Guard for Open {}

/// A guard, and what it has seen so far.
pub(super) struct Watch {
    pub(super) guard: Arc<dyn Guard>,
    seen: Mutex<HashMap<String, usize>>,
}

impl Watch {
    pub(super) fn of(guard: Arc<dyn Guard>) -> Self {
        Self { guard, seen: Mutex::default() }
    }

    /// Names a request; counts it.
    pub(super) fn request(&self, parts: &Parts, host: &str, body: Bytes) -> Request {
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host).to_owned();
        let kind = kind(&parts.method, &host, &parts.uri);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let nth = seen.entry(kind.clone()).or_default();
        *nth += 1;
        Request { name: Name { kind, nth: *nth }, host, path: parts.uri.path().to_owned(), body }
    }
}
