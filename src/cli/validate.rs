//! `almkey validate`.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use super::key_file::{KeyFlags, Outcome, Report, file_name};
use super::output::Format;

/// Text below the options in the help.
const AFTER_HELP: &str = "\
Exit codes:
  0  valid
  1  invalid: standard output shows what was found, where, what was expected and what to do next
  2  wrong usage, or the file could not be read

No value of the file is ever printed. The fingerprint is the one that the status of an ALMServiceKey shows. A key with
complete credentials has one, also if it is invalid.

Examples:
  # Since January 2026 new bindings only get binding-secret, so a tenant usually accepts both types.
  export ALMKEY_ACCEPT_CREDENTIAL_TYPES=instance-secret,binding-secret
  almkey validate --identity-zone acme-calm key.txt
  kubectl get secret calm -o yaml | almkey validate -
  almkey validate -o json key.txt";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Arguments {
    /// File with the service key as downloaded from the BTP cockpit, or with the manifest of a Secret that holds it
    /// (YAML or JSON, any layout of the SAP BTP service operator). `-` reads standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    flags: KeyFlags,

    /// Output format.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let Arguments { file, flags, output } = arguments;
    let rules = flags.rules();
    let outcome = match flags.key(file, &rules)? {
        Ok(key) => Outcome::Valid(key),
        Err(invalid) => *invalid,
    };
    Ok(Report::new(file_name(file), &rules, Vec::new(), outcome).print(*output)?)
}
