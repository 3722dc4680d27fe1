//! Landscape Management over HTTP, by this project's own contract.

mod answer;
mod slot;
mod token;

pub use answer::written;
pub use slot::{HttpLandscape, MayWrite, shown};
pub use token::{ClientCredentials, TokenSource};
