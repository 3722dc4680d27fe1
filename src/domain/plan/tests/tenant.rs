//! The effect of the tenant.

use super::scenario::*;
use crate::domain::conditions::{Progress, Status};
use crate::domain::ledger::Operation;
use crate::domain::plan::{Evidence, KeyRole, Step};
use crate::domain::reason::Reason;
use crate::domain::retry::RECHECK_PERIOD;
use crate::domain::service_key::examples::key;

#[test]
fn a_closed_tenant_admits_no_upload() {
    let scenarios = [
        Scenario::new().slot_is_empty("1"),
        Scenario::uploaded()
            .source(present(Ok(rotated())))
            .slot_is_ours("1")
            .slot_holds(&key())
            .slot_signs_in(accepted()),
        Scenario::new().pending(Operation::Upload, Some(&key()), "1").slot_is_empty("1"),
    ];
    for scenario in scenarios {
        let scenario = scenario.tenant_closed().source_signs_in(accepted());
        let conditions = scenario.conditions();
        assert_eq!((conditions.ready.status, conditions.ready.reason), (Status::False, Reason::NamespaceNotAllowed));
        assert_eq!(conditions.progress, Progress::Stalled);
    }
}

// proves: limit domain/retry RECHECK_PERIOD
#[test]
fn under_a_closed_tenant_the_uploaded_key_stays_and_is_probed() {
    let scenario = Scenario::uploaded().tenant_closed();
    assert_eq!(scenario.plan(), Step::ReadSlot);
    let scenario = scenario.slot_is_ours("1").slot_holds(&key());
    assert_eq!(scenario.plan(), Step::SignIn(KeyRole::Source));
    let settlement = scenario.source_signs_in(accepted()).settlement();
    assert_eq!(settlement.ledger, Scenario::uploaded().facts.ledger);
    assert_eq!(settlement.next, RECHECK_PERIOD, "a stalled object is checked hourly");
}

#[test]
fn under_a_closed_tenant_signed_in_is_true_for_an_accepted_key() {
    let scenario = Scenario::uploaded().tenant_closed().slot_is_ours("1").slot_holds(&key());
    let conditions = scenario.source_signs_in(accepted()).conditions();
    assert_eq!(conditions.signed_in.status, Status::True);
}

#[test]
fn under_a_closed_tenant_a_dead_key_is_deleted() {
    let scenario = Scenario::uploaded().tenant_closed().refused_at(&key(), &[0, 60, 240, 600]);
    let scenario = scenario.slot_is_ours("1").slot_holds(&key()).source_signs_in(refused());
    assert_eq!(scenario.record().1, delete_at("1"));
}

#[test]
fn under_a_closed_tenant_the_key_of_a_lost_source_is_deleted() {
    let scenario = Scenario::uploaded().tenant_closed().source_is_gone(Evidence::DeletionSeen).source_unchanged_for(0);
    assert_eq!(scenario.slot_is_ours("1").record().1, delete_at("1"));
}

#[test]
fn under_a_terminating_tenant_the_slot_is_read_even_without_a_status() {
    let scenario = Scenario::new().tenant_terminating();
    assert_eq!(scenario.plan(), Step::ReadSlot);
    let dead = Scenario::new().tenant_terminating().refused_at(&key(), &[0, 60, 240, 600]);
    let dead = dead.slot_is_ours("1").slot_holds(&key()).source_signs_in(refused());
    assert_eq!(dead.record().1, delete_at("1"));
    let gone = Scenario::new().tenant_terminating().source_is_gone(Evidence::DeletionSeen).source_unchanged_for(0);
    assert_eq!(gone.slot_is_ours("1").record().1, delete_at("1"));
}

#[test]
fn an_object_that_is_no_longer_admitted_reads_the_slot_once_for_a_handed_over_key() {
    let scenario = || Scenario::new().slot_was_read().tenant_closed();
    assert_eq!(scenario().plan(), Step::ReadSlot);
    for not_ours in [scenario().slot_is_empty("1"), scenario().slot_is_owned_by("1", Some(sibling()))] {
        let conditions = not_ours.conditions();
        for condition in [conditions.valid, conditions.signed_in, conditions.uploaded] {
            assert_eq!((condition.status, condition.reason), (Status::Unknown, Reason::NamespaceNotAllowed));
        }
    }
    let unknown = scenario().with(|facts| facts.learn_slot(Err(unavailable()))).conditions();
    assert_eq!((unknown.ready.reason, unknown.uploaded.reason), (Reason::NamespaceNotAllowed, Reason::SlotUnknown));
    let dead = scenario().refused_at(&key(), &[0, 60, 240, 600]);
    assert_eq!(dead.slot_is_ours("1").slot_holds(&key()).source_signs_in(refused()).record().1, delete_at("1"));
    let gone = scenario().source_is_gone(Evidence::DeletionSeen).source_unchanged_for(0);
    assert_eq!(gone.slot_is_ours("1").record().1, delete_at("1"));
}

#[test]
fn under_a_closed_tenant_an_invalid_key_reports_both() {
    let scenario = Scenario::uploaded().tenant_closed().source(present(Err(findings()))).slot_is_empty("1");
    let conditions = scenario.conditions();
    assert_eq!(conditions.ready.reason, Reason::NamespaceNotAllowed);
    assert!(conditions.ready.message.contains("$.uaa"), "{}", conditions.ready.message);
}

#[test]
fn without_a_tenant_nothing_is_called_and_nothing_is_forgotten() {
    for scenario in [
        Scenario::uploaded(),
        Scenario::uploaded().source_is_gone(Evidence::DeletionSeen).source_unchanged_for(1_000_000),
        Scenario::uploaded().source_is_unknown(),
        Scenario::uploaded().source(present(Err(findings()))),
    ] {
        let scenario = scenario.tenant_missing();
        let settlement = scenario.settlement();
        assert_eq!(settlement.ledger, scenario.facts.ledger);
        assert!(!settlement.release);
        let conditions = settlement.conditions.expect("conditions");
        assert_eq!((conditions.ready.status, conditions.ready.reason), (Status::Unknown, Reason::WaitingForTenant));
        assert_eq!(conditions.progress, Progress::Reconciling);
    }
}
