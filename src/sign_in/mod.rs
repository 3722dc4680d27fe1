//! Proves that a key signs in, at the token endpoint that the key itself names.

pub mod answer;
mod endpoint;

pub use endpoint::TokenEndpoint;
