//! Sign-in test of a key at the token endpoint that the key names.

pub mod answer;
mod endpoint;

pub use endpoint::TokenEndpoint;
