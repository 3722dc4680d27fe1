//! What an answer of Landscape Management means.

use reqwest::header::ETAG;

use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::slot::{RemoteTrouble, Revision, WriteAnswer};
use crate::landscape::contract::ProblemDto;
use crate::sign_in::transport::{Answer, NoAnswer, retry_after};

pub(super) const WHERE: &str = "Landscape Management";

/// Longest `ETag` that is taken, in bytes: it is kept in the status.
const LONGEST_REVISION: usize = 256;

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
    let strong = etag
        .filter(|etag| (3..=LONGEST_REVISION).contains(&etag.len()) && etag.starts_with('"') && etag.ends_with('"'));
    strong.map(Revision::new).ok_or_else(|| {
        let message = format!("{WHERE} answered without a strong ETag when asked to {attempt}");
        trouble(Reason::LandscapeManagementUnavailable, message, Retry::Backoff)
    })
}

/// What became of a write by its answer.
pub(super) fn written(attempt: &str, answer: &Answer) -> WriteAnswer {
    match answer.status.as_u16() {
        200 | 201 | 204 => match revision(attempt, answer) {
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
    let word =
        |text: &str| text.chars().filter(|c| c.is_ascii_alphanumeric() || "$._-[]".contains(*c)).take(64).collect();
    match serde_json::from_slice::<ProblemDto>(&answer.body) {
        Ok(ProblemDto { code, message: _, field }) => {
            let code: String = word(&code);
            let place: String = field.as_deref().map(word).unwrap_or_default();
            let at = if place.is_empty() { String::new() } else { format!(" at {place}") };
            format!("{WHERE} answered {status} ({code}{at}) when asked to {attempt}")
        }
        Err(_) => format!("{WHERE} answered {status} when asked to {attempt}"),
    }
}
