//! The ways in which tools and people damage a key, and how to undo each of them.

use std::path::Path;

use serde::de::IgnoredAny;
use serde_json::Value;

use crate::domain::service_key::Finding;

/// The next step if the text passed through a tool that reads quotes, backslashes or placeholders.
const PASS_THE_FILE: &str = "pass on the file as it was downloaded, for example with kubectl create secret generic NAME \
                             --from-file=key.json";
const DOWNLOAD_AGAIN: &str = "download the key in the BTP cockpit again, and use the file as it is";
const AS_UTF8: &str = "save the file as UTF-8";

/// The name of a damage, and the way to undo it.
type Damage = (&'static str, &'static str);

const NOT_REPLACED: Damage =
    ("a placeholder that was not replaced", "check the tool that should have filled in the key");
const ENCRYPTED: Damage = ("encrypted text", "decrypt it before it is passed on");
const TYPOGRAPHIC: Damage = ("typographic quotes, as word processors and chats write them", DOWNLOAD_AGAIN);
const HTML_ENTITIES: Damage = ("HTML entities", DOWNLOAD_AGAIN);

/// Returns the finding with the name of the damage and the way to undo it, or unchanged if the damage is not a known one.
pub(super) fn named(text: &[u8], finding: Finding) -> Finding {
    let damage = match std::str::from_utf8(text) {
        Ok(text) => of_text(text.strip_prefix('\u{feff}').unwrap_or(text).trim()),
        Err(_) => Some(of_bytes(text)),
    };
    match damage {
        Some((found, remedy)) => Finding { found: found.into(), remedy, ..finding },
        None => finding,
    }
}

fn of_bytes(bytes: &[u8]) -> Damage {
    if bytes.starts_with(b"\x1f\x8b") || bytes.starts_with(b"PK\x03\x04") {
        ("compressed data", "decompress the file first")
    } else {
        ("bytes that are not UTF-8", AS_UTF8)
    }
}

fn of_text(text: &str) -> Option<Damage> {
    if text.contains('\0') {
        return Some(("NUL characters, as in UTF-16 without a byte order mark", AS_UTF8));
    }
    let begins = |beginnings: &[&str]| beginnings.iter().any(|beginning| text.starts_with(beginning));
    let damage = match text.chars().next()? {
        '{' => of_object(text),
        '<' if text.contains("</") || begins(&["<!", "<?"]) => {
            Some(("HTML or XML, such as a login page", DOWNLOAD_AGAIN))
        }
        '"' if begins(&["\"{"]) && serde_json::from_str::<IgnoredAny>(text).is_err() => {
            Some(("double quotes around the text", PASS_THE_FILE))
        }
        '"' if begins(&["\"uaa\":", "\"endpoints\":"]) && text.contains('{') => {
            Some(("fields without the braces around them", DOWNLOAD_AGAIN))
        }
        '\'' => Some(("single quotes around the text", PASS_THE_FILE)),
        '\u{201c}' | '\u{201d}' | '\u{201e}' => Some(TYPOGRAPHIC),
        '&' if begins(&["&quot;", "&#34;"]) => Some(HTML_ENTITIES),
        _ if begins(&["$ANSIBLE_VAULT", "-----BEGIN PGP", "-----BEGIN AGE", "ENC["]) => Some(ENCRYPTED),
        '$' | '<' => Some(NOT_REPLACED),
        _ if begins(&["-----BEGIN"]) => {
            Some(("a certificate or private key in PEM", "a service key is JSON: download it in the BTP cockpit"))
        }
        _ if begins(&["%7B", "%7b"]) => Some(("URL-encoded text", "decode it, or use the file as it was downloaded")),
        _ if begins(&["map["]) => Some(("a map as Go prints it", "in a template, write the key with toJson")),
        _ if begins(&["b'"]) => Some(("bytes as Python prints them", "decode the bytes before they are written")),
        _ if is_assignment(text) => Some(("an assignment, as in an env file", "keep only the JSON object")),
        _ if is_yaml(text) => Some(("YAML", "convert it to JSON, for example with yq -o=json")),
        _ if is_file_name(text) => Some(("the name of a file in place of its content", PASS_THE_FILE)),
        _ => None,
    };
    damage.or_else(|| {
        has_invisible_characters(text).then_some(("invisible characters, as in text of a web page", DOWNLOAD_AGAIN))
    })
}

/// Names the damage of a text that begins like an object and is no JSON.
fn of_object(text: &str) -> Option<Damage> {
    let fields = text[1..].trim_start();
    match fields.chars().next()? {
        '{' => return Some(NOT_REPLACED),
        '\u{201c}' | '\u{201d}' | '\u{201e}' => return Some(TYPOGRAPHIC),
        '&' => return Some(HTML_ENTITIES),
        '\\' if fields.starts_with("\\n") || fields.starts_with("\\r") => {
            return Some(("the two characters \\n in place of a line break", PASS_THE_FILE));
        }
        '\\' => return Some(("backslashes before the quotes: the text was escaped once too often", PASS_THE_FILE)),
        '\'' => {
            return Some((
                "single quotes instead of double quotes, as a program prints an object",
                "let the program write JSON, for example with json.dumps or JSON.stringify",
            ));
        }
        '"' if fields.starts_with("\"\"") => return Some(("doubled quotes, as in CSV", PASS_THE_FILE)),
        first if first.is_ascii_alphabetic() && !has_equals_signs(fields) => {
            return Some(("names without quotes, as a shell leaves them", PASS_THE_FILE));
        }
        _ => {}
    }
    if has_equals_signs(fields) {
        return Some((
            "equals signs instead of colons, as Terraform, Ruby or Java print an object",
            "write the key as JSON, in Terraform with jsonencode",
        ));
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    match values.next()? {
        Ok(_) if values.byte_offset() < text.len() => {
            Some(("text after the object", "keep only the object of the current key, from { to }"))
        }
        Ok(_) => None,
        // Serde's own words begin its messages, and a value is never among them.
        Err(error) => of_syntax(&error.to_string()),
    }
}

fn of_syntax(error: &str) -> Option<Damage> {
    if error.starts_with("control character") {
        Some(("a line break or another control character in a string, as after line wrapping", PASS_THE_FILE))
    } else if error.starts_with("invalid escape") {
        Some(("an escape sequence that JSON does not know", PASS_THE_FILE))
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

fn is_file_name(text: &str) -> bool {
    let extension = Path::new(text).extension();
    !text.contains(char::is_whitespace) && extension.is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

fn is_assignment(text: &str) -> bool {
    let text = text.strip_prefix("export ").unwrap_or(text);
    let rest = text.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    rest.len() < text.len() && rest.trim_start().starts_with('=') && text.contains('{')
}

fn is_yaml(text: &str) -> bool {
    let names = ["uaa:", "clientid:", "credentials:", "\"uaa\":", "\"clientid\":"];
    text.lines().any(|line| names.iter().any(|name| line.trim_start().starts_with(name)))
}

/// Returns true if there is a no-break space, a character without width, or a byte order mark within the text.
fn has_invisible_characters(text: &str) -> bool {
    text.contains(['\u{a0}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}'])
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
            ("HTML or XML", "download", b"<html><style>\nbody\n{ color: CANARY }</style>&quot;".to_vec()),
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
            ("text after the object", "current key", format!("{KEY}\nOK").into_bytes()),
            ("text after the object", "current key", format!("{KEY}\n{KEY}").into_bytes()),
            ("decoded text: text after the object", "current key", format!("key:\n{KEY}\nOK").into_bytes()),
            ("a placeholder", "filled in", b"<path:kv/data/CANARY#key>".to_vec()),
            ("encrypted", "decrypt", b"$ANSIBLE_VAULT;1.1;AES256\nCANARY".to_vec()),
            ("encrypted", "decrypt", b"-----BEGIN PGP MESSAGE-----\nCANARY".to_vec()),
            ("a map as Go", "toJson", b"map[uaa:map[clientid:CANARY]]".to_vec()),
            ("bytes as Python", "decode", format!("b'{KEY}'").into_bytes()),
            ("an assignment", "object", format!("export KEY={KEY}").into_bytes()),
            ("the name of a file", "--from-file", b"./CANARY.json".to_vec()),
            ("double quotes around", "--from-file", format!("\"{KEY}\"").into_bytes()),
            ("fields without the braces", "download", KEY.as_bytes()[1..KEY.len() - 1].to_vec()),
            ("doubled quotes", "--from-file", KEY.replace('"', "\"\"").into_bytes()),
            ("the two characters", "--from-file", KEY.replace("{\"uaa\"", "{\\n\"uaa\"").into_bytes()),
            ("invisible", "download", KEY.replacen('"', "\u{a0}\"", 1).into_bytes()),
            ("invisible", "download", format!("\u{feff}\u{feff}{KEY}").into_bytes()),
            ("YAML", "yq", b"\"uaa\":\n  \"clientid\": CANARY\n".to_vec()),
            ("a line break", "--from-file", wrapped.into_bytes()),
            ("an escape sequence", "--from-file", KEY.replacen("CANARY", "\\$CANARY", 1).into_bytes()),
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
