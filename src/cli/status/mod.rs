//! `almkey status`.

mod actions;
mod follow;
mod listing;
mod table;

use std::error::Error;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use jiff::Timestamp;

use super::cluster::ClusterFlags;
use super::{output, text};
use listing::Listing;

pub(super) use table::describe_slot;

/// Text below the options in the help.
const AFTER_HELP: &str = "\
Exit codes:
  0  the state was shown, whatever it is
  2  wrong usage, or the cluster could not be asked

It needs the right to list almservicekeys (role almkey-view) and, for the tenants, almtenants (role
almkey-tenant-viewer); with -w, to watch them. What may not be read is left out, and named on standard error.

Examples:
  almkey status                 # the namespace of the context
  almkey status -A              # all namespaces
  almkey status -w              # goes on until Ctrl-C
  almkey status -A -o json | jq '.items[].status.conditions'";

/// Moves the cursor to the first position of an empty screen (ECMA-48).
const CLEAR_SCREEN: &str = "\u{1b}[2J\u{1b}[H";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Arguments {
    /// Show the keys of all namespaces. If the user may not list them, those of one namespace are shown.
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,

    /// Show only objects with these labels, such as `team=calm,stage!=dev`.
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    selector: Option<String>,

    /// Show the state again whenever it changes.
    #[arg(short, long)]
    watch: bool,

    /// Output format: text, wide (more columns), name, json or yaml.
    #[arg(short, long, value_enum, default_value = "text", hide_possible_values = true, value_name = "FORMAT")]
    output: Format,

    #[command(flatten)]
    cluster: ClusterFlags,
}

/// The format of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Wide,
    Name,
    Json,
    Yaml,
}

#[tokio::main(flavor = "current_thread")]
pub(super) async fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let Arguments { all_namespaces, selector, watch, output, cluster } = arguments;
    let cluster = cluster.connect().await?;
    let listing = listing::read(&cluster, all_namespaces, selector.as_deref()).await?;
    print(&listing, output)?;
    print_notes(&listing);
    if watch {
        let separator = match output {
            Format::Yaml => "---\n",
            Format::Text | Format::Wide if io::stdout().is_terminal() => CLEAR_SCREEN,
            Format::Text | Format::Wide | Format::Name | Format::Json => "\n",
        };
        follow::follow(&cluster, listing, selector.as_deref(), |listing| {
            output::print_plain(separator)?;
            if matches!(output, Format::Text | Format::Wide) {
                output::print_plain(&format!("{:.0}\n\n", Timestamp::now()))?;
            }
            print(listing, output)?;
            print_notes(listing);
            Ok(())
        })
        .await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the state in the given format.
fn print(listing: &Listing, format: Format) -> io::Result<()> {
    match format {
        Format::Text => output::print(&table::text(listing, Timestamp::now(), text::width())),
        Format::Wide => output::print(&table::wide(listing, Timestamp::now(), text::width())),
        Format::Name => output::print_plain(&listing.names()),
        Format::Json => output::print_plain(&text::json(&listing.to_json())),
        Format::Yaml => output::print_plain(&output::yaml(&listing.to_json())?),
    }
}

/// Prints what is left out, and why.
#[expect(clippy::print_stderr, reason = "notes do not belong to the output")]
fn print_notes(listing: &Listing) {
    for note in listing.notes() {
        eprintln!("almkey: {note}");
    }
}
