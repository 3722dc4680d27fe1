//! A short uncertainty about the source does not change a ready object.

use std::time::Duration;

use super::scenario::*;
use crate::domain::conditions::{Progress, Status};
use crate::domain::plan::Step;
use crate::domain::reason::Reason;
use crate::domain::service_key::examples::key;

// proves: limit domain/plan/blocked SOURCE_UNCERTAIN_GRACE
#[test]
fn a_ready_object_keeps_its_conditions_for_ten_seconds_without_any_call() {
    for seconds in [0, 9] {
        let settlement = Scenario::uploaded().source_is_unknown().source_unchanged_for(seconds).settlement();
        assert_eq!(settlement.conditions, None);
        assert_eq!(settlement.next, Duration::from_secs(10 - seconds));
        assert_eq!(settlement.ledger, Scenario::uploaded().facts.ledger);
    }
}

#[test]
fn after_ten_seconds_of_uncertainty_ready_is_unknown() {
    let scenario = Scenario::uploaded().source_is_unknown().source_unchanged_for(10);
    assert_eq!(scenario.plan(), Step::ReadSlot);
    let scenario = scenario.slot_is_ours("1").slot_holds(&key()).slot_signs_in(accepted());
    let conditions = scenario.conditions();
    assert_eq!((conditions.ready.status, conditions.ready.reason), (Status::Unknown, Reason::WaitingForBinding));
    assert_eq!(conditions.progress, Progress::Reconciling);
    assert_eq!(conditions.valid.status, Status::Unknown);
    assert_eq!(conditions.signed_in.status, Status::True);
    assert_eq!(conditions.uploaded.status, Status::True);
}

#[test]
fn an_object_that_was_not_ready_has_no_grace() {
    let mut not_ready = ready_conditions();
    not_ready.ready.status = Status::False;
    for previous in [None, Some(not_ready)] {
        let scenario =
            Scenario::new().with(|facts| facts.previous = previous).source_is_unknown().source_unchanged_for(0);
        assert_eq!(scenario.slot_is_empty("1").conditions().ready.reason, Reason::WaitingForBinding);
    }
}

#[test]
fn uncertainty_is_measured_across_reconciliations() {
    let mut scenario = Scenario::uploaded().source_is_unknown().source_unchanged_for(0);
    scenario.facts.observe_source(now_at(START + 8));
    assert_eq!(scenario.later(10).plan(), Step::ReadSlot);
}

#[test]
fn two_short_uncertainties_do_not_add_up() {
    let mut scenario = Scenario::uploaded().source_is_unknown().source_unchanged_for(0);
    let unknown = scenario.facts.source.clone();
    scenario.facts.source = present(Ok(key()));
    scenario.facts.observe_source(now_at(START + 5));
    scenario.facts.source = unknown;
    scenario.facts.observe_source(now_at(START + 8));
    assert_eq!(scenario.later(17).settlement().conditions, None);
}
