//! What its tenant allows.

use super::scenario::*;
use crate::domain::conditions::{Progress, Status};
use crate::domain::ledger::Operation;
use crate::domain::plan::{Evidence, KeyRole, Step};
use crate::domain::reason::Reason;
use crate::domain::retry::RECHECK_PERIOD;
use crate::domain::service_key::examples::key;

#[test]
fn a_closed_tenant_takes_no_upload() {
    let beds = [
        World::new().slot_is_empty("1"),
        World::kept().source(present(Ok(rotated()))).slot_is_ours("1").slot_holds(&key()).slot_signs_in(accepted()),
        World::new().pending(Operation::Upload, Some(&key()), "1").slot_is_empty("1"),
    ];
    for bed in beds {
        let bed = bed.tenant_closed().source_signs_in(accepted());
        let conditions = bed.verdict();
        assert_eq!((conditions.ready.status, conditions.ready.reason), (Status::False, Reason::NamespaceNotAllowed));
        assert_eq!(conditions.progress, Progress::Stalled);
    }
}

// proves: limit domain/retry RECHECK_PERIOD
#[test]
fn a_closed_tenant_leaves_what_stands_there_and_it_goes_on_being_tested() {
    let bed = World::kept().tenant_closed();
    assert_eq!(bed.plan(), Step::ReadSlot);
    let bed = bed.slot_is_ours("1").slot_holds(&key());
    assert_eq!(bed.plan(), Step::SignIn(KeyRole::Source));
    let settlement = bed.source_signs_in(accepted()).settlement();
    assert_eq!(settlement.ledger, World::kept().facts.ledger);
    assert_eq!(settlement.next, RECHECK_PERIOD, "what will not mend itself is not looked at more often");
}

#[test]
fn under_a_closed_tenant_a_key_that_signs_in_is_said_to_do_so() {
    let bed = World::kept().tenant_closed().slot_is_ours("1").slot_holds(&key());
    let conditions = bed.source_signs_in(accepted()).verdict();
    assert_eq!(conditions.signed_in.status, Status::True);
}

#[test]
fn a_closed_tenant_lets_a_dead_key_go() {
    let bed = World::kept().tenant_closed().refused_at(&key(), &[0, 60, 240, 600]);
    let bed = bed.slot_is_ours("1").slot_holds(&key()).source_signs_in(refused());
    assert_eq!(bed.record().1, delete_at("1"));
}

#[test]
fn a_closed_tenant_lets_the_key_of_a_source_go_that_is_gone() {
    let bed = World::kept().tenant_closed().source_is_gone(Evidence::DeletionSeen).lasting(0);
    assert_eq!(bed.slot_is_ours("1").record().1, delete_at("1"));
}

#[test]
fn a_tenant_that_is_being_deleted_is_looked_at_though_the_status_was_lost() {
    let bed = World::new().tenant_terminating();
    assert_eq!(bed.plan(), Step::ReadSlot);
    let dead = World::new().tenant_terminating().refused_at(&key(), &[0, 60, 240, 600]);
    let dead = dead.slot_is_ours("1").slot_holds(&key()).source_signs_in(refused());
    assert_eq!(dead.record().1, delete_at("1"));
    let gone = World::new().tenant_terminating().source_is_gone(Evidence::DeletionSeen).lasting(0);
    assert_eq!(gone.slot_is_ours("1").record().1, delete_at("1"));
}

#[test]
fn who_was_admitted_until_now_is_looked_for_once_because_a_sibling_may_have_left_it_the_slot() {
    let bed = || World::new().looked_before().tenant_closed();
    assert_eq!(bed().plan(), Step::ReadSlot);
    for nothing_of_its in [bed().slot_is_empty("1"), bed().slot_is_held("1", Some(sibling()))] {
        let conditions = nothing_of_its.verdict();
        for told in [conditions.valid, conditions.signed_in, conditions.uploaded] {
            assert_eq!((told.status, told.reason), (Status::Unknown, Reason::NamespaceNotAllowed));
        }
    }
    let unknown = bed().with(|facts| facts.learn_slot(Err(unavailable()))).verdict();
    assert_eq!((unknown.ready.reason, unknown.uploaded.reason), (Reason::NamespaceNotAllowed, Reason::SlotUnknown));
    let dead = bed().refused_at(&key(), &[0, 60, 240, 600]);
    assert_eq!(dead.slot_is_ours("1").slot_holds(&key()).source_signs_in(refused()).record().1, delete_at("1"));
    let gone = bed().source_is_gone(Evidence::DeletionSeen).lasting(0);
    assert_eq!(gone.slot_is_ours("1").record().1, delete_at("1"));
}

#[test]
fn an_invalid_key_under_a_closed_tenant_is_told_of_both() {
    let bed = World::kept().tenant_closed().source(present(Err(findings()))).slot_is_empty("1");
    let conditions = bed.verdict();
    assert_eq!(conditions.ready.reason, Reason::NamespaceNotAllowed);
    assert!(conditions.ready.message.contains("$.uaa"), "{}", conditions.ready.message);
}

#[test]
fn without_a_tenant_nothing_is_asked_and_nothing_is_forgotten() {
    for bed in [
        World::kept(),
        World::kept().source_is_gone(Evidence::DeletionSeen).lasting(1_000_000),
        World::kept().source_is_unknown(),
        World::kept().source(present(Err(findings()))),
    ] {
        let bed = bed.tenant_missing();
        let settlement = bed.settlement();
        assert_eq!(settlement.ledger, bed.facts.ledger);
        assert!(!settlement.release);
        let conditions = settlement.conditions.expect("a verdict");
        assert_eq!((conditions.ready.status, conditions.ready.reason), (Status::Unknown, Reason::WaitingForTenant));
        assert_eq!(conditions.progress, Progress::Reconciling);
    }
}
