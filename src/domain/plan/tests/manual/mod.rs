//! Manual mode: a person alone can change the slot, and is asked to do so.

mod confirmed;
mod dead;
mod deleted_object;
mod lost_source;
mod replacement;
mod request;
mod steps;
mod withdrawn;

use crate::domain::action::{Action, ActionOperation};
use crate::domain::conditions::{Condition, Conditions, Status};
use crate::domain::plan::Settlement;
use crate::domain::plan::tests::scenario::*;
use crate::domain::reason::Reason;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::examples::key;
use crate::domain::slot::{Basis, Slot};

/// A request to a person, and how the reconciliation ends that makes it.
struct Requested {
    action: Action,
    settlement: Settlement,
    conditions: Conditions,
}

/// Performs the request that comes next, and settles.
fn asked(scenario: Scenario) -> Requested {
    let (action, scenario) = scenario.ask();
    let settlement = scenario.settlement();
    assert_eq!(settlement.ledger.action.as_ref(), Some(&action), "the request is recorded in the status");
    let conditions = settlement.conditions.clone().expect("conditions");
    Requested { action, settlement, conditions }
}

/// Asserts that no person is asked, and returns the settlement.
fn asks_for_nothing(scenario: &Scenario) -> Settlement {
    let settlement = scenario.settlement();
    assert_eq!(settlement.ledger.action, None);
    settlement
}

/// Asserts what a person is asked for on the basis of revision `etag`.
fn assert_asks(action: &Action, operation: ActionOperation, key: &ServiceKey, etag: &str) {
    assert_eq!((action.operation, &action.revision), (operation, &revision(etag)));
    assert_eq!(action.fingerprint.as_ref(), Some(key.fingerprint()));
}

fn verdict(condition: &Condition) -> (Status, Reason) {
    (condition.status, condition.reason)
}

/// Returns a new object whose key the token endpoint accepts.
fn new() -> Scenario {
    Scenario::new().manual().source_signs_in(accepted())
}

/// Returns an object whose key is in the slot at revision 1, at its next reconciliation.
fn uploaded() -> Scenario {
    Scenario::uploaded().manual().with(|facts| {
        let uploaded = facts.ledger.uploaded.as_mut().expect("an entry");
        uploaded.document = None;
    })
}

/// Returns an object whose upload was requested at revision 1 of an unknown slot, at its next reconciliation.
fn requested() -> Scenario {
    new().slot_is_unknown("1").ask().1.after_settlement(60)
}

/// Returns an object whose source has a new key while the old one is in the slot.
fn rotated_source() -> Scenario {
    let scenario = uploaded().source(present(Ok(rotated()))).source_signs_in(accepted());
    scenario.slot_is_ours("1").slot_holds(&key())
}

/// Sets the slot to our key, by the word of a person.
fn slot_is_confirmed(scenario: Scenario, etag: &str) -> Scenario {
    let slot = Slot::Filled { revision: revision(etag), owner: Some(ours()), basis: Basis::Confirmation };
    scenario.with(|facts| facts.learn_slot(Ok(slot)))
}
