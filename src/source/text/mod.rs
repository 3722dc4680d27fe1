//! The text of a key as people and tools pass it on. It is read through what they put around a key without changing it;
//! any other damage is named, so that its owner can undo it.

mod damage;
mod encoding;

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use self::encoding::{from_base64, from_marked_utf16};
use crate::domain::service_key::{BYTE_ORDER_MARK, Finding, MAX_BYTES, read_object};

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
    result.map_err(|error| describe(&text, error, matches!(text, Cow::Owned(_))))
}

/// Returns the text in UTF-8 and without a byte order mark. Only UTF-16 with such a mark is recognized as UTF-16.
pub(super) fn to_utf8(bytes: &[u8]) -> Cow<'_, [u8]> {
    from_marked_utf16(bytes).map_or_else(|| Cow::Borrowed(without_mark(bytes)), Cow::Owned)
}

/// Returns the text without the byte order mark of UTF-8.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)
}

/// Adds the name of the damage to the finding, and that its place is in the decoded text.
fn describe(text: &[u8], error: Finding, was_decoded: bool) -> Finding {
    if text.len() > MAX_BYTES {
        return error;
    }
    if was_decoded && remove_layer(text).is_some_and(|inner| read_object(&inner).is_ok()) {
        let found = "a key in more than two encodings".into();
        return Finding { found, remedy: "encode the key once, or not at all", ..error };
    }
    let named = damage::named(text, error);
    if was_decoded { Finding { found: format!("in the decoded text: {}", named.found), ..named } } else { named }
}

fn remove_layer(text: &[u8]) -> Option<Vec<u8>> {
    if let Some(decoded) = from_marked_utf16(text) {
        return Some(decoded);
    }
    let text = std::str::from_utf8(without_mark(text)).ok()?.trim();
    match text.chars().next()? {
        // An object itself, a page, or a placeholder.
        '{' | '<' | '$' => None,
        '"' => match serde_json::from_str::<String>(text) {
            Ok(inner) => may_hold_key(&inner).then(|| inner.into_bytes()),
            Err(_) => after_lines_of_a_tool(text),
        },
        '[' if serde_json::from_str::<IgnoredAny>(text).is_ok() => None,
        _ => from_base64(text).or_else(|| after_lines_of_a_tool(text)),
    }
}

/// Returns true if the text of a JSON string is more than a word.
fn may_hold_key(text: &str) -> bool {
    text.contains('{') || from_base64(text).is_some_and(|bytes| !bytes.is_empty())
}

/// Returns the text from the first line that begins with `{`.
fn after_lines_of_a_tool(text: &str) -> Option<Vec<u8>> {
    let start = text.find("\n{").filter(|_| !text.starts_with("-----BEGIN"))?;
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
            ("a JSON string of the lines of cf", json_string(&cf(KEY)).into_bytes()),
            ("lines that begin with brackets or quotes", format!("[10:00] \"Getting\" key\n{KEY}").into_bytes()),
        ] {
            assert_eq!(read(&text).map_err(|finding| finding.to_string()), Ok(expected.clone()), "{what}");
        }
    }

    #[test]
    fn a_third_layer_is_not_removed() {
        let thrice = STANDARD.encode(STANDARD.encode(STANDARD.encode(KEY)));
        let error = read(thrice.as_bytes()).expect_err("three layers");
        assert_eq!(error.found, "a key in more than two encodings", "{error}");
        let word = read(STANDARD.encode("not a key, sorry").as_bytes()).expect_err("no key");
        assert!(word.found.starts_with("in the decoded text: text that is not JSON at line 1"), "{word}");
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
