//! A deterministic world: BTP, clusters, Landscape Management and clocks, in which the real code of the controller runs.
//!
//! A history is a list of [`step::Step`]s. Each is possible at any time, so that any part of a history is a history too:
//! that is what makes a failing one short. After each step the judge's invariants hold; when all troubles have ended and
//! time has passed, all has come to rest.

mod binding;
mod cluster;
mod draw;
mod found;
mod history;
mod hold;
mod judge;
mod operator;
mod panics;
mod pass;
mod people;
mod process;
mod quiet;
mod remote;
mod sap;
mod state;
mod step;
mod tamper;
mod view;

pub(super) use found::broken_again;
pub(super) use history::{course_of, plays, told};
pub(super) use hold::is_let_go;
