//! The faults, as the simulator is told of them.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::calls::Call;

/// The tenant that redirects lead to: nobody must ever ask it.
pub const ELSEWHERE: &str = "elsewhere";

/// How far away the date of a `Retry-After` is: further than any other wait of a first failure.
const DATE: Duration = Duration::from_mins(1);

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A door that becomes so before the call.
    Door(&'static str),
    /// Reset before it is acted on.
    Reset,
    /// It is acted on, and the answer is spoilt so.
    Answer(&'static str),
    /// It is acted on when the fault stops.
    Late,
    /// It is answered with this status, as the endpoint itself would.
    Status(u16),
    /// It is answered 401 by something in between.
    Proxy,
    /// 429 with this `Retry-After`.
    Limited(Until),
    /// A page with status 200 and an `ETag`.
    Page,
    /// An answer, or where a success has no body a refusal, that ends too early.
    Cut,
    /// An answer of other types than agreed.
    OtherTypes,
    /// A redirect to somewhere else, which would be sent the request as it is.
    Elsewhere,
    /// A redirect to itself.
    Endless,
}

/// Until when a limit lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// It does not say.
    Unsaid,
    /// For so many seconds.
    Seconds(u64),
    /// Until a date.
    Date,
}

impl Fault {
    /// The fault of a line of the table.
    pub fn parse(name: &str) -> Self {
        match name {
            "refused" => Self::Door("refused"),
            "TLS of another host" => Self::Door("wrongHost"),
            "TLS expired" => Self::Door("expired"),
            "reset" => Self::Reset,
            "reset when done" => Self::Answer("reset"),
            "reset in the body" => Self::Answer("resetInBody"),
            "no answer" => Self::Late,
            "no answer when done" => Self::Answer("never"),
            "dripping body" => Self::Answer("drip"),
            "10 MB body" => Self::Answer("huge"),
            "401 of a proxy" => Self::Proxy,
            "429" => Self::Limited(Until::Unsaid),
            "429 for 3 s" => Self::Limited(Until::Seconds(3)),
            "429 until a date" => Self::Limited(Until::Date),
            "HTML body" => Self::Page,
            "truncated JSON" => Self::Cut,
            "wrong types" => Self::OtherTypes,
            "redirect elsewhere" => Self::Elsewhere,
            "endless redirect" => Self::Endless,
            status => Self::Status(status.parse().unwrap_or_else(|_| panic!("{status} is no fault"))),
        }
    }

    /// The fault of the simulator for calls of this kind; none for doors.
    pub fn planned(self, call: Call, zone: &str, port: u16) -> Value {
        let page = |status: u16| json!({ "status": status, "contentType": "text/html", "body": "<html>CANARY</html>" });
        let with = |mut fault: Value, header: &str, value: &str| {
            fault["headers"] = json!({ header: value });
            fault
        };
        match self {
            Self::Door(_) => unreachable!("a door becomes so, whatever is asked"),
            Self::Reset => json!({ "reset": true }),
            Self::Answer(spoilt) => json!({ "corruption": spoilt }),
            Self::Late => json!({ "hold": true }),
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
            Self::Limited(Until::Unsaid) => page(429),
            Self::Limited(Until::Seconds(seconds)) => with(page(429), "retry-after", &seconds.to_string()),
            Self::Limited(Until::Date) => {
                with(page(429), "retry-after", &httpdate::fmt_http_date(SystemTime::now() + DATE))
            }
            Self::Page => with(page(200), "etag", "\"page\""),
            Self::Cut if call.recorded().is_some() => {
                json!({ "status": 422, "contentType": "application/json", "body": r#"{"code":"InvalidKey","mess"# })
            }
            Self::Cut => json!({ "corruption": "cut" }),
            Self::OtherTypes if call.recorded().is_some() => json!({ "corruption": "weakRevision" }),
            Self::OtherTypes => with(of_other_types(call), "etag", "\"r1\""),
            Self::Elsewhere => {
                with(page(307), "location", &format!("https://{ELSEWHERE}.landscape.localhost:{port}/v1/service-key"))
            }
            Self::Endless => with(page(307), "location", &itself(call, zone, port)),
        }
    }

    /// Whether it is the patience of who asks that ends it.
    pub fn is_waited_for(self) -> bool {
        matches!(self, Self::Late | Self::Answer("never" | "drip"))
    }

    /// Whether it answers a write so that nothing of it can be under way any more: a refusal, or 412.
    pub fn is_no(self) -> bool {
        matches!(self, Self::Status(400 | 409 | 412 | 422) | Self::Cut)
    }

    /// What the message says of it.
    pub fn said(self, call: Call) -> String {
        let write = call.recorded().is_some();
        match self {
            Self::Door("refused") => "Connection refused".into(),
            Self::Door(_) => "certificate".into(),
            Self::Reset | Self::Answer("reset" | "resetInBody") => "the connection broke off".into(),
            Self::Late | Self::Answer("never" | "drip") => "did not answer in time".into(),
            Self::Answer(_) => "is larger than 262144 bytes".into(),
            Self::Status(412) if write => "changed again and again".into(),
            Self::Status(status) => status.to_string(),
            Self::Proxy => "401".into(),
            Self::Limited(_) => "429".into(),
            Self::Page if write => "answered 200".into(),
            Self::Cut if write => "answered 422".into(),
            Self::OtherTypes if write => "without a strong ETag".into(),
            Self::Page | Self::Cut | Self::OtherTypes if call.is_sign_in() => "answered 200 without a token".into(),
            // The slot is empty, which half an answer does not say.
            Self::Cut if call == Call::ReadSlot => "answered 404".into(),
            Self::Page | Self::Cut | Self::OtherTypes => "did not answer as agreed".into(),
            Self::Elsewhere | Self::Endless => "answered 307".into(),
        }
    }
}

/// JSON, and not what was asked for.
fn of_other_types(call: Call) -> Value {
    let body = match call {
        Call::ReadContent => json!(["CANARY"]),
        Call::ReadSlot | Call::SettledReadSlot => {
            json!({ "identityzone": 7, "clientid": [], "credential-type": {}, "uploadedAt": "CANARY", "owner": true })
        }
        _ => json!({ "access_token": 7, "token_type": ["bearer"], "expires_in": "CANARY" }),
    };
    json!({ "status": 200, "contentType": "application/json", "body": body.to_string() })
}

/// Where the call goes anyway.
fn itself(call: Call, zone: &str, port: u16) -> String {
    let (host, path) = match call.kind() {
        "SignIn" => ("authentication", "/oauth/token"),
        "LandscapeToken" => ("landscape", "/oauth/token"),
        "ReadContent" => ("landscape", "/v1/service-key/content"),
        _ => ("landscape", "/v1/service-key"),
    };
    format!("https://{zone}.{host}.localhost:{port}{path}")
}
