//! The loop, driven against models of the world: a slot with revisions, a token endpoint, a status, a clock.

mod calls;
mod crashes;
mod day;
mod durations;
mod models;
mod object;
