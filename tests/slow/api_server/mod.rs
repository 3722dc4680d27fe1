//! Faults of the API server: it is killed, stopped, overloaded, restored, or refuses a right. No living key is deleted
//! because of any of them.

mod backup;
mod faults;
mod matrix;
mod operations;
pub mod overload;
mod restored;
mod rights;
mod watches;
