//! Log lines, to standard error.

mod json;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::format::JsonFields;

/// kube's client logs the whole body of an answer that it cannot read, and that may be a Secret.
const QUIET: &str = "kube_client::client=error";

/// How log lines are written.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Format {
    /// For machines: a JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Starts logging at `filter`, in the syntax of `tracing-subscriber` (`info`, `debug`, `alm_key_operator=trace,info`).
///
/// # Errors
/// The filter cannot be read.
pub fn start(filter: &str, format: Format) -> Result<(), ParseError> {
    let filter = EnvFilter::try_new(format!("{filter},{QUIET}"))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    match format {
        Format::Json => lines.fmt_fields(JsonFields::new()).event_format(json::Flat).init(),
        Format::Text => lines.init(),
    }
    Ok(())
}
