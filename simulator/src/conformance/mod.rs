//! `almkey-simulator conformance`: checks any server of the contract. The slot is empty before and after.

mod assertions;
mod checks;
mod content;
mod fencing;
mod keys;
mod owner;
mod refusals;
mod server;
mod verdict;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use url::Url;

use checks::CHECKS;
use keys::Keys;
use server::{Access, Server};
use verdict::Failed;

/// Arguments of the conformance checks.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Base URL of the tenant, as `spec.landscapeManagement.http.url` names it.
    #[arg(value_name = "URL")]
    url: Url,
    /// URL of the token endpoint (OAuth 2.0 client credentials).
    #[arg(long, value_name = "URL")]
    token_url: Url,
    /// Client to sign in as.
    #[arg(long, value_name = "ID", env = "ALMKEY_CONFORMANCE_CLIENT_ID")]
    client_id: String,
    /// File with the client's secret. Default: the environment variable `ALMKEY_CONFORMANCE_CLIENT_SECRET`.
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// File with the certificates to trust instead of the well-known ones, in PEM.
    #[arg(long, value_name = "FILE")]
    ca_bundle: Option<PathBuf>,
    /// Identity zone of the tenant. Two keys are invented for it, which sign in nowhere.
    #[arg(long, value_name = "ZONE", required_unless_present = "key", conflicts_with = "key")]
    identity_zone: Option<String>,
    /// File with a key of the tenant, for a server that checks more than the format.
    #[arg(long, value_name = "FILE", requires = "other_key")]
    key: Option<PathBuf>,
    /// File with another key of the tenant.
    #[arg(long, value_name = "FILE", requires = "key")]
    other_key: Option<PathBuf>,
    /// Delete the key that is in the slot. Without this flag, a slot that is not empty is left alone.
    #[arg(long)]
    delete_present_key: bool,
    /// Time limit for an answer, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
}

/// Runs all checks. Exits with 0 if all pass, with 1 if one fails. An error means that no check could be run.
pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let keys = match (&arguments.identity_zone, &arguments.key, &arguments.other_key) {
        (Some(zone), ..) => Keys::invent(zone),
        (None, Some(key), Some(other)) => Keys::read(key, other)?,
        _ => return Err("--identity-zone is required, or --key and --other-key".into()),
    };
    let secret = match &arguments.client_secret_file {
        Some(file) => std::fs::read_to_string(file)?.trim_end_matches(['\r', '\n']).to_owned(),
        None => std::env::var("ALMKEY_CONFORMANCE_CLIENT_SECRET")
            .map_err(|_| "--client-secret-file or ALMKEY_CONFORMANCE_CLIENT_SECRET is required")?,
    };
    let access = Access {
        url: arguments.url,
        token_url: arguments.token_url,
        client_id: arguments.client_id,
        client_secret: secret.into(),
        ca_bundle: arguments.ca_bundle.map(std::fs::read_to_string).transpose()?,
        timeout: Duration::from_secs(arguments.timeout),
    };
    let mut server = Server::connect(access, keys).await?;
    server.check_start(arguments.delete_present_key).await?;
    let passed = run_all(&mut server).await;
    let is_empty = server.ensure_empty().await.is_ok();
    if !is_empty {
        say("# the slot could not be emptied: check its content");
    }
    Ok(if passed && is_empty { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs all checks and prints the result of each. Returns true if all passed.
async fn run_all(server: &mut Server) -> bool {
    let (mut failed, mut not_run) = (0, 0);
    say(&format!("1..{}", CHECKS.len()));
    for (check, number) in CHECKS.iter().zip(1..) {
        let line = format!("{number} {}: {}", check.name, check.statement);
        match (check.run)(server).await {
            Ok(()) => say(&format!("ok {line}")),
            Err(Failed::NotOk(reason)) => {
                failed += 1;
                say(&format!("not ok {line}\n  # {reason}"));
            }
            Err(Failed::NotRun(reason)) => {
                not_run += 1;
                say(&format!("not run {line}\n  # {reason}"));
            }
        }
    }
    say(&format!(
        "# {} of {} checks passed, {failed} failed, {not_run} could not be run",
        CHECKS.len() - failed - not_run,
        CHECKS.len()
    ));
    failed + not_run == 0
}

#[expect(clippy::print_stdout, reason = "the results are the output of the command")]
fn say(line: &str) {
    println!("{line}");
}
