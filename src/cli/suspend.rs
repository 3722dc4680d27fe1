//! `almkey suspend`.

use std::error::Error;
use std::process::ExitCode;

use serde_json::json;

use super::cluster::{ClusterFlags, managed_by, qualified};
use super::completion;
use super::output;

/// Text below the options in the help.
const AFTER_HELP: &str = "\
While a key is suspended, it is neither tested nor uploaded, and Landscape Management keeps what it has. A deletion is
still carried out. almkey resume ends it.

Exit codes:
  0  suspended
  2  wrong usage, or the cluster could not be asked

It needs the rights to get (role almkey-view) and patch (role almkey-edit) almservicekeys.";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Arguments {
    /// Name of the ALMServiceKey.
    #[arg(add = completion::key_names())]
    name: String,

    #[command(flatten)]
    cluster: ClusterFlags,
}

#[tokio::main(flavor = "current_thread")]
pub(super) async fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let Arguments { name, cluster } = arguments;
    let cluster = cluster.connect().await?;
    let key = cluster.key(&name).await?;
    let was_suspended = key.spec.suspend == Some(true);
    if !was_suspended {
        cluster.patch(&name, &json!({ "spec": { "suspend": true } })).await?;
    }
    let object = qualified(&name);
    let text =
        if was_suspended { format!("{object}: is suspended already\n") } else { format!("{object}: suspended\n") };
    output::print(&text)?;
    if let Some(manager) = managed_by(&key).filter(|_| !was_suspended) {
        warn_of_undoing(&manager, "suspend: true");
    }
    Ok(ExitCode::SUCCESS)
}

/// Says that Flux or Argo CD may undo a change of the spec.
#[expect(clippy::print_stderr, reason = "a warning does not belong to the output")]
pub(super) fn warn_of_undoing(manager: &str, change: &str) {
    eprintln!("almkey: {manager} manages this object and may undo the change: set {change} in its source, too");
}
