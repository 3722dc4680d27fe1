//! The command line of the admin API.

use std::error::Error;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use alm_key_operator::http::client;
use alm_key_operator::http::egress::Route;
use alm_key_operator::http::network::Network;
use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

/// Commands that call the admin API of a running simulator.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Create a tenant.
    Tenant(#[command(flatten)] Zone),
    /// Create a key, as the BTP cockpit would, and print it.
    MakeKey(#[command(flatten)] Zone),
    /// Revoke the key of a client, so that it no longer signs in.
    RevokeKey(#[command(flatten)] Client),
    /// Let a revoked key sign in again.
    RestoreKey(#[command(flatten)] Client),
    /// Issue a new secret for a client and print the new key. The old key stays valid.
    RotateKey(#[command(flatten)] Client),
    /// Show the content of the slot of Landscape Management.
    Slot(#[command(flatten)] Zone),
    /// Put the key in a file into the slot, as a user of the app would.
    FillSlot(#[command(flatten)] KeyFile),
    /// Empty the slot, as a user of the app would.
    EmptySlot(#[command(flatten)] Zone),
    /// Show the calls of a tenant's hosts.
    Journal(#[command(flatten)] Zone),
}

/// A simulator and one of its tenants.
#[derive(clap::Args)]
pub(crate) struct Zone {
    /// Identity zone of the tenant.
    #[arg(value_name = "ZONE")]
    tenant: String,
    /// URL of the admin API, as `serve` prints it.
    #[arg(long, env = "ALMKEY_SIMULATOR_ADMIN")]
    admin: String,
    /// File with the CA certificate that `serve` writes (ca.pem).
    #[arg(long, env = "ALMKEY_SIMULATOR_CA")]
    ca: PathBuf,
}

/// A client of one of the simulator's tenants.
#[derive(clap::Args)]
pub(crate) struct Client {
    #[command(flatten)]
    zone: Zone,
    /// Client of the key (`uaa.clientid`).
    client: String,
}

/// One of the simulator's tenants, and a key for it.
#[derive(clap::Args)]
pub(crate) struct KeyFile {
    #[command(flatten)]
    zone: Zone,
    /// File with the key as JSON.
    #[arg(value_name = "FILE", value_parser = read_key)]
    key: Value,
}

/// Calls the admin API and prints the answer.
pub(crate) async fn run(command: Command) -> Result<(), Box<dyn Error>> {
    let (method, zone, path, body) = request(command);
    let ca = std::fs::read_to_string(&zone.ca)?;
    let client = client::build_client(Network::Any, &Route::DIRECT, Some(&ca), Duration::from_secs(30))?;
    let mut request = client.request(method, format!("{}{path}", zone.admin.trim_end_matches('/')).parse()?);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await?;
    let (status, text) = (answer.status(), answer.text().await?);
    if !status.is_success() {
        return Err(format!("the simulator answered {status}: {text}").into());
    }
    if let Ok(document) = serde_json::from_str::<Value>(&text) {
        let text = serde_json::to_string_pretty(&document)?;
        // A reader that wants no more, such as `head`, is no failure.
        match writeln!(io::stdout(), "{text}") {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn request(command: Command) -> (Method, Zone, String, Option<Value>) {
    let tenant = |zone: &Zone, path: &str| format!("/tenants/{}{path}", zone.tenant);
    let client_request = |Client { zone, client }: Client, path: &str| {
        let path = tenant(&zone, path);
        (Method::POST, zone, path, Some(json!({ "clientid": client })))
    };
    match command {
        Command::Tenant(zone) => {
            let body = json!({ "identityZone": zone.tenant });
            (Method::POST, zone, "/tenants".into(), Some(body))
        }
        Command::MakeKey(zone) => {
            let path = tenant(&zone, "/keys");
            (Method::POST, zone, path, Some(json!({})))
        }
        Command::RevokeKey(client) => client_request(client, "/keys/revoke"),
        Command::RestoreKey(client) => client_request(client, "/keys/restore"),
        Command::RotateKey(client) => client_request(client, "/keys/rotate"),
        Command::Slot(zone) => {
            let path = tenant(&zone, "/slot");
            (Method::GET, zone, path, None)
        }
        Command::FillSlot(KeyFile { zone, key }) => {
            let path = tenant(&zone, "/slot");
            (Method::PUT, zone, path, Some(json!({ "key": key })))
        }
        Command::EmptySlot(zone) => {
            let path = tenant(&zone, "/slot");
            (Method::DELETE, zone, path, None)
        }
        Command::Journal(zone) => {
            let path = format!("/journal?tenant={}", zone.tenant);
            (Method::GET, zone, path, None)
        }
    }
}

/// Reads a file with a key.
fn read_key(path: &str) -> Result<Value, String> {
    let text = std::fs::read(path).map_err(|error| error.to_string())?;
    serde_json::from_slice(&text).map_err(|_| "not JSON".into())
}
