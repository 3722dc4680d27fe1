//! Commands and tables of the documentation, which tests run and compare: what a page says is what a test does.

use std::env;
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::bed::TestBed;
use testkit::bed::cluster::package;
use testkit::monitoring::METRIC_PREFIXES;

/// Returns the commands in the code blocks below a heading, up to the next heading: the lines that begin with `$ `.
pub(crate) fn commands(page: &str, heading: &str) -> Vec<String> {
    let text = fs::read_to_string(package().join("docs").join(page)).expect("the page");
    let lines = text.lines().skip_while(|line| *line != heading).skip(1).take_while(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.strip_prefix("$ ")).map(str::to_owned).collect()
}

/// Returns the cells of the table rows of a page whose first cell is code that begins with `prefix`.
pub(crate) fn rows(page: &str, prefix: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(package().join("docs").join(page)).expect("the page");
    let rows = text.lines().filter(|line| line.starts_with(&format!("| `{prefix}")));
    rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// Returns the rows of the table of metrics: name, type, unit, labels, meaning, use.
pub(crate) fn metrics() -> Vec<Vec<String>> {
    METRIC_PREFIXES.iter().flat_map(|prefix| rows("metrics.md", prefix)).collect()
}

/// Returns the only command below a heading that contains `text`.
pub(crate) fn command(page: &str, heading: &str, text: &str) -> String {
    let mut found = commands(page, heading);
    found.retain(|command| command.contains(text));
    assert_eq!(found.len(), 1, "{page}, {heading}: one command with {text:?}, not {found:?}");
    found.remove(0)
}

/// Runs a command in the root of the repository as the cluster admin, after each placeholder is replaced in this order.
/// Returns its standard output, or its standard error if it failed.
pub(crate) fn run(bed: &TestBed, command: &str, placeholders: &[(&str, &str)]) -> Result<String, String> {
    let replace = |command: String, (placeholder, value): &(&str, &str)| {
        assert!(command.contains(placeholder), "{placeholder} is not in {command}");
        command.replace(placeholder, value)
    };
    let command = placeholders.iter().fold(command.to_owned(), replace);
    let kubectl = bed.control_plane.kubectl("admin");
    let folder = Path::new(kubectl.get_program()).parent().map(PathBuf::from).unwrap_or_default();
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(iter::once(folder).chain(env::split_paths(&path))).expect("a search path");
    let settings = kubectl.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let output = Command::new("sh")
        .args(["-ec", &command])
        .envs(settings)
        .env("PATH", path)
        .current_dir(package())
        .output()
        .expect("a shell");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// Runs a command that must succeed, and returns its output.
pub(crate) fn must_run(bed: &TestBed, command: &str, placeholders: &[(&str, &str)]) -> String {
    run(bed, command, placeholders).unwrap_or_else(|error| panic!("{command} failed: {error}"))
}
