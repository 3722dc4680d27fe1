//! Requests, read as a whole, and answers.

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, IF_MATCH};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use alm_key_operator::landscape::contract::ProblemDto;

/// Body of an answer.
pub(crate) type Body = Full<Bytes>;

/// Upper bound of a request's body, in bytes.
const MAX_BODY: usize = 128 * 1024;

/// The end of a connection without an answer, or without all of it.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(crate) enum Dropped {
    #[error("the connection is closed without an answer")]
    Closed,
    #[error("the connection is reset without an answer")]
    Reset,
}

/// A request, read as a whole.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) if_match: Option<String>,
    pub(crate) authorization: Option<String>,
    pub(crate) content_type: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    /// Reads a request. The error is the answer to one that is too large.
    pub(crate) async fn read(request: Request<Incoming>) -> Result<Self, Box<Response<Body>>> {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let host = header(HOST).unwrap_or_default();
        let (host, _) = host.rsplit_once(':').unwrap_or((&host, ""));
        let call = Self {
            method: request.method().clone(),
            host: host.to_ascii_lowercase(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            if_match: header(IF_MATCH),
            authorization: header(AUTHORIZATION),
            content_type: header(CONTENT_TYPE).unwrap_or_default(),
            headers: request.headers().clone(),
            body: Bytes::new(),
        };
        match Limited::new(request.into_body(), MAX_BODY).collect().await {
            Ok(body) => Ok(Self { body: body.to_bytes(), ..call }),
            Err(_) => Err(Box::new(problem(413, "TooLarge", "the body is too large"))),
        }
    }

    /// Parses the body as JSON. The error is the answer to a body that does not fit the type.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Box<Response<Body>>> {
        if !self.content_type.starts_with("application/json") {
            return Err(Box::new(problem(415, "UnsupportedMediaType", "the Content-Type must be application/json")));
        }
        serde_json::from_slice(&self.body)
            .map_err(|_| Box::new(problem(400, "BadRequest", "the body is not the JSON that this request takes")))
    }

    /// Returns a parameter of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into())
    }

    /// Returns all fields of a form body, in order.
    pub(crate) fn fields(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// Returns a field of a form body.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(&self.body).find(|(key, _)| key == name).map(|(_, value)| value.into())
    }
}

/// Returns an answer with a text.
pub(crate) fn text(status: u16, content_type: &str, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(value) = content_type.parse() {
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    response
}

/// Returns an answer in JSON.
pub(crate) fn json(status: u16, body: &Value) -> Response<Body> {
    text(status, "application/json", body.to_string())
}

/// Returns an answer without a body.
pub(crate) fn empty(status: u16) -> Response<Body> {
    let mut response = text(status, "text/plain", "");
    response.headers_mut().remove(CONTENT_TYPE);
    response
}

/// Returns a refusal without a field.
pub(crate) fn problem(status: u16, code: &str, message: &str) -> Response<Body> {
    refusal(status, &ProblemDto { code: code.into(), message: message.into(), field: None })
}

/// Returns a refusal in the form of the contract.
pub(crate) fn refusal(status: u16, problem: &ProblemDto) -> Response<Body> {
    text(status, "application/json", serde_json::to_string(problem).unwrap_or_default())
}

/// Adds a header to an answer.
pub(crate) fn with_header(mut response: Response<Body>, name: &'static str, value: &str) -> Response<Body> {
    if let Ok(value) = value.parse() {
        response.headers_mut().insert(name, value);
    }
    response
}
