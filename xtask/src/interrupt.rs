//! Ctrl-C and SIGTERM.

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use crate::error::INTERRUPTED;

/// Runs work until it ends, or until Ctrl-C or SIGTERM. All that the work has started ends with this process.
pub async fn until_interrupted(work: impl Future<Output = ExitCode>) -> ExitCode {
    tokio::select! {
        code = work => code,
        () = interrupted() => ExitCode::from(INTERRUPTED),
    }
}

/// Waits for Ctrl-C or SIGTERM.
pub async fn interrupted() {
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}
