//! Reads and writes JSON within bounds. Serde's messages quote values, so none of them leaves this file.

use secrecy::SecretString;
use serde_json::error::Category;
use serde_json::{Map, Value};

use super::finding::Finding;
use super::strict::Strict;
use crate::domain::reason::Reason;

/// The maximum size of a key in bytes. Real keys have about 2 KiB.
pub const MAX_BYTES: usize = 64 * 1024;
/// The maximum nesting of a key in levels. Real keys have 2.
pub const MAX_DEPTH: usize = 16;

/// The byte order mark of UTF-8, which some editors write at the start of a text.
pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const ROOT: &str = "$";
const DOWNLOAD_AGAIN: &str = "use the key exactly as the BTP cockpit provides it";

/// Reads a JSON object of at most [`MAX_BYTES`] and [`MAX_DEPTH`] that has no duplicate field.
///
/// # Errors
/// Returns a finding, which contains no value of the document.
pub fn read(bytes: &[u8]) -> Result<Map<String, Value>, Finding> {
    if bytes.len() > MAX_BYTES {
        return Err(not_json(format!("{} bytes", bytes.len()), format!("at most {MAX_BYTES} bytes")));
    }
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let Strict(value) = serde_json::from_slice(text).map_err(|error| {
        let found = match error.classify() {
            Category::Eof => "text that ends too early",
            Category::Data => "a duplicate field",
            Category::Io | Category::Syntax => "text that is not JSON",
        };
        not_json(format!("{found} at line {}, column {}", error.line(), error.column()), "JSON".into())
    })?;
    if deeper_than(&value, MAX_DEPTH) {
        return Err(not_json(format!("nesting deeper than {MAX_DEPTH}"), format!("at most {MAX_DEPTH} levels")));
    }
    match value {
        Value::Object(object) => Ok(object),
        other => Err(not_json(kind(&other).into(), "a JSON object".into())),
    }
}

/// Serializes a document to JSON text.
pub(super) fn write(document: Map<String, Value>) -> SecretString {
    SecretString::from(Value::Object(document).to_string())
}

/// Returns the JSON type of a value, in words.
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
