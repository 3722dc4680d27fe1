//! What `validate` and `test` have in common: a file, the rules that it is held against, and a report.

mod read;
mod report;

use std::path::{Path, PathBuf};

use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};

use crate::domain::policy::{HostList, KeyRules};
use crate::domain::service_key::{Findings, ServiceKey};
use crate::source::manifest;

pub(super) use read::{MAX_BYTES, Unreadable, read};
pub(super) use report::{Format, Outcome, Report};

#[derive(clap::Args)]
pub(super) struct KeyFile {
    /// The service key as the BTP cockpit offers it, or the manifest of a Secret that holds it (YAML or JSON, any layout of
    /// the SAP BTP service operator). `-` reads standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Which entry of the Secret holds the key; without it the entry is found as the operator finds it.
    #[arg(long, value_name = "NAME")]
    entry: Option<String>,

    /// The tenant that the key must belong to. Without it any will do.
    #[arg(long, env = "ALMKEY_IDENTITY_ZONE", value_name = "ZONE", value_parser = NonEmptyStringValueParser::new())]
    identity_zone: Option<String>,

    /// A type of credentials that is accepted; can be given several times.
    #[arg(
        long,
        env = "ALMKEY_ACCEPT_CREDENTIAL_TYPES",
        value_name = "TYPE",
        value_delimiter = ',',
        default_value = "instance-secret",
        value_parser = PossibleValuesParser::new(["instance-secret", "binding-secret"])
    )]
    accept_credential_type: Vec<String>,

    /// A host that `endpoints` may point at, `*.` for all below; can be given several times.
    #[arg(
        long,
        env = "ALMKEY_ENDPOINT_HOSTS",
        value_name = "HOST",
        value_delimiter = ',',
        default_value = "*.alm.cloud.sap",
        value_parser = host
    )]
    endpoint_host: Vec<String>,

    /// A host that the key may sign in at, as `host` or `host:port`, `*` for its first label; can be given several times.
    /// Without it: SAP's host of the key's own identity zone.
    #[arg(long, env = "ALMKEY_ALLOW_HOSTS", value_name = "HOST", value_delimiter = ',', value_parser = host)]
    allow_host: Vec<String>,

    /// For people or for machines.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

impl KeyFile {
    /// The key in the file, or what is wrong with it.
    ///
    /// # Errors
    /// The file could not be read.
    pub(super) fn key(&self) -> Result<Result<ServiceKey, Findings>, Unreadable> {
        let bytes = read(&self.file, MAX_BYTES)?;
        let document = manifest::document(&bytes, self.entry.as_deref());
        Ok(document.map_err(Findings::from).and_then(|document| ServiceKey::from_document(document, &self.rules())))
    }

    /// A report on the file with this outcome.
    pub(super) fn report(&self, outcome: Outcome) -> Report {
        let file = if self.file == Path::new("-") { "standard input".into() } else { self.file.display().to_string() };
        Report::new(file, self.output, self.identity_zone.is_some(), outcome)
    }

    fn rules(&self) -> KeyRules {
        let Self { file: _, entry: _, identity_zone, accept_credential_type, endpoint_host, allow_host, output: _ } =
            self;
        KeyRules {
            identity_zone: identity_zone.clone(),
            accepted_credential_types: accept_credential_type.clone(),
            token_hosts: (!allow_host.is_empty()).then(|| HostList::new(allow_host.clone())),
            endpoint_hosts: Some(HostList::domains(endpoint_host.clone())),
        }
    }
}

/// A pattern as an `ALMTenant` takes it: a URL in its place would never match, and nobody would know why.
fn host(text: &str) -> Result<String, String> {
    let labels = text.strip_prefix("*.").unwrap_or(text);
    let (labels, port) = labels.split_once(':').map_or((labels, None), |(labels, port)| (labels, Some(port)));
    let is_name =
        !labels.is_empty() && labels.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
    if is_name && is_port {
        Ok(text.into())
    } else {
        Err("expected host or host:port, a wildcard only as the first label".into())
    }
}
