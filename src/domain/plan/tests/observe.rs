//! The mode `Observe`, abandoned objects and forbidden scopes.

use std::time::Duration;

use super::scenario::*;
use crate::domain::conditions::{Condition, Conditions, Progress, Status};
use crate::domain::ledger::Operation;
use crate::domain::plan::{Content, Evidence, Step, Verdict};
use crate::domain::policy::{DeletionPolicy, Mode, Scopes};
use crate::domain::reason::Reason;
use crate::domain::service_key::examples::key;

fn observing(scenario: Scenario) -> Scenario {
    scenario.with(|facts| facts.policy.mode = Mode::Observe)
}

#[test]
fn in_observe_mode_the_condition_names_the_write_of_enforce() {
    let scenario = observing(Scenario::new());
    assert!(matches!(scenario.plan(), Step::SignIn(_)));
    let scenario = scenario.source_signs_in(accepted());
    assert_eq!(scenario.plan(), Step::ReadSlot);
    let cases: [(Scenario, &str); 3] = [
        (scenario.clone().slot_is_empty("1"), "upload the source's key"),
        (scenario.slot_is_owned_by("1", None).slot_holds(&key()), "adopt the key in the slot"),
        (
            observing(Scenario::uploaded().source(present(Ok(rotated()))))
                .source_signs_in(accepted())
                .slot_is_ours("1")
                .slot_holds(&key())
                .slot_signs_in(accepted()),
            "upload the source's key",
        ),
    ];
    for (scenario, change) in cases {
        let Conditions { ready, signed_in, progress, .. } = scenario.conditions();
        assert_eq!((ready.status, ready.reason), (Status::True, Reason::WouldChange));
        assert_eq!((signed_in.status, progress), (Status::True, Progress::Done));
        assert!(ready.message.contains(change), "{}", ready.message);
    }
}

#[test]
fn in_observe_mode_a_lost_or_dead_key_in_the_slot_is_an_error() {
    let gone = Scenario::uploaded().source_is_gone(Evidence::DeletionSeen).slot_is_ours("1");
    let retained = gone.clone().with(|facts| facts.policy.deletion = DeletionPolicy::Retain);
    let dead = Scenario::uploaded().refused_at(&key(), &[0, 60, 240, 600]).source_signs_in(refused());
    let rotated_and_invalid = Scenario::uploaded()
        .source(present(Err(findings())))
        .refused_at(&key(), &[0, 60, 240, 600])
        .slot_is_ours("1")
        .slot_holds(&key())
        .slot_signs_in(refused());
    let dead_before_rotation = Scenario::uploaded()
        .source(present(Ok(rotated())))
        .refused_at(&key(), &[0, 60, 240, 600])
        .source_signs_in(accepted())
        .slot_is_ours("1")
        .slot_holds(&key())
        .slot_signs_in(refused());
    for (scenario, reason, change) in [
        (dead_before_rotation, Reason::CredentialsRefused, "upload the source's key"),
        (gone, Reason::SourceGone, "delete the key of this object"),
        (retained.slot_holds(&key()).slot_signs_in(accepted()), Reason::SourceGone, "release the key of this object"),
        (dead.slot_is_ours("1").slot_holds(&key()), Reason::CredentialsRefused, "delete the key of this object"),
        (rotated_and_invalid, Reason::CredentialsRefused, "delete the key of this object"),
    ] {
        let settlement = observing(scenario).settlement();
        let Conditions { ready, progress, .. } = settlement.conditions.expect("conditions");
        assert_eq!((ready.status, ready.reason, progress), (Status::False, reason, Progress::Stalled));
        assert!(ready.message.contains(change), "{}", ready.message);
        assert!(
            settlement.next >= Duration::from_mins(50),
            "{:?}: a failing object is checked hourly",
            settlement.next
        );
    }
}

#[test]
fn in_observe_mode_a_key_in_the_slot_that_is_refused_once_is_probed_again() {
    let refused_once = observing(Scenario::uploaded().source(present(Ok(rotated()))))
        .source_signs_in(accepted())
        .slot_is_ours("1")
        .slot_holds(&key())
        .slot_signs_in(refused());
    let dead_before = Conditions {
        ready: Condition::no(Reason::CredentialsRefused, "the key in Landscape Management no longer signs in"),
        ..ready_conditions()
    };
    let after_restart = refused_once.clone().with(|facts| facts.previous = Some(dead_before));
    assert_eq!(after_restart.conditions().ready.status, Status::False, "a restart makes no dead key live");
    let settlement = refused_once.settlement();
    assert_eq!(settlement.next, Duration::from_mins(1), "the second probe");
    assert_eq!(settlement.conditions.expect("conditions").ready.reason, Reason::WouldChange);
}

#[test]
fn in_observe_mode_something_in_our_slot_that_is_no_key_is_an_error() {
    let scenario = observing(Scenario::uploaded().source(present(Ok(rotated()))))
        .source_signs_in(accepted())
        .slot_is_ours("1")
        .with(|facts| facts.learn_content(Ok(Content::Unreadable(findings()))));
    let Conditions { ready, progress, .. } = scenario.conditions();
    assert_eq!((ready.status, progress), (Status::False, Progress::Stalled));
    assert!(ready.message.contains("no usable key") && ready.message.contains("upload"), "{}", ready.message);
}

#[test]
fn in_observe_mode_an_object_without_changes_is_ready() {
    let ready = observing(Scenario::uploaded()).source_signs_in(accepted()).slot_is_ours("1").conditions().ready;
    assert_eq!((ready.status, ready.reason), (Status::True, Reason::Observed));
}

#[test]
fn in_observe_mode_a_deleted_object_is_released_and_reports_an_orphan() {
    let new = observing(Scenario::new().object_deleted()).settlement();
    assert!(new.release && !new.orphan);
    let uploaded = observing(Scenario::uploaded().object_deleted()).settlement();
    assert!(uploaded.release && uploaded.orphan);
}

#[test]
fn an_abandoned_object_is_released_at_once_and_reports_an_orphan() {
    let scenarios = [
        Scenario::uploaded().object_deleted(),
        Scenario::uploaded().object_deleted().tenant_missing(),
        Scenario::new().object_deleted().pending(Operation::Upload, Some(&key()), "1"),
    ];
    for scenario in scenarios {
        let settlement = scenario.with(|facts| facts.subject.abandoned = true).settlement();
        assert!(settlement.release && settlement.orphan);
    }
    let nothing = Scenario::new().object_deleted().with(|facts| facts.subject.abandoned = true).settlement();
    assert!(nothing.release && !nothing.orphan);
}

#[test]
fn a_key_with_a_forbidden_scope_is_not_put_and_the_uploaded_one_stays() {
    let analytics = || Verdict::Accepted { scopes: Scopes::new("openid sb-1!b2.calm-api.analytics.read") };
    let new = Scenario::new().source_signs_in(analytics()).slot_is_empty("1").conditions();
    assert_eq!(new.ready.reason, Reason::ForbiddenScope);
    assert_eq!((new.valid.status, new.valid.reason), (Status::False, Reason::ForbiddenScope));
    assert_eq!(new.signed_in.status, Status::True, "the key signs in");
    assert!(new.ready.message.contains("calm-api.analytics.read"), "{}", new.ready.message);

    let uploaded = Scenario::uploaded().source(present(Ok(rotated()))).source_signs_in(analytics()).slot_is_ours("1");
    assert_eq!(uploaded.plan(), Step::ReadContent);
    let uploaded = uploaded.slot_holds(&key()).slot_signs_in(accepted()).conditions();
    assert_eq!((uploaded.ready.reason, uploaded.uploaded.status), (Reason::ForbiddenScope, Status::True));
}

#[test]
fn the_tenant_may_forbid_no_scope() {
    let scopes = Scopes::new("calm-api.analytics.read");
    let scenario = Scenario::new().with(|facts| facts.policy.forbidden_scopes = Vec::new());
    let scenario = scenario.source_signs_in(Verdict::Accepted { scopes }).slot_is_empty("1");
    assert_eq!(scenario.record().1, put_at("1"));
}
