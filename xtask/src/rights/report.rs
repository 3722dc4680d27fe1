//! The report of `cargo xtask audit`.

use std::path::Path;

use super::right::Mode;
use super::verdict::{self, Verdict};
use super::{declared, requests};

/// The comparison of two runs with the declared rights.
pub struct Report {
    /// A table of all rights, all findings, and a summary in the last line.
    pub text: String,
    /// Used and declared rights are the same, and nothing was denied.
    pub is_clean: bool,
}

/// Returns, as JSON, the namespaces that each test of a run created.
///
/// # Panics
/// The folder is no folder of audit logs.
#[must_use]
pub fn namespaces(folder: &Path) -> String {
    serde_json::json!(requests::namespaces_below(folder)).to_string()
}

/// Compares the requests of two runs, by the folders of their audit logs, with the declared rights.
///
/// # Panics
/// A folder is no folder of audit logs, or the table of `docs/rights.md` cannot be read.
#[must_use]
pub fn compare(cluster_wide: &Path, namespace_scoped: &Path) -> Report {
    let verdicts = [(Mode::ClusterWide, cluster_wide), (Mode::NamespaceScoped, namespace_scoped)]
        .map(|(mode, folder)| (mode, Verdict::of(declared::of(mode), &requests::below(folder))));
    let summaries: Vec<_> = verdicts.iter().map(|(mode, verdict)| verdict.summary(*mode)).collect();
    Report {
        text: format!("{}\naudit: {}", verdict::table(&verdicts), summaries.join("; ")),
        is_clean: verdicts.iter().all(|(_, verdict)| verdict.is_clean()),
    }
}
