//! Decisions on the requests that pass the proxy.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use hyper::body::Bytes;
use hyper::http::request::Parts;

use super::request_name::{RequestName, kind};

/// A request at the proxy.
pub struct Request {
    /// Name of the request, the same in every run of the same life cycle.
    pub name: RequestName,
    /// Host that the request is for, without port.
    pub host: String,
    /// Path of the request, with the names of objects.
    pub path: String,
    /// Body of the request.
    pub body: Bytes,
}

/// A decision on a request or on its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Send it on.
    Pass,
    /// Send nothing on, and close the client's connection without an answer.
    Cut,
}

/// Decides on requests and answers. A guard that takes its time holds up that request alone.
#[async_trait]
pub trait Guard: Send + Sync {
    /// Decides on a request that was not sent on yet.
    async fn on_request(&self, _request: &Request) -> Ruling {
        Ruling::Pass
    }

    /// Decides on an answer with this HTTP status. The request has taken effect, and the client has not seen the answer.
    async fn on_answer(&self, _request: &Request, _status: u16) -> Ruling {
        Ruling::Pass
    }
}

/// A guard that lets everything pass.
pub struct PassAll;

impl Guard for PassAll {}

/// A guard with the count of requests that it has seen.
pub(super) struct Watch {
    pub(super) guard: Arc<dyn Guard>,
    counts: Mutex<HashMap<String, usize>>,
}

impl Watch {
    pub(super) fn new(guard: Arc<dyn Guard>) -> Self {
        Self { guard, counts: Mutex::default() }
    }

    /// Counts a request and returns it with its name.
    pub(super) fn request(&self, parts: &Parts, host: &str, body: Bytes) -> Request {
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host).to_owned();
        let kind = kind(&parts.method, &host, &parts.uri);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let nth = counts.entry(kind.clone()).or_default();
        *nth += 1;
        Request { name: RequestName { kind, nth: *nth }, host, path: parts.uri.path().to_owned(), body }
    }
}
