//! The request to upload a key into a slot that is not ours.

use std::time::Duration;

use super::*;
use crate::domain::action::Unconfirmed;
use crate::domain::conditions::Progress;
use crate::domain::ledger::Operation;
use crate::domain::plan::{KeyRole, Step};
use crate::domain::policy::{AdoptionPolicy, Mode};

/// Sets the slot to one that may still hold the key of a deleted object.
fn slot_may_hold(scenario: Scenario, leaving: &ServiceKey) -> Scenario {
    let slot = Slot::Unknown { revision: revision("1"), leaving: vec![leaving.fingerprint().clone()] };
    scenario.with(|facts| facts.learn_slot(Ok(slot)))
}

fn replacing(scenario: Scenario) -> Scenario {
    scenario.with(|facts| facts.policy.adoption = AdoptionPolicy::Replace)
}

#[test]
fn a_person_is_asked_to_upload_the_key_into_an_unknown_or_empty_slot() {
    for scenario in [new().slot_is_unknown("1"), new().slot_is_empty("1")] {
        let now = scenario.now.wall;
        let Requested { action, settlement, conditions } = asked(scenario);
        assert_asks(&action, ActionOperation::Upload, &key(), "1");
        assert_eq!((action.requested_at, action.deadline), (now, None));
        assert_eq!(verdict(&conditions.uploaded), (Status::False, Reason::ActionRequired));
        assert_eq!(verdict(&conditions.ready), (Status::Unknown, Reason::ActionRequired));
        assert_eq!(conditions.progress, Progress::Reconciling);
        assert_eq!((conditions.valid.status, conditions.signed_in.status), (Status::True, Status::True));
        assert_eq!(settlement.ledger.uploaded, None);
        let unconfirmed = Unconfirmed { revision: revision("1"), keys: vec![key().fingerprint().clone()] };
        assert_eq!(settlement.ledger.unconfirmed, Some(unconfirmed), "the person may upload it without a word");
        assert!(settlement.next >= Duration::from_mins(50), "{:?}: a person is waited for", settlement.next);
    }
}

#[test]
fn a_key_that_may_still_be_in_the_slot_is_to_be_replaced() {
    let Requested { action, conditions, .. } = asked(slot_may_hold(new(), &rotated()));
    assert_asks(&action, ActionOperation::Replace, &key(), "1");
    assert_eq!(verdict(&conditions.uploaded), (Status::False, Reason::ActionRequired));
    assert_eq!(verdict(&conditions.ready), (Status::Unknown, Reason::ActionRequired));
}

#[test]
fn no_upload_is_requested_before_the_key_is_accepted() {
    let untested = Scenario::new().manual().slot_is_unknown("1");
    assert_eq!(untested.plan(), Step::SignIn(KeyRole::Source));
    for verdict in [refused(), unclear()] {
        asks_for_nothing(&untested.clone().source_signs_in(verdict));
    }
}

#[test]
fn the_same_request_keeps_its_id_and_its_time() {
    let first = asked(new().slot_is_unknown("1")).action;
    let later = requested().source_signs_in(accepted()).slot_is_unknown("1");
    assert_ne!(later.facts.action_id, first.id, "another ID was drawn");
    assert_eq!(asked(later).action, first);
}

#[test]
fn another_key_is_another_request() {
    let rotated_key = requested().source(present(Ok(rotated()))).source_signs_in(accepted()).slot_is_unknown("1");
    let Requested { action, settlement, .. } = asked(rotated_key);
    assert_eq!((action.id.as_str(), action.requested_at), ("drawn at 60", now_at(START + 60).wall));
    let keys = [key(), rotated()].map(|key| key.fingerprint().clone());
    assert_eq!(settlement.ledger.unconfirmed.expect("keys").keys, keys, "both keys may be in the slot");
}

#[test]
fn another_revision_is_another_request() {
    let Requested { action, settlement, .. } = asked(requested().source_signs_in(accepted()).slot_is_empty("2"));
    assert_eq!((action.id.as_str(), action.requested_at), ("drawn at 60", now_at(START + 60).wall));
    assert_eq!(settlement.ledger.unconfirmed.expect("keys").revision, revision("2"));
}

#[test]
fn an_id_is_never_used_again_even_for_the_same_key() {
    let first = asked(new().slot_is_unknown("1")).action;
    let with = |key| move |scenario: Scenario| scenario.source(present(Ok(key))).source_signs_in(accepted());
    let second = with(rotated())(requested()).slot_is_unknown("1").ask().1;
    let second_id = second.facts.ledger.action.clone().expect("an action").id;
    let third = asked(with(key())(second.after_settlement(120)).slot_is_unknown("1")).action;
    assert_eq!([first.id.as_str(), &second_id, &third.id], ["drawn", "drawn at 60", "drawn at 120"]);
}

#[test]
fn behind_an_older_sibling_nothing_is_asked() {
    let slots = [
        requested().source_signs_in(accepted()).slot_is_unknown("1"),
        requested().source_signs_in(accepted()).slot_is_empty("1"),
        replacing(requested()).source_signs_in(accepted()).slot_is_owned_by("1", None).slot_holds(&rotated()),
    ];
    for scenario in slots {
        let scenario = scenario.with(|facts| facts.siblings.ahead = Some("monitoring/older".into()));
        let ready = asks_for_nothing(&scenario).conditions.expect("conditions").ready;
        assert_eq!(verdict(&ready), (Status::Unknown, Reason::WaitingForSibling));
    }
}

#[test]
fn nothing_is_asked_about_the_key_of_a_sibling() {
    let scenario = replacing(requested()).source_signs_in(accepted()).slot_is_owned_by("1", Some(sibling()));
    let ready = asks_for_nothing(&scenario).conditions.expect("conditions").ready;
    assert_eq!(verdict(&ready), (Status::False, Reason::NotSlotOwner));
}

#[test]
fn an_identical_key_without_an_owner_is_adopted_without_a_person() {
    let (pending, step) = new().slot_is_owned_by("1", None).slot_holds(&key()).record();
    assert_eq!((pending.operation, step), (Operation::Adopt, Step::Adopt { revision: revision("1") }));
}

#[test]
fn another_key_without_an_owner_is_to_be_replaced_only_with_the_policy_replace() {
    let occupied = new().slot_is_owned_by("1", None).slot_holds_unavailable(&rotated());
    let ready = asks_for_nothing(&occupied).conditions.expect("conditions").ready;
    assert_eq!(verdict(&ready), (Status::False, Reason::SlotOccupied));

    let Requested { action, conditions, .. } = asked(replacing(occupied));
    assert_asks(&action, ActionOperation::Replace, &key(), "1");
    assert_eq!(verdict(&conditions.uploaded), (Status::False, Reason::ActionRequired));
    assert_eq!(verdict(&conditions.ready), (Status::Unknown, Reason::ActionRequired));
}

#[test]
fn an_observed_object_says_what_would_change_and_asks_for_nothing() {
    let observed = |scenario: Scenario| scenario.with(|facts| facts.policy.mode = Mode::Observe);
    for scenario in [requested().source_signs_in(accepted()).slot_is_unknown("1"), rotated_source()] {
        let scenario = observed(scenario).slot_signs_in(accepted());
        let ready = asks_for_nothing(&scenario).conditions.expect("conditions").ready;
        assert_eq!(verdict(&ready), (Status::True, Reason::WouldChange));
        assert!(ready.message.contains("upload the source's key"), "{}", ready.message);
    }
    let outage = observed(requested()).source_signs_in(unclear()).slot_is_unknown("1");
    asks_for_nothing(&outage);
}

#[test]
fn a_request_fits_in_a_hundred_columns_and_names_the_command() {
    let expires_at = now_at(START + 60).wall;
    let replace = rotated_source().slot_signs_in(accepted());
    let replace = asked(replace.with(|facts| facts.answers.slot_key_expires_at = Some(expires_at))).conditions.ready;
    let upload = asked(new().slot_is_unknown("1")).conditions;
    let dead = uploaded().refused_at(&key(), &[0, 60, 240, 600]).source_signs_in(refused());
    let delete = asked(dead.slot_is_ours("1").slot_holds(&key())).conditions.uploaded;
    assert!(replace.message.contains(&format!(" by {expires_at}:")), "{}", replace.message);
    for (Condition { message, .. }, task) in [
        (upload.ready, "upload the key"),
        (upload.uploaded, "upload the key"),
        (replace, "replace the key"),
        (delete, "delete the key"),
    ] {
        assert!(message.len() <= 100, "{message}");
        assert!(message.starts_with(task), "{message}");
        assert!(message.ends_with("almkey explain calm -n monitoring --steps"), "{message}");
    }
}
