//! Signals that request a shutdown.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Installs handlers for SIGTERM and SIGINT, and returns a future that completes with the first of them.
///
/// # Errors
/// The handlers cannot be installed.
pub fn requested() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        let name = first(&mut terminate, &mut interrupt).await;
        tracing::info!(signal = name, "shutting down: reconciliations in progress are completed");
    })
}

async fn first(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
