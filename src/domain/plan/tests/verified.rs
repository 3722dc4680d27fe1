//! A ready object that cannot be verified stays ready for three intervals.

use std::time::Duration;

use super::scenario::*;
use crate::domain::conditions::Status;
use crate::domain::reason::Reason;
use crate::domain::service_key::examples::key;

/// Returns an object that was ready at `START` and had an outage since, for this number of seconds.
fn after_outage(seconds: u64, outage: impl Fn(Scenario) -> Scenario) -> Scenario {
    let ready = Scenario::uploaded().source_signs_in(accepted()).slot_is_ours("1").settlement();
    let first =
        outage(Scenario::uploaded().with(|facts| facts.observations = ready.observations).later(900)).settlement();
    let later = Scenario::uploaded().with(|facts| facts.observations = first.observations).later(seconds);
    outage(later.with(|facts| facts.observations.settled = None))
}

fn outages() -> [fn(Scenario) -> Scenario; 2] {
    [
        |scenario| scenario.source_signs_in(unclear()),
        |scenario| scenario.source_signs_in(accepted()).with(|facts| facts.learn_slot(Err(unavailable()))),
    ]
}

#[test]
fn an_outage_of_less_than_three_intervals_changes_no_condition() {
    for outage in outages() {
        assert_eq!(after_outage(2_699, outage).settlement().conditions, None);
    }
}

#[test]
fn after_an_outage_of_three_intervals_ready_is_unknown() {
    for outage in outages() {
        let conditions = after_outage(2_700, outage).conditions();
        assert_eq!((conditions.ready.status, conditions.ready.reason), (Status::Unknown, Reason::NotVerifiedLately));
    }
}

#[test]
fn the_end_of_three_intervals_is_reconciled_in_time() {
    for outage in outages() {
        assert!(after_outage(2_690, outage).settlement().next <= Duration::from_secs(10));
    }
}

#[test]
fn not_verified_lately_is_written_once_and_ends_with_a_clear_answer() {
    for outage in outages() {
        let expired = after_outage(2_700, outage);
        let settlement = expired.settlement();
        let after = expired.with(|facts| {
            facts.previous = settlement.conditions;
            facts.observations = settlement.observations;
            facts.observations.settled = None;
        });
        assert_eq!(after.settlement().conditions, None, "the conditions are not written again");
        let ready = after.source_signs_in(accepted()).slot_is_ours("1").slot_holds(&key());
        assert_eq!(ready.conditions().ready.status, Status::True);
    }
}
