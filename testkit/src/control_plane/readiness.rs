//! Waits until the API server can be used.

use std::path::Path;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Namespace;
use kube::api::GetParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::Request;
use kube::{Api, Client, Config};

use super::error::Error;
use super::process::Supervised;
use super::{commands, kubeconfig};

/// A start takes about 4 s; beside a dozen others on two cores more than a minute was seen.
const WAIT_LIMIT: Duration = Duration::from_mins(3);
const POLL: Duration = Duration::from_millis(50);
/// A server that hangs must not make us miss the deadline.
const ANSWER: Duration = Duration::from_secs(5);

/// What a client of `user` needs to know.
pub(super) async fn client_config(directory: &Path, user: &str) -> Result<Config, Error> {
    let path = kubeconfig::path(directory, user);
    let failed = |error: &dyn std::fmt::Display| Error::Command(format!("{}: {error}", path.display()));
    let kubeconfig = Kubeconfig::read_from(&path).map_err(|error| failed(&error))?;
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.map_err(|error| failed(&error))
}

/// Waits until the API server says that it is ready and the namespaces that everybody takes for granted are there.
pub(super) async fn api_server(
    directory: &Path,
    etcd: &mut Supervised,
    api_server: &mut Supervised,
) -> Result<(), Error> {
    let not_up = |process: &Supervised| Error::NotUp { name: process.name().into(), last_words: process.last_words() };
    let deadline = Instant::now() + WAIT_LIMIT;
    let mut client = None;
    loop {
        let ready = is_ready(directory, &mut client).await;
        // Looked at after the answer: without our etcd it may have come from the data of somebody else's.
        for process in [&mut *etcd, &mut *api_server] {
            if !process.is_running() {
                return Err(not_up(process));
            }
        }
        if ready {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(not_up(api_server));
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn is_ready(directory: &Path, client: &mut Option<Client>) -> bool {
    if client.is_none() && commands::certificate(directory).exists() {
        // Fails while the certificate is being written.
        let config = client_config(directory, "admin").await.ok();
        *client = config.and_then(|config| Client::try_from(config).ok());
    }
    let Some(client) = client else { return false };
    tokio::time::timeout(ANSWER, answers(client)).await.unwrap_or(false)
}

async fn answers(client: &Client) -> bool {
    let Ok(request) = Request::new("").get("readyz", &GetParams::default()) else { return false };
    if client.request_text(request).await.is_err() {
        return false;
    }
    let namespaces: Api<Namespace> = Api::all(client.clone());
    for name in ["default", "kube-system"] {
        if namespaces.get(name).await.is_err() {
            return false;
        }
    }
    true
}
