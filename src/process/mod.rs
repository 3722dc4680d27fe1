//! What a process needs beside its work.

pub mod admin;
pub mod leadership;
pub mod logging;
pub mod metrics;
pub mod panics;
pub mod readiness;
pub mod shutdown;
