//! The seeds of the fuzz targets against their properties: targets stay in use, and fixed findings stay fixed.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::PathBuf;

use properties::ALL;
use testkit::bed::cluster::package;

/// Number of bytes between two prefixes of a seed.
const STEP: usize = 16;

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(package().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

#[test]
fn every_seed_and_every_prefix_of_it_satisfies_the_property_of_its_target() {
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
fn each_property_has_a_fuzz_target_with_seeds_and_vice_versa() {
    let properties: BTreeSet<_> = ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    let targets: BTreeSet<_> = files("fuzz/fuzz_targets")
        .iter()
        .map(|file| file.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    assert_eq!(targets, properties);
    for name in properties {
        assert!(files(&format!("fuzz/seeds/{name}")).len() >= 8, "{name} has too few seeds");
        let target = fs::read_to_string(package().join(format!("fuzz/fuzz_targets/{name}.rs"))).expect("a target");
        assert!(target.contains(&format!("properties::{name}::check")), "{name} checks another property");
    }
}
