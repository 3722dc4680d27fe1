//! The ways in which tools and people damage a key, and how to undo each of them.

use serde_json::Value;

use super::encoding::from_base64;
use crate::domain::service_key::Finding;

/// The next step if the text passed through a tool that reads quotes, backslashes or placeholders.
const PASS_THE_FILE: &str = "pass on the file as it was downloaded, for example with kubectl create secret generic NAME \
                             --from-file=key.json";
const DOWNLOAD_AGAIN: &str = "download the key in the BTP cockpit again, and use the file as it is";
const AS_UTF8: &str = "save the file as UTF-8";

/// Returns the finding with the name of the damage and the way to undo it, or unchanged if the damage is not a known one.
pub(super) fn named(text: &[u8], finding: Finding) -> Finding {
    let damage = match std::str::from_utf8(text) {
        Ok(text) => of_text(text.trim_start_matches('\u{feff}').trim()),
        Err(_) => Some(of_bytes(text)),
    };
    match damage {
        Some((found, remedy)) => Finding { found: found.into(), remedy, ..finding },
        None => finding,
    }
}

fn of_bytes(bytes: &[u8]) -> (&'static str, &'static str) {
    if bytes.starts_with(b"\x1f\x8b") || bytes.starts_with(b"PK\x03\x04") {
        ("compressed data", "decompress the file first")
    } else {
        ("bytes that are not UTF-8", AS_UTF8)
    }
}

fn of_text(text: &str) -> Option<(&'static str, &'static str)> {
    if text.contains('\0') {
        return Some(("NUL characters, as in UTF-16 without a byte order mark", AS_UTF8));
    }
    if text.contains(['\u{201c}', '\u{201d}', '\u{201e}']) {
        return Some(("typographic quotes, as word processors and chats write them", DOWNLOAD_AGAIN));
    }
    if text.contains("&quot;") {
        return Some(("HTML entities", DOWNLOAD_AGAIN));
    }
    match text.chars().next()? {
        '{' => of_object(text),
        '<' => Some(("HTML or XML, as of a login page", DOWNLOAD_AGAIN)),
        '\'' => Some(("single quotes around the text", PASS_THE_FILE)),
        '$' => Some(("a placeholder that was not replaced", "check the tool that should have filled in the key")),
        _ if text.starts_with("-----BEGIN") => {
            Some(("a certificate or private key in PEM", "a service key is JSON: download it in the BTP cockpit"))
        }
        _ if text.starts_with("%7B") => Some(("URL-encoded text", "decode it, or use the file as it was downloaded")),
        _ if is_yaml(text) => Some(("YAML", "convert it to JSON, for example with yq -o=json")),
        _ if from_base64(text).is_some() => {
            Some(("base64 of something else than a key", "encode the key once, and nothing else"))
        }
        _ => None,
    }
}

/// Names the damage of a text that begins like an object and is no JSON.
fn of_object(text: &str) -> Option<(&'static str, &'static str)> {
    let fields = text[1..].trim_start();
    match fields.chars().next()? {
        '{' => {
            return Some(("a placeholder that was not replaced", "check the tool that should have filled in the key"));
        }
        '\\' => return Some(("backslashes before the quotes: the text was escaped once too often", PASS_THE_FILE)),
        '\'' => {
            return Some((
                "single quotes instead of double quotes, as a program prints an object",
                "let the program write JSON, for example with json.dumps or JSON.stringify",
            ));
        }
        first if first.is_ascii_alphabetic() && !has_equals_signs(fields) => {
            return Some(("names without quotes, as a shell leaves them", PASS_THE_FILE));
        }
        _ => {}
    }
    if has_equals_signs(fields) {
        return Some(("equals signs instead of colons, as in Terraform", "write the key with jsonencode"));
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    match values.next()? {
        Ok(_) if values.byte_offset() < text.len() => {
            Some(("text after the object", "remove everything after the object's closing brace"))
        }
        Ok(_) => None,
        // Serde's own words begin its messages, and a value is never among them.
        Err(error) => of_syntax(&error.to_string()),
    }
}

fn of_syntax(error: &str) -> Option<(&'static str, &'static str)> {
    if error.starts_with("control character") {
        Some(("a line break or another control character in a string, as after a wrap of lines", PASS_THE_FILE))
    } else if error.starts_with("invalid escape") {
        Some(("a backslash that JSON does not know", PASS_THE_FILE))
    } else if error.starts_with("trailing comma") {
        Some(("a comma after the last field", "remove it, or use the file as it was downloaded"))
    } else {
        None
    }
}

/// Returns true if the first name is followed by an equals sign.
fn has_equals_signs(fields: &str) -> bool {
    let name = fields.trim_start_matches('"');
    let rest = name.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    rest.trim_start_matches('"').trim_start().starts_with('=')
}

fn is_yaml(text: &str) -> bool {
    text.lines()
        .any(|line| ["uaa:", "clientid:", "credentials:"].iter().any(|name| line.trim_start().starts_with(name)))
}

#[cfg(test)]
mod tests {
    use super::super::read;

    const KEY: &str = r#"{"uaa":{"clientid":"CANARY","clientsecret":"CANARY"},"endpoints":{"Api":"b"}}"#;

    #[test]
    fn each_damage_is_named_without_a_value_and_with_the_way_to_undo_it() {
        let utf16: Vec<u8> = KEY.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let wrapped = KEY.replacen("CANARY", "CANA\nRY", 1);
        for (found, remedy, text) in [
            ("compressed data", "decompress", b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xffCANARY".to_vec()),
            (
                "bytes that are not UTF-8",
                "UTF-8",
                KEY.replacen("CANARY", "CANARY\u{e4}", 1).chars().map(|c| c as u8).collect(),
            ),
            ("UTF-16 without a byte order mark", "UTF-8", utf16),
            ("typographic quotes", "download", KEY.replace('"', "\u{201d}").into_bytes()),
            ("HTML entities", "download", KEY.replace('"', "&quot;").into_bytes()),
            ("HTML or XML", "download", b"<!DOCTYPE html><html>CANARY</html>".to_vec()),
            ("single quotes around the text", "--from-file", format!("'{KEY}'").into_bytes()),
            ("single quotes instead", "json.dumps", KEY.replace('"', "'").into_bytes()),
            ("backslashes before the quotes", "--from-file", KEY.replace('"', "\\\"").into_bytes()),
            ("names without quotes", "--from-file", KEY.replace('"', "").into_bytes()),
            ("equals signs", "jsonencode", KEY.replace("\":", "\" = ").into_bytes()),
            ("equals signs", "jsonencode", b"{ uaa = { clientid = \"CANARY\" } }".to_vec()),
            ("a placeholder", "filled in", b"${CANARY}".to_vec()),
            ("a placeholder", "filled in", b"{{ .Values.CANARY }}".to_vec()),
            ("PEM", "is JSON", b"-----BEGIN CERTIFICATE-----\nCANARY\n-----END CERTIFICATE-----".to_vec()),
            ("URL-encoded", "decode", b"%7B%22uaa%22%3A%7B%22clientid%22%3A%22CANARY%22%7D%7D".to_vec()),
            ("YAML", "yq", b"uaa:\n  clientid: CANARY\n  clientsecret: CANARY\n".to_vec()),
            ("text after the object", "closing brace", format!("{KEY}\nOK").into_bytes()),
            ("text after the object", "closing brace", format!("{KEY}\n{KEY}").into_bytes()),
            ("text after the object", "closing brace", format!("key:\n{KEY}\nOK").into_bytes()),
            ("a line break", "--from-file", wrapped.into_bytes()),
            ("a backslash", "--from-file", KEY.replacen("CANARY", "\\$CANARY", 1).into_bytes()),
            ("a comma after", "remove it", KEY.replace("\"b\"}}", "\"b\"},}").into_bytes()),
        ] {
            let finding = read(&text).expect_err(found);
            assert!(finding.found.contains(found) && finding.remedy.contains(remedy), "{found}: {finding}");
            assert!(!finding.to_string().contains("CANARY"), "{finding}");
        }
    }

    #[test]
    fn an_unknown_damage_is_reported_with_its_place() {
        for text in ["CANARY", "{\"uaa\":{\"clientid\":\"CANARY\"", "{\"uaa\" \"CANARY\"}"] {
            let finding = read(text.as_bytes()).expect_err("no JSON");
            assert!(finding.found.contains("at line 1, column"), "{finding}");
        }
    }
}
