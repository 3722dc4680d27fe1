//! What goes wrong with the API server: it falls, stands still, has no time, forgets, forbids. No living key is deleted
//! because of any of it.

mod backup;
mod faults;
mod matrix;
mod moments;
mod restored;
mod rights;
pub mod throttle;
mod watches;
