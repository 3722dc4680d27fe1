//! `almkey explain`.

mod next;
mod report;
mod tenant;
#[cfg(test)]
mod tests;
mod value;

use std::error::Error;
use std::process::ExitCode;

use jiff::Timestamp;

use super::cluster::{ClusterFlags, exit_code};
use super::completion;
use super::evidence;
use super::output::Format;
use super::steps;
use super::text;

/// Text below the options in the help.
const AFTER_HELP: &str = "\
Exit codes:
  0  Ready is True; or with --steps, whatever is to be done
  1  Ready is False
  2  wrong usage, or the cluster could not be asked
  3  Ready is Unknown, or the operator has not seen the last change of the object

It needs the right to get and list almservicekeys (role almkey-view) and, for the tenant, to get almtenants (role
almkey-tenant-viewer). What may not be read is named.

Examples:
  almkey explain calm
  almkey explain calm -n team-a
  almkey explain calm --steps              # a message for the person who acts in Landscape Management
  almkey explain calm -o json | jq -r .next
  almkey explain --tenant acme --steps";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Arguments {
    /// Name of the ALMServiceKey or, with --tenant, of the ALMTenant.
    #[arg(add = completion::key_or_tenant_names())]
    name: String,

    /// Print only what a person must do in Landscape Management (manual mode), as a message to that person.
    #[arg(long)]
    steps: bool,

    /// Explain an ALMTenant.
    #[arg(long, conflicts_with = "namespace")]
    tenant: bool,

    /// Output format.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,

    #[command(flatten)]
    cluster: ClusterFlags,
}

#[tokio::main(flavor = "current_thread")]
pub(super) async fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let Arguments { name, steps, tenant, output, cluster } = arguments;
    let cluster = cluster.connect().await?;
    let (now, width) = (Timestamp::now(), text::width());
    Ok(match (tenant, steps) {
        (false, false) => {
            let evidence = evidence::read(&cluster, &name).await?;
            output.print(|| report::text(&evidence, now, width), || value::for_key(&evidence, now))?;
            exit_code(&evidence.key)
        }
        (false, true) => {
            let key = cluster.key(&name).await?;
            output.print(|| steps::of_action(&key, now, width), || value::for_action(&key))?;
            ExitCode::SUCCESS
        }
        (true, false) => {
            let tenant = cluster.object(&name).await?;
            output.print(|| tenant::text(&tenant, now, width), || value::for_tenant(&tenant))?;
            exit_code(&tenant)
        }
        (true, true) => {
            let tenant = cluster.object(&name).await?;
            output.print(|| steps::of_removal(&tenant, width), || value::for_removal(&tenant))?;
            ExitCode::SUCCESS
        }
    })
}
