//! A slot that holds a key which is not ours is written to only as the tenant's `adoptionPolicy` allows.

use super::scenario::*;
use crate::domain::conditions::Progress;
use crate::domain::ledger::{Ledger, Operation, Overwritten};
use crate::domain::plan::{Evidence, Step};
use crate::domain::policy::AdoptionPolicy;
use crate::domain::reason::Reason;
use crate::domain::service_key::examples::key;
use crate::domain::service_key::fingerprint::Fingerprint;
use crate::domain::slot::{Owner, Ownership};

/// The world with each of those who may hold the slot, with another key, whatever the ledger claims.
fn held(bed: &World) -> impl Iterator<Item = World> + use<> {
    let claims = [
        bed.clone(),
        bed.clone().remembers(&key(), "1"),
        bed.clone().remembers(&key(), "0").pending(Operation::Upload, Some(&key()), "0"),
        bed.clone().pending(Operation::Delete, None, "0"),
    ];
    claims
        .into_iter()
        .flat_map(|bed| others().map(|owner| bed.clone().slot_is_held("1", owner)))
        .map(|bed| bed.slot_holds(&rotated()))
}

fn with_adoption(bed: World, adoption: AdoptionPolicy) -> World {
    bed.with(|facts| facts.policy.adoption = adoption)
}

fn elsewhere() -> Owner {
    Owner { cluster_id: "cluster-2".into(), ..us() }
}

#[test]
fn a_proven_key_is_not_put_over_a_key_that_is_not_ours() {
    for adoption in [AdoptionPolicy::Never, AdoptionPolicy::IfIdentical] {
        for bed in held(&with_adoption(World::new().source_signs_in(accepted()), adoption)) {
            let settlement = bed.settlement();
            assert_eq!(settlement.ledger.uploaded, None);
            assert_eq!(settlement.ledger.pending, None);
            let conditions = settlement.conditions.expect("a verdict");
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
            let bed = with_adoption(World::new().source_signs_in(accepted()), adoption);
            let bed = bed.slot_is_held("1", sibling.clone()).slot_holds(&content);
            assert_eq!(bed.verdict().ready.reason, Reason::NotSlotOwner);
        }
    }
}

#[test]
fn nobodys_key_that_is_the_very_same_is_taken_over_unless_adoption_is_never() {
    let bed = |adoption| with_adoption(World::new().source_signs_in(accepted()).slot_is_held("1", None), adoption);
    for adoption in [AdoptionPolicy::IfIdentical, AdoptionPolicy::Replace] {
        assert_eq!(bed(adoption).plan(), Step::ReadContent);
        let (pending, step) = bed(adoption).slot_holds(&key()).record();
        assert_eq!((pending.operation, pending.fingerprint), (Operation::Adopt, Some(Fingerprint::of(&key()))));
        assert_eq!(step, Step::Adopt { revision: revision("1") });
    }
    assert_eq!(bed(AdoptionPolicy::Never).verdict().ready.reason, Reason::SlotOccupied);
}

#[test]
fn nobodys_other_key_is_replaced_only_if_the_tenant_says_replace() {
    let bed = |adoption| {
        let bed = World::new().source_signs_in(accepted()).slot_is_held("1", None).slot_holds(&rotated());
        with_adoption(bed, adoption)
    };
    let (pending, step) = bed(AdoptionPolicy::Replace).record();
    assert_eq!((pending.operation, step), (Operation::Upload, put_at("1")));
    assert_eq!(bed(AdoptionPolicy::IfIdentical).verdict().ready.reason, Reason::SlotOccupied);
}

#[test]
fn another_clusters_key_is_replaced_only_if_the_tenant_says_replace_and_never_taken_over() {
    let bed = |adoption| {
        let bed = World::new().source_signs_in(accepted()).slot_is_held("1", Some(elsewhere()));
        with_adoption(bed, adoption)
    };
    assert_eq!(bed(AdoptionPolicy::Replace).record().1, put_at("1"));
    let same = bed(AdoptionPolicy::IfIdentical).slot_holds(&key());
    assert_eq!(same.verdict().ready.reason, Reason::SlotOccupied);
}

#[test]
fn a_key_that_was_overwritten_is_not_put_back_although_the_tenant_says_replace() {
    for owner in [None, Some(elsewhere())] {
        let bed = with_adoption(World::kept().source_signs_in(accepted()), AdoptionPolicy::Replace);
        let bed = bed.slot_is_held("2", owner).slot_holds(&rotated());
        let settlement = bed.settlement();
        let overwritten = Overwritten { fingerprint: Fingerprint::of(&key()), generation: 1 };
        assert_eq!(settlement.ledger, Ledger { overwritten: Some(overwritten), ..Ledger::default() });
        let conditions = settlement.conditions.expect("a verdict");
        assert_eq!(conditions.ready.reason, Reason::SlotOverwritten);
        assert_eq!(conditions.uploaded.reason, Reason::SlotOverwritten);

        let later = World { facts: bed.facts.clone(), ..bed.clone() }.with(|facts| facts.ledger = settlement.ledger);
        assert_eq!(later.verdict().ready.reason, Reason::SlotOverwritten, "nor in any later pass");
    }
}

#[test]
fn a_key_that_was_overwritten_is_put_back_when_the_spec_changes_or_the_key_does_or_somebody_asks() {
    let overwritten = || {
        let bed = with_adoption(World::kept().source_signs_in(accepted()), AdoptionPolicy::Replace);
        let bed = bed.slot_is_held("2", Some(elsewhere()));
        let ledger = bed.settlement().ledger;
        bed.with(|facts| facts.ledger = ledger)
    };
    let changes: [(&str, World); 3] = [
        ("its spec", overwritten().with(|facts| facts.subject.generation = 2)),
        ("its key", overwritten().source(present(Ok(rotated())))),
        ("a request", overwritten().with(|facts| facts.subject.requested = Some("now".into()))),
    ];
    for (what, bed) in changes {
        assert_eq!(bed.record().1, put_at("2"), "{what}");
    }
}

#[test]
fn a_slot_that_was_emptied_behind_our_back_is_filled_again() {
    let bed = World::kept().source_signs_in(accepted()).slot_is_empty("2");
    assert_eq!(bed.record().1, put_at("2"));
}

#[test]
fn a_revision_that_changed_without_the_content_costs_one_look_and_no_write() {
    let bed = World::kept().source_signs_in(accepted()).slot_is_ours("2");
    assert_eq!(bed.plan(), Step::ReadContent);
    let ledger = bed.slot_holds(&key()).settlement().ledger;
    assert_eq!(ledger.uploaded.expect("an entry").revision, revision("2"));
}

#[test]
fn a_deleted_object_goes_and_leaves_a_key_that_is_not_ours() {
    for bed in held(&World::new().object_deleted()) {
        assert!(bed.settlement().release);
    }
}

#[test]
fn before_an_object_goes_a_write_of_its_own_that_may_still_land_is_fenced_and_the_other_key_stays_its_owners() {
    for owner in others() {
        let bed = World::new().object_deleted().pending(Operation::Upload, Some(&key()), "1");
        let bed = bed.slot_is_held("1", owner.clone());
        let to = owner.map(|owner| Ownership { owner, adopted: false });
        let (pending, step) = bed.record();
        assert_eq!(pending.operation, Operation::Release);
        assert_eq!(step, Step::Release { revision: revision("1"), to });
    }
}

#[test]
fn a_source_that_is_gone_leaves_a_key_that_is_not_ours() {
    for evidence in [Evidence::DeletionSeen, ABSENT, Evidence::SecretAbsent] {
        for bed in held(&World::new().source_is_gone(evidence).lasting(1_000_000)) {
            let settlement = bed.settlement();
            assert_eq!(settlement.ledger, Ledger::default());
            assert_eq!(settlement.conditions.expect("a verdict").ready.reason, Reason::SourceGone);
        }
    }
}

#[test]
fn a_key_that_is_not_ours_is_not_even_read_when_ours_is_refused() {
    for bed in held(&World::new().refused_at(&key(), &[0, 60, 240, 600]).source_signs_in(refused())) {
        assert!(matches!(bed.plan(), Step::Settle(_)));
    }
}

#[test]
fn a_key_that_is_not_ours_is_left_alone_whatever_else_holds_us_back() {
    let beds =
        [World::new().source_is_unknown(), World::new().tenant_closed(), World::new().source(present(Err(findings())))];
    for bed in beds.iter().flat_map(|bed| held(&bed.clone().refused_at(&key(), &[0, 60, 240, 600]))) {
        assert!(matches!(bed.plan(), Step::Settle(_)));
    }
}

#[test]
fn the_one_who_holds_the_slot_is_named() {
    for owner in others() {
        let bed = World::new().source_signs_in(accepted()).slot_is_held("1", owner.clone());
        let message = bed.slot_holds(&rotated()).verdict().ready.message;
        let expected = match owner {
            None => "a person or SAP".to_owned(),
            Some(owner) if owner.cluster_id == us().cluster_id => format!("{}/{}", owner.namespace, owner.name),
            Some(owner) => owner.to_string(),
        };
        assert!(message.contains(&expected), "{message}");
    }
}
