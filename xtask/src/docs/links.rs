//! The links of the pages: relative ones lead somewhere, and those to other hosts are listed.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use testkit::documented::Page;

use crate::workspace::root;

/// Returns the relative links that lead nowhere, a line each.
#[must_use]
pub fn broken(pages: &[Page]) -> Vec<String> {
    let anchors: BTreeMap<&str, Vec<&str>> = pages
        .iter()
        .map(|page| {
            (page.path.as_str(), page.markdown.headings.iter().map(|heading| heading.anchor.as_str()).collect())
        })
        .collect();
    let mut broken = Vec::new();
    for page in pages {
        for link in page.markdown.links.iter().filter(|link| !is_external(&link.destination)) {
            if let Some(problem) = problem(&page.path, &link.destination, &anchors) {
                broken.push(format!("{}: ({}) {problem}", page.path, link.destination));
            }
        }
    }
    broken
}

/// Returns the links to other hosts, each with the pages that have it.
#[must_use]
pub fn external(pages: &[Page]) -> BTreeMap<String, Vec<String>> {
    let mut external: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for page in pages {
        for link in page.markdown.links.iter().filter(|link| is_external(&link.destination)) {
            external.entry(link.destination.clone()).or_default().push(page.path.clone());
        }
    }
    external
}

/// Returns true if a link names a host or a protocol.
#[must_use]
pub fn is_external(destination: &str) -> bool {
    destination.contains("://") || destination.starts_with("mailto:")
}

/// Returns the target of a link on a page, from the root of the repository; none if it leaves the repository.
#[must_use]
pub fn target(page: &str, destination: &str) -> Option<PathBuf> {
    let path = destination.split('#').next().unwrap_or_default();
    if path.is_empty() {
        return Some(page.into());
    }
    let mut target = Path::new(page).parent().map(PathBuf::from).unwrap_or_default();
    for component in Path::new(path).components() {
        match component {
            Component::ParentDir => target.pop().then_some(())?,
            Component::Normal(name) => target.push(name),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(target)
}

fn problem(page: &str, destination: &str, anchors: &BTreeMap<&str, Vec<&str>>) -> Option<String> {
    let Some(target) = target(page, destination) else { return Some("leaves the repository".into()) };
    let known = target.to_str().and_then(|target| anchors.get(target));
    if known.is_none() && !root().join(&target).exists() {
        return Some(format!("{} does not exist", target.display()));
    }
    let (_, anchor) = destination.split_once('#')?;
    match known {
        None => Some(format!("{} is no page, so it has no anchors", target.display())),
        Some(known) if known.contains(&anchor) => None,
        Some(_) => Some(format!("{} has no heading with this anchor", target.display())),
    }
}
