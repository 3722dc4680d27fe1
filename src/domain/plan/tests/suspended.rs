//! `spec.suspend`.

use std::time::Duration;

use super::scenario::*;
use crate::domain::conditions::{Condition, Conditions, Progress, Status};
use crate::domain::plan::{Evidence, Facts, Source, Step};
use crate::domain::policy::Mode;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::examples::key;

fn suspended(scenario: Scenario) -> Scenario {
    scenario.with(|facts| facts.policy.suspend = true)
}

/// Checks status and progress of a suspended object, and that its message contains `part`.
fn check(scenario: Scenario, expected: (Status, Progress), part: &str) {
    let Conditions { ready, progress, ready_only, .. } = suspended(scenario).conditions();
    assert_eq!((ready.reason, (ready.status, progress)), (Reason::Suspended, expected), "{part}");
    assert!(ready.message.contains(part), "{}", ready.message);
    assert!(ready_only, "the other conditions are kept");
}

const IN_ORDER: (Status, Progress) = (Status::True, Progress::Done);
const WRONG: (Status, Progress) = (Status::False, Progress::Stalled);
const OPEN: (Status, Progress) = (Status::Unknown, Progress::Done);

#[test]
fn a_suspended_object_is_ready_while_its_source_has_the_uploaded_key() {
    check(Scenario::uploaded(), IN_ORDER, "the source still has the key that was uploaded");
    let observed = Scenario::uploaded().with(|facts| facts.policy.mode = Mode::Observe);
    check(observed, IN_ORDER, "the source still has the key that was uploaded");
}

#[test]
fn a_suspended_object_is_not_ready_once_its_source_has_changed() {
    check(Scenario::uploaded().source(present(Ok(rotated()))), WRONG, "another key");
    check(Scenario::uploaded().source(present(Err(findings()))), WRONG, "$.uaa");
    check(Scenario::uploaded().source_is_gone(Evidence::DeletionSeen), WRONG, "the binding is gone");
    check(Scenario::uploaded().tenant_closed(), WRONG, "does not admit this namespace");
}

#[test]
fn a_suspended_object_becomes_ready_again_with_the_uploaded_key() {
    let while_changed = |facts: &mut Facts| {
        let ready = Condition::no(Reason::Suspended, "the source has another key");
        facts.previous = Some(Conditions { ready, progress: Progress::Stalled, ..ready_conditions() });
    };
    check(Scenario::uploaded().with(while_changed), IN_ORDER, "the source still has the key");
}

#[test]
fn a_suspended_object_that_was_not_in_order_stays_so() {
    let refused = Condition::no(Reason::CredentialsRefused, "the key is refused");
    let before = Conditions { ready: refused.clone(), signed_in: refused, ..ready_conditions() };
    check(Scenario::uploaded().with(|facts| facts.previous = Some(before)), WRONG, "the key is refused");
    let unclear = Condition::unknown(Reason::NotVerifiedLately, "the token endpoint answered 503");
    let before = Conditions { ready: unclear.clone(), signed_in: unclear, ..ready_conditions() };
    check(Scenario::uploaded().with(|facts| facts.previous = Some(before)), OPEN, "the token endpoint answered 503");
}

#[test]
fn a_suspended_object_without_an_uploaded_key_is_not_ready() {
    check(Scenario::new(), OPEN, "before its key was checked");
    check(Scenario::new().with(|facts| facts.previous = Some(Conditions::progressing())), OPEN, "before its key");
    check(Scenario::new().tenant_missing(), OPEN, "ALMTenant \"acme\" does not exist");
    let no_upload = Condition::no(Reason::NotSlotOwner, "a sibling's key is there");
    let before = Conditions { ready: no_upload.clone(), uploaded: no_upload, ..ready_conditions() };
    check(Scenario::new().with(|facts| facts.previous = Some(before)), WRONG, "no key of this object");
}

#[test]
fn an_uncertain_source_of_a_suspended_object_is_awaited_for_10_seconds() {
    let source = || Source::Unknown {
        reason: Reason::SourceUnreadable,
        message: "could not read the Secret".into(),
        retry: Retry::Backoff,
    };
    let scenario = || Scenario::uploaded().source(source()).source_unchanged_for(9);
    check(scenario(), IN_ORDER, "the source still has the key");
    assert!(suspended(scenario()).settlement().next.as_secs() <= 1, "the end of the grace is not slept through");
    check(scenario().later(10), OPEN, "could not read the Secret");
    let was_wrong = |facts: &mut Facts| {
        let ready = Condition::no(Reason::Suspended, "the source has another key");
        facts.previous = Some(Conditions { ready, ..ready_conditions() });
    };
    check(scenario().with(was_wrong), OPEN, "could not read the Secret");
    check(Scenario::uploaded().with(|facts| facts.previous = None), OPEN, "it is not known");
}

#[test]
fn a_suspension_verifies_nothing_and_gathers_no_evidence() {
    let ready = suspended(Scenario::uploaded());
    assert_eq!(ready.settlement().observations.verified, None);
    let gone = Scenario::uploaded().source_is_gone(Evidence::SecretAbsent);
    let gone = suspended(gone.with(|facts| facts.policy.grace_period = Duration::from_mins(5)));
    let gone = gone.source_unchanged_for(100_000);
    let resumed = gone.with(|facts| {
        facts.policy.suspend = false;
        facts.observe_source(now_at(START + 100_000));
    });
    let resumed = resumed.slot_is_ours("1").slot_holds(&key()).slot_signs_in(accepted());
    assert_eq!(resumed.conditions().ready.reason, Reason::RemovalPending, "the grace period begins anew");
}

#[test]
fn a_suspended_object_that_is_deleted_removes_its_key() {
    let scenario = suspended(Scenario::uploaded().object_deleted());
    assert_eq!(scenario.plan(), Step::ReadSlot);
    assert_eq!(scenario.slot_is_ours("1").record().1, delete_at("1"));
}
