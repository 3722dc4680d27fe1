//! `almkey operator`.

use std::error::Error;

use clap::builder::NonEmptyStringValueParser;
use kube::{Client, Config};

use crate::controller::{self, Settings};
use crate::process::{logging, shutdown};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Namespace of the Secrets that ALMTenants name: the operator's own.
    #[arg(long, env = "ALMKEY_CLUSTER_RESOURCE_NAMESPACE", default_value = "alm-key-operator")]
    cluster_resource_namespace: String,

    /// As what this cluster owns slots. Unset means the uid of the namespace kube-system.
    #[arg(long, env = "ALMKEY_CLUSTER_ID", value_parser = NonEmptyStringValueParser::new())]
    cluster_id: Option<String>,

    /// What is logged, such as `info`, `debug` or `alm_key_operator=trace,info`.
    #[arg(long, env = "ALMKEY_LOG", default_value = "info")]
    log: String,
}

#[tokio::main]
pub(super) async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let Arguments { cluster_resource_namespace, cluster_id, log } = arguments;
    logging::start(&log)?;
    let client = Client::try_from(Config::infer().await?)?;
    let shutdown = shutdown::requested()?;
    controller::run(client, Settings { cluster_resource_namespace, cluster_id }, shutdown).await?;
    Ok(())
}
