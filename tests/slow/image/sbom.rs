//! The SBOM of each image, compared with the program in it.

use std::collections::BTreeSet;
use std::fs;

use regex::bytes::Regex;
use serde_json::Value;
use xtask::image::PROGRAM;
use xtask::image::description::TITLE;

use super::{folder, image, unpack};
use crate::beds::report;

/// Returns the names and versions of all components.
fn components(document: &Value) -> BTreeSet<String> {
    let components = document["components"].as_array().expect("components");
    let text = |component: &Value, field: &str| component[field].as_str().expect("a text").to_owned();
    components.iter().map(|component| text(component, "name") + "-" + &text(component, "version")).collect()
}

/// Returns the crates whose code can panic, since the places of panics name the folder of the crate.
fn crates_in(program: &[u8]) -> BTreeSet<String> {
    let place =
        Regex::new("/cargo/registry/src/[^/]+/([A-Za-z0-9_-]+-[0-9]+\\.[0-9]+\\.[0-9]+[^/]*)/").expect("a pattern");
    place.captures_iter(program).map(|found| String::from_utf8_lossy(&found[1]).into_owned()).collect()
}

#[test]
fn each_crate_whose_code_is_in_the_program_is_in_the_sbom() {
    for architecture in ["amd64", "arm64"] {
        // Building it first: the SBOM belongs to this digest.
        let image = image(architecture);
        let text = fs::read(folder().join(format!("{TITLE}-{architecture}.cdx.json"))).expect("the SBOM");
        let document: Value = serde_json::from_slice(&text).expect("JSON");
        assert_eq!(document["metadata"]["component"]["bom-ref"], image.descriptor.digest().to_string());
        let listed = components(&document);
        let program = fs::read(unpack(architecture).path().join(PROGRAM)).expect("the program");
        let linked = crates_in(&program);
        assert!(linked.len() > 50, "{linked:?}");
        let missing: Vec<_> = linked.difference(&listed).collect();
        assert!(missing.is_empty(), "{architecture}: not in the SBOM: {missing:?}");
        assert!(!listed.iter().any(|name| name.starts_with("almkey-simulator")), "the simulator is in the SBOM");
        report(&format!("image: {architecture}: {} components, {} seen in the program", listed.len(), linked.len()));
    }
}
