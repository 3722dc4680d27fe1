//! `almkey status`.

mod actions;
mod follow;
mod listing;
mod table;

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use jiff::Timestamp;

use super::cluster::ClusterFlags;
use super::text;
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
    print(&format(&listing, output)?, "")?;
    print_notes(&listing);
    if watch {
        let separator = match output {
            Format::Yaml => "---\n",
            Format::Text | Format::Wide if io::stdout().is_terminal() => CLEAR_SCREEN,
            Format::Text | Format::Wide | Format::Name | Format::Json => "\n",
        };
        follow::follow(&cluster, listing, selector.as_deref(), |listing| {
            print(&format(listing, output)?, separator)?;
            print_notes(listing);
            Ok(())
        })
        .await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the state in the given format.
fn format(listing: &Listing, format: Format) -> io::Result<String> {
    Ok(match format {
        Format::Text => table::text(listing, Timestamp::now(), text::width()),
        Format::Wide => table::wide(listing, Timestamp::now(), text::width()),
        Format::Name => listing.names(),
        Format::Json => format!("{:#}\n", listing.to_json()),
        Format::Yaml => serde_yaml_ng::to_string(&listing.to_json()).map_err(io::Error::other)?,
    })
}

/// Prints the state, after what separates it from the one before.
fn print(text: &str, separator: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(separator.as_bytes())?;
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Prints what is left out, and why.
#[expect(clippy::print_stderr, reason = "notes do not belong to the output")]
fn print_notes(listing: &Listing) {
    for note in listing.notes() {
        eprintln!("almkey: {note}");
    }
}
