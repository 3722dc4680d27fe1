//! `almkey resume`.

use std::error::Error;
use std::process::ExitCode;

use serde_json::json;

use super::cluster::{ClusterFlags, WaitFlags, managed_by, print_outcome, qualified};
use super::completion;
use super::output;
use super::suspend::warn_of_undoing;

/// Text below the options in the help.
const AFTER_HELP: &str = "\
Exit codes:
  0  resumed, and Ready is True; or it was not suspended
  1  resumed, and Ready is False
  2  wrong usage, or the cluster could not be asked
  3  resumed, and Ready is Unknown; or the operator has not acted in time

It needs the rights to get, list and watch (role almkey-view) and patch (role almkey-edit) almservicekeys.";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Arguments {
    /// Name of the ALMServiceKey.
    #[arg(add = completion::key_names())]
    name: String,

    #[command(flatten)]
    wait: WaitFlags,

    #[command(flatten)]
    cluster: ClusterFlags,
}

#[tokio::main(flavor = "current_thread")]
pub(super) async fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let Arguments { name, wait, cluster } = arguments;
    let cluster = cluster.connect().await?;
    let key = cluster.key(&name).await?;
    if key.spec.suspend != Some(true) {
        output::print(&format!("{}: is not suspended\n", qualified(&name)))?;
        return Ok(ExitCode::SUCCESS);
    }
    let resumed = cluster.patch(&name, &json!({ "spec": { "suspend": null } })).await?.metadata.generation;
    if let Some(manager) = managed_by(&key) {
        warn_of_undoing(&manager, "suspend: false");
    }
    let observed = cluster
        .await_reconciled(&name, wait, |key| key.status.as_ref().map(|status| status.observed_generation) >= resumed)
        .await?;
    Ok(print_outcome(&name, observed.as_ref())?)
}
