//! `almkey explain`.

mod next;
mod report;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use jiff::Timestamp;

use super::cluster::{ClusterFlags, exit_code};
use super::completion;
use super::evidence;
use super::text;

/// Text below the options in the help.
const AFTER_HELP: &str = "\
Exit codes:
  0  Ready is True
  1  Ready is False
  2  wrong usage, or the cluster could not be asked
  3  Ready is Unknown, or the operator has not seen the last change of the object

It needs the right to get and list almservicekeys (role almkey-view) and, for the tenant, to get almtenants (role
almkey-tenant-viewer). What may not be read is named.

Examples:
  almkey explain calm
  almkey explain calm -n team-a";

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
    let evidence = evidence::read(&cluster, &name).await?;
    let text = report::text(&evidence, Timestamp::now(), text::width());
    io::stdout().write_all(text.as_bytes())?;
    Ok(exit_code(&evidence.key))
}
