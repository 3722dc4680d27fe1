//! The condition `Ready` in each state; messages are constant in the same state.

use std::time::Duration;

use super::scenario::*;
use crate::domain::conditions::{Progress, Status};
use crate::domain::plan::{Evidence, Now, settle_exhausted};
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::examples::{document, key};
use crate::domain::slot::RemoteTrouble;

/// The name of a state, its scenario and the expected condition.
type Row = (&'static str, Scenario, Status, Reason, Progress);

/// Returns the states in which `Ready` is unknown.
fn unknown() -> Vec<Row> {
    let reconciling = Progress::Reconciling;
    let unavailable = |scenario: Scenario| scenario.with(|facts| facts.learn_slot(Err(unavailable())));
    let absent = Scenario::uploaded().source_is_gone(Evidence::SecretAbsent).slot_is_ours("1");
    let absent = absent.slot_holds(&key()).slot_signs_in(accepted());
    vec![
        ("no tenant", Scenario::new().tenant_missing(), Status::Unknown, Reason::WaitingForTenant, reconciling),
        (
            "no credentials yet",
            Scenario::new().source_is_unknown().slot_is_empty("1"),
            Status::Unknown,
            Reason::WaitingForBinding,
            reconciling,
        ),
        (
            "no clear answer",
            Scenario::new().source_signs_in(unclear()),
            Status::Unknown,
            Reason::SignInUnknown,
            reconciling,
        ),
        (
            "no Landscape Management",
            unavailable(Scenario::new().source_signs_in(accepted())),
            Status::Unknown,
            Reason::LandscapeManagementUnavailable,
            reconciling,
        ),
        (
            "in the grace period",
            absent.with(|facts| facts.policy.grace_period = Duration::from_mins(5)),
            Status::Unknown,
            Reason::RemovalPending,
            reconciling,
        ),
        (
            "an older sibling uploads first",
            Scenario::new()
                .source_signs_in(accepted())
                .slot_is_empty("1")
                .with(|facts| facts.siblings.ahead = Some("monitoring/older".into())),
            Status::Unknown,
            Reason::WaitingForSibling,
            reconciling,
        ),
        (
            "deletion delayed",
            unavailable(Scenario::uploaded().object_deleted()),
            Status::Unknown,
            Reason::Removing,
            reconciling,
        ),
    ]
}

/// Returns the states in which `Ready` is true or false.
fn known() -> Vec<Row> {
    let stalled = Progress::Stalled;
    let unauthorized = RemoteTrouble {
        reason: Reason::LandscapeManagementUnauthorized,
        message: "Landscape Management answered 401".into(),
        retry: Retry::Never,
    };
    let gone = Scenario::uploaded().source_is_gone(Evidence::DeletionSeen).slot_is_empty("2");
    let proven = Scenario::new().source_signs_in(accepted());
    vec![
        (
            "invalid",
            Scenario::new().source(present(Err(findings()))).slot_is_empty("1"),
            Status::False,
            Reason::MissingCredentials,
            stalled,
        ),
        (
            "refused",
            Scenario::new().source_signs_in(refused()).slot_is_empty("1"),
            Status::False,
            Reason::CredentialsRefused,
            stalled,
        ),
        (
            "not allowed",
            Scenario::new().tenant_closed().slot_is_empty("1"),
            Status::False,
            Reason::NamespaceNotAllowed,
            stalled,
        ),
        (
            "occupied",
            proven.clone().slot_is_owned_by("1", None).slot_holds(&rotated()),
            Status::False,
            Reason::SlotOccupied,
            stalled,
        ),
        ("source gone", gone, Status::False, Reason::SourceGone, stalled),
        (
            "our credentials refused",
            proven.clone().with(|facts| facts.learn_slot(Err(unauthorized))),
            Status::False,
            Reason::LandscapeManagementUnauthorized,
            stalled,
        ),
        ("uploaded", proven.ledger_has(&key(), "1").slot_is_ours("1"), Status::True, Reason::Uploaded, Progress::Done),
    ]
}

#[test]
fn ready_has_the_documented_reason_in_each_state() {
    for (state, scenario, status, reason, progress) in unknown().into_iter().chain(known()) {
        let conditions = scenario.conditions();
        let found = (conditions.ready.status, conditions.ready.reason, conditions.progress);
        assert_eq!(found, (status, reason, progress), "{state}");
    }
}

#[test]
fn conditions_do_not_change_with_time_or_jitter() {
    for (state, scenario, ..) in unknown().into_iter().chain(known()) {
        let later = Now { wall: now_at(START + 77_777).wall, ..scenario.now };
        let later_with_jitter = Scenario { now: later, ..scenario.clone() }.with(|facts| facts.jitter = 0.9);
        assert_eq!(scenario.conditions(), later_with_jitter.conditions(), "{state}");
    }
}

#[test]
fn neither_conditions_nor_facts_show_a_secret() {
    let secret = document()["uaa"]["clientsecret"].as_str().expect("the example has one").to_owned();
    for (state, scenario, ..) in unknown().into_iter().chain(known()) {
        let scenario = scenario.slot_holds(&key());
        let texts = format!("{:?} {:?} {}", scenario.facts, scenario.plan(), scenario.facts.change_marker());
        assert!(!texts.contains(&secret), "{state}");
    }
}

#[test]
fn signed_in_is_false_for_a_refused_key_of_the_source_or_of_the_slot() {
    let source = Scenario::new().source_signs_in(refused()).slot_is_empty("1").conditions();
    assert_eq!((source.signed_in.status, source.valid.status), (Status::False, Status::True));

    let slot = Scenario::uploaded().source(present(Err(findings()))).slot_is_ours("1").slot_holds(&key());
    let slot = slot.slot_signs_in(refused()).conditions();
    assert_eq!((slot.signed_in.status, slot.valid.status), (Status::False, Status::False));
}

#[test]
fn signed_in_is_unknown_without_a_key_to_test() {
    let conditions = Scenario::new().source(present(Err(findings()))).slot_is_empty("1").conditions();
    assert_eq!(conditions.signed_in.status, Status::Unknown);
    assert_eq!(conditions.uploaded.reason, Reason::NotUploaded);
}

#[test]
fn after_a_rejected_rotation_the_old_key_is_still_reported_as_uploaded() {
    let mut scenario =
        Scenario::uploaded().source(present(Ok(rotated()))).source_signs_in(accepted()).slot_is_ours("1");
    let rejected = crate::domain::slot::WriteAnswer::Rejected("422 at $.key".into());
    scenario.facts.learn_write(crate::domain::ledger::Operation::Upload, Some(ours()), rejected, scenario.now);
    let conditions = scenario.conditions();
    assert_eq!(conditions.ready.reason, Reason::UploadRejected);
    assert_eq!(conditions.uploaded.status, Status::True);
}

#[test]
fn a_reconciliation_without_steps_left_backs_off_and_keeps_ready() {
    let new = Scenario::new().source_signs_in(accepted());
    let settlement = settle_exhausted(&new.facts, new.now);
    assert_eq!(settlement.conditions.expect("conditions").ready.reason, Reason::SlotUnknown);
    assert!(settlement.observations.failures.is_some());
    let uploaded = Scenario::uploaded().source_signs_in(accepted());
    assert_eq!(settle_exhausted(&uploaded.facts, uploaded.now).conditions, None);
    let deleted = Scenario::uploaded().object_deleted();
    let conditions = settle_exhausted(&deleted.facts, deleted.now).conditions.expect("conditions");
    assert_eq!(conditions.ready.reason, Reason::Removing, "the removal is reported despite the failure");
}
