//! A slot with a key that is not ours: `adoptionPolicy` decides about writes.

use super::scenario::*;
use crate::domain::conditions::Progress;
use crate::domain::ledger::{Ledger, Operation, Overwritten};
use crate::domain::plan::{Evidence, Step};
use crate::domain::policy::AdoptionPolicy;
use crate::domain::reason::Reason;
use crate::domain::service_key::examples::key;
use crate::domain::slot::{Owner, Ownership};

/// Returns the scenario with each possible owner of a different key, and with each possible ledger.
fn occupied(scenario: &Scenario) -> impl Iterator<Item = Scenario> + use<> {
    let ledgers = [
        scenario.clone(),
        scenario.clone().ledger_has(&key(), "1"),
        scenario.clone().ledger_has(&key(), "0").pending(Operation::Upload, Some(&key()), "0"),
        scenario.clone().pending(Operation::Delete, None, "0"),
    ];
    ledgers
        .into_iter()
        .flat_map(|scenario| other_owners().map(|owner| scenario.clone().slot_is_owned_by("1", owner)))
        .map(|scenario| scenario.slot_holds(&rotated()))
}

fn with_adoption(scenario: Scenario, adoption: AdoptionPolicy) -> Scenario {
    scenario.with(|facts| facts.policy.adoption = adoption)
}

fn elsewhere() -> Owner {
    Owner { cluster_id: "cluster-2".into(), ..us() }
}

#[test]
fn an_accepted_key_does_not_replace_a_key_that_is_not_ours() {
    for adoption in [AdoptionPolicy::Never, AdoptionPolicy::IfIdentical] {
        for scenario in occupied(&with_adoption(Scenario::new().source_signs_in(accepted()), adoption)) {
            let settlement = scenario.settlement();
            assert_eq!(settlement.ledger.uploaded, None);
            assert_eq!(settlement.ledger.pending, None);
            let conditions = settlement.conditions.expect("conditions");
            let reason = conditions.ready.reason;
            assert!(
                [Reason::SlotOccupied, Reason::NotSlotOwner, Reason::SlotOverwritten].contains(&reason),
                "{reason}"
            );
            assert_eq!(conditions.progress, Progress::Stalled);
        }
    }
}

#[test]
fn a_siblings_key_is_never_replaced() {
    let sibling = Some(Owner { name: "sibling".into(), ..us() });
    for adoption in [AdoptionPolicy::Never, AdoptionPolicy::IfIdentical, AdoptionPolicy::Replace] {
        for content in [key(), rotated()] {
            let scenario = with_adoption(Scenario::new().source_signs_in(accepted()), adoption);
            let scenario = scenario.slot_is_owned_by("1", sibling.clone()).slot_holds(&content);
            assert_eq!(scenario.conditions().ready.reason, Reason::NotSlotOwner);
        }
    }
}

#[test]
fn an_identical_key_without_an_owner_is_adopted_unless_the_policy_is_never() {
    let scenario =
        |adoption| with_adoption(Scenario::new().source_signs_in(accepted()).slot_is_owned_by("1", None), adoption);
    for adoption in [AdoptionPolicy::IfIdentical, AdoptionPolicy::Replace] {
        assert_eq!(scenario(adoption).plan(), Step::ReadContent);
        let (pending, step) = scenario(adoption).slot_holds(&key()).record();
        assert_eq!((pending.operation, pending.fingerprint), (Operation::Adopt, Some(key().fingerprint().clone())));
        assert_eq!(step, Step::Adopt { revision: revision("1") });
    }
    assert_eq!(scenario(AdoptionPolicy::Never).conditions().ready.reason, Reason::SlotOccupied);
}

#[test]
fn a_different_key_without_an_owner_is_replaced_only_with_the_policy_replace() {
    let scenario = |adoption| {
        let scenario = Scenario::new().source_signs_in(accepted()).slot_is_owned_by("1", None).slot_holds(&rotated());
        with_adoption(scenario, adoption)
    };
    let (pending, step) = scenario(AdoptionPolicy::Replace).record();
    assert_eq!((pending.operation, step), (Operation::Upload, put_at("1")));
    assert_eq!(scenario(AdoptionPolicy::IfIdentical).conditions().ready.reason, Reason::SlotOccupied);
}

#[test]
fn a_key_of_another_cluster_is_replaced_only_with_the_policy_replace() {
    let scenario = |adoption| {
        let scenario = Scenario::new().source_signs_in(accepted()).slot_is_owned_by("1", Some(elsewhere()));
        with_adoption(scenario, adoption)
    };
    assert_eq!(scenario(AdoptionPolicy::Replace).record().1, put_at("1"));
    let same = scenario(AdoptionPolicy::IfIdentical).slot_holds(&key());
    assert_eq!(same.conditions().ready.reason, Reason::SlotOccupied);
}

#[test]
fn an_overwritten_key_is_not_put_back_even_with_the_policy_replace() {
    for owner in [None, Some(elsewhere())] {
        let scenario = with_adoption(Scenario::uploaded().source_signs_in(accepted()), AdoptionPolicy::Replace);
        let scenario = scenario.slot_is_owned_by("2", owner).slot_holds(&rotated());
        let settlement = scenario.settlement();
        let overwritten = Overwritten { fingerprint: key().fingerprint().clone(), generation: 1 };
        assert_eq!(settlement.ledger, Ledger { overwritten: Some(overwritten), ..Ledger::default() });
        let conditions = settlement.conditions.expect("conditions");
        assert_eq!(conditions.ready.reason, Reason::SlotOverwritten);
        assert_eq!(conditions.uploaded.reason, Reason::SlotOverwritten);

        let later = Scenario { facts: scenario.facts.clone(), ..scenario.clone() }
            .with(|facts| facts.ledger = settlement.ledger);
        assert_eq!(later.conditions().ready.reason, Reason::SlotOverwritten, "also in later reconciliations");
    }
}

#[test]
fn an_overwritten_key_is_put_back_after_a_change_or_a_request() {
    let overwritten = || {
        let scenario = with_adoption(Scenario::uploaded().source_signs_in(accepted()), AdoptionPolicy::Replace);
        let scenario = scenario.slot_is_owned_by("2", Some(elsewhere()));
        let ledger = scenario.settlement().ledger;
        scenario.with(|facts| facts.ledger = ledger)
    };
    let changes: [(&str, Scenario); 3] = [
        ("its spec", overwritten().with(|facts| facts.subject.generation = 2)),
        ("its key", overwritten().source(present(Ok(rotated())))),
        ("a request", overwritten().with(|facts| facts.subject.requested = Some("now".into()))),
    ];
    for (change, scenario) in changes {
        assert_eq!(scenario.record().1, put_at("2"), "{change}");
    }
}

#[test]
fn a_slot_that_another_client_emptied_is_filled_again() {
    let scenario = Scenario::uploaded().source_signs_in(accepted()).slot_is_empty("2");
    assert_eq!(scenario.record().1, put_at("2"));
}

#[test]
fn a_new_revision_of_the_same_content_costs_one_read_and_no_write() {
    let scenario = Scenario::uploaded().source_signs_in(accepted()).slot_is_ours("2");
    assert_eq!(scenario.plan(), Step::ReadContent);
    let ledger = scenario.slot_holds(&key()).settlement().ledger;
    assert_eq!(ledger.uploaded.expect("an entry").revision, revision("2"));
}

#[test]
fn a_deleted_object_is_released_and_leaves_a_key_that_is_not_ours() {
    for scenario in occupied(&Scenario::new().object_deleted()) {
        assert!(scenario.settlement().release);
    }
}

#[test]
fn before_a_release_a_pending_write_is_fenced_and_the_other_key_keeps_its_owner() {
    for owner in other_owners() {
        let scenario = Scenario::new().object_deleted().pending(Operation::Upload, Some(&key()), "1");
        let scenario = scenario.slot_is_owned_by("1", owner.clone());
        let to = owner.map(|owner| Ownership { owner, adopted: false });
        let (pending, step) = scenario.record();
        assert_eq!(pending.operation, Operation::Release);
        assert_eq!(step, Step::Release { revision: revision("1"), to });
    }
}

#[test]
fn a_lost_source_leaves_a_key_that_is_not_ours() {
    for evidence in [Evidence::DeletionSeen, ABSENT, Evidence::SecretAbsent] {
        for scenario in occupied(&Scenario::new().source_is_gone(evidence).source_unchanged_for(1_000_000)) {
            let settlement = scenario.settlement();
            assert_eq!(settlement.ledger, Ledger::default());
            assert_eq!(settlement.conditions.expect("conditions").ready.reason, Reason::SourceGone);
        }
    }
}

#[test]
fn a_key_that_is_not_ours_is_not_read_when_ours_is_refused() {
    for scenario in occupied(&Scenario::new().refused_at(&key(), &[0, 60, 240, 600]).source_signs_in(refused())) {
        assert!(matches!(scenario.plan(), Step::Settle(_)));
    }
}

#[test]
fn a_key_that_is_not_ours_is_left_alone_whatever_blocks_the_upload() {
    let scenarios = [
        Scenario::new().source_is_unknown(),
        Scenario::new().tenant_closed(),
        Scenario::new().source(present(Err(findings()))),
    ];
    for scenario in
        scenarios.iter().flat_map(|scenario| occupied(&scenario.clone().refused_at(&key(), &[0, 60, 240, 600])))
    {
        assert!(matches!(scenario.plan(), Step::Settle(_)));
    }
}

#[test]
fn the_message_names_the_holder_of_the_slot() {
    for owner in other_owners() {
        let scenario = Scenario::new().source_signs_in(accepted()).slot_is_owned_by("1", owner.clone());
        let message = scenario.slot_holds(&rotated()).conditions().ready.message;
        let expected = match owner {
            None => "a person or SAP".to_owned(),
            Some(owner) if owner.cluster_id == us().cluster_id => format!("{}/{}", owner.namespace, owner.name),
            Some(owner) => owner.to_string(),
        };
        assert!(message.contains(&expected), "{message}");
    }
}
