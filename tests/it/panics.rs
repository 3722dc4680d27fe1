//! What a program leaves that panics with a key in hand.

use std::process::Command;

use serde_json::Value;

use crate::world::hunt;
use crate::world::operator::binary;

/// Runs the program that panics; what it says.
fn said(arguments: &[&str]) -> String {
    let mut path = binary("almkey");
    path.pop();
    let output = Command::new(path.join("examples/panics")).args(arguments).output();
    let output = output.expect("it is built by `cargo build --examples`");
    assert_eq!(output.status.code(), Some(101), "{arguments:?} must panic");
    let said = [output.stdout, output.stderr].concat();
    hunt::output(&format!("panic {arguments:?}"), &said);
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn a_panic_is_told_by_its_place_and_quotes_nothing() {
    for way in ["expect", "cut", "format", "key", "task"] {
        let as_a_command = said(&[way]);
        assert!(as_a_command.contains("tests/panics/main.rs:"), "{as_a_command}");
        let logged = said(&[way, "logging"]);
        let last = logged.lines().last().expect("it is logged");
        let line: Value = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {last}"));
        assert_eq!(line["level"], "ERROR");
        assert!(line["panic"].as_str().is_some_and(|place| place.starts_with("tests/panics/main.rs:")), "{line}");
        assert_eq!(line["text"], "not told, as it may quote a value");
    }
    assert!(said(&["literal"]).contains("(a text without a value)"));
}
