//! What `Ready` says in which state, and that no text of a verdict changes without cause.

use std::time::Duration;

use super::scenario::*;
use crate::domain::conditions::{Progress, Status};
use crate::domain::plan::{Evidence, Now, settle_exhausted};
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::examples::{document, key};
use crate::domain::slot::RemoteTrouble;

/// What is the state, the world in it, and what is said of it.
type Row = (&'static str, World, Status, Reason, Progress);

/// The rows in which nothing is known yet, or something moves.
fn unknown() -> Vec<Row> {
    let moves = Progress::Reconciling;
    let unavailable = |bed: World| bed.with(|facts| facts.learn_slot(Err(unavailable())));
    let absent = World::kept().source_is_gone(Evidence::SecretAbsent).slot_is_ours("1");
    let absent = absent.slot_holds(&key()).slot_signs_in(accepted());
    vec![
        ("no tenant", World::new().tenant_missing(), Status::Unknown, Reason::WaitingForTenant, moves),
        (
            "no credentials yet",
            World::new().source_is_unknown().slot_is_empty("1"),
            Status::Unknown,
            Reason::WaitingForBinding,
            moves,
        ),
        ("no clear answer", World::new().source_signs_in(unclear()), Status::Unknown, Reason::SignInUnknown, moves),
        (
            "no Landscape Management",
            unavailable(World::new().source_signs_in(accepted())),
            Status::Unknown,
            Reason::LandscapeManagementUnavailable,
            moves,
        ),
        (
            "in the grace period",
            absent.with(|facts| facts.policy.grace_period = Duration::from_mins(5)),
            Status::Unknown,
            Reason::RemovalPending,
            moves,
        ),
        (
            "an older one goes first",
            World::new()
                .source_signs_in(accepted())
                .slot_is_empty("1")
                .with(|facts| facts.siblings.ahead = Some("monitoring/older".into())),
            Status::Unknown,
            Reason::WaitingForSibling,
            moves,
        ),
        ("deletion held up", unavailable(World::kept().object_deleted()), Status::Unknown, Reason::Removing, moves),
    ]
}

/// The rows in which somebody must act, or all is well.
fn known() -> Vec<Row> {
    let stalled = Progress::Stalled;
    let unauthorized = RemoteTrouble {
        reason: Reason::LandscapeManagementUnauthorized,
        message: "Landscape Management answered 401".into(),
        retry: Retry::Never,
    };
    let gone = World::kept().source_is_gone(Evidence::DeletionSeen).slot_is_empty("2");
    let proven = World::new().source_signs_in(accepted());
    vec![
        (
            "invalid",
            World::new().source(present(Err(findings()))).slot_is_empty("1"),
            Status::False,
            Reason::MissingCredentials,
            stalled,
        ),
        (
            "refused",
            World::new().source_signs_in(refused()).slot_is_empty("1"),
            Status::False,
            Reason::CredentialsRefused,
            stalled,
        ),
        (
            "not allowed",
            World::new().tenant_closed().slot_is_empty("1"),
            Status::False,
            Reason::NamespaceNotAllowed,
            stalled,
        ),
        (
            "occupied",
            proven.clone().slot_is_held("1", None).slot_holds(&rotated()),
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
        ("uploaded", proven.remembers(&key(), "1").slot_is_ours("1"), Status::True, Reason::Uploaded, Progress::Done),
    ]
}

#[test]
fn ready_says_what_the_table_of_states_says() {
    for (state, bed, status, reason, progress) in unknown().into_iter().chain(known()) {
        let conditions = bed.verdict();
        let said = (conditions.ready.status, conditions.ready.reason, conditions.progress);
        assert_eq!(said, (status, reason, progress), "{state}");
    }
}

#[test]
fn the_same_state_is_said_in_the_same_words_at_any_time() {
    for (state, bed, ..) in unknown().into_iter().chain(known()) {
        let later = Now { wall: now_at(START + 77_777).wall, ..bed.now };
        let other_draw = World { now: later, ..bed.clone() }.with(|facts| facts.jitter = 0.9);
        assert_eq!(bed.verdict(), other_draw.verdict(), "{state}");
    }
}

#[test]
fn no_verdict_and_no_fact_shows_a_secret() {
    let secret = document()["uaa"]["clientsecret"].as_str().expect("the example has one").to_owned();
    for (state, bed, ..) in unknown().into_iter().chain(known()) {
        let bed = bed.slot_holds(&key());
        let texts = format!("{:?} {:?} {}", bed.facts, bed.plan(), bed.facts.stamp());
        assert!(!texts.contains(&secret), "{state}");
    }
}

#[test]
fn signed_in_is_false_for_a_refused_key_whether_it_is_the_sources_or_the_slots() {
    let source = World::new().source_signs_in(refused()).slot_is_empty("1").verdict();
    assert_eq!((source.signed_in.status, source.valid.status), (Status::False, Status::True));

    let slot = World::kept().source(present(Err(findings()))).slot_is_ours("1").slot_holds(&key());
    let slot = slot.slot_signs_in(refused()).verdict();
    assert_eq!((slot.signed_in.status, slot.valid.status), (Status::False, Status::False));
}

#[test]
fn without_any_key_to_ask_about_signed_in_is_unknown() {
    let conditions = World::new().source(present(Err(findings()))).slot_is_empty("1").verdict();
    assert_eq!(conditions.signed_in.status, Status::Unknown);
    assert_eq!(conditions.uploaded.reason, Reason::NotUploaded);
}

#[test]
fn a_rejected_rotation_does_not_deny_that_the_old_key_stands_there() {
    let mut bed = World::kept().source(present(Ok(rotated()))).source_signs_in(accepted()).slot_is_ours("1");
    let rejected = crate::domain::slot::WriteAnswer::Rejected("422 at $.key".into());
    bed.facts.learn_write(crate::domain::ledger::Operation::Upload, rejected, bed.now);
    let conditions = bed.verdict();
    assert_eq!(conditions.ready.reason, Reason::UploadRejected);
    assert_eq!(conditions.uploaded.status, Status::True);
}

#[test]
fn a_pass_that_gives_way_backs_off_and_leaves_a_true_standing() {
    let new = World::new().source_signs_in(accepted());
    let settlement = settle_exhausted(&new.facts, new.now);
    assert_eq!(settlement.conditions.expect("a verdict").ready.reason, Reason::SlotUnknown);
    assert!(settlement.observations.failing.is_some());
    let kept = World::kept().source_signs_in(accepted());
    assert_eq!(settle_exhausted(&kept.facts, kept.now).conditions, None);
    let going = World::kept().object_deleted();
    let conditions = settle_exhausted(&going.facts, going.now).conditions.expect("a verdict");
    assert_eq!(conditions.ready.reason, Reason::Removing, "it is being removed, whatever is in the way");
}
