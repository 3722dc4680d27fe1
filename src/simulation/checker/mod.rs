//! The checkers: invariants of each step, and the state that a history must converge to.

pub(crate) mod liveness;
pub(crate) mod release;
pub(crate) mod safety;
