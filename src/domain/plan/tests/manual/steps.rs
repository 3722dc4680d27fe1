//! The steps of a request, for a person who has never opened the app.

use super::*;
use crate::domain::plan::Content;
use crate::domain::service_key::examples::{document, key_with_secret};

const ROLE: &str = "Landscape Management Security Administrator";

/// Returns the position of the only step that contains `text`.
fn position(steps: &[String], text: &str) -> usize {
    let found: Vec<_> = (0..steps.len()).filter(|step| steps[*step].contains(text)).collect();
    let [position] = found[..] else { panic!("{text:?} is in the steps {found:?} of {steps:#?}") };
    position
}

fn upload() -> Action {
    asked(new().slot_is_unknown("1")).action
}

fn replace() -> Action {
    asked(rotated_source().slot_signs_in(accepted())).action
}

/// Returns the request to delete our key of a dead source.
fn delete() -> Action {
    let scenario = uploaded().refused_at(&key(), &[0, 60, 240, 600]).source_signs_in(refused());
    asked(scenario.slot_is_ours("1").slot_holds(&key())).action
}

#[test]
fn the_steps_begin_with_role_and_place_and_end_with_the_confirmation() {
    for Action { id, operation, steps, .. } in [upload(), replace(), delete()] {
        let (first, last) = (steps.first().expect("a step"), steps.last().expect("a step"));
        assert!(first.contains(ROLE) && first.contains("tenant acme-calm"), "{operation:?}: {first}");
        assert!(last.contains(&format!("almkey done calm {id} -n monitoring")), "{operation:?}: {last}");
        assert_eq!(position(&steps, &id), steps.len() - 1, "{operation:?}: the ID is given once, at the end");
    }
}

#[test]
fn the_steps_of_an_upload_begin_with_looking_and_never_delete_a_key() {
    let Action { steps, .. } = upload();
    assert!(steps[1].starts_with("Look"), "{}", steps[1]);
    assert!(steps[1].contains("do not delete it"), "{}", steps[1]);
    assert!(!steps.iter().any(|step| step.contains("Choose Delete")), "{steps:#?}");
    assert!(position(&steps, &format!("fingerprint {}", key().fingerprint())) < position(&steps, "choose Upload"));
}

#[test]
fn the_steps_of_a_replacement_compare_both_keys_before_the_app_is_changed() {
    let Action { steps, .. } = replace();
    let [old, new] = [key(), rotated()].map(|key| format!("fingerprint {}", key.fingerprint()));
    let positions = [
        position(&steps, &new),
        position(&steps, &old),
        position(&steps, "Choose Delete"),
        position(&steps, "choose Upload"),
    ];
    assert!(positions.is_sorted(), "who cannot get the new key leaves the old one: {positions:?}: {steps:#?}");
    assert!(steps[positions[1]].contains("do not delete"), "{}", steps[positions[1]]);
}

#[test]
fn the_steps_of_a_replacement_know_our_key_from_the_ledger_too() {
    let unreadable = rotated_source().with(|facts| facts.learn_content(Ok(Content::Unreadable(findings()))));
    position(&asked(unreadable).action.steps, &format!("fingerprint {}", key().fingerprint()));
}

#[test]
fn the_steps_of_a_deletion_compare_the_key_first_and_upload_nothing() {
    let Action { steps, .. } = delete();
    let compared = position(&steps, &format!("fingerprint {}", key().fingerprint()));
    assert!(steps[compared].contains("do not delete"), "{}", steps[compared]);
    assert!(compared < position(&steps, "Choose Delete"), "{steps:#?}");
    assert!(!steps.iter().any(|step| step.contains("choose Upload")), "{steps:#?}");
}

#[test]
fn the_steps_say_what_to_do_if_a_key_that_may_be_there_is_not() {
    let leaving = [key_with_secret("third"), rotated()].map(|key| key.fingerprint().clone());
    let slot = Slot::Unknown { revision: revision("1"), leaving: leaving.to_vec() };
    let either = format!("{} or {}", leaving[0], leaving[1]);
    let replace = asked(new().with(|facts| facts.learn_slot(Ok(slot)))).action;
    let compared = position(&replace.steps, &either);
    assert!(replace.steps[compared].contains("plus sign"), "{}", replace.steps[compared]);

    let scenario = uploaded().refused_at(&key(), &[0, 60, 240, 600]).source_signs_in(refused());
    let delete = asked(scenario.slot_is_unknown("1")).action;
    assert!(delete.steps.iter().any(|step| step.contains("plus sign")), "{:#?}", delete.steps);
}

#[test]
fn no_step_contains_a_secret_and_each_is_a_sentence() {
    let uaa = &document()["uaa"];
    let secret = uaa["clientsecret"].as_str().expect("the example has one");
    for Action { steps, .. } in [upload(), replace(), delete()] {
        for step in steps {
            assert!(!step.contains(secret) && !step.contains("another-secret"), "{step}");
            assert!(step.ends_with('.') && step.starts_with(char::is_uppercase), "{step}");
        }
    }
}
