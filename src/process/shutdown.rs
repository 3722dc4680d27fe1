//! Signals that request a shutdown.

/// Installs handlers for SIGTERM and SIGINT, and returns a future that completes with the first of them.
///
/// # Errors
/// The handlers cannot be installed.
#[cfg(unix)]
pub fn requested() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        report(name);
    })
}

/// Returns a future that completes with Ctrl-C. On Windows the operator only runs at a developer's terminal.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn requested() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async {
        match tokio::signal::ctrl_c().await {
            Ok(()) => report("Ctrl-C"),
            // Without a handler, Ctrl-C ends the process at once.
            Err(_) => std::future::pending().await,
        }
    })
}

fn report(signal: &str) {
    tracing::info!(signal, "shutting down: reconciliations in progress are completed");
}
