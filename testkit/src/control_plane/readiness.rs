//! The wait until an API server can be used.

use std::fmt::Display;
use std::path::Path;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Namespace;
use kube::api::GetParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::Request;
use kube::{Api, Client, Config};

use super::error::Error;
use super::kubeconfig;
use super::process::Supervised;

/// A start takes about 4 s. Beside a dozen others on two cores more than a minute was seen.
const WAIT_LIMIT: Duration = Duration::from_mins(3);
const POLL: Duration = Duration::from_millis(50);
/// Time for one answer, so that a server that hangs does not make us miss the deadline.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Returns the configuration of a client of `user`.
///
/// # Errors
/// The user has no kubeconfig, or its CA certificate is not complete: a client of such a one could never connect.
pub(super) async fn client_config(directory: &Path, user: &str) -> Result<Config, Error> {
    let path = kubeconfig::path(directory, user);
    let failed = |error: &dyn Display| Error::Command(format!("{}: {error}", path.display()));
    let kubeconfig = Kubeconfig::read_from(&path).map_err(|error| failed(&error))?;
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| failed(&error))?;
    // The API server of a test is on this host, whatever HTTPS_PROXY says.
    config.proxy_url = None;
    if config.root_cert.as_ref().is_none_or(Vec::is_empty) {
        return Err(failed(&"it holds no CA certificate"));
    }
    Ok(config)
}

/// Returns a client of `user`.
///
/// # Errors
/// See [`client_config`].
pub(super) async fn client(directory: &Path, user: &str) -> Result<Client, Error> {
    let config = client_config(directory, user).await?;
    Client::try_from(config).map_err(|error| Error::Kube(Box::new(error)))
}

/// Waits until the API server reports that it is ready and the namespaces `default` and `kube-system` exist.
///
/// # Errors
/// A process has ended, or the API server was not ready in time.
pub(super) async fn api_server(
    directory: &Path,
    etcd: &mut Supervised,
    api_server: &mut Supervised,
) -> Result<(), Error> {
    let client = client(directory, "admin").await?;
    let deadline = Instant::now() + WAIT_LIMIT;
    loop {
        let checked = tokio::time::timeout(ANSWER_TIMEOUT, check(&client)).await;
        // Checked after the answer: without our etcd it may have come from another control plane's data.
        for process in [&mut *etcd, &mut *api_server] {
            if !process.is_running() {
                return Err(Error::not_up(process, "it has ended"));
            }
        }
        let reason = match checked {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("it did not answer within {ANSWER_TIMEOUT:?}"),
        };
        if Instant::now() > deadline {
            return Err(Error::not_up(api_server, &reason));
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn check(client: &Client) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    client.request_text(Request::new("").get("readyz", &GetParams::default())?).await?;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    for name in ["default", "kube-system"] {
        namespaces.get(name).await?;
    }
    Ok(())
}
