//! `almkey operator`.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use kube::Client;
use tracing::info;

use crate::controller::{self, ProcessHandles, Scope, Settings};
use crate::domain::slot::is_cluster_id;
use crate::process::admin::{self, Admin};
use crate::process::connection::{self, Server};
use crate::process::leadership::election::{self, Election};
use crate::process::leadership::{Leadership, guard};
use crate::process::metrics::Metrics;
use crate::process::readiness::Readiness;
use crate::process::{logging, shutdown};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Namespace of the Secrets and ConfigMaps that ALMTenants refer to: the operator's own namespace.
    #[arg(long, env = "ALMKEY_CLUSTER_RESOURCE_NAMESPACE", default_value = "alm-key-operator")]
    cluster_resource_namespace: String,

    /// Identifies this cluster as the owner of slots. Default: the uid of namespace kube-system.
    #[arg(long, env = "ALMKEY_CLUSTER_ID", value_parser = cluster_id)]
    cluster_id: Option<String>,

    /// Watch only these namespaces; repeatable. No permission on Secrets and ServiceBindings is then needed in any
    /// other namespace. Default: all namespaces.
    #[arg(long, env = "ALMKEY_NAMESPACES", value_name = "NAMESPACE", value_delimiter = ',', value_parser = namespace)]
    namespaces: Vec<String>,

    /// Log filter, such as `info`, `debug` or `alm_key_operator=trace,info`.
    #[arg(long, env = "ALMKEY_LOG", default_value = "info")]
    log: String,

    /// Log format: text for people, or one JSON object per line.
    #[arg(
        long,
        env = "ALMKEY_LOG_FORMAT",
        default_value = "text",
        value_enum,
        hide_possible_values = true,
        value_name = "text|json"
    )]
    log_format: logging::Format,

    /// Address of the server for /healthz, /readyz and /metrics. `[::]` means all addresses of IPv6 and IPv4. Port 0
    /// selects a free port, which is logged.
    #[arg(long, env = "ALMKEY_ADMIN_ADDRESS", default_value = "[::]:8080", value_name = "ADDRESS:PORT")]
    admin_address: SocketAddr,

    #[command(flatten)]
    egress: super::egress::EgressFlags,

    #[command(flatten)]
    election: super::election::Election,
}

/// The admin server cannot listen on its address.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on --admin-address {address}")]
struct CannotListen {
    address: SocketAddr,
    source: std::io::Error,
}

#[tokio::main]
pub(super) async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let Arguments {
        cluster_resource_namespace,
        cluster_id,
        namespaces,
        log,
        log_format,
        admin_address,
        egress,
        election,
    } = arguments;
    let params = election.params()?;
    logging::start(&log, log_format)?;
    let listener =
        admin::listen(admin_address).await.map_err(|source| CannotListen { address: admin_address, source })?;
    let config = connection::config().await?;
    let server = Server::new(&config);
    let (mut election, leadership) = match params {
        Some(params) => {
            // Retries of the client would exceed the election's own deadlines.
            let mut config = config.clone();
            config.default_retry = false;
            let client = Client::try_from(config)?;
            let identity = election::identity();
            let (election, leadership) = Election::new(client, &cluster_resource_namespace, identity, params);
            (Some(election), leadership)
        }
        None => (None, Leadership::alone()),
    };
    let client = guard::client(config, leadership.clone())?;
    let shutdown = shutdown::requested()?;
    let (metrics, readiness) = (Arc::new(Metrics::new(leadership.clone())), Readiness::default());
    info!(address = %listener.local_addr()?, "admin server listens");
    let admin = Admin { readiness: readiness.clone(), metrics: Arc::clone(&metrics) };
    tokio::spawn(admin::serve(listener, Arc::new(admin)));
    let handles = ProcessHandles { leadership, metrics, readiness };
    let (scope, egress) = (Scope::new(namespaces), egress.egress());
    let settings = Settings { cluster_resource_namespace, cluster_id, scope, server, egress };
    let lost = async {
        match &mut election {
            Some(election) => election.run().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        lost = lost => return Err(lost.into()),
        ended = controller::run(client, settings, handles, shutdown) => ended?,
    }
    if let Some(election) = election {
        election.release().await;
    }
    Ok(())
}

/// Validates the identity of a cluster, which other clusters read in the slot.
fn cluster_id(text: &str) -> Result<String, String> {
    if is_cluster_id(text) {
        Ok(text.into())
    } else {
        Err("expected 1 to 253 letters, digits, '.', '_' and '-'".into())
    }
}

/// Validates the name of a namespace (RFC 1123). The empty text is valid, because an environment variable that is set
/// to it names no namespace. A pattern is refused, because it would match no namespace.
fn namespace(text: &str) -> Result<String, String> {
    let is_label =
        text.len() <= 63 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if is_label {
        Ok(text.into())
    } else {
        Err("expected the name of a namespace (lowercase letters, digits and '-')".into())
    }
}
