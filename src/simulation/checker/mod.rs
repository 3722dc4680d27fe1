//! The checkers: what must never be true of a history, and what must be true once it has come to rest.

pub(crate) mod liveness;
pub(crate) mod safety;
