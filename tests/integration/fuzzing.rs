//! The seeds of the fuzz targets, held against the same properties: a target cannot rot, and what fuzzing has found stays
//! found.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::PathBuf;

use properties::ALL;
use testkit::bed::cluster::package;

/// Every how many bytes a seed is cut off.
const STEP: usize = 16;

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(package().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

#[test]
fn every_seed_and_every_beginning_of_one_holds_the_property_of_its_target() {
    let mut broken = Vec::new();
    for (name, property) in ALL {
        for file in files(&format!("fuzz/seeds/{name}")) {
            let seed = fs::read(&file).expect("a seed");
            let cuts = (0..seed.len()).step_by(STEP).chain([seed.len()]);
            let holds = |end: usize| catch_unwind(|| property(&seed[..end])).is_ok();
            let failed: Vec<_> =
                cuts.filter(|end| !holds(*end)).map(|end| format!("{}: {end} bytes", file.display())).collect();
            broken.extend(failed);
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn each_property_has_a_target_with_seeds_and_each_target_a_property() {
    let properties: BTreeSet<_> = ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    let targets: BTreeSet<_> = files("fuzz/fuzz_targets")
        .iter()
        .map(|file| file.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    assert_eq!(targets, properties);
    for name in properties {
        assert!(files(&format!("fuzz/seeds/{name}")).len() >= 8, "{name} begins with too little");
        let target = fs::read_to_string(package().join(format!("fuzz/fuzz_targets/{name}.rs"))).expect("a target");
        assert!(target.contains(&format!("properties::{name}::check")), "{name} holds another property");
    }
}
