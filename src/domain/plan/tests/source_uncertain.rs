//! A source of which nothing is certain for a moment does not make healthy objects blink.

use std::time::Duration;

use super::scenario::*;
use crate::domain::conditions::{Progress, Status};
use crate::domain::plan::Step;
use crate::domain::reason::Reason;
use crate::domain::service_key::examples::key;

// proves: limit domain/plan/hold SOURCE_UNCERTAIN_GRACE
#[test]
fn for_less_than_ten_seconds_a_healthy_object_keeps_its_verdict_and_asks_nothing() {
    for seconds in [0, 9] {
        let settlement = World::kept().source_is_unknown().lasting(seconds).settlement();
        assert_eq!(settlement.conditions, None);
        assert_eq!(settlement.next, Duration::from_secs(10 - seconds));
        assert_eq!(settlement.ledger, World::kept().facts.ledger);
    }
}

#[test]
fn after_ten_seconds_it_says_that_it_does_not_know() {
    let bed = World::kept().source_is_unknown().lasting(10);
    assert_eq!(bed.plan(), Step::ReadSlot);
    let bed = bed.slot_is_ours("1").slot_holds(&key()).slot_signs_in(accepted());
    let conditions = bed.verdict();
    assert_eq!((conditions.ready.status, conditions.ready.reason), (Status::Unknown, Reason::WaitingForBinding));
    assert_eq!(conditions.progress, Progress::Reconciling);
    assert_eq!(conditions.valid.status, Status::Unknown);
    assert_eq!(conditions.signed_in.status, Status::True);
    assert_eq!(conditions.uploaded.status, Status::True);
}

#[test]
fn an_object_that_was_not_healthy_does_not_wait() {
    let mut was = all_well();
    was.ready.status = Status::False;
    for previous in [None, Some(was)] {
        let bed = World::new().with(|facts| facts.previous = previous).source_is_unknown().lasting(0);
        assert_eq!(bed.slot_is_empty("1").verdict().ready.reason, Reason::WaitingForBinding);
    }
}

#[test]
fn a_blink_is_counted_over_all_passes_that_saw_it() {
    let mut bed = World::kept().source_is_unknown().lasting(0);
    bed.facts.begin(now_at(START + 8));
    assert_eq!(bed.later(10).plan(), Step::ReadSlot);
}

#[test]
fn two_blinks_are_not_one_long_one() {
    let mut bed = World::kept().source_is_unknown().lasting(0);
    let unknown = bed.facts.source.clone();
    bed.facts.source = present(Ok(key()));
    bed.facts.begin(now_at(START + 5));
    bed.facts.source = unknown;
    bed.facts.begin(now_at(START + 8));
    assert_eq!(bed.later(17).settlement().conditions, None);
}
