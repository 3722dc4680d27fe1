//! Properties that hold for every input from outside. `make test` checks them for the seeds, `make fuzz` for generated
//! inputs.
//!
//! Each property takes the bytes of an input, as they come from the wire or from a file, and panics if it does not hold.
#![allow(clippy::missing_panics_doc, reason = "a property panics if it does not hold")]
#![allow(clippy::must_use_candidate, reason = "the crate is used by tests and fuzz targets only")]

pub mod annotations;
pub mod host_guard;
pub mod input;
pub mod layouts;
pub mod manifests;
pub mod messages;
pub mod retry_after;
pub mod service_key;
pub mod slot_answers;
pub mod token_answer;

/// A property, by the name of its fuzz target.
pub type Property = (&'static str, fn(&[u8]));

/// All properties.
pub const ALL: [Property; 8] = [
    ("annotations", annotations::check),
    ("host_guard", host_guard::check),
    ("layouts", layouts::check),
    ("manifests", manifests::check),
    ("retry_after", retry_after::check),
    ("service_key", service_key::check),
    ("slot_answers", slot_answers::check),
    ("token_answer", token_answer::check),
];
