//! `almkey operator`.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use kube::{Client, Config};
use tokio::net::TcpListener;
use tracing::info;

use crate::controller::{self, ProcessHandles, Scope, Settings};
use crate::domain::slot::is_cluster_id;
use crate::process::admin::{self, Admin};
use crate::process::leadership::election::{self, Election};
use crate::process::leadership::{Leadership, guard};
use crate::process::metrics::Metrics;
use crate::process::readiness::Readiness;
use crate::process::{logging, shutdown};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Namespace of the Secrets that ALMTenants name: the operator's own.
    #[arg(long, env = "ALMKEY_CLUSTER_RESOURCE_NAMESPACE", default_value = "alm-key-operator")]
    cluster_resource_namespace: String,

    /// As what this cluster owns slots. Unset means the uid of the namespace kube-system.
    #[arg(long, env = "ALMKEY_CLUSTER_ID", value_parser = cluster_id)]
    cluster_id: Option<String>,

    /// Serve these namespaces alone; can be given several times. Then no right on Secrets and ServiceBindings is needed
    /// elsewhere. Unset means all.
    #[arg(long, env = "ALMKEY_NAMESPACES", value_name = "NAMESPACE", value_delimiter = ',', value_parser = namespace)]
    namespaces: Vec<String>,

    /// What is logged, such as `info`, `debug` or `alm_key_operator=trace,info`.
    #[arg(long, env = "ALMKEY_LOG", default_value = "info")]
    log: String,

    /// How log lines are written: for people, or as a JSON object each.
    #[arg(
        long,
        env = "ALMKEY_LOG_FORMAT",
        default_value = "text",
        value_enum,
        hide_possible_values = true,
        value_name = "text|json"
    )]
    log_format: logging::Format,

    /// Where /healthz, /readyz and /metrics are served. Port 0 takes a free one, which the log tells.
    #[arg(long, env = "ALMKEY_ADMIN_ADDRESS", default_value = "0.0.0.0:8080", value_name = "ADDRESS:PORT")]
    admin_address: SocketAddr,

    #[command(flatten)]
    election: super::election::Election,
}

/// The admin server has no place.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on --admin-address {address}")]
struct CannotListen {
    address: SocketAddr,
    source: std::io::Error,
}

#[tokio::main]
pub(super) async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let Arguments { cluster_resource_namespace, cluster_id, namespaces, log, log_format, admin_address, election } =
        arguments;
    let terms = election.terms()?;
    logging::start(&log, log_format)?;
    let listener =
        TcpListener::bind(admin_address).await.map_err(|source| CannotListen { address: admin_address, source })?;
    let config = Config::infer().await?;
    let (mut election, leadership) = match terms {
        Some(terms) => {
            // Its deadlines are its own: nothing is retried behind its back.
            let mut config = config.clone();
            config.default_retry = false;
            let client = Client::try_from(config)?;
            let identity = election::identity();
            let (election, leadership) = Election::new(client, &cluster_resource_namespace, identity, terms);
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
    let settings = Settings { cluster_resource_namespace, cluster_id, scope: Scope::new(namespaces) };
    let lost = async {
        match &mut election {
            Some(election) => election.run_election().await,
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

/// The name of a cluster, as other clusters read it in the slot.
fn cluster_id(text: &str) -> Result<String, String> {
    if is_cluster_id(text) {
        Ok(text.into())
    } else {
        Err("expected 1 to 253 letters, digits, '.', '_' and '-'".into())
    }
}

/// The name of a namespace (RFC 1123), or nothing: a variable that is set to nothing names none. A pattern would be taken
/// for a name that no namespace has.
fn namespace(text: &str) -> Result<String, String> {
    let is_label =
        text.len() <= 63 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if is_label { Ok(text.into()) } else { Err("expected the name of a namespace".into()) }
}
