//! The two kinds that people write. Their documentation becomes what `kubectl explain` shows.

pub mod annotations;
pub mod crd;
pub mod duration;
pub mod resolve;
mod schema;
pub mod service_key;
pub mod status;
pub mod tenant;

pub use service_key::ALMServiceKey;
pub use tenant::ALMTenant;
