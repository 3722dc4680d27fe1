//! The commands that `make` and CI call, a file for each.

pub mod advisories;
pub mod archives;
pub mod audit;
pub mod chart;
pub mod docs;
pub mod documented;
pub mod fuzz;
pub mod generate;
pub mod histories;
pub mod image;
pub mod lint;
pub mod oldest;
pub mod picture;
pub mod prove;
pub mod secret_scan;
pub mod test;
pub mod unit;
pub mod verdicts;
