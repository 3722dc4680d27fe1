//! Answers of a token endpoint. Input: a byte for the status, one for the headers, and the body.

use std::time::Duration;

use alm_key_operator::domain::plan::Verdict;
use alm_key_operator::domain::reason::Reason;
use alm_key_operator::domain::retry::{MAX_RETRY_AFTER, Retry};
use alm_key_operator::http::client::Answer;
use alm_key_operator::sign_in::answer::verdict;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use serde_json::Value;

/// Statuses, the significant ones first. A byte beyond them stands for any other status.
const STATUSES: [u16; 12] = [200, 401, 404, 429, 201, 204, 301, 400, 403, 408, 500, 503];

/// All messages about an answer, without the number of a status.
const MESSAGES: [&str; 7] = [
    "the token endpoint refused the key (401): it has been deleted or replaced in BTP, or its secret is wrong",
    "the token endpoint does not know the identity zone of this key (404)",
    "the state of the key is unknown: the token endpoint answered 200 without a token",
    "the state of the key is unknown: the token endpoint answered 401, but not as an OAuth token endpoint does",
    "the state of the key is unknown: the token endpoint answered 404, but not that the identity zone is unknown",
    "the state of the key is unknown: the token endpoint is limiting the rate of requests (429)",
    "the state of the key is unknown: the token endpoint answered ",
];

/// Checks that only a 200 with a token accepts a key, and that only a 401 with an OAuth error or a 404 that names the
/// identity zone refuses it. A router's own answer never refuses a key. No message quotes an answer.
pub fn check(bytes: &[u8]) {
    let [status, headers, body @ ..] = bytes else { return };
    let status = STATUSES.get(usize::from(*status)).copied().unwrap_or_else(|| 100 + u16::from(*status));
    let routed = headers & 1 == 1;
    let answer = Answer {
        status: StatusCode::from_u16(status).expect("a status"),
        headers: header_map(routed, headers & 2 == 2),
        body: body.to_vec(),
    };
    let parsed: Value = serde_json::from_slice(body).unwrap_or_default();
    let field = |name: &str| parsed.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    match verdict(&answer) {
        Verdict::Accepted { .. } => {
            assert_eq!(status, 200);
            assert!(field("access_token").is_some());
            assert!(field("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")));
        }
        Verdict::Refused { reason, message } => {
            assert!(!routed, "a router cannot judge a key");
            match reason {
                Reason::CredentialsRefused => assert!(status == 401 && field("error").is_some()),
                Reason::IdentityZoneNotFound => {
                    let text = String::from_utf8_lossy(body).to_lowercase();
                    assert!(status == 404 && text.contains("identity zone"));
                }
                other => panic!("{other} is no verdict on a key"),
            }
            assert!(MESSAGES.contains(&message.as_str()), "{message}");
        }
        Verdict::Unknown { message, retry } => {
            let status = status.to_string();
            assert!(
                MESSAGES.contains(&message.as_str()) || MESSAGES.contains(&message.trim_end_matches(&status)),
                "{message}"
            );
            match retry {
                Retry::After(wait) => assert!((Duration::from_secs(1)..=MAX_RETRY_AFTER).contains(&wait), "{wait:?}"),
                Retry::Backoff => {}
                Retry::Never => panic!("an unknown verdict is tried again"),
            }
        }
    }
}

fn header_map(routed: bool, limited: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if routed {
        headers.insert("x-cf-routererror", HeaderValue::from_static("unknown_route"));
    }
    if limited {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("99999999999"));
    }
    headers
}
