//! How a key of ours leaves our care: handed over, left there, or deleted.

use super::scenario::*;
use crate::domain::ledger::{Ledger, Operation};
use crate::domain::plan::{Evidence, Heir, Step};
use crate::domain::policy::{DeadAction, DeletionPolicy};
use crate::domain::reason::Reason;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::examples::key;
use crate::domain::service_key::fingerprint::Fingerprint;
use crate::domain::slot::{Owner, Ownership};

fn with_heir(bed: World, key: &ServiceKey) -> World {
    let heir = Heir { owner: sibling(), fingerprint: Fingerprint::of(key) };
    bed.with(|facts| facts.siblings.heir = Some(heir))
}

fn retained(bed: World) -> World {
    bed.with(|facts| facts.policy.deletion = DeletionPolicy::Retain)
}

fn give_up_at(etag: &str, to: Option<Owner>) -> Step {
    let to = to.map(|owner| Ownership { owner, adopted: false });
    Step::Release { revision: revision(etag), to }
}

/// Both ways in which a key of ours comes to its end.
fn ends() -> [World; 2] {
    [World::kept().object_deleted(), World::kept().source_is_gone(Evidence::DeletionSeen)]
        .map(|bed| bed.slot_is_ours("1"))
}

#[test]
fn a_key_that_the_next_in_line_holds_too_is_handed_over_if_it_lives() {
    for bed in ends() {
        let bed = with_heir(bed, &key());
        assert_eq!(bed.plan(), Step::ReadContent);
        let bed = bed.slot_holds(&key());
        assert!(matches!(bed.plan(), Step::SignIn(_)));
        let (pending, step) = bed.clone().source_signs_in(accepted()).slot_signs_in(accepted()).record();
        assert_eq!(pending.operation, Operation::Release);
        assert_eq!(step, give_up_at("1", Some(sibling())));

        let unclear = bed.clone().source_signs_in(unclear()).slot_signs_in(unclear());
        assert_eq!(unclear.record().1, give_up_at("1", Some(sibling())), "an outage does not speak against it");
        let refused = bed.source_signs_in(refused()).slot_signs_in(refused());
        assert_eq!(refused.record().1, delete_at("1"), "a refused key helps nobody");
    }
}

#[test]
fn a_key_that_the_next_in_line_does_not_hold_is_deleted() {
    for bed in ends() {
        let known = with_heir(bed.clone(), &rotated());
        assert_eq!(known.record().1, delete_at("1"), "by the ledger alone");
        let unknown = with_heir(bed.with(|facts| facts.ledger = Ledger::default()), &rotated()).slot_holds(&key());
        assert_eq!(unknown.record().1, delete_at("1"), "by what the slot holds");
    }
}

#[test]
fn after_the_hand_over_the_object_goes() {
    let mut bed = with_heir(World::kept().object_deleted(), &key()).slot_is_ours("1").slot_holds(&key());
    bed = bed.source_signs_in(accepted()).slot_signs_in(accepted());
    let to = Some(Ownership { owner: sibling(), adopted: false });
    bed.facts.learn_released(to, crate::domain::slot::WriteAnswer::Done(revision("2")), bed.now);
    assert!(bed.settlement().release);
}

#[test]
fn the_one_who_got_the_key_finds_it_uploaded_without_a_write() {
    let bed = World::new().source_signs_in(accepted()).slot_is_ours("2").slot_holds(&key());
    assert_eq!(bed.verdict().ready.reason, Reason::Uploaded);
}

#[test]
fn with_retain_a_deleted_object_leaves_a_living_key_there_to_nobody_and_not_a_dead_one() {
    let bed = retained(World::kept().object_deleted().slot_is_ours("1")).slot_holds(&key());
    assert!(matches!(bed.plan(), Step::SignIn(_)));
    assert_eq!(bed.clone().source_signs_in(accepted()).record().1, give_up_at("1", None));
    assert_eq!(bed.clone().source_signs_in(unclear()).verdict().ready.reason, Reason::Removing);
    let dead = bed.refused_at(&key(), &[0, 60, 240, 600]).source_signs_in(refused());
    assert_eq!(dead.clone().record().1, delete_at("1"));
    let reported = dead.with(|facts| facts.policy.dead_action = DeadAction::Report);
    assert_eq!(reported.record().1, give_up_at("1", None), "nobody would delete it, and the object is to go");
}

#[test]
fn with_retain_a_source_that_is_gone_leaves_a_living_key_and_not_a_dead_one() {
    let bed = retained(World::kept().source_is_gone(Evidence::DeletionSeen).slot_is_ours("1")).slot_holds(&key());
    assert!(matches!(bed.plan(), Step::SignIn(_)));
    assert_eq!(bed.clone().slot_signs_in(accepted()).record().1, give_up_at("1", None));
    assert_eq!(bed.clone().slot_signs_in(unclear()).verdict().ready.reason, Reason::RemovalPending);
    assert_eq!(bed.clone().slot_signs_in(refused()).verdict().ready.reason, Reason::RemovalPending);
    let dead = bed.refused_at(&key(), &[0, 60, 240, 600]).slot_signs_in(refused());
    assert_eq!(dead.record().1, delete_at("1"));
}

#[test]
fn an_adopted_key_stays_as_it_was_found_when_its_object_goes() {
    let bed = World::kept().object_deleted().slot_is_adopted("1").slot_holds(&key());
    assert_eq!(bed.clone().source_signs_in(accepted()).record().1, give_up_at("1", None));
    assert_eq!(bed.clone().source_signs_in(unclear()).verdict().ready.reason, Reason::Removing);
    assert_eq!(bed.clone().source_signs_in(refused()).verdict().ready.reason, Reason::Removing);
    let dead = bed.refused_at(&key(), &[0, 60, 240, 600]).source_signs_in(refused());
    assert_eq!(dead.record().1, delete_at("1"), "only a dead one is deleted");
}

#[test]
fn an_adopted_key_stays_adopted_when_it_is_handed_over() {
    let bed = with_heir(World::kept().object_deleted().slot_is_adopted("1"), &key()).slot_holds(&key());
    let to = Some(Ownership { owner: sibling(), adopted: true });
    assert_eq!(bed.source_signs_in(accepted()).record().1, Step::Release { revision: revision("1"), to });
}

#[test]
fn an_adopted_key_whose_source_is_gone_stays_under_care_until_it_dies() {
    let bed = World::kept().source_is_gone(Evidence::DeletionSeen).slot_is_adopted("1").slot_holds(&key());
    let settlement = bed.clone().slot_signs_in(accepted()).settlement();
    assert!(settlement.ledger.uploaded.is_some());
    assert_eq!(settlement.conditions.expect("a verdict").ready.reason, Reason::SourceGone);
    let dead = bed.refused_at(&key(), &[0, 60, 240, 600]).slot_signs_in(refused());
    assert_eq!(dead.record().1, delete_at("1"));
}

#[test]
fn the_older_of_two_uploads_first_and_the_younger_waits_for_it_without_an_error() {
    let bed = World::new().source_signs_in(accepted()).slot_is_empty("1");
    let waits = bed.clone().with(|facts| facts.siblings.ahead = Some("monitoring/older".into()));
    let ready = waits.verdict().ready;
    assert_eq!(ready.reason, Reason::WaitingForSibling);
    assert!(ready.message.contains("monitoring/older"), "{}", ready.message);
    assert_eq!(bed.record().1, put_at("1"));
}

#[test]
fn who_waits_behind_a_sibling_does_not_ask_the_token_endpoint_again_and_again() {
    let settlement = World::new().source_signs_in(accepted()).slot_is_held("1", Some(sibling())).settlement();
    let waiting = World::new().with(|facts| {
        facts.observations = settlement.observations;
        facts.observations.settled = None;
        facts.previous = settlement.conditions;
        facts.siblings.holding = Some("monitoring/sibling".into());
    });
    assert_eq!(waiting.plan(), Step::ReadSlot);
    assert!(matches!(waiting.clone().slot_is_held("2", Some(sibling())).plan(), Step::Settle(_)));
    assert!(matches!(waiting.clone().slot_is_empty("2").plan(), Step::SignIn(_)), "until the slot is free");
    let rotated = waiting.source(present(Ok(rotated())));
    assert!(matches!(rotated.plan(), Step::SignIn(_)), "or its own key is another one");
}
