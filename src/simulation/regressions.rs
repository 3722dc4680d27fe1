//! Histories that once violated an invariant, as they were shrunk. They are kept as steps and not as seeds, because a
//! change of the generator gives each seed another history.

use crate::domain::policy::AdoptionPolicy;
use crate::simulation::history::violation;
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

#[test]
fn an_heir_that_does_not_know_its_key_yet_converges() {
    assert_eq!(violation(HEIR_WITHOUT_ITS_KEY), None);
}

#[test]
fn a_replaced_tenant_gets_its_finalizer_before_a_write() {
    assert_eq!(violation(REPLACED_TENANT), None);
}
