//! Standard output: text for people, with statuses in colour, and JSON and YAML for machines.

use std::io::{self, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use serde_json::Value;

use super::text::{self, GAP};
use crate::domain::untrusted::is_invisible;

/// Text before a status in a sentence.
const SENTENCE: &str = "Ready is ";
/// The statuses of conditions, and their colours.
const COLOURS: [(&str, AnsiColor); 3] =
    [("True", AnsiColor::Green), ("False", AnsiColor::Red), ("Unknown", AnsiColor::Yellow)];

/// The format of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// Text for people.
    Text,
    /// One JSON object for machines.
    Json,
    /// The same object as YAML.
    Yaml,
}

impl Format {
    /// Prints the text, or the same as a value.
    ///
    /// # Errors
    /// Standard output cannot be written to.
    pub(super) fn print(self, text: impl FnOnce() -> String, value: impl FnOnce() -> Value) -> io::Result<()> {
        match self {
            Self::Text => print(&text()),
            Self::Json => print_plain(&text::json(&value())),
            Self::Yaml => print_plain(&yaml(&value())?),
        }
    }
}

/// Prints text for people. The statuses in it have colours if standard output is a terminal that shows them, and `NO_COLOR`
/// is not set.
///
/// # Errors
/// Standard output cannot be written to.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut stdout = AutoStream::auto(io::stdout().lock());
    stdout.write_all(coloured(text).as_bytes())?;
    stdout.flush()
}

/// Prints a text as it is.
///
/// # Errors
/// Standard output cannot be written to.
pub(super) fn print_plain(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Returns a value as YAML; as JSON, which is YAML too, if it holds characters that change the display of others.
///
/// # Errors
/// The value cannot be written as YAML.
pub(super) fn yaml(value: &Value) -> io::Result<String> {
    let yaml = serde_yaml_ng::to_string(value).map_err(io::Error::other)?;
    let is_visible = yaml.chars().all(|c| c == '\n' || !is_invisible(c));
    Ok(if is_visible { yaml } else { text::json(value) })
}

/// Returns a text with colours for the statuses in its sentences and in the cells of its tables.
fn coloured(text: &str) -> String {
    text.split_inclusive('\n').map(coloured_line).collect()
}

fn coloured_line(line: &str) -> String {
    if let Some((before, after)) = line.split_once(SENTENCE) {
        return format!("{before}{SENTENCE}{}", coloured_word(after));
    }
    let gap = " ".repeat(GAP.into());
    // A paragraph has no gaps.
    line.split(&gap).map(coloured_cell).collect::<Vec<_>>().join(&gap)
}

/// Colours a status at the beginning of a text.
fn coloured_word(text: &str) -> String {
    let found = COLOURS.iter().find_map(|(status, colour)| Some((status, colour, text.strip_prefix(status)?)));
    found.map_or(text.to_owned(), |(status, colour, rest)| format!("{}{rest}", painted(status, *colour)))
}

/// Colours a cell that holds a status and nothing else.
fn coloured_cell(cell: &str) -> String {
    let found = COLOURS.iter().find(|(status, _)| cell.trim() == *status);
    found.map_or(cell.to_owned(), |(status, colour)| cell.replace(status, &painted(status, *colour)))
}

fn painted(status: &str, colour: AnsiColor) -> String {
    let style = Style::new().fg_color(Some(colour.into()));
    format!("{style}{status}{style:#}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::text::table;

    #[test]
    fn statuses_in_tables_and_sentences_have_colours_and_no_other_words() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["true", "True", "Unknown"]), row(["a", "False", "True"])];
        assert_eq!(
            coloured(&table(&["NAME", "READY", "SIGNED IN"], rows, None)),
            "NAME   READY   SIGNED IN\n\
             true   \u{1b}[32mTrue\u{1b}[0m    \u{1b}[33mUnknown\u{1b}[0m\n\
             a      \u{1b}[31mFalse\u{1b}[0m   \u{1b}[32mTrue\u{1b}[0m\n"
        );
        assert_eq!(
            coloured("almservicekey/calm: Ready is False (Truely), for 5s\n  True or False\n"),
            "almservicekey/calm: Ready is \u{1b}[31mFalse\u{1b}[0m (Truely), for 5s\n  True or False\n"
        );
    }

    #[test]
    fn yaml_shows_no_control_characters_and_keeps_the_value() {
        assert_eq!(yaml(&json!({ "name": "calm" })).expect("YAML"), "name: calm\n");
        let value = json!({ "red\u{1b}[31m": "a\nb\u{202e}\u{9b}\u{feff}\u{e9}" });
        let text = yaml(&value).expect("YAML");
        assert!(!text.chars().any(|c| c != '\n' && is_invisible(c)), "{text:?}");
        assert_eq!(serde_yaml_ng::from_str::<Value>(&text).expect("YAML"), value);
    }
}
