//! The domain: service keys, the slot, evidence and decisions. Pure code without I/O and without a clock of its own.
//!
//! Start with [`plan`], the only place that decides.

pub mod action;
pub mod conditions;
pub mod evidence;
pub mod ledger;
pub mod plan;
pub mod policy;
pub mod rate_limit;
pub mod reason;
pub mod record;
pub mod retry;
pub mod service_key;
pub mod slot;
pub mod steps;
pub mod time;
pub mod untrusted;
