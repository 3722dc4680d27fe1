//! Faults, and how the simulator is configured for them.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::calls::Call;

/// Tenant that redirects lead to. It must never be called.
pub const ELSEWHERE: &str = "elsewhere";

/// Distance of the date of a `Retry-After`: longer than any other delay after a first failure.
const DATE: Duration = Duration::from_mins(1);

/// A fault of a remote call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A listener that gets this mode before the call.
    Listener(&'static str),
    /// The connection is reset before the request is processed.
    Reset,
    /// The request is processed, and its response is corrupted in this way.
    Answer(&'static str),
    /// The request is processed when the fault ends.
    Delayed,
    /// This status, as the endpoint itself would answer.
    Status(u16),
    /// 401 of an intermediary.
    Proxy,
    /// 429 with this `Retry-After`.
    Limited(RetryAfter),
    /// An HTML page with status 200 and an `ETag`.
    Page,
    /// A response that ends too early; a refusal where a success has no body.
    Truncated,
    /// A response with types that break the contract.
    WrongTypes,
    /// A redirect to another tenant, which would get the request unchanged.
    Elsewhere,
    /// A redirect to the same URL.
    Endless,
}

/// Value of `Retry-After`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// No value.
    Unset,
    /// Number of seconds.
    Seconds(u64),
    /// A date.
    Date,
}

impl Fault {
    /// Parses the name of a line of the table.
    pub fn parse(name: &str) -> Self {
        match name {
            "refused" => Self::Listener("refused"),
            "TLS of another host" => Self::Listener("wrongHost"),
            "TLS expired" => Self::Listener("expired"),
            "reset" => Self::Reset,
            "reset when done" => Self::Answer("reset"),
            "reset in the body" => Self::Answer("resetInBody"),
            "no answer" => Self::Delayed,
            "no answer when done" => Self::Answer("never"),
            "dripping body" => Self::Answer("drip"),
            "10 MB body" => Self::Answer("huge"),
            "401 of a proxy" => Self::Proxy,
            "429" => Self::Limited(RetryAfter::Unset),
            "429 for 3 s" => Self::Limited(RetryAfter::Seconds(3)),
            "429 until a date" => Self::Limited(RetryAfter::Date),
            "HTML body" => Self::Page,
            "truncated JSON" => Self::Truncated,
            "wrong types" => Self::WrongTypes,
            "redirect elsewhere" => Self::Elsewhere,
            "endless redirect" => Self::Endless,
            status => Self::Status(status.parse().unwrap_or_else(|_| panic!("{status:?} is no fault"))),
        }
    }

    /// Returns the configuration of the simulator for this fault, which must not be that of a listener.
    pub fn configuration(self, call: Call, zone: &str, port: u16) -> Value {
        let page = |status: u16| json!({ "status": status, "contentType": "text/html", "body": "<html>CANARY</html>" });
        let with = |mut fault: Value, header: &str, value: &str| {
            fault["headers"] = json!({ header: value });
            fault
        };
        match self {
            Self::Listener(_) => unreachable!("the mode of a listener does not depend on the call"),
            Self::Reset => json!({ "reset": true }),
            Self::Answer(corruption) => json!({ "corruption": corruption }),
            Self::Delayed => json!({ "hold": true }),
            Self::Status(401) => {
                let body = if call.is_sign_in() {
                    r#"{"error":"invalid_client","error_description":"CANARY"}"#
                } else {
                    r#"{"code":"Unauthorized","message":"CANARY"}"#
                };
                json!({ "status": 401, "contentType": "application/json", "body": body })
            }
            Self::Status(status) => page(status),
            Self::Proxy => page(401),
            Self::Limited(RetryAfter::Unset) => page(429),
            Self::Limited(RetryAfter::Seconds(seconds)) => with(page(429), "retry-after", &seconds.to_string()),
            Self::Limited(RetryAfter::Date) => {
                with(page(429), "retry-after", &httpdate::fmt_http_date(SystemTime::now() + DATE))
            }
            Self::Page => with(page(200), "etag", "\"page\""),
            Self::Truncated if call.pending_operation().is_some() => {
                json!({ "status": 422, "contentType": "application/json", "body": r#"{"code":"InvalidKey","mess"# })
            }
            Self::Truncated => json!({ "corruption": "cut" }),
            Self::WrongTypes if call.pending_operation().is_some() => json!({ "corruption": "weakRevision" }),
            Self::WrongTypes => with(wrong_types(call), "etag", "\"r1\""),
            Self::Elsewhere => {
                with(page(307), "location", &format!("https://{ELSEWHERE}.landscape.localhost:{port}/v1/service-key"))
            }
            Self::Endless => with(page(307), "location", &same_url(call, zone, port)),
        }
    }

    /// Returns true if the caller's timeout ends the fault.
    pub fn ends_by_timeout(self) -> bool {
        matches!(self, Self::Delayed | Self::Answer("never" | "drip"))
    }

    /// Returns true if the response to a write excludes that the write is still under way: a refusal, or 412.
    pub fn is_refusal(self) -> bool {
        matches!(self, Self::Status(400 | 409 | 412 | 422) | Self::Truncated)
    }

    /// Returns a part of the message that reports the fault.
    pub fn expected_message(self, call: Call) -> String {
        let is_write = call.pending_operation().is_some();
        match self {
            Self::Listener("refused") => "Connection refused".into(),
            Self::Listener(_) => "certificate".into(),
            Self::Reset | Self::Answer("reset" | "resetInBody") => "the connection broke off".into(),
            Self::Delayed | Self::Answer("never" | "drip") => "did not answer in time".into(),
            Self::Answer(_) => "is larger than 262144 bytes".into(),
            Self::Status(412) if is_write => "kept changing".into(),
            Self::Status(status) => status.to_string(),
            Self::Proxy => "401".into(),
            Self::Limited(_) => "429".into(),
            Self::Page if is_write => "answered 200".into(),
            Self::Truncated if is_write => "answered 422".into(),
            Self::WrongTypes if is_write => "without a strong ETag".into(),
            Self::Page | Self::Truncated | Self::WrongTypes if call.is_sign_in() => {
                "answered 200 without a token".into()
            }
            // The slot is empty, but a truncated response does not prove it.
            Self::Truncated if call == Call::ReadSlot => "answered 404".into(),
            Self::Page | Self::Truncated | Self::WrongTypes => "did not answer as the contract requires".into(),
            Self::Elsewhere | Self::Endless => "answered 307".into(),
        }
    }
}

/// Returns a JSON response whose types break the contract.
fn wrong_types(call: Call) -> Value {
    let body = match call {
        Call::ReadContent => json!(["CANARY"]),
        Call::ReadSlot | Call::SettledReadSlot => {
            json!({ "identityzone": 7, "clientid": [], "credential-type": {}, "uploadedAt": "CANARY", "owner": true })
        }
        _ => json!({ "access_token": 7, "token_type": ["bearer"], "expires_in": "CANARY" }),
    };
    json!({ "status": 200, "contentType": "application/json", "body": body.to_string() })
}

/// Returns the URL of the call itself.
fn same_url(call: Call, zone: &str, port: u16) -> String {
    let (host, path) = match call.kind() {
        "SignIn" => ("authentication", "/oauth/token"),
        "LandscapeToken" => ("landscape", "/oauth/token"),
        "ReadContent" => ("landscape", "/v1/service-key/content"),
        _ => ("landscape", "/v1/service-key"),
    };
    format!("https://{zone}.{host}.localhost:{port}{path}")
}
