//! What an answer of Landscape Management means.

use reqwest::header::ETAG;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::slot::{RemoteTrouble, Revision, WriteAnswer};
use crate::http::client::{Answer, NoAnswer, retry_after};
use crate::landscape::contract::ProblemDto;

pub(super) const WHERE: &str = "Landscape Management";

/// Longest `ETag` that is taken, in bytes: it is kept in the status.
const MAX_ETAG_BYTES: usize = 256;

/// Longest part of a code or a field in a refusal that is repeated, in characters: it goes into a message.
const LONGEST_WORD: usize = 64;

/// Trouble of a kind.
pub(super) fn trouble(reason: Reason, message: String, retry: Retry) -> RemoteTrouble {
    RemoteTrouble { reason, message, retry }
}

/// No answer came.
pub(super) fn unavailable(whom: &str, error: &NoAnswer) -> RemoteTrouble {
    let message = format!("{whom} gave no answer: {}", error.message);
    trouble(Reason::LandscapeManagementUnavailable, message, Retry::Backoff)
}

/// An answer that is none of those that `attempt` hopes for.
pub(super) fn unexpected(attempt: &str, answer: &Answer) -> RemoteTrouble {
    let status = answer.status.as_u16();
    let message = format!("{WHERE} answered {status} when asked to {attempt}");
    match status {
        401 | 403 => trouble(Reason::LandscapeManagementUnauthorized, message, Retry::Never),
        429 => trouble(Reason::RateLimited, message, retry_after(&answer.headers)),
        _ => trouble(Reason::LandscapeManagementUnavailable, message, Retry::Backoff),
    }
}

/// The revision in an answer: a strong `ETag` (RFC 9110, section 8.8.3).
pub(super) fn revision(attempt: &str, answer: &Answer) -> Result<Revision, RemoteTrouble> {
    let etag = answer.headers.get(ETAG).and_then(|value| value.to_str().ok());
    etag.filter(|etag| is_strong(etag)).map(Revision::new).ok_or_else(|| {
        let message = format!("{WHERE} answered without a strong ETag when asked to {attempt}");
        trouble(Reason::LandscapeManagementUnavailable, message, Retry::Backoff)
    })
}

/// Whether this is one strong entity-tag. Quotes and spaces inside would make it a list in `If-Match`, which holds for
/// more than one revision.
fn is_strong(etag: &str) -> bool {
    let opaque = etag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let is_opaque = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    etag.len() <= MAX_ETAG_BYTES && opaque.is_some_and(is_opaque)
}

/// The body of an answer, which in the contract is an object, and no field of it an array. Serde alone would take an
/// array for an object, field by field, and so a 404 of something else for the slot's own.
pub(super) fn body<T: DeserializeOwned>(answer: &Answer) -> Option<T> {
    let object: Map<String, Value> = serde_json::from_slice(&answer.body).ok()?;
    if object.values().any(Value::is_array) {
        return None;
    }
    serde_json::from_value(Value::Object(object)).ok()
}

/// What became of a write by its answer; `attempt` says in words what was to be written.
#[must_use]
pub fn written(attempt: &str, answer: &Answer) -> WriteAnswer {
    match answer.status.as_u16() {
        // Not 200: no write is answered so, and a page of something in between may have an ETag, too.
        201 | 204 => match revision(attempt, answer) {
            Ok(revision) => WriteAnswer::Done(revision),
            Err(trouble) => WriteAnswer::Unknown(trouble),
        },
        412 => WriteAnswer::Changed,
        400 | 409 | 413 | 415 | 422 | 428 => WriteAnswer::Rejected(rejection(attempt, answer)),
        401 | 403 | 404 | 405 | 429 => WriteAnswer::Refused(unexpected(attempt, answer)),
        _ => WriteAnswer::Unknown(unexpected(attempt, answer)),
    }
}

/// Code and field of a refusal. Its message is not repeated: it might quote a value.
fn rejection(attempt: &str, answer: &Answer) -> String {
    let status = answer.status.as_u16();
    let admitted = |c: &char| c.is_ascii_alphanumeric() || "$._-[]".contains(*c);
    let word = |text: &str| text.chars().filter(admitted).take(LONGEST_WORD).collect();
    match body(answer) {
        Some(ProblemDto { code, message: _, field }) => {
            let code: String = word(&code);
            let place: String = field.as_deref().map(word).unwrap_or_default();
            let at = if place.is_empty() { String::new() } else { format!(" at {place}") };
            format!("{WHERE} answered {status} ({code}{at}) when asked to {attempt}")
        }
        None => format!("{WHERE} answered {status} when asked to {attempt}"),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    use super::*;

    #[test]
    fn a_revision_is_one_strong_entity_tag_and_no_list_of_them() {
        assert!(is_strong("\"r1\"") && is_strong("\"!#$[]~\"") && is_strong(&format!("\"{}\"", "r".repeat(254))));
        for other in ["", "\"", "\"\"", "r1", "W/\"r1\"", "*", "\"a\", \"b\"", "\"a\"b\"", "\"a b\"", "\"\u{e4}\""] {
            assert!(!is_strong(other), "{other}");
        }
        assert!(!is_strong(&format!("\"{}\"", "r".repeat(255))));
    }

    #[test]
    fn an_array_is_not_taken_for_an_object() {
        let answer = |text: &str| Answer {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: text.as_bytes().to_vec().into(),
        };
        assert!(body::<ProblemDto>(&answer(r#"{"code":"Empty","message":""}"#)).is_some());
        for other in [r#"["Empty",""]"#, r#"{"code":["Empty"],"message":""}"#, "null", ""] {
            assert!(body::<ProblemDto>(&answer(other)).is_none(), "{other}");
        }
    }
}
