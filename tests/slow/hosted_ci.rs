//! The workflows of the hosted CI, checked by actionlint: syntax, expressions, and the inputs and outputs of steps.

use std::fs;

use testkit::actionlint;
use testkit::bed::cluster::package;

/// Runs actionlint on all workflows in a folder, and returns what it finds.
fn findings(folder: &std::path::Path) -> String {
    let entries = fs::read_dir(folder).expect("a folder of workflows");
    let files = entries.map(|entry| entry.expect("a workflow").path());
    // Without shellcheck, which only some machines have.
    let mut command = actionlint::command().expect("actionlint");
    let output = command.args(["-no-color", "-shellcheck=", "-pyflakes="]).args(files).output();
    let output = output.expect("actionlint can be started");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[test]
fn actionlint_finds_nothing_in_the_workflows_and_notices_a_mistake() {
    let workflows = package().join(".github/workflows");
    assert_eq!(findings(&workflows), "");

    let folder = tempfile::tempdir().expect("a folder");
    let release = fs::read_to_string(workflows.join("release.yml")).expect("a workflow");
    let mistaken = release.replace("steps.version.outputs.version", "steps.versoin.outputs.version");
    fs::write(folder.path().join("release.yml"), mistaken).expect("a file");
    assert!(findings(folder.path()).contains("versoin"), "{}", findings(folder.path()));
}
