//! The end of our care for a key: handed over, left without an owner, or deleted.

use super::scenario::*;
use crate::domain::ledger::Operation;
use crate::domain::plan::{Evidence, Heir, Step};
use crate::domain::policy::{DeadAction, DeletionPolicy};
use crate::domain::reason::Reason;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::examples::key;
use crate::domain::slot::{Owner, Ownership};

fn with_heir(scenario: Scenario, key: &ServiceKey) -> Scenario {
    let heir =
        Heir { owner: sibling(), credentials: key.credentials_fingerprint().clone(), key: key.fingerprint().clone() };
    scenario.with(|facts| facts.siblings.heir = Some(heir))
}

fn retained(scenario: Scenario) -> Scenario {
    scenario.with(|facts| facts.policy.deletion = DeletionPolicy::Retain)
}

fn release_at(etag: &str, to: Option<Owner>) -> Step {
    let to = to.map(|owner| Ownership { owner, adopted: false });
    Step::Release { revision: revision(etag), to }
}

/// Returns both causes: a deleted object and a lost source.
fn causes() -> [Scenario; 2] {
    [Scenario::uploaded().object_deleted(), Scenario::uploaded().source_is_gone(Evidence::DeletionSeen)]
        .map(|scenario| scenario.slot_is_ours("1"))
}

#[test]
fn a_key_that_the_heir_has_too_is_handed_over_unless_it_is_refused() {
    for scenario in causes() {
        let scenario = with_heir(scenario, &key());
        assert_eq!(scenario.plan(), Step::ReadContent);
        let scenario = scenario.slot_holds(&key());
        assert!(matches!(scenario.plan(), Step::SignIn(_)));
        let (pending, step) = scenario.clone().source_signs_in(accepted()).slot_signs_in(accepted()).record();
        assert_eq!(pending.operation, Operation::Release);
        assert_eq!(step, release_at("1", Some(sibling())));

        let unclear = scenario.clone().source_signs_in(unclear()).slot_signs_in(unclear());
        assert_eq!(unclear.record().1, release_at("1", Some(sibling())), "an outage is not a refusal");
        let no_zone = scenario.clone().source_signs_in(zone_unknown()).slot_signs_in(zone_unknown());
        assert_eq!(no_zone.record().1, release_at("1", Some(sibling())), "one 404 is not a proof");
        let refused = scenario.source_signs_in(refused()).slot_signs_in(refused());
        assert_eq!(refused.record().1, delete_at("1"), "a refused key is useless for the heir");
    }
}

#[test]
fn a_key_that_the_heir_does_not_have_is_deleted() {
    for scenario in causes() {
        let scenario = with_heir(scenario, &rotated());
        assert_eq!(scenario.plan(), Step::ReadContent);
        assert_eq!(scenario.slot_holds(&key()).record().1, delete_at("1"));
    }
}

#[test]
fn after_a_hand_over_the_object_is_released() {
    let mut scenario = with_heir(Scenario::uploaded().object_deleted(), &key()).slot_is_ours("1").slot_holds(&key());
    scenario = scenario.source_signs_in(accepted()).slot_signs_in(accepted());
    let to = Some(Ownership { owner: sibling(), adopted: false });
    scenario.facts.learn_write(
        Operation::Release,
        to,
        crate::domain::slot::WriteAnswer::Done(revision("2")),
        scenario.now,
    );
    assert!(scenario.settlement().release);
}

#[test]
fn an_heir_finds_its_key_uploaded_without_a_write() {
    let scenario = Scenario::new().source_signs_in(accepted()).slot_is_ours("2").slot_holds(&key());
    assert_eq!(scenario.conditions().ready.reason, Reason::Uploaded);
}

#[test]
fn with_retain_a_deleted_object_leaves_its_key_without_an_owner_unless_it_is_dead() {
    let scenario = retained(Scenario::uploaded().object_deleted().slot_is_ours("1")).slot_holds(&key());
    assert!(matches!(scenario.plan(), Step::SignIn(_)));
    assert_eq!(scenario.clone().source_signs_in(accepted()).record().1, release_at("1", None));
    assert_eq!(scenario.clone().source_signs_in(unclear()).conditions().ready.reason, Reason::Removing);
    let dead = scenario.refused_at(&key(), &[0, 60, 240, 600]).source_signs_in(refused());
    assert_eq!(dead.clone().record().1, delete_at("1"));
    let reported = dead.with(|facts| facts.policy.dead_action = DeadAction::Report);
    assert_eq!(
        reported.record().1,
        release_at("1", None),
        "a reported key is never deleted, and the object must be released"
    );
}

#[test]
fn with_retain_a_lost_source_leaves_its_key_without_an_owner_unless_it_is_dead() {
    let scenario =
        retained(Scenario::uploaded().source_is_gone(Evidence::DeletionSeen).slot_is_ours("1")).slot_holds(&key());
    assert!(matches!(scenario.plan(), Step::SignIn(_)));
    assert_eq!(scenario.clone().slot_signs_in(accepted()).record().1, release_at("1", None));
    assert_eq!(scenario.clone().slot_signs_in(unclear()).conditions().ready.reason, Reason::RemovalPending);
    assert_eq!(scenario.clone().slot_signs_in(refused()).conditions().ready.reason, Reason::RemovalPending);
    let dead = scenario.refused_at(&key(), &[0, 60, 240, 600]).slot_signs_in(refused());
    assert_eq!(dead.record().1, delete_at("1"));
}

#[test]
fn an_adopted_key_is_left_without_an_owner_when_its_object_is_deleted() {
    let scenario = Scenario::uploaded().object_deleted().slot_is_adopted("1").slot_holds(&key());
    assert_eq!(scenario.clone().source_signs_in(accepted()).record().1, release_at("1", None));
    assert_eq!(scenario.clone().source_signs_in(unclear()).conditions().ready.reason, Reason::Removing);
    assert_eq!(scenario.clone().source_signs_in(refused()).conditions().ready.reason, Reason::Removing);
    let dead = scenario.refused_at(&key(), &[0, 60, 240, 600]).source_signs_in(refused());
    assert_eq!(dead.record().1, delete_at("1"), "only a dead key is deleted");
}

#[test]
fn an_adopted_key_stays_adopted_when_it_is_handed_over() {
    let scenario = with_heir(Scenario::uploaded().object_deleted().slot_is_adopted("1"), &key()).slot_holds(&key());
    let to = Some(Ownership { owner: sibling(), adopted: true });
    assert_eq!(scenario.source_signs_in(accepted()).record().1, Step::Release { revision: revision("1"), to });
}

#[test]
fn an_adopted_key_of_a_lost_source_is_probed_until_it_is_dead() {
    let scenario = Scenario::uploaded().source_is_gone(Evidence::DeletionSeen).slot_is_adopted("1").slot_holds(&key());
    let settlement = scenario.clone().slot_signs_in(accepted()).settlement();
    assert!(settlement.ledger.uploaded.is_some());
    assert_eq!(settlement.conditions.expect("conditions").ready.reason, Reason::SourceGone);
    let dead = scenario.refused_at(&key(), &[0, 60, 240, 600]).slot_signs_in(refused());
    assert_eq!(dead.record().1, delete_at("1"));
}

#[test]
fn the_older_of_two_siblings_uploads_first_and_the_younger_waits() {
    let scenario = Scenario::new().source_signs_in(accepted()).slot_is_empty("1");
    let waits = scenario.clone().with(|facts| facts.siblings.ahead = Some("monitoring/older".into()));
    let ready = waits.conditions().ready;
    assert_eq!(ready.reason, Reason::WaitingForSibling);
    assert!(ready.message.contains("monitoring/older"), "{}", ready.message);
    assert_eq!(scenario.record().1, put_at("1"));
}

#[test]
fn an_object_that_is_blocked_by_a_sibling_does_not_repeat_its_sign_in() {
    let settlement = Scenario::new().source_signs_in(accepted()).slot_is_owned_by("1", Some(sibling())).settlement();
    let waiting = Scenario::new().with(|facts| {
        facts.observations = settlement.observations;
        facts.observations.settled = None;
        facts.previous = settlement.conditions;
        facts.siblings.holding = Some("monitoring/sibling".into());
    });
    assert_eq!(waiting.plan(), Step::ReadSlot);
    assert!(matches!(waiting.clone().slot_is_owned_by("2", Some(sibling())).plan(), Step::Settle(_)));
    assert!(matches!(waiting.clone().slot_is_empty("2").plan(), Step::SignIn(_)), "once the slot is free");
    let rotated = waiting.source(present(Ok(rotated())));
    assert!(matches!(rotated.plan(), Step::SignIn(_)), "once its own key has changed");
}
