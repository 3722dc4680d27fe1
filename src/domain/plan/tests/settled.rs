//! Nothing changed and nothing is due: nothing is asked and nothing is written.

use std::time::Duration;

use super::scenario::*;
use crate::domain::conditions::Status;
use crate::domain::plan::{KeyRole, Step, Tenant};
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::slot::RemoteTrouble;

/// As it is after a pass that found all well; due again after 900 s.
fn settled() -> World {
    let settlement = World::kept().source_signs_in(accepted()).slot_is_ours("1").settlement();
    World::kept().with(|facts| facts.observations = settlement.observations)
}

#[test]
fn a_settled_key_that_is_not_due_asks_nothing_and_says_nothing() {
    let bed = settled().later(899);
    let settlement = bed.settlement();
    assert_eq!(settlement.conditions, None);
    assert_eq!(settlement.ledger, bed.facts.ledger);
    assert_eq!(settlement.observations, bed.facts.observations);
    assert_eq!(settlement.next, Duration::from_secs(1));
    assert!(!settlement.release);
}

#[test]
fn a_settled_key_that_is_due_is_signed_in_with_again() {
    assert_eq!(settled().later(900).plan(), Step::SignIn(KeyRole::Source));
}

#[test]
fn a_settled_key_is_looked_at_again_when_anything_of_it_changes() {
    let changes: [(&str, World); 5] = [
        ("its spec", settled().with(|facts| facts.subject.generation = 2)),
        ("its tenant", settled().with(|facts| facts.tenant = Tenant::Open { version: "2".into() })),
        ("its key", settled().source(present(Ok(rotated())))),
        ("its key's validity", settled().source(present(Err(findings())))),
        ("its tenant's mind", settled().tenant_closed()),
    ];
    for (what, bed) in changes {
        assert!(!matches!(bed.later(1).plan(), Step::Settle(_)), "{what}");
    }
}

#[test]
fn a_key_that_a_person_asks_about_is_looked_at_again() {
    let asked = settled().with(|facts| facts.observations.settled = None);
    assert_eq!(asked.later(1).plan(), Step::SignIn(KeyRole::Source));
}

#[test]
fn a_settled_object_whose_status_was_wiped_is_given_its_verdict_again() {
    let wiped = settled().with(|facts| facts.previous = None).later(1);
    assert!(!matches!(wiped.plan(), Step::Settle(settlement) if settlement.conditions.is_none()));
}

#[test]
fn a_rate_limit_is_obeyed_and_never_comes_back_at_once() {
    let limited = |seconds: u64| {
        let trouble = RemoteTrouble {
            reason: Reason::RateLimited,
            message: "Landscape Management asked to be called less often".into(),
            retry: Retry::After(Duration::from_secs(seconds)),
        };
        World::kept().source_signs_in(accepted()).with(|facts| facts.learn_slot(Err(trouble))).settlement()
    };
    assert_eq!(limited(30).next, Duration::from_secs(30));
    assert_eq!(limited(1_000_000).next, Duration::from_mins(45), "three intervals of 15 minutes end what stands");
    assert!(limited(0).next > Duration::ZERO);
}

// proves: limit domain/retry MAX_RETRY_AFTER
#[test]
fn a_rate_limit_of_two_hours_is_obeyed_and_a_longer_one_is_cut_short() {
    let limited = |seconds: u64| {
        let trouble = RemoteTrouble {
            reason: Reason::RateLimited,
            message: "Landscape Management asked to be called less often".into(),
            retry: Retry::After(Duration::from_secs(seconds)),
        };
        World::new().source_signs_in(accepted()).with(|facts| facts.learn_slot(Err(trouble))).settlement().next
    };
    assert_eq!((limited(7_199), limited(7_201)), (Duration::from_secs(7_199), Duration::from_hours(2)));
    assert_eq!((limited(u64::MAX), limited(2)), (Duration::from_hours(2), Duration::from_secs(2)));
    assert_eq!(limited(1), Duration::from_secs(2), "the least that is ever waited for is two seconds");
}

#[test]
fn failures_in_a_row_are_counted_and_one_success_ends_the_row() {
    let failed = World::kept().source_signs_in(unclear()).settlement();
    assert!(failed.observations.failing.is_some());
    let again = World::kept().with(|facts| facts.observations = failed.observations.clone()).later(900);
    let again = again.source_signs_in(unclear()).settlement();
    assert_ne!(again.observations.failing, failed.observations.failing);
    let well = World::kept().with(|facts| facts.observations = again.observations).later(2_000);
    let well = well.source_signs_in(accepted()).slot_is_ours("1").settlement();
    assert_eq!(well.observations.failing, None);
    assert_eq!(well.conditions.expect("a verdict").ready.status, Status::True);
}
