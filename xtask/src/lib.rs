//! The project's own commands, as `make` calls them, and the checks that the tests share with them.

pub mod proofs;
pub mod rights;
