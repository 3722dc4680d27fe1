//! Text for people: its width, paragraphs, tables and ages.

use std::error::Error;
use std::io::{self, IsTerminal};
use std::iter::successors;

use comfy_table::{ContentArrangement, Table, presets};
use jiff::Timestamp;
use serde_json::Value;
use terminal_size::{Width, terminal_size_of};

use crate::cluster::CallError;
use crate::domain::untrusted::{is_invisible, sanitize};

/// Maximum width of a line, in columns.
const MAX_WIDTH: u16 = 100;
/// Indentation of paragraphs.
const INDENT: &str = "  ";
/// Indentation of the lines of an item after its first.
const ITEM_INDENT: &str = "    ";
/// Spaces between two columns of a table.
pub(super) const GAP: u16 = 3;
/// Text of an empty cell.
pub(super) const NONE: &str = "-";
/// Maximum length of a message from the cluster, in characters.
const MAX_MESSAGE_CHARS: usize = 4096;

/// Returns the width of lines on standard output: that of the terminal, at most 100 columns.
pub(super) fn width() -> u16 {
    let stdout = io::stdout();
    let terminal = if stdout.is_terminal() { terminal_size_of(stdout) } else { None };
    terminal.map_or(MAX_WIDTH, |(Width(width), _)| width.min(MAX_WIDTH))
}

/// Returns a message as indented lines. The empty message has none.
pub(super) fn paragraph(message: &str) -> String {
    paragraph_of(message, width())
}

/// Returns a message as indented lines of at most `width` columns.
pub(super) fn paragraph_of(message: &str, width: u16) -> String {
    wrapped(message, width, INDENT)
}

/// Returns a message as an item of a list, of at most `width` columns: all lines but the first are indented more.
pub(super) fn item(message: &str, width: u16) -> String {
    wrapped(message, width, ITEM_INDENT)
}

/// Returns steps as a numbered list, of at most `width` columns: all lines of a step but the first are indented.
pub(super) fn numbered(steps: &[String], width: u16) -> String {
    let step = |(index, step): (usize, &String)| {
        let number = format!("{}. ", index + 1);
        wrap(step, width, &number, &" ".repeat(number.len()))
    };
    steps.iter().enumerate().map(step).collect()
}

fn wrapped(message: &str, width: u16, subsequent_indent: &str) -> String {
    if message.is_empty() { String::new() } else { wrap(message, width, INDENT, subsequent_indent) }
}

fn wrap(message: &str, width: u16, initial_indent: &str, subsequent_indent: &str) -> String {
    let options = textwrap::Options::new(width.into())
        .initial_indent(initial_indent)
        .subsequent_indent(subsequent_indent)
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::fill(&sanitize(message, MAX_MESSAGE_CHARS), options) + "\n"
}

/// Returns a table without lines; of at most `width` columns, if one is given.
pub(super) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>, width: Option<u16>) -> String {
    let mut table = Table::new();
    let rows = rows.into_iter().map(|row| row.iter().map(|cell| sanitize(cell, MAX_MESSAGE_CHARS)).collect::<Vec<_>>());
    table.load_style(presets::NOTHING).set_header(header.to_vec()).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table.trim_fmt() + "\n"
}

/// Returns a value as JSON in several lines. Characters that change the display of others are escaped, so the value stays
/// the same.
pub(super) fn json(value: &Value) -> String {
    let escaped = |c: char| match c {
        '\n' => String::from(c),
        _ if is_invisible(c) => format!("\\u{:04x}", u32::from(c)),
        _ => String::from(c),
    };
    format!("{value:#}\n").chars().map(escaped).collect()
}

/// Prints an error and its causes.
#[expect(clippy::print_stderr, reason = "a command reports its failure on standard error")]
pub(super) fn print_error(error: &dyn Error) {
    eprint!("{}", error_lines(error));
}

/// Returns an error and its causes, a line each.
fn error_lines(error: &dyn Error) -> String {
    let causes = successors(error.source(), |error| (*error).source());
    // Its own cause is the message of the API server; the rest of the answer says nothing to people.
    let causes = causes.filter(|cause| !is_answer(*cause)).map(ToString::to_string);
    let mut messages = vec![error.to_string()];
    for cause in causes {
        // Some libraries end the message of an error with that of its cause.
        if messages.last().is_some_and(|message| !message.ends_with(&cause)) {
            messages.push(cause);
        }
    }
    let line = |(index, message): (usize, &String)| {
        let before = if index == 0 { "almkey: " } else { "  caused by: " };
        format!("{before}{}\n", sanitize(message, MAX_MESSAGE_CHARS))
    };
    messages.iter().enumerate().map(line).collect()
}

/// Returns true if an error is an answer of the API server.
fn is_answer(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<CallError>().is_some_and(|call| call.status().is_some())
}

/// Returns the time since `then` in its largest unit, as kubectl does for ages.
pub(super) fn age(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error whose message ends with that of its cause.
    #[derive(Debug, thiserror::Error)]
    #[error("no answer: {0}")]
    struct WithCause(#[source] io::Error);

    #[test]
    fn an_age_is_shown_in_one_unit() {
        let now = Timestamp::from_second(1_000_000_000).expect("a time");
        let shown = |seconds: i64| age(Timestamp::from_second(1_000_000_000 - seconds).expect("a time"), now);
        for (seconds, expected) in [
            (-5, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (7_199, "119m"),
            (7_200, "2h"),
            (172_799, "47h"),
            (172_800, "2d"),
            (31_536_000, "365d"),
        ] {
            assert_eq!(shown(seconds), expected);
        }
    }

    #[test]
    fn no_text_of_others_moves_the_cursor_or_begins_a_line() {
        let row = vec!["calm\u{1b}]0;x\u{7}".to_owned(), "True\nother".to_owned()];
        assert_eq!(
            table(&["NAME", "READY"], [row], None),
            "NAME         READY\ncalm\u{fffd}]0;x\u{fffd}   True\u{fffd}other\n"
        );
        let error = WithCause(io::Error::other("denied"));
        assert_eq!(error_lines(&error), "almkey: no answer: denied\n", "a cause is said once");
        let error = io::Error::other("denied\n\u{1b}[2J");
        assert_eq!(error_lines(&error), "almkey: denied\u{fffd}\u{fffd}[2J\n");
    }

    #[test]
    fn steps_are_numbered_and_each_is_indented_below_its_number() {
        let mut steps = vec!["one two three".to_owned(), "red\u{1b}[31m\nline".to_owned()];
        assert_eq!(numbered(&steps, 12), "1. one two\n   three\n2. red\u{fffd}[31m\u{fffd}line\n");
        steps.extend(vec!["a b".to_owned(); 8]);
        assert!(numbered(&steps, 5).ends_with("9. a\n   b\n10. a\n    b\n"));
    }

    #[test]
    fn json_shows_no_control_characters_and_keeps_the_value() {
        let value = serde_json::json!({ "red\u{1b}[31m": "a\nb\u{202e}\u{9b}\u{feff}\u{e9}" });
        let text = json(&value);
        assert!(!text.chars().any(|c| c != '\n' && is_invisible(c)), "{text:?}");
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), value);
    }

    #[test]
    fn a_paragraph_is_wrapped_between_words_and_shows_no_control_characters() {
        assert_eq!(paragraph_of("", 20), "");
        assert_eq!(paragraph_of("one two three four", 12), "  one two\n  three four\n");
        assert_eq!(
            paragraph_of("https://a.very.long.host/ is one word", 12),
            "  https://a.very.long.host/\n  is one\n  word\n"
        );
        assert_eq!(paragraph_of("red\u{1b}[31m", 20), "  red\u{fffd}[31m\n");
    }
}
