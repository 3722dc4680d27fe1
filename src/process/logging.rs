//! Log lines, to standard error.

use tracing_subscriber::EnvFilter;

/// kube's client logs the whole body of an answer that it cannot read, and that may be a Secret.
const QUIET: &str = "kube_client::client=error";

/// Starts logging at `filter`, in the syntax of `tracing-subscriber` (`info`, `debug`, `alm_key_operator=trace,info`).
///
/// # Errors
/// The filter cannot be read.
pub fn start(filter: &str) -> Result<(), tracing_subscriber::filter::ParseError> {
    let filter = EnvFilter::try_new(format!("{filter},{QUIET}"))?;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
    Ok(())
}
