//! A settled object: without a change, nothing is called or written until the next check is due.

use std::time::Duration;

use super::scenario::*;
use crate::domain::conditions::Status;
use crate::domain::plan::{Answers, KeyRole, Step, Tenant};
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::examples::key;
use crate::domain::slot::RemoteTrouble;

/// Returns a ready object after its settlement, due again after 900 s.
fn settled() -> Scenario {
    let settlement = Scenario::uploaded().source_signs_in(accepted()).slot_is_ours("1").settlement();
    Scenario::uploaded().with(|facts| facts.observations = settlement.observations)
}

#[test]
fn a_settled_key_that_is_not_due_causes_no_call_and_no_write() {
    let scenario = settled().later(899);
    let settlement = scenario.settlement();
    assert_eq!(settlement.conditions, None);
    assert_eq!(settlement.ledger, scenario.facts.ledger);
    assert_eq!(settlement.observations, scenario.facts.observations);
    assert_eq!(settlement.next, Duration::from_secs(1));
    assert!(!settlement.release);
}

#[test]
fn a_settled_key_that_is_due_is_tested_again() {
    assert_eq!(settled().later(900).plan(), Step::SignIn(KeyRole::Source));
}

#[test]
fn a_settled_object_is_checked_again_when_anything_changes() {
    let changes: [(&str, Scenario); 5] = [
        ("its spec", settled().with(|facts| facts.subject.generation = 2)),
        ("its tenant", settled().with(|facts| facts.tenant = Tenant::Open { version: "2".into() })),
        ("its key", settled().source(present(Ok(rotated())))),
        ("its key's validity", settled().source(present(Err(findings())))),
        ("its admission", settled().tenant_closed()),
    ];
    for (change, scenario) in changes {
        assert!(!matches!(scenario.later(1).plan(), Step::Settle(_)), "{change}");
    }
}

#[test]
fn a_request_for_a_sibling_is_a_change_if_it_is_for_a_key_that_may_be_ours() {
    let asked = Scenario::new().manual().source_signs_in(accepted()).slot_is_unknown("1").ask().1;
    let settlement = asked.settlement();
    let settled = asked.with(|facts| {
        facts.ledger = settlement.ledger;
        facts.previous = settlement.conditions;
        facts.observations = settlement.observations;
        facts.answers = Answers::default();
    });
    let requested_too = |key: &ServiceKey| {
        settled.clone().with(|facts| facts.siblings.requested = vec![key.fingerprint().clone()]).later(1)
    };
    assert!(!matches!(requested_too(&key()).plan(), Step::Settle(_)));
    assert!(matches!(requested_too(&rotated()).plan(), Step::Settle(_)));
}

#[test]
fn a_requested_reconciliation_checks_a_settled_key_again() {
    let requested = settled().with(|facts| facts.observations.settled = None);
    assert_eq!(requested.later(1).plan(), Step::SignIn(KeyRole::Source));
}

#[test]
fn a_settled_object_that_lost_its_status_gets_its_conditions_again() {
    let wiped = settled().with(|facts| facts.previous = None).later(1);
    assert!(!matches!(wiped.plan(), Step::Settle(settlement) if settlement.conditions.is_none()));
}

#[test]
fn a_rate_limit_is_obeyed_and_never_retried_at_once() {
    let next_after = |seconds: u64| {
        let trouble = RemoteTrouble {
            reason: Reason::RateLimited,
            message: "Landscape Management asked for less frequent calls".into(),
            retry: Retry::After(Duration::from_secs(seconds)),
        };
        Scenario::uploaded().source_signs_in(accepted()).with(|facts| facts.learn_slot(Err(trouble))).settlement()
    };
    assert_eq!(next_after(30).next, Duration::from_secs(30));
    assert_eq!(
        next_after(1_000_000).next,
        Duration::from_mins(45),
        "Ready expires after three intervals of 15 minutes"
    );
    assert!(next_after(0).next > Duration::ZERO);
}

// proves: limit domain/retry MAX_RETRY_AFTER
#[test]
fn a_retry_after_of_more_than_two_hours_is_cut_to_two_hours() {
    let next_after = |seconds: u64| {
        let trouble = RemoteTrouble {
            reason: Reason::RateLimited,
            message: "Landscape Management asked for less frequent calls".into(),
            retry: Retry::After(Duration::from_secs(seconds)),
        };
        Scenario::new().source_signs_in(accepted()).with(|facts| facts.learn_slot(Err(trouble))).settlement().next
    };
    assert_eq!((next_after(7_199), next_after(7_201)), (Duration::from_secs(7_199), Duration::from_hours(2)));
    assert_eq!((next_after(u64::MAX), next_after(2)), (Duration::from_hours(2), Duration::from_secs(2)));
    assert_eq!(next_after(1), Duration::from_secs(2), "the shortest wait is two seconds");
}

#[test]
fn a_success_ends_a_streak_of_failures() {
    let failed = Scenario::uploaded().source_signs_in(unclear()).settlement();
    assert!(failed.observations.failures.is_some());
    let again = Scenario::uploaded().with(|facts| facts.observations = failed.observations.clone()).later(900);
    let again = again.source_signs_in(unclear()).settlement();
    assert_ne!(again.observations.failures, failed.observations.failures);
    let ready = Scenario::uploaded().with(|facts| facts.observations = again.observations).later(2_000);
    let ready = ready.source_signs_in(accepted()).slot_is_ours("1").settlement();
    assert_eq!(ready.observations.failures, None);
    assert_eq!(ready.conditions.expect("conditions").ready.status, Status::True);
}
