//! `cargo xtask generate`: writes the files that are generated and committed.

use std::path::Path;
use std::process::Command;

use xtask::docs::{api, reasons};
use xtask::workspace::{program, root};
use xtask::{argocd, proofs};

use super::chart::{self, Generated};
use crate::console::say;
use crate::error::Error;
use crate::{build, process};

/// The contract of Landscape Management, from the root.
pub const CONTRACT: &str = "deploy/landscape-management-contract.yaml";

/// Writes the CRDs, the contract, the configuration of Argo CD, the files of the chart, the generated pages and the list of
/// proofs.
pub fn run() -> Result<(), Error> {
    build::programs()?;
    definitions(&root().join("crds"))?;
    contract(&root().join(CONTRACT))?;
    for file in [argocd_config()?].into_iter().chain(chart::generated()?) {
        std::fs::write(&file.path, file.text).map_err(Error::file(&file.path))?;
    }
    pages()?;
    proofs()?;
    say(format!(
        "generated: crds/, {CONTRACT}, {}, files of charts/, docs/api.md, docs/reasons.md, docs/proofs.md",
        argocd::CONFIG_MAP
    ));
    Ok(())
}

/// Writes the pages that are made of the code.
fn pages() -> Result<(), Error> {
    let reasons = reasons::written().map_err(|problems| Error::Finding(problems.join("\n")))?;
    for (path, text) in [(reasons::path(), reasons), (api::path(), api::written())] {
        std::fs::write(&path, text).map_err(Error::file(&path))?;
    }
    Ok(())
}

/// Writes the list of proofs.
pub fn proofs() -> Result<(), Error> {
    proofs::write_page().map_err(|problems| Error::Finding(problems.join("\n")))
}

/// Writes the `CustomResourceDefinition`s, a file for each.
pub fn definitions(folder: &Path) -> Result<(), Error> {
    let mut almkey = Command::new(program("almkey"));
    process::run(almkey.args(["crds", "--directory"]).arg(folder), "writing CRDs")
}

/// Returns the patch of Argo CD's `ConfigMap`.
pub fn argocd_config() -> Result<Generated, Error> {
    let text = argocd::config_map().map_err(Error::file(&root().join("deploy/argocd")))?;
    Ok(Generated { path: root().join(argocd::CONFIG_MAP), text })
}

/// Writes the contract, which is derived from the operator's code.
pub fn contract(file: &Path) -> Result<(), Error> {
    let mut simulator = Command::new(program("almkey-simulator"));
    process::run(simulator.args(["contract", "--file"]).arg(file), "writing the contract")
}
