//! Judges the audit logs that `hack/audit` gathers.

#[path = "mod.rs"]
mod rights;

use std::path::Path;
use std::process::ExitCode;

use rights::verdict::{self, Verdict};
use rights::{Mode, declared, requests};

const USAGE: &str = "\
rights namespaces FOLDER                          tells, as JSON, which namespaces each test made in a run
rights verdict CLUSTER-WIDE NAMESPACE-SCOPED      holds what was asked for in two runs against what is declared";

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a command")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["namespaces", folder] => {
            let made = requests::namespaces_below(Path::new(folder));
            println!("{}", serde_json::to_string_pretty(&made).expect("JSON"));
            ExitCode::SUCCESS
        }
        ["verdict", cluster_wide, namespace_scoped] => {
            let of = |mode, folder: &str| (mode, Verdict::of(declared::of(mode), &requests::below(Path::new(folder))));
            let verdicts = [of(Mode::ClusterWide, cluster_wide), of(Mode::NamespaceScoped, namespace_scoped)];
            println!("{}", verdict::table(&verdicts));
            let summaries: Vec<_> = verdicts.iter().map(|(mode, verdict)| verdict.summary(*mode)).collect();
            println!("audit: {}", summaries.join("; "));
            let clean = verdicts.iter().all(|(_, verdict)| verdict.is_clean());
            if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::FAILURE
        }
    }
}
