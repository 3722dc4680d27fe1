//! Logging to standard error.

mod clean;

use tracing::{Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{ParseError, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::panics;

/// The module of kube's client that logs the body of an undecodable answer, which may be a Secret. Only its errors are
/// logged, regardless of the filter.
const BODY_LOGGER: &str = "kube_client::client";

/// The format of log lines.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Format {
    /// One JSON object per line, for machines.
    Json,
    /// Text for people.
    Text,
}

/// Starts logging with `filter`, in the syntax of `tracing-subscriber` (`info`, `debug`,
/// `alm_key_operator=trace,info`).
///
/// # Errors
/// The filter is invalid.
pub fn start(filter: &str, format: Format) -> Result<(), ParseError> {
    subscriber(filter, format, std::io::stderr)?.init();
    panics::install_into_log();
    Ok(())
}

/// Builds a subscriber that writes each event to `writer` as a single line.
fn subscriber<W>(filter: &str, format: Format, writer: W) -> Result<Box<dyn Subscriber + Send + Sync>, ParseError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(filter)?;
    let without_bodies =
        filter_fn(|metadata| !metadata.target().starts_with(BODY_LOGGER) || *metadata.level() == Level::ERROR);
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(clean::Clean(writer)).with_ansi(false);
    Ok(match format {
        // The fields of a reconciliation are under `span`, to which the formatter adds the name of the span as `name`.
        Format::Json => Box::new(lines.json().flatten_event(true).with_span_list(false).finish().with(without_bodies)),
        Format::Text => Box::new(lines.finish().with(without_bodies)),
    })
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::domain::untrusted::is_invisible;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Returns the lines that `log` writes with this filter.
    fn written(filter: &str, format: Format, log: impl FnOnce()) -> String {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let subscriber = subscriber(filter, format, move || writer.clone()).expect("a filter");
        tracing::subscriber::with_default(subscriber, log);
        let bytes = buffer.0.lock().expect("not poisoned").clone();
        String::from_utf8(bytes).expect("text")
    }

    /// Returns the lines of an event whose fields, span and message contain `text`.
    fn logged(format: Format, text: &str) -> String {
        written("info", format, || {
            let span = tracing::error_span!("reconcile", object = text, namespace = %text);
            let _within = span.enter();
            tracing::warn!(error = %text, cause = text, list = ?[text], "about {text}");
        })
    }

    #[test]
    fn no_filter_makes_the_client_log_the_body_of_an_answer() {
        for filter in ["trace", "kube_client::client=trace", "kube_client::client::body=trace,info", "[pass]=trace"] {
            let lines = written(filter, Format::Text, || {
                let span = tracing::error_span!("pass");
                let _within = span.enter();
                tracing::warn!(target: "kube_client::client", "CANARY");
                tracing::trace!(target: "kube_client::client::body", "CANARY");
                tracing::error!(target: "kube_client::client", "an error");
            });
            assert!(lines.contains("an error") && !lines.contains("CANARY"), "{filter}: {lines}");
        }
    }

    const FORGED: &str =
        "x\n2026-11-26T00:00:00Z ERROR forged\r\u{1b}[2J\u{9b}31m\u{202e}drowssap\u{2066}\u{2028}\0\u{7f}é";

    #[test]
    fn untrusted_text_cannot_start_a_new_log_line_or_control_a_terminal() {
        for format in [Format::Text, Format::Json] {
            let line = logged(format, FORGED);
            let one = line.strip_suffix('\n').expect("a whole line");
            assert!(!one.chars().any(is_invisible), "{format:?}: {one:?}");
            assert!(one.contains("drowssap") && one.contains('é'), "visible text is kept: {one}");
        }
    }

    #[test]
    fn a_json_line_preserves_the_logged_values() {
        let line: serde_json::Value = serde_json::from_str(&logged(Format::Json, FORGED)).expect("JSON");
        assert_eq!((&line["span"]["object"], &line["cause"]), (&FORGED.into(), &FORGED.into()));
        assert_eq!(line["message"], format!("about {FORGED}"));
    }
}
