//! What was well and cannot be looked at goes on standing for three intervals.

use std::time::Duration;

use super::scenario::*;
use crate::domain::conditions::Status;
use crate::domain::reason::Reason;
use crate::domain::service_key::examples::key;

/// Well at `START`, and since then neither the token endpoint nor Landscape Management answered, so many seconds long.
fn blind_for(seconds: u64, blind: impl Fn(World) -> World) -> World {
    let well = World::kept().source_signs_in(accepted()).slot_is_ours("1").settlement();
    let first = blind(World::kept().with(|facts| facts.observations = well.observations).later(900)).settlement();
    let later = World::kept().with(|facts| facts.observations = first.observations).later(seconds);
    blind(later.with(|facts| facts.observations.settled = None))
}

fn outages() -> [fn(World) -> World; 2] {
    [
        |bed| bed.source_signs_in(unclear()),
        |bed| bed.source_signs_in(accepted()).with(|facts| facts.learn_slot(Err(unavailable()))),
    ]
}

#[test]
fn an_outage_of_less_than_three_intervals_changes_no_condition() {
    for outage in outages() {
        assert_eq!(blind_for(2_699, outage).settlement().conditions, None);
    }
}

#[test]
fn after_three_intervals_what_stood_well_is_not_known_any_more() {
    for outage in outages() {
        let conditions = blind_for(2_700, outage).verdict();
        assert_eq!((conditions.ready.status, conditions.ready.reason), (Status::Unknown, Reason::NotVerifiedLately));
    }
}

#[test]
fn the_pass_that_ends_three_intervals_is_due_in_time() {
    for outage in outages() {
        assert!(blind_for(2_690, outage).settlement().next <= Duration::from_secs(10));
    }
}

#[test]
fn not_verified_lately_is_said_once_and_ends_with_a_clear_answer() {
    for outage in outages() {
        let said = blind_for(2_700, outage);
        let settlement = said.settlement();
        let after = said.with(|facts| {
            facts.previous = settlement.conditions;
            facts.observations = settlement.observations;
            facts.observations.settled = None;
        });
        assert_eq!(after.settlement().conditions, None, "it stays as it was said");
        let well = after.source_signs_in(accepted()).slot_is_ours("1").slot_holds(&key());
        assert_eq!(well.verdict().ready.status, Status::True);
    }
}
