//! The list of checks, in the order in which they are run.

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;

use super::server::Server;
use super::verdict::Verdict;
use super::{content, fencing, owner, refusals};

/// A statement of the contract, and the function that checks it.
pub(super) struct Check {
    /// Name of the check.
    pub(super) name: &'static str,
    /// Statement of the contract.
    pub(super) statement: &'static str,
    pub(super) run: fn(&mut Server) -> LocalBoxFuture<'_, Verdict>,
}

macro_rules! checks {
    ($($name:literal $statement:literal $run:path;)*) => {
        /// All checks.
        pub(super) const CHECKS: &[Check] =
            &[$(Check { name: $name, statement: $statement, run: |server| $run(server).boxed_local() }),*];
    };
}

checks! {
    "empty-has-revision" "The empty slot is a 404 with a strong ETag, and so is its content." content::empty_has_revision;
    "token-needed" "Without a token, or with one that the server did not issue, every request is refused with 401." refusals::token_needed;
    "put-fills" "A PUT fills the empty slot: 201 or 204 with the new ETag." content::put_fills;
    "shown-without-secret" "The slot shows tenant, client and credential type of its key, and no secret." content::shown_without_secret;
    "content-kept" "The content is the key exactly as it was put, unknown fields included." content::kept;
    "large-key" "A key of 64 KiB is accepted and returned as a whole." content::large_key;
    "put-replaces" "A PUT replaces the key in the slot: 204 with the new ETag." content::put_replaces;
    "owner-kept" "The slot shows the owner that was put." owner::kept;
    "put-sets-adopted" "After a PUT the slot shows `adopted` as the request sent it." owner::put_sets_adopted;
    "adopt" "A PATCH gives the key another owner, adopted if the request says so, and changes nothing else." owner::adopt;
    "release" "A PATCH with null leaves the key without an owner, and changes nothing else." owner::release;
    "nothing-to-own" "A PATCH of the empty slot is refused with 409 and has no effect." owner::nothing_to_own;
    "delete-empties" "A DELETE empties the slot: 204 with the new ETag." fencing::delete_empties;
    "delete-advances" "A DELETE of the empty slot is a 204 too, and advances the revision." fencing::delete_advances;
    "patch-advances" "A PATCH that names the present owner advances the revision too." fencing::patch_advances;
    "late-write" "A write for the revision before a DELETE of the empty slot, or before a PATCH of a key without an owner, is refused with 412." fencing::late_write;
    "one-of-two" "Of two concurrent writes for one revision exactly one takes effect." fencing::one_of_two;
    "if-match-needed" "A write without If-Match is refused with 428 and has no effect." refusals::if_match_needed;
    "if-match-one-tag" "A write whose If-Match is not one strong tag is refused with 400 and has no effect." refusals::if_match_one_tag;
    "if-match-compared" "A write for another revision is refused with 412 and has no effect." refusals::if_match_compared;
    "other-tenant" "A key of another tenant is refused with 422, code and field, and has no effect." refusals::other_tenant;
    "incomplete-key" "A key without client, secret or credential type is refused with 422, code and field, and has no effect." refusals::incomplete_key;
    "bad-body" "A body that is not JSON, lacks a field or has an unknown one is refused with 400 and has no effect." refusals::bad_body;
    "json-only" "A body that is not declared as application/json is refused with 415 and has no effect." refusals::json_only;
    "revision-announced" "The ETag in the answer to a write is the one that the slot shows next." fencing::revision_announced;
    "revision-once" "No revision was used twice in the whole run." fencing::revision_once;
    "as-documented" "Every answer in the whole run is declared by the OpenAPI document." content::as_documented;
}
