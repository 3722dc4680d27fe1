//! Assertions that several checks share.

use serde_json::{Value, json};

use super::server::Answer;
use super::verdict::{Failed, Verdict, not_ok};

/// Checks that an answer has one of these statuses.
pub(super) fn expect(what: &str, answer: &Answer, statuses: &[u16]) -> Verdict {
    if statuses.contains(&answer.status) {
        return Ok(());
    }
    let statuses: Vec<_> = statuses.iter().map(u16::to_string).collect();
    Err(not_ok(format!("{what} was answered {}, not {}", answer.status, statuses.join(" or "))))
}

/// Checks that an answer has a strong entity tag other than the one before, and returns it.
pub(super) fn expect_new_revision(what: &str, answer: &Answer, before: &str) -> Result<String, Failed> {
    match answer.etag.as_deref() {
        Some(etag) if !is_strong(etag) => Err(not_ok(format!("{what}: {etag} is not a strong entity tag"))),
        Some(etag) if etag == before => Err(not_ok(format!("{what} left the revision {etag} as it was"))),
        Some(etag) => Ok(etag.to_owned()),
        None => Err(not_ok(format!("{what} was answered without an ETag"))),
    }
}

/// Returns true if this is a strong entity tag.
pub(super) fn is_strong(etag: &str) -> bool {
    etag.len() > 2 && etag.starts_with('"') && etag.ends_with('"')
}

/// Checks that a list of observations is empty.
pub(super) fn expect_none(observations: &[String]) -> Verdict {
    match observations {
        [] => Ok(()),
        [first] => Err(not_ok(first.as_str())),
        [first, rest @ ..] => Err(not_ok(format!("{first} (and {} more)", rest.len()))),
    }
}

/// Returns an invented owner.
pub(super) fn owner_named(name: &str, adopted: bool) -> Value {
    json!({ "clusterID": "conformance", "namespace": "conformance", "name": name, "adopted": adopted })
}
