//! `almkey reconcile`.

use std::error::Error;
use std::process::ExitCode;

use jiff::Timestamp;
use serde_json::json;

use super::cluster::{ClusterFlags, WaitFlags, print_outcome};
use super::completion;
use crate::names::annotation::RECONCILE_REQUESTED_AT;

/// Text below the options in the help.
const AFTER_HELP: &str = "\
Exit codes:
  0  reconciled, and Ready is True
  1  reconciled, and Ready is False
  2  wrong usage, or the cluster could not be asked
  3  reconciled, and Ready is Unknown; or the operator has not acted in time

It needs the rights to list and watch (role almkey-view) and patch (role almkey-edit) almservicekeys.

Examples:
  almkey reconcile calm
  almkey reconcile calm -n team-a --timeout 300";

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
    let request = Timestamp::now();
    cluster
        .patch(&name, &json!({ "metadata": { "annotations": { RECONCILE_REQUESTED_AT: request.to_string() } } }))
        .await?;
    // A later request of another person counts as well: it may have replaced this one.
    let is_handled = |handled: Option<&str>| {
        handled.and_then(|handled| handled.parse::<Timestamp>().ok()).is_some_and(|handled| handled >= request)
    };
    let key = cluster
        .await_reconciled(&name, wait, |key| {
            is_handled(key.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_deref()))
        })
        .await?;
    Ok(print_outcome(&name, key.as_ref())?)
}
