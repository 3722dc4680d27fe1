//! The canary that all generated key material carries, and the forms in which it could leak.
//!
//! The simulator searches all requests for it, and the tests all that a test bed leaves behind.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The canary. It is at both ends of each secret, so that a part of a secret is found, too.
pub const CANARY: &str = "CANARY";

/// All forms, with a description of each. The first one covers JSON strings and form bodies, which do not encode letters.
static FORMS: LazyLock<Vec<(&'static str, String)>> = LazyLock::new(|| {
    let each = |form: fn(u8) -> String| CANARY.bytes().map(form).collect::<Vec<_>>();
    let mut forms = vec![
        ("in plain text", CANARY.to_owned()),
        ("percent-encoded", each(|byte| format!("%{byte:02X}")).concat()),
        ("escaped as in JSON", each(|byte| format!("\\u{byte:04x}")).concat()),
        ("in hexadecimal", each(|byte| format!("{byte:02x}")).concat()),
        ("in hexadecimal", each(|byte| format!("{byte:02X}")).concat()),
        ("as a list of bytes", each(|byte| byte.to_string()).join(", ")),
        ("as a list of bytes", each(|byte| byte.to_string()).join(",")),
    ];
    for once in in_base64(CANARY) {
        forms.extend(in_base64(&once).map(|twice| ("twice in base64", twice)));
        forms.push(("in base64", once));
    }
    forms
});

/// Returns the base64 of a text inside a longer text, for each of the three offsets.
fn in_base64(text: &str) -> [String; 3] {
    [0, 1, 2].map(|offset| {
        let encoded = STANDARD.encode(format!("{}{text}", "\0".repeat(offset)));
        // The characters at both ends depend on the neighbours of the text.
        encoded[(offset * 4).div_ceil(3)..(offset + text.len()) * 4 / 3].to_owned()
    })
}

/// Returns position and form of the first canary in a text. Finds a canary across line breaks, too, at position 0.
#[must_use]
pub fn find(text: &str) -> Option<(usize, &'static str)> {
    let form_in =
        |text: &str| FORMS.iter().find(|(_, form)| text.contains(form.as_str())).map(|(name, form)| (*name, form));
    if let Some((name, form)) = form_in(text) {
        return Some((text.find(form.as_str())?, name));
    }
    form_in(&text.lines().map(str::trim).collect::<String>()).map(|(name, _)| (0, name))
}

/// Returns position and form of the first canary in bytes of any kind.
#[must_use]
pub fn find_in_bytes(bytes: &[u8]) -> Option<(usize, &'static str)> {
    find(&String::from_utf8_lossy(bytes))
}
