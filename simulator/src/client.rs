//! The command line of the admin API, for people.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use alm_key_operator::http::client;
use alm_key_operator::http::network::Network;
use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

/// Asks a running simulator.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a tenant.
    Tenant(#[command(flatten)] Zone),
    /// Make a key, as the BTP cockpit would, and print it.
    MakeKey(#[command(flatten)] Zone),
    /// Let the key of a client die: it no longer signs in.
    RevokeKey(#[command(flatten)] Client),
    /// Let a dead key sign in again.
    RestoreKey(#[command(flatten)] Client),
    /// Give a client a new secret and print the new key; the old one stays alive.
    RotateKey(#[command(flatten)] Client),
    /// Show what the slot of Landscape Management holds.
    Slot(#[command(flatten)] Zone),
    /// Empty the slot, as a person would in the app.
    EmptySlot(#[command(flatten)] Zone),
    /// Show what was asked of a tenant.
    Journal(#[command(flatten)] Zone),
}

/// Where the simulator is, and which tenant is meant.
#[derive(clap::Args)]
pub(crate) struct Zone {
    /// Identity zone of the tenant.
    #[arg(value_name = "ZONE")]
    tenant: String,
    /// URL of the admin API, as `serve` printed it.
    #[arg(long, env = "ALMKEY_SIMULATOR_ADMIN")]
    admin: String,
    /// The ca.pem that `serve` wrote.
    #[arg(long, env = "ALMKEY_SIMULATOR_CA")]
    ca: PathBuf,
}

/// A client of a tenant.
#[derive(clap::Args)]
pub(crate) struct Client {
    #[command(flatten)]
    zone: Zone,
    /// `uaa.clientid` of the key.
    client: String,
}

pub(crate) async fn run(command: Command) -> Result<(), Box<dyn Error>> {
    let (method, zone, path, body) = request(command);
    let ca = std::fs::read_to_string(&zone.ca)?;
    let client = client::build_client(Network::Any, Some(&ca), Duration::from_secs(30))?;
    let mut request = client.request(method, format!("{}{path}", zone.admin.trim_end_matches('/')));
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await?;
    let (status, text) = (answer.status(), answer.text().await?);
    if !status.is_success() {
        return Err(format!("the simulator answered {status}: {text}").into());
    }
    if let Ok(document) = serde_json::from_str::<Value>(&text) {
        print(&serde_json::to_string_pretty(&document)?);
    }
    Ok(())
}

fn request(command: Command) -> (Method, Zone, String, Option<Value>) {
    let tenant = |zone: &Zone, path: &str| format!("/tenants/{}{path}", zone.tenant);
    let of_client = |Client { zone, client }: Client, path: &str| {
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
        Command::RevokeKey(client) => of_client(client, "/keys/revoke"),
        Command::RestoreKey(client) => of_client(client, "/keys/restore"),
        Command::RotateKey(client) => of_client(client, "/keys/rotate"),
        Command::Slot(zone) => {
            let path = tenant(&zone, "/slot");
            (Method::GET, zone, path, None)
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

#[expect(clippy::print_stdout, reason = "this is what was asked for")]
fn print(text: &str) {
    println!("{text}");
}
