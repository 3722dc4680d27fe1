//! The list of checks, in the order in which they are tried.

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use serde_json::{Value, json};

use super::server::{Answer, Server};
use super::{content, fencing, owner, refusals};

/// What came of a check.
pub(super) type Verdict = Result<(), Failed>;

/// Why a check did not go well.
pub(super) enum Failed {
    /// The server does not do as agreed.
    NotOk(String),
    /// What it takes could not be had; another check tells why.
    NotTried(String),
}

/// A sentence about a server of the contract, and how it is tried.
pub(super) struct Check {
    /// What it is called.
    pub(super) name: &'static str,
    /// What it says.
    pub(super) says: &'static str,
    pub(super) run: fn(&mut Server) -> LocalBoxFuture<'_, Verdict>,
}

macro_rules! checks {
    ($($name:literal $says:literal $run:path;)*) => {
        /// All of them.
        pub(super) const CHECKS: &[Check] =
            &[$(Check { name: $name, says: $says, run: |server| $run(server).boxed_local() }),*];
    };
}

checks! {
    "empty-has-revision" "The empty slot is a 404 with a strong ETag, and so is its content." content::empty_has_revision;
    "token-needed" "Without a token, or with one that nobody gave out, every request is refused with 401." refusals::token_needed;
    "put-fills" "A PUT fills the empty slot: 201 or 204 with the new ETag." content::put_fills;
    "shown-without-secret" "The slot shows tenant, client and credential type of its key, and nothing secret." content::shown_without_secret;
    "content-kept" "The content is the key as it was put, also with fields that nobody knows." content::kept;
    "large-key" "A key of 64 KiB is taken and returned whole." content::large_key;
    "put-replaces" "A PUT replaces the key that is there: 204 with the new ETag." content::put_replaces;
    "owner-kept" "The slot shows the owner that was put." owner::kept;
    "put-is-not-adopted" "After a PUT the owner is not adopted, even if that was sent." owner::put_is_not_adopted;
    "take-over" "A PATCH gives the key another owner, adopted if so sent, and changes nothing else." owner::adopt;
    "give-up" "A PATCH with null leaves the key without an owner, and changes nothing else." owner::release;
    "nothing-to-own" "A PATCH of the empty slot is refused with 409 and has no effect." owner::nothing_to_own;
    "delete-empties" "A DELETE empties the slot: 204 with the new ETag." fencing::delete_empties;
    "delete-advances" "A DELETE of the empty slot is a 204 too, and advances the revision." fencing::delete_advances;
    "patch-advances" "A PATCH that leaves the owner as it is advances the revision all the same." fencing::patch_advances;
    "late-write" "A write from before a fence (DELETE of the empty slot, PATCH of nobody's key) is refused with 412." fencing::late_write;
    "one-of-two" "Of two writes at once for the same revision exactly one takes effect." fencing::one_of_two;
    "if-match-needed" "A write without If-Match is refused with 428 and has no effect." refusals::if_match_needed;
    "if-match-one-tag" "A write whose If-Match is not one strong tag is refused with 400 and has no effect." refusals::if_match_one_tag;
    "if-match-compared" "A write for another revision is refused with 412 and has no effect." refusals::if_match_compared;
    "other-tenant" "A key of another tenant is refused with 422, code and field, and has no effect." refusals::other_tenant;
    "incomplete-key" "A key without client, secret or credential type is refused with 422, code and field, and has no effect." refusals::incomplete_key;
    "bad-body" "A body that is no JSON, lacks a field or has one too many is refused with 400 and has no effect." refusals::bad_body;
    "json-only" "A body that is not called application/json is refused with 415 and has no effect." refusals::json_only;
    "revision-told" "The ETag that a write answers is the one that the slot shows next." fencing::revision_told;
    "revision-once" "In all of this no revision was used twice." fencing::revision_once;
    "as-documented" "In all of this every answer was one that the OpenAPI document declares." content::as_documented;
}

impl Failed {
    /// The reason alone.
    pub(super) fn reason(self) -> String {
        match self {
            Self::NotOk(reason) | Self::NotTried(reason) => reason,
        }
    }
}

/// It does not do as agreed.
pub(super) fn not_ok(reason: impl Into<String>) -> Failed {
    Failed::NotOk(reason.into())
}

/// It could not be tried.
pub(super) fn not_tried(reason: impl Into<String>) -> Failed {
    Failed::NotTried(reason.into())
}

/// The answer must have one of these statuses.
pub(super) fn expect(what: &str, answer: &Answer, wanted: &[u16]) -> Verdict {
    if wanted.contains(&answer.status) {
        return Ok(());
    }
    let wanted: Vec<_> = wanted.iter().map(u16::to_string).collect();
    Err(not_ok(format!("{what} was answered {}, not {}", answer.status, wanted.join(" or "))))
}

/// The answer must have a strong entity tag, and another one than before; it.
pub(super) fn advanced(what: &str, answer: &Answer, before: &str) -> Result<String, Failed> {
    match answer.etag.as_deref() {
        Some(etag) if !strong(etag) => Err(not_ok(format!("{what}: {etag} is not a strong entity tag"))),
        Some(etag) if etag == before => Err(not_ok(format!("{what} left the revision {etag} as it was"))),
        Some(etag) => Ok(etag.to_owned()),
        None => Err(not_ok(format!("{what} was answered without an ETag"))),
    }
}

/// Whether it is a strong entity tag.
pub(super) fn strong(etag: &str) -> bool {
    etag.len() > 2 && etag.starts_with('"') && etag.ends_with('"')
}

/// What a list of notes means.
pub(super) fn none(notes: &[String]) -> Verdict {
    match notes {
        [] => Ok(()),
        [first] => Err(not_ok(first.as_str())),
        [first, rest @ ..] => Err(not_ok(format!("{first} (and {} more)", rest.len()))),
    }
}

/// An owner that is made up.
pub(super) fn owner_named(name: &str, adopted: bool) -> Value {
    json!({ "clusterID": "conformance", "namespace": "conformance", "name": name, "adopted": adopted })
}
