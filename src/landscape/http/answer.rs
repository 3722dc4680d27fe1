//! Interpretation of the answers of Landscape Management.

use reqwest::header::ETAG;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::slot::{RemoteTrouble, Revision, WriteAnswer};
use crate::http::client::{Answer, NoAnswer, retry_after};
use crate::landscape::contract::ProblemDto;

/// Name of the service in messages.
pub(super) const SERVICE: &str = "Landscape Management";

/// Maximum length of an `ETag`, in bytes. It is recorded in the status.
const MAX_ETAG_BYTES: usize = 256;

/// Maximum length of the quoted code or field of a refusal, in characters.
const MAX_QUOTE: usize = 64;

/// Creates a trouble.
pub(super) fn trouble(reason: Reason, message: String, retry: Retry) -> RemoteTrouble {
    RemoteTrouble { reason, message, retry }
}

/// Returns the trouble of a request to `endpoint` without an answer.
pub(super) fn unavailable(endpoint: &str, error: &NoAnswer) -> RemoteTrouble {
    let message = format!("{endpoint} gave no answer: {}", error.message);
    trouble(Reason::LandscapeManagementUnavailable, message, Retry::Backoff)
}

/// Returns the trouble of an answer that `attempt` does not expect.
pub(super) fn unexpected(attempt: &str, answer: &Answer) -> RemoteTrouble {
    let status = answer.status.as_u16();
    let message = format!("{SERVICE} answered {status} when asked to {attempt}");
    match status {
        401 | 403 => trouble(Reason::LandscapeManagementUnauthorized, message, Retry::Never),
        429 => trouble(Reason::RateLimited, message, retry_after(&answer.headers)),
        _ => trouble(Reason::LandscapeManagementUnavailable, message, Retry::Backoff),
    }
}

/// Reads the revision in an answer, which is a strong `ETag` (RFC 9110, section 8.8.3).
pub(super) fn revision(attempt: &str, answer: &Answer) -> Result<Revision, RemoteTrouble> {
    let etag = answer.headers.get(ETAG).and_then(|value| value.to_str().ok());
    etag.filter(|etag| is_strong(etag)).map(Revision::new).ok_or_else(|| {
        let message = format!("{SERVICE} answered without a strong ETag when asked to {attempt}");
        trouble(Reason::LandscapeManagementUnavailable, message, Retry::Backoff)
    })
}

/// Returns true if the text is one strong entity tag. Quotes and spaces inside would turn it into a list in `If-Match`,
/// which matches more than one revision.
fn is_strong(etag: &str) -> bool {
    let opaque = etag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let is_opaque = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    etag.len() <= MAX_ETAG_BYTES && opaque.is_some_and(is_opaque)
}

/// Parses the body of an answer. In the contract, a body is an object, and no field of it is an array. Serde alone
/// would also read a struct from an array, and so accept the 404 of another server as that of the slot.
pub(super) fn body<T: DeserializeOwned>(answer: &Answer) -> Option<T> {
    let object: Map<String, Value> = serde_json::from_slice(&answer.body).ok()?;
    if object.values().any(Value::is_array) {
        return None;
    }
    serde_json::from_value(Value::Object(object)).ok()
}

/// Returns the outcome of a write by its answer. `attempt` describes the write in messages.
#[must_use]
pub fn written(attempt: &str, answer: &Answer) -> WriteAnswer {
    match answer.status.as_u16() {
        // No write is answered with 200, and a page of an intermediary may have an ETag.
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

/// Describes a refusal by its code and field. Its message is not quoted, because it might contain a value.
fn rejection(attempt: &str, answer: &Answer) -> String {
    let status = answer.status.as_u16();
    let is_permitted = |c: &char| c.is_ascii_alphanumeric() || "$._-[]".contains(*c);
    let quote = |text: &str| text.chars().filter(is_permitted).take(MAX_QUOTE).collect();
    match body(answer) {
        Some(ProblemDto { code, message: _, field }) => {
            let code: String = quote(&code);
            let field: String = field.as_deref().map(quote).unwrap_or_default();
            let at = if field.is_empty() { String::new() } else { format!(" at {field}") };
            format!("{SERVICE} answered {status} ({code}{at}) when asked to {attempt}")
        }
        None => format!("{SERVICE} answered {status} when asked to {attempt}"),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    use super::*;

    #[test]
    fn a_revision_is_exactly_one_strong_entity_tag() {
        assert!(is_strong("\"r1\"") && is_strong("\"!#$[]~\"") && is_strong(&format!("\"{}\"", "r".repeat(254))));
        for other in ["", "\"", "\"\"", "r1", "W/\"r1\"", "*", "\"a\", \"b\"", "\"a\"b\"", "\"a b\"", "\"\u{e4}\""] {
            assert!(!is_strong(other), "{other}");
        }
        assert!(!is_strong(&format!("\"{}\"", "r".repeat(255))));
    }

    #[test]
    fn an_array_is_not_accepted_as_an_object() {
        let answer = |text: &str| Answer { status: StatusCode::OK, headers: HeaderMap::new(), body: text.into() };
        assert!(body::<ProblemDto>(&answer(r#"{"code":"Empty","message":""}"#)).is_some());
        for other in [r#"["Empty",""]"#, r#"{"code":["Empty"],"message":""}"#, "null", ""] {
            assert!(body::<ProblemDto>(&answer(other)).is_none(), "{other}");
        }
    }
}
