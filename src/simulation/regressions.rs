//! Histories that once violated an invariant, as they were shrunk. They are kept as steps and not as seeds, because a
//! change of the generator gives each seed another history.

use crate::domain::policy::AdoptionPolicy;
use crate::simulation::history::violation;
use crate::simulation::manual::people::{Deed, Errand, Word};
use crate::simulation::model::document::Edition;
use crate::simulation::step::{Actor, AppAction, Credential, Fault, KeyAction, SourceAction, Step, TenantAction};

const TENANT: &str = "acme";

/// The namespace of an heir is no longer admitted, the key is dead, and the heir has not yet read its source.
const HEIR_WITHOUT_ITS_KEY: &[Step] = &[
    Step::Source(Actor::FIRST, SourceAction::Bind(Credential::Instance)),
    Step::Key(Actor::FIRST, KeyAction::Create),
    Step::Source(Actor::SIBLING, SourceAction::Bind(Credential::Instance)),
    Step::Key(Actor::SIBLING, KeyAction::Create),
    Step::Wait(960),
    Step::Source(Actor::FIRST, SourceAction::KillKey),
    Step::Key(Actor::FIRST, KeyAction::Delete),
    Step::Fault(Fault::TokenEndpointDown(true)),
    Step::Settle,
    Step::Tenant(0, TENANT, TenantAction::Admit(false)),
];

/// The tenant is replaced by another of its name after it was read, and before a pending write is recorded.
const REPLACED_TENANT: &[Step] = &[
    Step::Tenant(0, TENANT, TenantAction::SetAdoption(AdoptionPolicy::Replace)),
    Step::Source(Actor::FIRST, SourceAction::Bind(Credential::Instance)),
    Step::App(0, AppAction::Fill),
    Step::Wait(301),
    Step::Key(Actor::FIRST, KeyAction::Create),
    Step::Calls(3),
    Step::Calls(4),
    Step::Tenant(0, TENANT, TenantAction::Delete),
    Step::Calls(5),
    Step::Calls(4),
    Step::Tenant(0, TENANT, TenantAction::Create),
];

/// A confirmation in manual mode comes when the source is gone already: the ledger does not have the key.
const CONFIRMED_WITHOUT_A_SOURCE: &[Step] = &[
    Step::ManualMode,
    Step::Source(Actor::FIRST, SourceAction::Bind(Credential::Own)),
    Step::Key(Actor::FIRST, KeyAction::Create),
    Step::Settle,
    Step::Person(Errand::Action(Actor::FIRST), Deed::Follow(Word::Done)),
    Step::Source(Actor::FIRST, SourceAction::Unbind),
];

/// A record of manual mode names an owner that was abandoned, and the app holds another key.
const ABANDONED_OWNER: &[Step] = &[
    Step::ManualMode,
    Step::Source(Actor::FIRST, SourceAction::Bind(Credential::Own)),
    Step::Key(Actor::FIRST, KeyAction::Create),
    Step::Key(Actor::SIBLING, KeyAction::Create),
    Step::Settle,
    Step::Person(Errand::Action(Actor::FIRST), Deed::Follow(Word::DoneWith)),
    Step::App(0, AppAction::Fill),
    Step::Key(Actor::FIRST, KeyAction::Abandon),
    Step::Key(Actor::FIRST, KeyAction::Delete),
];

/// The namespace is withdrawn before a confirmation of manual mode is read, and later the key dies.
const CONFIRMED_WITHOUT_ADMISSION: &[Step] = &[
    Step::ManualMode,
    Step::Source(Actor::FIRST, SourceAction::Bind(Credential::Own)),
    Step::Key(Actor::FIRST, KeyAction::Create),
    Step::Settle,
    Step::Person(Errand::Action(Actor::FIRST), Deed::Follow(Word::Done)),
    Step::Tenant(0, TENANT, TenantAction::Admit(false)),
    Step::Source(Actor::FIRST, SourceAction::KillKey),
];

/// An upload of manual mode that no person carried out is to be taken back, and the slot was recorded as empty before.
const DELETION_FROM_AN_EMPTY_SLOT: &[Step] = &[
    Step::ManualMode,
    Step::Source(Actor::FIRST, SourceAction::Bind(Credential::Instance)),
    Step::Key(Actor::FIRST, KeyAction::Create),
    Step::Settle,
    Step::Source(Actor::FIRST, SourceAction::Unbind),
    Step::Settle,
    Step::Person(Errand::Action(Actor::FIRST), Deed::Follow(Word::Holds)),
    Step::Source(Actor::FIRST, SourceAction::Bind(Credential::Instance)),
    Step::Wait(960),
    Step::Source(Actor::FIRST, SourceAction::Unbind),
];

/// A replacement of a foreign key in manual mode that no person carried out is to be taken back: the foreign key is there.
const DELETION_FROM_A_FOREIGN_SLOT: &[Step] = &[
    Step::ManualMode,
    Step::Tenant(0, TENANT, TenantAction::SetAdoption(AdoptionPolicy::Replace)),
    Step::Source(Actor::FIRST, SourceAction::Bind(Credential::Instance)),
    Step::Key(Actor::FIRST, KeyAction::Create),
    Step::App(0, AppAction::Fill),
    Step::Person(Errand::Action(Actor::FIRST), Deed::Confirm(Word::DoneWith)),
    Step::Wait(601),
    Step::Fault(Fault::BindingKindDefined(0, false)),
];

/// One of two keys that a person is asked to delete is wanted again by an object of the same name.
const REMOVAL_OF_A_KEY_WANTED_AGAIN: &[Step] = &[
    Step::ManualMode,
    Step::Source(Actor::FIRST, SourceAction::Bind(Credential::Instance)),
    Step::Key(Actor::FIRST, KeyAction::Create),
    Step::Wait(301),
    Step::Source(Actor::FIRST, SourceAction::Edit(Edition::OtherEndpoint)),
    Step::Wait(4000),
    Step::Key(Actor::FIRST, KeyAction::Delete),
    Step::Wait(601),
    Step::Key(Actor::FIRST, KeyAction::Create),
];

/// The key in the slot is to be deleted, and cannot be read any more, because the kind of the source is gone as well.
const REQUESTED_DELETION_WITHOUT_CONTENT: &[Step] = &[
    Step::ManualMode,
    Step::Source(Actor::THIRD, SourceAction::Bind(Credential::Own)),
    Step::Key(Actor::THIRD, KeyAction::Create),
    Step::Settle,
    Step::Person(Errand::Action(Actor::THIRD), Deed::Follow(Word::Done)),
    Step::Source(Actor::THIRD, SourceAction::Unbind),
    Step::Wait(601),
    Step::Source(Actor::THIRD, SourceAction::Bind(Credential::Instance)),
    Step::Fault(Fault::BindingKindDefined(0, false)),
    Step::Settle,
];

/// An object whose source is not there any more was asked to replace a key that another object wants again.
const REPLACEMENT_OF_A_KEY_WANTED_AGAIN: &[Step] = &[
    Step::ManualMode,
    Step::Source(Actor::FIRST, SourceAction::Bind(Credential::Own)),
    Step::Key(Actor::FIRST, KeyAction::Create),
    Step::Source(Actor::THIRD, SourceAction::Bind(Credential::Instance)),
    Step::Key(Actor::THIRD, KeyAction::Create),
    Step::Settle,
    Step::Key(Actor::FIRST, KeyAction::Delete),
    Step::Wait(960),
    Step::Key(Actor::FIRST, KeyAction::Create),
    Step::Key(Actor::THIRD, KeyAction::UseSecret(true)),
];

/// A key is adopted in manual mode while a person is asked to remove another one.
const ADOPTION_DURING_A_REMOVAL: &[Step] = &[
    Step::ManualMode,
    Step::Source(Actor::FIRST, SourceAction::Bind(Credential::Own)),
    Step::Source(Actor::SIBLING, SourceAction::Bind(Credential::Instance)),
    Step::Key(Actor::SIBLING, KeyAction::Create),
    Step::Settle,
    Step::Key(Actor::FIRST, KeyAction::Create),
    Step::Key(Actor::SIBLING, KeyAction::Delete),
    Step::Settle,
    Step::Person(Errand::Action(Actor::FIRST), Deed::Follow(Word::Holds)),
];

#[test]
fn a_deletion_from_a_slot_that_was_empty_before_ends() {
    assert_eq!(violation(DELETION_FROM_AN_EMPTY_SLOT), None);
}

#[test]
fn a_deletion_ends_where_the_slot_has_held_another_key_before() {
    assert_eq!(violation(DELETION_FROM_A_FOREIGN_SLOT), None);
}

#[test]
fn a_key_that_is_wanted_again_is_left_out_of_the_steps_of_a_removal() {
    assert_eq!(violation(REMOVAL_OF_A_KEY_WANTED_AGAIN), None);
}

#[test]
fn a_requested_deletion_names_its_key_also_if_the_content_is_unknown() {
    assert_eq!(violation(REQUESTED_DELETION_WITHOUT_CONTENT), None);
}

#[test]
fn a_request_ends_whose_steps_delete_a_key_that_is_wanted_again() {
    assert_eq!(violation(REPLACEMENT_OF_A_KEY_WANTED_AGAIN), None);
}

#[test]
fn a_removal_ends_with_the_adoption_of_another_key() {
    assert_eq!(violation(ADOPTION_DURING_A_REMOVAL), None);
}

#[test]
fn a_key_that_was_confirmed_without_a_source_can_be_deleted() {
    assert_eq!(violation(CONFIRMED_WITHOUT_A_SOURCE), None);
}

#[test]
fn an_owner_that_is_gone_does_not_prevent_a_confirmation() {
    assert_eq!(violation(ABANDONED_OWNER), None);
}

#[test]
fn the_owner_of_a_key_confirms_its_deletion_without_admission() {
    assert_eq!(violation(CONFIRMED_WITHOUT_ADMISSION), None);
}

#[test]
fn an_heir_that_does_not_know_its_key_yet_converges() {
    assert_eq!(violation(HEIR_WITHOUT_ITS_KEY), None);
}

#[test]
fn a_replaced_tenant_gets_its_finalizer_before_a_write() {
    assert_eq!(violation(REPLACED_TENANT), None);
}
