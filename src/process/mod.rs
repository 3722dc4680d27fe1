//! Services of the process: admin server, connection to the API server, leader election, logging, metrics, panics, readiness and shutdown.

pub mod admin;
pub mod clock;
pub mod connection;
pub mod leadership;
pub mod lock;
pub mod logging;
pub mod metrics;
pub mod panics;
pub mod readiness;
pub mod shutdown;
