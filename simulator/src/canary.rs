//! The marker that all key material made here carries, and the forms in which it could turn up where it must not.
//!
//! The simulator holds what it is sent against it, and the tests all that is left of a world.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Stands at both ends of each secret, so that a part of one is known, too.
pub const MARKER: &str = "CANARY";

/// All forms, with a word for each. JSON strings and form bodies leave letters as they are, which is the first one.
static FORMS: LazyLock<Vec<(&'static str, String)>> = LazyLock::new(|| {
    let each = |form: fn(u8) -> String| MARKER.bytes().map(form).collect::<Vec<_>>();
    let mut forms = vec![
        ("as it is", MARKER.to_owned()),
        ("percent-encoded", each(|byte| format!("%{byte:02X}")).concat()),
        ("escaped as in JSON", each(|byte| format!("\\u{byte:04x}")).concat()),
        ("in hexadecimal", each(|byte| format!("{byte:02x}")).concat()),
        ("in hexadecimal", each(|byte| format!("{byte:02X}")).concat()),
        ("as a list of bytes", each(|byte| byte.to_string()).join(", ")),
        ("as a list of bytes", each(|byte| byte.to_string()).join(",")),
    ];
    for once in in_base64(MARKER) {
        forms.extend(in_base64(&once).map(|twice| ("twice in base64", twice)));
        forms.push(("in base64", once));
    }
    forms
});

/// What a text has in the midst of its base64, wherever it begins there.
fn in_base64(text: &str) -> [String; 3] {
    [0, 1, 2].map(|by| {
        let encoded = STANDARD.encode(format!("{}{text}", "\0".repeat(by)));
        // The characters at both ends depend on what stands beside the text.
        encoded[(by * 4).div_ceil(3)..(by + text.len()) * 4 / 3].to_owned()
    })
}

/// Where the marker stands in a text for the first time, and in what form; also if its lines were broken in the midst of
/// it. None if it is not there.
pub fn find(text: &str) -> Option<(usize, &'static str)> {
    let of = |text: &str| FORMS.iter().find(|(_, form)| text.contains(form.as_str())).map(|(name, form)| (*name, form));
    if let Some((name, form)) = of(text) {
        return Some((text.find(form.as_str())?, name));
    }
    of(&text.lines().map(str::trim).collect::<String>()).map(|(name, _)| (0, name))
}

/// The same for bytes of any kind.
pub fn find_in(bytes: &[u8]) -> Option<(usize, &'static str)> {
    find(&String::from_utf8_lossy(bytes))
}
