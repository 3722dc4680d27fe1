//! The text of a key as people and tools pass it on. It is read through what they put around a key without changing it;
//! any other damage is named, so that its owner can undo it.

mod damage;
mod encoding;

use std::borrow::Cow;

use serde_json::{Map, Value};

use self::encoding::{BYTE_ORDER_MARKS, from_base64, from_utf16};
use crate::domain::service_key::{Finding, MAX_BYTES, read_object};

/// Maximum number of layers around a key. One tool adds one, and keys seldom pass through three.
const MAX_LAYERS: usize = 2;

/// Reads a JSON object, through at most two layers: UTF-16 with a byte order mark; lines of a tool before the object, as
/// those of `cf service-key`; base64 of the whole; a JSON string around it. The limits of size and depth hold before and
/// after.
///
/// # Errors
/// A finding that names the damage if it is a known one. It contains no value of the text.
pub(super) fn read(bytes: &[u8]) -> Result<Map<String, Value>, Finding> {
    let mut text = Cow::Borrowed(bytes);
    let mut result = read_object(&text);
    for _ in 0..MAX_LAYERS {
        if result.is_ok() || text.len() > MAX_BYTES {
            break;
        }
        let Some(inner) = remove_layer(&text) else { break };
        result = read_object(&inner);
        text = Cow::Owned(inner);
    }
    result.map_err(|error| if text.len() > MAX_BYTES { error } else { damage::named(&text, error) })
}

fn remove_layer(text: &[u8]) -> Option<Vec<u8>> {
    let [utf8, little_endian, big_endian] = BYTE_ORDER_MARKS;
    if let Some(rest) = text.strip_prefix(little_endian) {
        return from_utf16(rest, u16::from_le_bytes);
    }
    if let Some(rest) = text.strip_prefix(big_endian) {
        return from_utf16(rest, u16::from_be_bytes);
    }
    let text = std::str::from_utf8(text.strip_prefix(utf8).unwrap_or(text)).ok()?.trim();
    match text.chars().next()? {
        '{' | '[' => None,
        '"' => serde_json::from_str::<String>(text).ok().filter(|inner| may_hold_key(inner)).map(String::into_bytes),
        _ => from_base64(text).or_else(|| after_lines_of_a_tool(text)),
    }
}

/// Returns true if the text of a JSON string is more than a word.
fn may_hold_key(text: &str) -> bool {
    let text = text.trim();
    text.starts_with(['{', '"']) || from_base64(text).is_some_and(|bytes| !bytes.is_empty())
}

/// Returns the text from the first line that begins with `{`.
fn after_lines_of_a_tool(text: &str) -> Option<Vec<u8>> {
    let start = text.find("\n{")?;
    Some(text.as_bytes()[start + 1..].to_vec())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;

    use super::*;

    const KEY: &str = r#"{"uaa":{"clientid":"CANARY","clientsecret":"CANARY$x"},"endpoints":{"Api":"b"}}"#;

    fn utf16(text: &str, mark: [u8; 2], unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        mark.into_iter().chain(text.encode_utf16().flat_map(unit)).collect()
    }

    fn cf(text: &str) -> String {
        format!("Getting key calm for service instance alm as me@example.com...\r\n\r\n{text}\r\n")
    }

    fn json_string(text: &str) -> String {
        json!(text).to_string()
    }

    fn lines_of_base64(text: &str) -> String {
        let digits = STANDARD.encode(text);
        let lines: Vec<&str> =
            digits.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
        lines.join("\n")
    }

    #[test]
    fn a_key_is_read_through_what_tools_put_around_it() {
        let expected: Map<String, Value> = serde_json::from_str(KEY).expect("JSON");
        for (what, text) in [
            ("a byte order mark", format!("\u{feff}{KEY}").into_bytes()),
            ("UTF-16 of Windows", utf16(KEY, [0xff, 0xfe], u16::to_le_bytes)),
            ("UTF-16 in the other order", utf16(KEY, [0xfe, 0xff], u16::to_be_bytes)),
            ("the lines of cf", cf(KEY).into_bytes()),
            ("the lines of cf in UTF-16", utf16(&cf(KEY), [0xff, 0xfe], u16::to_le_bytes)),
            ("base64", STANDARD.encode(KEY).into_bytes()),
            ("base64 in lines", lines_of_base64(KEY).into_bytes()),
            ("base64 without padding", STANDARD.encode(KEY).replace('=', "").into_bytes()),
            ("base64 twice", STANDARD.encode(STANDARD.encode(KEY)).into_bytes()),
            ("base64 of the lines of cf", STANDARD.encode(cf(KEY)).into_bytes()),
            ("base64 of UTF-16", STANDARD.encode(utf16(KEY, [0xff, 0xfe], u16::to_le_bytes)).into_bytes()),
            ("a JSON string", json_string(KEY).into_bytes()),
            ("a JSON string twice", json_string(&json_string(KEY)).into_bytes()),
            ("a JSON string of base64", json_string(&STANDARD.encode(KEY)).into_bytes()),
        ] {
            assert_eq!(read(&text).map_err(|finding| finding.to_string()), Ok(expected.clone()), "{what}");
        }
    }

    #[test]
    fn a_third_layer_is_not_removed() {
        let thrice = STANDARD.encode(STANDARD.encode(STANDARD.encode(KEY)));
        let error = read(thrice.as_bytes()).expect_err("three layers");
        assert!(error.found.contains("base64"), "{error}");
    }

    #[test]
    fn the_limits_of_size_and_depth_hold_before_and_after_a_layer_is_removed() {
        let padded = |length: usize| format!("{}{}", KEY, " ".repeat(length - KEY.len()));
        assert!(read(STANDARD.encode(padded(MAX_BYTES / 4 * 3)).as_bytes()).is_ok());
        let large = read(STANDARD.encode(padded(MAX_BYTES)).as_bytes()).expect_err("too large before");
        assert!(large.found.contains("bytes"), "{large}");
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(20), "]".repeat(20));
        let deep = read(STANDARD.encode(deep).as_bytes()).expect_err("too deep after");
        assert!(deep.found.contains("nesting"), "{deep}");
    }
}
