//! Answers of Landscape Management. Input: a byte for the status, the `ETag`, and the body, the latter two separated by
//! 0xff.

use std::time::Duration;

use alm_key_operator::domain::reason::Reason;
use alm_key_operator::domain::retry::{MAX_RETRY_AFTER, Retry};
use alm_key_operator::domain::slot::{Basis, RemoteTrouble, Revision, Slot, WriteAnswer};
use alm_key_operator::http::client::Answer;
use alm_key_operator::landscape::http::{parse_slot, written};
use reqwest::StatusCode;
use reqwest::header::{ETAG, HeaderMap, HeaderValue};
use serde_json::Value;

const STATUSES: [u16; 18] = [200, 404, 201, 204, 412, 422, 400, 409, 413, 415, 428, 401, 403, 405, 429, 408, 500, 503];
/// Upper bound of the code and field that are quoted of an answer, in bytes.
const MAX_QUOTE: usize = 256;

/// Checks that a slot counts as empty only by the contract's own 404 with a revision, and as filled only by a 200 with a
/// revision and, if there is an owner, a well-formed one. A write counts as done only if its answer has a revision.
pub fn check(bytes: &[u8]) {
    let Some((status, rest)) = bytes.split_first() else { return };
    let status = STATUSES.get(usize::from(*status)).copied().unwrap_or_else(|| 100 + u16::from(*status));
    let end = rest.iter().position(|byte| *byte == 0xff).unwrap_or(rest.len());
    let (etag, body) = (&rest[..end], rest.get(end + 1..).unwrap_or_default());
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(etag) {
        headers.insert(ETAG, value);
    }
    let answer = Answer { status: StatusCode::from_u16(status).expect("a status"), headers, body: body.to_vec() };
    let parsed: Value = serde_json::from_slice(body).unwrap_or_default();

    match parse_slot(&answer) {
        Ok(Slot::Empty { revision }) => {
            assert!(status == 404 && parsed["code"] == "Empty", "{status} {parsed}");
            check_entity_tag(&revision, etag);
        }
        Ok(Slot::Filled { revision, owner, basis }) => {
            assert_eq!((status, basis), (200, Basis::Content));
            check_entity_tag(&revision, etag);
            assert_eq!(owner.is_some(), parsed["owner"].is_object(), "{parsed}");
            assert!(owner.is_none_or(|held| held.owner.is_well_formed()));
        }
        Ok(Slot::Unknown { .. }) => panic!("an answer over HTTP always says what the slot holds"),
        Err(trouble) => check_message(&trouble, status),
    }
    match written("try it", &answer) {
        WriteAnswer::Done(revision) => {
            assert!([200, 201, 204].contains(&status), "{status}");
            check_entity_tag(&revision, etag);
        }
        WriteAnswer::HandedOver(_) => panic!("no answer over HTTP hands a write over to a person"),
        WriteAnswer::Changed => assert_eq!(status, 412),
        WriteAnswer::Rejected(message) => {
            assert!((400..500).contains(&status) && message.len() <= MAX_QUOTE && message.is_ascii(), "{message}");
            assert!(!message.chars().any(char::is_control), "{message:?}");
        }
        WriteAnswer::Refused(trouble) => {
            assert!((400..500).contains(&status), "{status} may have taken effect");
            check_message(&trouble, status);
        }
        WriteAnswer::Unknown(trouble) => check_message(&trouble, status),
    }
}

/// Checks that a revision is one strong entity tag (RFC 9110, section 8.8.3). A list of them in `If-Match` would match more
/// than one revision.
fn check_entity_tag(revision: &Revision, etag: &[u8]) {
    let text = revision.as_str();
    assert_eq!(text.as_bytes().trim_ascii(), etag.trim_ascii());
    let opaque = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).expect("in quotes");
    assert!((1..=254).contains(&opaque.len()), "{text}");
    assert!(opaque.bytes().all(|byte| byte == 0x21 || (0x23..=0x7e).contains(&byte)), "{text}");
}

/// Checks that a message quotes nothing of the answer but its status.
fn check_message(trouble: &RemoteTrouble, status: u16) {
    let RemoteTrouble { reason, message, retry } = trouble;
    let texts = ["answered", "answered without a strong ETag", "did not answer as the contract requires"];
    let rest = message.strip_prefix("Landscape Management ").expect("the message names Landscape Management");
    let (what, attempt) = rest.split_once(" when asked to ").expect("the message names the request");
    let what = what.strip_suffix(&format!(" {status}")).unwrap_or(what);
    assert!(texts.contains(&what) && ["return the slot", "try it"].contains(&attempt), "{message}");
    match retry {
        Retry::Never => assert_eq!(*reason, Reason::LandscapeManagementUnauthorized),
        Retry::Backoff => assert_eq!(*reason, Reason::LandscapeManagementUnavailable),
        Retry::After(wait) => {
            assert_eq!(*reason, Reason::RateLimited);
            assert!((Duration::from_secs(1)..=MAX_RETRY_AFTER).contains(wait), "{wait:?}");
        }
    }
}
