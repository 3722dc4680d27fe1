//! The client of Landscape Management over HTTP, by this project's contract.

mod answer;
mod slot;
mod token;

pub use answer::written;
pub use slot::{HttpLandscape, MayWrite, parse_slot};
pub use token::{ClientCredentials, TokenSource};
