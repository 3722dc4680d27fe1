//! Log lines, to standard error.

mod clean;
mod json;

use tracing::{Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{ParseError, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::panics;

/// kube's client logs the whole body of an answer that it cannot read, and that may be a Secret: of this module only
/// errors are told, whatever the filter says.
const LOGS_BODIES: &str = "kube_client::client";

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
    subscriber(filter, format, std::io::stderr)?.init();
    panics::into_the_log();
    Ok(())
}

/// What takes log lines and gives them to `writer`, each whole and in one line, whatever stands in it.
fn subscriber<W>(filter: &str, format: Format, writer: W) -> Result<Box<dyn Subscriber + Send + Sync>, ParseError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(filter)?;
    let keeps_bodies =
        filter_fn(|metadata| !metadata.target().starts_with(LOGS_BODIES) || *metadata.level() == Level::ERROR);
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(clean::Clean(writer)).with_ansi(false);
    Ok(match format {
        Format::Json => {
            Box::new(lines.fmt_fields(JsonFields::new()).event_format(json::Flat).finish().with(keeps_bodies))
        }
        Format::Text => Box::new(lines.finish().with(keeps_bodies)),
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
            self.0.lock().expect("no panic holds it").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What `told` writes with this filter.
    fn written(filter: &str, format: Format, told: impl FnOnce()) -> String {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let subscriber = subscriber(filter, format, move || writer.clone()).expect("a filter");
        tracing::subscriber::with_default(subscriber, told);
        let bytes = buffer.0.lock().expect("no panic holds it").clone();
        String::from_utf8(bytes).expect("text")
    }

    /// What is logged, of a name, an error and a message that all hold `text`.
    fn logged(format: Format, text: &str) -> String {
        written("info", format, || {
            let span = tracing::error_span!("pass", name = text, namespace = %text);
            let _within = span.enter();
            tracing::warn!(error = %text, cause = text, list = ?[text], "about {text}");
        })
    }

    #[test]
    fn no_filter_makes_the_client_tell_the_body_of_an_answer() {
        for filter in ["trace", "kube_client::client=trace", "kube_client::client::body=trace,info", "[pass]=trace"] {
            let lines = written(filter, Format::Text, || {
                let span = tracing::error_span!("pass");
                let _within = span.enter();
                tracing::warn!(target: "kube_client::client", "CANARY");
                tracing::trace!(target: "kube_client::client::body", "CANARY");
                tracing::error!(target: "kube_client::client", "told");
            });
            assert!(lines.contains("told") && !lines.contains("CANARY"), "{filter}: {lines}");
        }
    }

    const FORGED: &str =
        "x\n2026-11-26T00:00:00Z ERROR forged\r\u{1b}[2J\u{9b}31m\u{202e}drowssap\u{2066}\u{2028}\0\u{7f}é";

    #[test]
    fn nothing_that_others_have_named_begins_a_line_of_its_own_or_speaks_to_a_terminal() {
        for format in [Format::Text, Format::Json] {
            let line = logged(format, FORGED);
            let one = line.strip_suffix('\n').expect("a whole line");
            assert!(!one.chars().any(is_invisible), "{format:?}: {one:?}");
            assert!(one.contains("drowssap") && one.contains('é'), "what can be seen is still told: {one}");
        }
    }

    #[test]
    fn a_line_of_json_gives_back_what_was_written_into_it() {
        let line: serde_json::Value = serde_json::from_str(&logged(Format::Json, FORGED)).expect("JSON");
        for (field, expected) in [("name", FORGED), ("cause", FORGED), ("message", &format!("about {FORGED}"))] {
            assert_eq!(line[field], expected, "{field}");
        }
    }
}
