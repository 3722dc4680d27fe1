//! `almkey-simulator conformance`: tries any server of the contract, from an empty slot to an empty slot.

mod checks;
mod content;
mod fencing;
mod keys;
mod owner;
mod refusals;
mod server;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use url::Url;

use checks::{CHECKS, Failed};
use keys::Keys;
use server::{Access, Server};

/// Which server is tried, and with what.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Base URL of the tenant, as `spec.landscapeManagement.http.url` names it.
    #[arg(value_name = "URL")]
    url: Url,
    /// Where access tokens are given out (OAuth 2.0 client credentials).
    #[arg(long, value_name = "URL")]
    token_url: Url,
    /// Client to sign in as.
    #[arg(long, value_name = "ID", env = "ALMKEY_CONFORMANCE_CLIENT_ID")]
    client_id: String,
    /// File with the client's secret. Without it the environment's `ALMKEY_CONFORMANCE_CLIENT_SECRET` counts.
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// Certificates to trust instead of the well-known ones, in PEM.
    #[arg(long, value_name = "FILE")]
    ca_bundle: Option<PathBuf>,
    /// Make up two keys for this tenant. They sign in nowhere.
    #[arg(long, value_name = "ZONE", required_unless_present = "key", conflicts_with = "key")]
    identity_zone: Option<String>,
    /// File with a key of the tenant, for a server that looks more closely.
    #[arg(long, value_name = "FILE", requires = "other_key")]
    key: Option<PathBuf>,
    /// File with another key of the tenant.
    #[arg(long, value_name = "FILE", requires = "key")]
    other_key: Option<PathBuf>,
    /// Delete the key that is in the slot. Without this, nothing is tried on a slot that is not empty.
    #[arg(long)]
    delete_present_key: bool,
    /// How long an answer may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
}

/// Tries everything: 0 if all is as agreed, 1 if something is not. An error means that nothing could be tried.
pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let keys = match (&arguments.identity_zone, &arguments.key, &arguments.other_key) {
        (Some(zone), ..) => Keys::made_up(zone),
        (None, Some(key), Some(other)) => Keys::read(key, other)?,
        _ => return Err("--identity-zone or --key and --other-key is needed".into()),
    };
    let secret = match &arguments.client_secret_file {
        Some(file) => std::fs::read_to_string(file)?.trim_end_matches(['\r', '\n']).to_owned(),
        None => std::env::var("ALMKEY_CONFORMANCE_CLIENT_SECRET")
            .map_err(|_| "--client-secret-file or ALMKEY_CONFORMANCE_CLIENT_SECRET is needed")?,
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
    server.begin(arguments.delete_present_key).await?;
    let all_well = try_all(&mut server).await;
    let emptied = server.emptied().await.is_ok();
    if !emptied {
        say("# the slot could not be emptied: look what it holds");
    }
    Ok(if all_well && emptied { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Says of each check what came of it; whether all went well.
async fn try_all(server: &mut Server) -> bool {
    let (mut broken, mut untried) = (0, 0);
    say(&format!("1..{}", CHECKS.len()));
    for (check, number) in CHECKS.iter().zip(1..) {
        let line = format!("{number} {}: {}", check.name, check.says);
        match (check.run)(server).await {
            Ok(()) => say(&format!("ok {line}")),
            Err(Failed::NotOk(reason)) => {
                broken += 1;
                say(&format!("not ok {line}\n  # {reason}"));
            }
            Err(Failed::NotTried(reason)) => {
                untried += 1;
                say(&format!("not tried {line}\n  # {reason}"));
            }
        }
    }
    say(&format!(
        "# {} of {} are as agreed, {broken} are not, {untried} could not be tried",
        CHECKS.len() - broken - untried,
        CHECKS.len()
    ));
    broken + untried == 0
}

#[expect(clippy::print_stdout, reason = "this is what was asked for")]
fn say(line: &str) {
    println!("{line}");
}
