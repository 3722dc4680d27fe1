//! Landscape Management over HTTP, by this project's own contract.

mod answer;
mod slot;
mod token;

pub use slot::HttpLandscape;
pub use token::{ClientCredentials, TokenSource};
