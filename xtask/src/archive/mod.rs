//! Archives of `almkey` for people: what they hold, and the krew manifest that lists them.

pub mod krew;
pub mod pack;
