//! A deterministic world: BTP, clusters, Landscape Management and clocks, in which the real code of the controller runs.
//!
//! A history is a list of [`step::Step`]s. Each is possible at any time, so that any part of a history is a history too:
//! that is what makes a failing one short. After each step the judge's invariants hold; when all troubles have ended and
//! time has passed, all has come to rest.

mod actions;
mod checker;
mod generator;
mod histories;
mod history;
mod hold;
mod model;
mod operator;
mod panics;
mod pass;
mod process;
mod regressions;
mod state;
mod step;
mod tamper;
mod tenant_finalizer;
