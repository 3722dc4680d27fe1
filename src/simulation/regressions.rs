//! Histories in which an invariant once broke: short ones, as the world model told them. Seeds do not last, because another
//! draw makes other histories of them.

use crate::domain::policy::AdoptionPolicy;
use crate::simulation::history::breaks;
use crate::simulation::model::binding::Credential;
use crate::simulation::step::{Act, AppAct, SourceAct, Step, TenantAct, Trouble, Who};

const TENANT: &str = "acme";

/// An heir does not know of its key yet when its namespace is withdrawn; the key is dead.
const UNKNOWING_HEIR: &[Step] = &[
    Step::Source(Who::FIRST, SourceAct::Bind(Credential::Instance)),
    Step::Key(Who::FIRST, Act::Create),
    Step::Source(Who::SIBLING, SourceAct::Bind(Credential::Instance)),
    Step::Key(Who::SIBLING, Act::Create),
    Step::Wait(960),
    Step::Source(Who::FIRST, SourceAct::Kill),
    Step::Key(Who::FIRST, Act::Delete),
    Step::Trouble(Trouble::TokenEndpointDown(true)),
    Step::Settle,
    Step::Tenant(0, TENANT, TenantAct::Admit(false)),
];

/// The tenant goes, and another one of its name comes, between the read of the first and the record of a write.
const ANOTHER_TENANT: &[Step] = &[
    Step::Tenant(0, TENANT, TenantAct::Adoption(AdoptionPolicy::Replace)),
    Step::Source(Who::FIRST, SourceAct::Bind(Credential::Instance)),
    Step::App(0, AppAct::Fill),
    Step::Wait(301),
    Step::Key(Who::FIRST, Act::Create),
    Step::Calls(3),
    Step::Calls(4),
    Step::Tenant(0, TENANT, TenantAct::Delete),
    Step::Calls(5),
    Step::Calls(4),
    Step::Tenant(0, TENANT, TenantAct::Create),
];

/// The invariants that these histories break once more.
pub(crate) fn broken_again() -> Vec<String> {
    [UNKNOWING_HEIR, ANOTHER_TENANT].into_iter().filter_map(breaks).collect()
}
