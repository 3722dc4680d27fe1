//! Reasons that block an upload. The key in the slot stays there and is still probed.

use std::time::Duration;

use super::facts::Facts;
use super::probe;
use super::request;
use super::settle::{self, Wait};
use super::step::{Now, Settlement, Step};
use crate::domain::conditions::{Condition, Conditions, Progress, Status};
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::Findings;
use crate::domain::slot::Holder;

/// The time for which an object keeps `Ready=True` while the state of its source is uncertain. A rotation of a binding
/// takes 70 ms (recorded), and an alert on each of them would be noise.
const SOURCE_UNCERTAIN_GRACE: Duration = Duration::from_secs(10);

/// The message about the source of an object whose namespace is not admitted by its tenant.
pub const SOURCE_NOT_READ: &str = "the source is not read because the ALMTenant does not admit this namespace";

/// Settles because the tenant does not exist, so that nothing can be read or tested.
pub(super) fn without_tenant(facts: &Facts, name: &str, now: Now) -> Settlement {
    let message = format!("spec.tenantRef.name is \"{name}\", but no such ALMTenant exists: create it");
    let unknown = Condition::unknown(Reason::WaitingForTenant, message);
    let conditions = Conditions {
        ready: unknown.clone(),
        valid: unknown.clone(),
        signed_in: unknown.clone(),
        uploaded: settle::removed_before(facts).unwrap_or(unknown),
        progress: Progress::Reconciling,
        ready_only: false,
    };
    settle::settlement(facts, Some(conditions), &[Wait::Retry(Retry::Never)], now)
}

/// Settles because the source's key has a scope that ends with `ending`, which the tenant forbids.
///
/// # Errors
/// Returns the step that must be performed first.
pub(super) fn scope_forbidden(facts: &Facts, ending: &str, now: Now) -> Result<Settlement, Step> {
    let ready = Condition::no(Reason::ForbiddenScope, settle::forbidden_scope_message(ending));
    upload_blocked(facts, ready, Progress::Stalled, None, now)
}

/// Settles because the state of the source is uncertain.
///
/// # Errors
/// Returns the step that must be performed first.
pub(super) fn source_unknown(
    facts: &Facts,
    reason: Reason,
    message: &str,
    retry: Retry,
    now: Now,
) -> Result<Settlement, Step> {
    let ready = facts.previous.as_ref().is_some_and(|previous| previous.ready.status == Status::True);
    if let Some(grace) = source_grace(facts, now).filter(|_| ready) {
        let settlement = settle::settlement(facts, None, &[grace, Wait::Retry(retry)], now);
        return Ok(request::with_earlier_action(facts, settlement));
    }
    let ready = Condition::unknown(reason, message);
    upload_blocked(facts, ready, Progress::Reconciling, Some(Wait::Retry(retry)), now)
}

/// Returns the rest of the time for which an uncertain source changes nothing; none once it has passed.
pub(super) fn source_grace(facts: &Facts, now: Now) -> Option<Wait> {
    let since = facts.observations.unknown_since.unwrap_or(now.monotonic);
    let grace = SOURCE_UNCERTAIN_GRACE.saturating_sub(since.elapsed(now.monotonic));
    (!grace.is_zero()).then_some(Wait::Exactly(grace))
}

/// Returns true if the slot must not be read for this object, whose tenant admits no upload for `reason`.
///
/// An object that may have a key in the slot is not skipped: its ledger says so, or an earlier reconciliation read the
/// slot, since which a sibling may have handed its key over. Under a tenant that is being deleted no object is skipped:
/// after a loss of its status, its key would stay in the slot unnoticed, even if it is dead or its source is gone.
pub(super) fn skips_slot(facts: &Facts, reason: Reason) -> bool {
    let is_not_ours = facts.holder().is_some_and(|holder| !matches!(holder, Holder::Us(_)));
    let may_have_key = facts.ledger.is_open() || (facts.subject.has_read_slot && !is_not_ours);
    !may_have_key && reason != Reason::TenantTerminating
}

/// Settles because the tenant admits no upload of this object.
///
/// # Errors
/// Returns the step that must be performed first.
pub(super) fn tenant_closed(
    facts: &Facts,
    findings: Option<&Findings>,
    reason: Reason,
    message: &str,
    now: Now,
) -> Result<Settlement, Step> {
    let with_findings = match findings {
        None => message.to_owned(),
        Some(findings) => format!("{message}. In addition, {findings}"),
    };
    if !skips_slot(facts, reason) {
        return upload_blocked(facts, Condition::no(reason, with_findings), Progress::Stalled, None, now);
    }
    // The slot has no key of this object. An object that is not admitted gets no information about slot and source, and
    // causes no call.
    let not_read = Condition::unknown(reason, "neither sign-in nor Landscape Management is checked for this object");
    let (message, valid) = match reason {
        Reason::NamespaceNotAllowed => (message.to_owned(), Condition::unknown(reason, SOURCE_NOT_READ)),
        _ => (with_findings, settle::valid(facts)),
    };
    let conditions = Conditions {
        ready: Condition::no(reason, message),
        valid,
        signed_in: not_read.clone(),
        uploaded: not_read,
        progress: Progress::Stalled,
        ready_only: false,
    };
    Ok(settle::settlement(facts, Some(conditions), &[Wait::Retry(Retry::Never)], now))
}

/// Settles because the source's key violates the rules of the upload.
///
/// # Errors
/// Returns the step that must be performed first.
pub(super) fn key_invalid(facts: &Facts, findings: &Findings, now: Now) -> Result<Settlement, Step> {
    let ready = Condition::no(findings.reason(), findings.to_string());
    upload_blocked(facts, ready, Progress::Stalled, None, now)
}

fn upload_blocked(
    facts: &Facts,
    ready: Condition,
    progress: Progress,
    wait: Option<Wait>,
    now: Now,
) -> Result<Settlement, Step> {
    let mut waits = probe::probe_slot_key(facts, now)?;
    if progress == Progress::Stalled {
        waits = waits.into_iter().map(Wait::at_most_hourly).collect();
    }
    waits.extend(wait);
    let reason = ready.reason;
    let conditions = settle::conditions(facts, ready, progress);
    let was_tested = facts.answers.source_sign_in.is_some() || facts.answers.slot_sign_in.is_some();
    let signed_in = match (conditions.uploaded.status, was_tested) {
        (_, true) => conditions.signed_in,
        (Status::False, _) => Condition::unknown(reason, "there is no key to sign in with"),
        (Status::True | Status::Unknown, _) => Condition::unknown(reason, "signing in with the key was not possible"),
    };
    let settlement = settle::settlement(facts, Some(Conditions { signed_in, ..conditions }), &waits, now);
    let settlement = Settlement { ledger: settle::ledger_as_read(facts), ..settlement };
    Ok(match progress {
        Progress::Reconciling => request::with_earlier_action(facts, settlement),
        Progress::Done | Progress::Stalled => settlement,
    })
}
