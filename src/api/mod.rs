//! The two kinds of the API. Their doc comments become the output of `kubectl explain`.

pub mod action;
pub mod annotations;
pub mod confirmation;
pub mod crd;
pub mod duration;
pub mod resolve;
mod schema;
pub mod service_key;
pub mod slot;
pub mod status;
pub mod tenant;
pub(crate) mod time;

pub use service_key::ALMServiceKey;
pub use tenant::ALMTenant;
