//! Bytes to JSON, within bounds. Serde's messages quote values: none leaves this file.

use serde_json::error::Category;
use serde_json::{Map, Value};

use super::strict::Strict;
use super::{Finding, MAX_BYTES, MAX_DEPTH};
use crate::domain::reason::Reason;
use crate::wiped::Wiped;

/// What some editors put before a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const ROOT: &str = "$";
const DOWNLOAD_AGAIN: &str = "take the key as the BTP cockpit offers it, unchanged";

/// Reads a JSON object of at most [`MAX_BYTES`] and [`MAX_DEPTH`], in which no field stands twice.
///
/// # Errors
/// What is wrong with it, without a value of it.
pub fn read(bytes: &[u8]) -> Result<Map<String, Value>, Finding> {
    if bytes.len() > MAX_BYTES {
        return Err(not_json(format!("{} bytes", bytes.len()), format!("at most {MAX_BYTES} bytes")));
    }
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let Strict(value) = serde_json::from_slice(text).map_err(|error| {
        let what = match error.classify() {
            Category::Eof => "text that ends too early",
            Category::Data => "a field that stands twice in its object, the second time",
            Category::Io | Category::Syntax => "text that is not JSON",
        };
        not_json(format!("{what} at line {}, column {}", error.line(), error.column()), "JSON".into())
    })?;
    let value = Wiped::new(value);
    if deeper_than(&value, MAX_DEPTH) {
        return Err(not_json(format!("nesting deeper than {MAX_DEPTH}"), format!("at most {MAX_DEPTH} levels")));
    }
    match value.hand_on() {
        Value::Object(object) => Ok(object),
        other => Err(not_json(kind(&Wiped::new(other)).into(), "a JSON object".into())),
    }
}

/// What kind of thing a value is, in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(text) if text.is_empty() => "an empty string",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn deeper_than(value: &Value, levels: usize) -> bool {
    let mut children: Box<dyn Iterator<Item = &Value>> = match value {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(fields) => Box::new(fields.values()),
        _ => return false,
    };
    levels == 0 || children.any(|child| deeper_than(child, levels - 1))
}

fn not_json(found: String, expected: String) -> Finding {
    Finding { reason: Reason::InvalidJSON, path: ROOT, found, expected, remedy: DOWNLOAD_AGAIN }
}
