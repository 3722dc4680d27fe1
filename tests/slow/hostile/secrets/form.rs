//! Documents that are not JSON, that two parsers read differently, or that are too large.

use serde_json::{Value, json};

use super::{Hostile, changed, file};

const INVALID: &str = "InvalidJSON";
const NOT_JSON: &[&str] =
    &["$: found text that is not JSON at line ", ", column ", "expected JSON; use the key exactly as"];
const ENDS: &[&str] = &["$: found text that ends too early at line "];
const NOT_UTF8: &[&str] = &["$: found bytes that are not UTF-8, expected JSON; save the file as UTF-8"];
const NO_ZONE: &[&str] = &["$.uaa.identityzone: found nothing"];
const NULS: &[&str] = &["$: found NUL characters, as in UTF-16 without a byte order mark, expected JSON"];
const CONTROL: &[&str] = &["$: found a line break or another control character in a string", "--from-file"];
const AFTER_OBJECT: &[&str] = &["$: found text after the object, expected JSON; keep only the object"];
const NO_OBJECT: &[&str] = &["$: found ", "expected a JSON object"];
const TWICE: &[&str] = &["$: found a duplicate field at line "];
const DEEP: &[&str] = &["$: found nesting deeper than 16, expected at most 16 levels"];
const LARGE: &[&str] = &["$: found ", " bytes, expected at most 65536 bytes"];

pub(super) fn cases(key: &Value) -> Vec<Hostile> {
    let mut cases = no_text(key);
    cases.extend(nearly_json(key));
    cases.extend(other_types(key));
    cases.extend(twice(key));
    cases.extend(too_much(key));
    cases
}

fn no_text(key: &Value) -> Vec<Hostile> {
    let text = key.to_string();
    let (before, behind) = text.split_once("CANARY").expect("a key contains the canary");
    let with = |bytes: &[u8]| [before.as_bytes(), bytes, behind.as_bytes()].concat();
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        file("an empty file", "", INVALID, ENDS),
        file("nothing but white space", " \r\n\t ", INVALID, ENDS),
        file("a byte order mark alone", "\u{feff}", INVALID, ENDS),
        file("two byte order marks", format!("\u{feff}\u{feff}{text}"), INVALID, &["$: found invisible characters"]),
        file(
            "UTF-16 without a byte order mark",
            utf16,
            INVALID,
            &["$: found NUL characters", "save the file as UTF-8"],
        ),
        file("bytes of a lone surrogate", with(b"\xed\xa0\x80"), INVALID, NOT_UTF8),
        file("an overlong NUL", with(b"\xc0\x80"), INVALID, NOT_UTF8),
        file("a code point beyond Unicode", with(b"\xf4\x90\x80\x80"), INVALID, NOT_UTF8),
        file("a NUL in a string", with(b"\0"), INVALID, NULS),
        file("an escape of a terminal in a string", with(b"\x1b[2J"), INVALID, CONTROL),
        file("a line break in a string", with(b"\n"), INVALID, CONTROL),
        file("NULs alone", vec![0; 2048], INVALID, NULS),
        file(
            "gzip",
            b"\x1f\x8b\x08\0\0\0\0\0\0\x03CANARY".to_vec(),
            INVALID,
            &["$: found compressed data", "decompress"],
        ),
        file(
            "a page",
            "<!DOCTYPE html><html><body>Please log in. CANARY</body></html>",
            INVALID,
            &["$: found HTML or XML", "download"],
        ),
        file(
            "a private key",
            "-----BEGIN PRIVATE KEY-----\nCANARY\n-----END PRIVATE KEY-----\n",
            INVALID,
            &["$: found a certificate or private key in PEM", "JSON"],
        ),
        file("YAML", "uaa:\n  clientid: CANARY\n  clientsecret: CANARY\n", INVALID, &["$: found YAML", "yq"]),
        file("a word", "CANARY", INVALID, NOT_JSON),
        file("half a key in base64", "eyJ1YWEiOnsiY2xpZW50aWQiOiJDQU5BUlkifX0=", "WrongTenant", NO_ZONE),
    ]
}

fn nearly_json(key: &Value) -> Vec<Hostile> {
    let text = key.to_string();
    let whole_but_the_brace = &text[..text.len() - 1];
    let instead = |found: &str, other: &str| text.replacen(found, other, 1);
    let number = |digits: &str| format!("{whole_but_the_brace},\"n\":{digits}}}");
    vec![
        file("half a key", &text[..text.len() / 2], INVALID, ENDS),
        file("a brace too few", whole_but_the_brace, INVALID, ENDS),
        file("a brace too many", format!("{text}}}"), INVALID, AFTER_OBJECT),
        file("a key twice over", format!("{text}\n{text}"), INVALID, AFTER_OBJECT),
        file(
            "quotes of another kind",
            text.replace('"', "'"),
            INVALID,
            &["$: found single quotes instead of double quotes", "json.dumps"],
        ),
        file(
            "typographic quotes",
            text.replace('"', "\u{201d}"),
            INVALID,
            &["$: found typographic quotes", "download"],
        ),
        file("a comment behind it", format!("{text}\n// from the cockpit"), INVALID, AFTER_OBJECT),
        file(
            "a comma at the end",
            format!("{whole_but_the_brace},}}"),
            INVALID,
            &["$: found a comma after the last field", "remove it"],
        ),
        file(
            "equals signs",
            text.replace(':', "="),
            INVALID,
            &["$: found equals signs instead of colons", "jsonencode"],
        ),
        file("a name without quotes", instead("\"uaa\"", "uaa"), INVALID, NOT_JSON),
        file("half a surrogate pair", instead("CANARY", "\\ud83dCANARY"), INVALID, NOT_JSON),
        file("the other half of one", instead("CANARY", "\\udd11CANARY"), INVALID, NOT_JSON),
        file(
            "an escape that is none",
            instead("CANARY", "\\xCANARY"),
            INVALID,
            &["$: found an escape sequence that JSON does not know", "--from-file"],
        ),
        file("a number beyond all numbers", number("1e400"), INVALID, NOT_JSON),
        file("NaN", number("NaN"), INVALID, NOT_JSON),
        file("Infinity", number("-Infinity"), INVALID, NOT_JSON),
        file("a number in octal", number("0777"), INVALID, NOT_JSON),
        file("a number in hexadecimal", number("0xff"), INVALID, NOT_JSON),
        file("a number with a plus", number("+1"), INVALID, NOT_JSON),
        file("undefined", number("undefined"), INVALID, NOT_JSON),
    ]
}

fn other_types(key: &Value) -> Vec<Hostile> {
    vec![
        file("a key in an array", json!([key]).to_string(), INVALID, NO_OBJECT),
        file("a number", "4711", INVALID, NO_OBJECT),
        file("null", "null", INVALID, NO_OBJECT),
        file("true", "true", INVALID, NO_OBJECT),
        file("an empty string", "\"\"", INVALID, NO_OBJECT),
    ]
}

fn twice(key: &Value) -> Vec<Hostile> {
    let text = key.to_string();
    let before = |name: &str, other: &str| text.replacen(&format!("\"{name}\""), &format!("{other},\"{name}\""), 1);
    vec![
        file("two uaa", before("uaa", "\"uaa\":{\"clientid\":\"CANARY\"}"), INVALID, TWICE),
        file("two clientid", before("clientid", "\"clientid\":\"CANARY\""), INVALID, TWICE),
        file("two clientid, one of them escaped", before("clientid", "\"client\\u0069d\":\"CANARY\""), INVALID, TWICE),
        file("two secrets, one of them null", before("clientsecret", "\"clientsecret\":null"), INVALID, TWICE),
        file("two url", before("url", "\"url\":\"https://evil.example\""), INVALID, TWICE),
        file("two endpoints", before("endpoints", "\"endpoints\":{}"), INVALID, TWICE),
        file("two of a name that nobody knows", before("uaa", "\"x\":[{\"CANARY\":1,\"CANARY\":1}]"), INVALID, TWICE),
    ]
}

fn too_much(key: &Value) -> Vec<Hostile> {
    let with = |field: Value| changed(key, |key| key["more"] = field);
    let nested = |wrap: fn(Value) -> Value| (0..16).fold(json!(1), |inner, _| wrap(inner));
    let grown = format!("{{\"n\":[{}1],{}", "1e15,".repeat(5000), &key.to_string()[1..]);
    let spaces = |count: usize| " ".repeat(count);
    vec![
        file("arrays 17 deep", with(nested(|inner| json!([inner]))), INVALID, DEEP),
        file("objects 17 deep", with(nested(|inner| json!({ "CANARY": inner }))), INVALID, DEEP),
        file("60,000 brackets", "[".repeat(60_000), INVALID, NOT_JSON),
        file("20,000 brackets and their ends", "[".repeat(20_000) + &"]".repeat(20_000), INVALID, NOT_JSON),
        file("10,000 objects in each other", "{\"a\":".repeat(10_000), INVALID, NOT_JSON),
        file("a byte too many", format!("{key}{}", spaces(65_537 - key.to_string().len())), INVALID, LARGE),
        file("a mebibyte", "CANARY".repeat(170_000), INVALID, LARGE),
        file("a mebibyte of white space before a key", format!("{}{key}", spaces(1_000_000)), INVALID, LARGE),
        file("numbers that grow when they are written out", grown, INVALID, LARGE),
    ]
}
