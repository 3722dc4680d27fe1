//! `almkey download`.

mod file;

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use secrecy::{ExposeSecret, SecretString};

use super::cluster::{ClusterFlags, object_name};
use super::completion;
use super::confirm::ConfirmFlags;
use super::stored_key::StoredKey;
use super::text;

/// Text below the options in the help.
const AFTER_HELP: &str = "\
The key is read from the Secret in the cluster, never from Landscape Management. It is written as the operator uploads
it: as JSON, in a text file. Only you may read and write the file, from its creation on.

Exit codes:
  0  the key was written
  1  there is no key in the source, or the answer to the question was no
  2  wrong usage, the cluster could not be asked, or the file could not be written

It needs the rights to get almservicekeys (role almkey-view), secrets and, for a binding, servicebindings. No role of
alm-key-operator has a right on secrets, so that a user who may manage keys cannot read them.

Examples:
  almkey download calm                # to calm.txt
  almkey download calm -o key.txt --yes
  almkey download calm -o - | almkey validate --identity-zone acme-calm -";

/// Exit code without a file.
const NOT_WRITTEN: u8 = 1;
/// Name of standard output.
const STDOUT: &str = "-";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Arguments {
    /// Name of the ALMServiceKey.
    #[arg(add = completion::key_names(), value_parser = object_name)]
    name: String,

    /// File to write; `-` is standard output. Default: NAME.txt in the current directory.
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    output: Option<PathBuf>,

    #[command(flatten)]
    confirm: ConfirmFlags,

    #[command(flatten)]
    cluster: ClusterFlags,
}

#[tokio::main(flavor = "current_thread")]
pub(super) async fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let Arguments { name, output, confirm, cluster } = arguments;
    let path = output.unwrap_or_else(|| PathBuf::from(format!("{name}.txt")));
    let cluster = cluster.connect().await?;
    let key = match StoredKey::read(&cluster, &name).await? {
        Ok(key) => key,
        Err(no_key) => {
            text::print_error(&no_key);
            return Ok(ExitCode::from(NOT_WRITTEN));
        }
    };
    let document = SecretString::from(format!("{}\n", key.text().expose_secret()));
    let description = key.description(text::width());
    if path == Path::new(STDOUT) {
        io::stdout().write_all(document.expose_secret().as_bytes())?;
        print_note(&description);
        return Ok(ExitCode::SUCCESS);
    }
    let file = file::check(&path)?;
    let shown = path.display();
    if file.exists() && !confirm.confirm(&format!("{shown} exists"), &format!("Replace the file {shown}?"))? {
        return Ok(ExitCode::from(NOT_WRITTEN));
    }
    file.write(document.expose_secret().as_bytes())?;
    let written = text::item(&format!("File: {shown}, which only you may read"), text::width());
    io::stdout().write_all(format!("{description}{written}").as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the description of a key that is on standard output itself.
#[expect(clippy::print_stderr, reason = "the description is no part of the key")]
fn print_note(description: &str) {
    eprint!("{description}");
}
