//! The common part of the commands that check a key: a file, the rules to check it against, and a report.

pub(super) mod lenient;
mod read;
mod report;

use std::path::Path;

use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};
use serde_json::{Map, Value};
use url::Host;

use crate::domain::policy::{HostList, KeyRules};
use crate::domain::service_key::{Finding, ServiceKey};
use crate::source::manifest;

pub(super) use read::{MAX_BYTES, Unreadable, read};
pub(super) use report::{Outcome, Report};

/// Name of standard input.
const STDIN: &str = "-";

/// The flags for the rules that a key must comply with.
#[derive(clap::Args)]
pub(super) struct KeyFlags {
    /// Entry of the Secret that holds the key. Default: the entry that the operator would use.
    #[arg(long, value_name = "NAME")]
    entry: Option<String>,

    /// Identity zone of the tenant that the key must belong to. Default: any tenant.
    #[arg(long, env = "ALMKEY_IDENTITY_ZONE", value_name = "ZONE", value_parser = NonEmptyStringValueParser::new())]
    identity_zone: Option<String>,

    /// Accepted type of credentials; repeatable.
    #[arg(
        long,
        env = "ALMKEY_ACCEPT_CREDENTIAL_TYPES",
        value_name = "TYPE",
        value_delimiter = ',',
        default_value = "instance-secret",
        value_parser = PossibleValuesParser::new(["instance-secret", "binding-secret"])
    )]
    accept_credential_type: Vec<String>,

    /// Host that `endpoints` may point to; `*.` matches all subdomains; repeatable.
    #[arg(
        long,
        env = "ALMKEY_ENDPOINT_HOSTS",
        value_name = "HOST",
        value_delimiter = ',',
        default_value = "*.alm.cloud.sap",
        value_parser = host
    )]
    endpoint_host: Vec<String>,

    /// Application besides SAP Cloud ALM whose keys are accepted, as in its client IDs (`app` in `sb-x!b1|app!b2`);
    /// repeatable.
    #[arg(long, env = "ALMKEY_ACCEPT_SERVICES", value_name = "APPLICATION", value_delimiter = ',')]
    accept_service: Vec<String>,

    /// Host at which the key may sign in, as `host` or `host:port`, with `*` as the first label at most; repeatable.
    /// Default: SAP's host of the identity zone in the key.
    #[arg(long, env = "ALMKEY_ALLOW_HOSTS", value_name = "HOST", value_delimiter = ',', value_parser = host)]
    allow_host: Vec<String>,
}

impl KeyFlags {
    /// Reads a file and checks the key in it against `rules`. For an invalid key, returns the outcome.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn key(&self, file: &Path, rules: &KeyRules) -> Result<Result<ServiceKey, Box<Outcome>>, Unreadable> {
        let bytes = read(file, MAX_BYTES)?;
        Ok(check(manifest::document(&bytes, self.entry.as_deref()), rules))
    }

    /// Returns the rules that the flags set.
    pub(super) fn rules(&self) -> KeyRules {
        let Self { entry: _, identity_zone, accept_credential_type, endpoint_host, accept_service, allow_host } = self;
        KeyRules {
            identity_zone: identity_zone.clone(),
            accepted_credential_types: accept_credential_type.clone(),
            token_hosts: (!allow_host.is_empty()).then(|| HostList::new(allow_host.clone())),
            endpoint_hosts: Some(HostList::domains(endpoint_host.clone())),
            accepted_services: Some(accept_service.clone()),
        }
    }

    /// Returns true if the flags name an entry of a Secret.
    pub(super) fn name_an_entry(&self) -> bool {
        self.entry.is_some()
    }
}

/// Checks the key in a document against `rules`.
///
/// # Errors
/// The outcome for an invalid key.
pub(super) fn check(
    document: Result<Map<String, Value>, Finding>,
    rules: &KeyRules,
) -> Result<ServiceKey, Box<Outcome>> {
    let document = document.map_err(|finding| Box::new(Outcome::Invalid(finding.into(), None)))?;
    ServiceKey::from_document(document.clone(), rules).map_err(|findings| {
        let key = lenient::parse(document).ok();
        Box::new(Outcome::Invalid(findings, key.map(|key| key.fingerprint().clone())))
    })
}

/// Returns the name of a file in messages.
pub(super) fn file_name(file: &Path) -> String {
    if is_stdin(file) { "standard input".into() } else { file.display().to_string() }
}

/// Returns true if a file is standard input.
pub(super) fn is_stdin(file: &Path) -> bool {
    file == Path::new(STDIN)
}

/// Validates a pattern for hosts in the notation of an `ALMTenant`, and returns it in the form that URLs have. A URL is
/// refused, because it would never match.
pub(super) fn host(text: &str) -> Result<String, String> {
    let (host, port) = match text.rsplit_once(':') {
        // The colons in brackets belong to an IPv6 address.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (text, None),
    };
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    if is_port && host.starts_with('[') {
        return Host::parse(host).map(|address| format!("{address}{port}")).map_err(|_| expected());
    }
    let labels = host.strip_prefix("*.").unwrap_or(host);
    let is_name =
        !labels.is_empty() && labels.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    if is_name && is_port { Ok(text.into()) } else { Err(expected()) }
}

fn expected() -> String {
    "expected host or host:port, with a wildcard only as the first label, and an IPv6 address in brackets".into()
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    #[test]
    fn hosts_are_names_and_addresses_with_or_without_a_port() {
        for (pattern, url) in [
            ("landscape.example", "https://landscape.example/v1"),
            ("*.example:8443", "https://landscape.example:8443"),
            ("10.0.0.1", "https://10.0.0.1"),
            ("[fd00::1]", "https://[fd00::1]"),
            ("[FD00:0:0::1]:8443", "https://[fd00::1]:8443"),
            ("[::ffff:10.0.0.1]", "https://[::ffff:10.0.0.1]"),
        ] {
            let list = HostList::domains(vec![host(pattern).expect(pattern)]);
            assert!(list.allows(&Url::parse(url).expect("a URL")), "{pattern} {url}");
        }
        for pattern in
            ["", "*.", "a.*.example", "https://a.example", "a.example:", "a:b", "fd00::1", "[fd00::1", "[a.example]"]
        {
            assert!(host(pattern).is_err(), "{pattern}");
        }
    }
}
