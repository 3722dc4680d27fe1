//! The table of verdicts: as it is printed, and as the documentation shows it.

use std::fs;

use testkit::bed::cluster::package;
use testkit::health::Verdicts;

use super::recording::Point;

const HEADER: &str = "| turning point | `Ready` | kstatus | Argo CD | Flux |\n|---|---|---|---|---|\n";

/// Returns the table in Markdown.
pub fn print(rows: &[(&Point, &Verdicts)]) -> String {
    let lines = rows.iter().map(|(point, verdicts)| {
        let Verdicts { kstatus, argocd, flux, .. } = verdicts;
        let [kstatus, argocd, flux] = [kstatus, argocd, flux].map(|verdict| &verdict.status);
        format!("| {} | {} | {kstatus} | {argocd} | {flux} |\n", point.name, ready(point))
    });
    std::iter::once(HEADER.to_owned()).chain(lines).collect()
}

/// Returns `Ready` as the table shows it, with the condition that kstatus reads beside it.
fn ready(point: &Point) -> String {
    let ready = point.condition("Ready");
    let Some(status) = ready["status"].as_str() else { return "–".into() };
    let reason = ready["reason"].as_str().unwrap_or_default();
    let beside = ["Reconciling", "Stalled"].into_iter().find(|kind| point.condition(kind)["status"] == "True");
    let beside = beside.map(|kind| format!(", `{kind}`")).unwrap_or_default();
    format!("`{status}` / `{reason}`{beside}")
}

/// Returns the table of docs/gitops.md.
pub fn documented() -> String {
    let page = fs::read_to_string(package().join("docs/gitops.md")).expect("the page");
    let lines = page.split_inclusive('\n').skip_while(|line| !HEADER.starts_with(line));
    lines.take_while(|line| line.starts_with('|')).collect()
}
