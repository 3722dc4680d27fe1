//! The two remote sides of a tenant: its token endpoint and its Landscape Management.

use crate::api::ALMTenant;
use crate::domain::slot::Owner;
use crate::executor::ports::{LandscapeManagement, SignIn};

/// Both remote sides of one tenant.
pub(crate) trait Remote: SignIn + LandscapeManagement {}

/// The remote sides of all tenants.
pub(crate) trait Remotes: Sync {
    /// Returns the remote sides of `tenant` for the object that owns the slot as `me`. Without a tenant every call fails.
    fn connect<'a>(&'a self, tenant: Option<&'a ALMTenant>, me: &'a Owner) -> Box<dyn Remote + 'a>;
}
