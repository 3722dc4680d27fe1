//! What holds for every input that comes from outside, whoever made it. `make test` holds the seeds against it, and
//! `make fuzz` whatever it can think of.
//!
//! Each property takes bytes, as they come from the wire or out of a file, and panics where it does not hold.

pub mod annotations;
pub mod host_guard;
pub mod layouts;
pub mod manifests;
pub mod messages;
pub mod retry_after;
pub mod service_key;
pub mod slot_answers;
pub mod token_answer;

/// A property by the name of its fuzz target.
pub type Property = (&'static str, fn(&[u8]));

/// All of them.
pub const ALL: [Property; 8] = [
    ("annotations", annotations::hold),
    ("host_guard", host_guard::holds),
    ("layouts", layouts::hold),
    ("manifests", manifests::hold),
    ("retry_after", retry_after::holds),
    ("service_key", service_key::holds),
    ("slot_answers", slot_answers::hold),
    ("token_answer", token_answer::holds),
];

/// The parts of an input that has several: a byte that no UTF-8 text has stands between them.
pub fn parts(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == 0xff)
}

/// A part as text, whatever it is.
pub fn text(part: Option<&[u8]>) -> String {
    String::from_utf8_lossy(part.unwrap_or_default()).into_owned()
}
