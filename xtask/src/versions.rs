//! The version of the operator, in the files that repeat it.

use std::fs;
use std::path::Path;

/// Version of the workspace, from `Cargo.toml`: the one place where it is changed.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A file that repeats the version.
struct Mention {
    path: &'static str,
    /// Text before the version.
    before: &'static str,
}

const MENTIONS: [Mention; 6] = [
    Mention { path: "deploy/base/deployment.yaml", before: "image: alm-key-operator:" },
    Mention { path: "deploy/Dockerfile", before: "--tag alm-key-operator:" },
    Mention { path: "docs/image.md", before: "image/layout:" },
    Mention { path: "docs/image.md", before: "--tag alm-key-operator:" },
    Mention { path: "docs/install.md", before: "newTag: " },
    Mention { path: "deploy/Dockerfile", before: "org.opencontainers.image.version=\"" },
];

const CHANGELOG: &str = "CHANGELOG.md";

/// Returns a sentence for each file below `root` that names another version.
#[must_use]
pub fn disagreements(root: &Path) -> Vec<String> {
    let mentions = MENTIONS.iter().filter_map(|mention| {
        let found = read(root, mention.path).and_then(|text| {
            let (_, rest) = text.split_once(mention.before)?;
            Some(rest.split(|c: char| c.is_whitespace() || c == '"').next()?.to_owned())
        });
        problem(mention.path, found.as_deref().unwrap_or("no version"))
    });
    mentions.chain(changelog(root)).collect()
}

/// Checks that the newest release in the changelog is this version. Before the first release there is none.
fn changelog(root: &Path) -> Option<String> {
    let text = read(root, CHANGELOG).unwrap_or_default();
    let mut headings = text.lines().filter_map(|line| line.strip_prefix("## [")?.split_once(']'));
    match headings.next() {
        Some(("Unreleased", _)) => {}
        _ => return Some(format!("{CHANGELOG} must begin with \"## [Unreleased]\"")),
    }
    problem(CHANGELOG, headings.next()?.0)
}

fn problem(path: &str, found: &str) -> Option<String> {
    (found != VERSION).then(|| format!("{path} names {found}, and Cargo.toml {VERSION}: see docs/releasing.md"))
}

fn read(root: &Path, path: &str) -> Option<String> {
    fs::read_to_string(root.join(path)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    /// Makes a tree in which `path` has this text, and returns its disagreements.
    fn with(path: &str, text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        for file in MENTIONS.iter().map(|mention| mention.path).chain([CHANGELOG]) {
            let to = folder.path().join(file);
            fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
            fs::copy(workspace::root().join(file), to).expect("a copy");
        }
        fs::write(folder.path().join(path), text).expect("a file");
        disagreements(folder.path())
    }

    #[test]
    fn the_repository_names_one_version() {
        assert_eq!(disagreements(workspace::root()), [""; 0]);
    }

    #[test]
    fn another_version_in_a_manifest_or_the_changelog_is_found() {
        let found = with("deploy/base/deployment.yaml", "image: alm-key-operator:9.9.9\n");
        assert!(found[0].starts_with("deploy/base/deployment.yaml names 9.9.9"), "{found:?}");
        let found = with(CHANGELOG, "## [Unreleased]\n\n## [9.9.9] - 2026-01-01\n");
        assert!(found[0].starts_with("CHANGELOG.md names 9.9.9"), "{found:?}");
        assert_eq!(with(CHANGELOG, &format!("## [Unreleased]\n\n## [{VERSION}] - 2026-01-01\n")), [""; 0]);
        assert_eq!(with(CHANGELOG, "## [1.0.0]\n").len(), 1);
    }
}
