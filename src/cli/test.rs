//! `almkey test`.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::egress::EgressFlags;
use super::key_file::{KeyFile, MAX_BYTES, Outcome, read};
use crate::domain::plan::Verdict;
use crate::domain::policy::DEFAULT_FORBIDDEN_SCOPE;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::{Finding, ServiceKey};
use crate::executor::ports::SignIn;
use crate::http::client;
use crate::http::network::Network;
use crate::sign_in::TokenEndpoint;

/// Text below the options in the help.
const AFTER_HELP: &str = "\
Exit codes:
  0  valid, and signs in
  1  invalid, or refused by the token endpoint: the key cannot be used
  2  wrong usage, or a file could not be read
  3  unknown: the token endpoint gave no clear answer, so the key may still be good

No value of the file is ever printed. Only a valid key is sent to a token endpoint, and only to a permitted address.
Redirects are not followed, and no proxy but that of --egress-proxy is used.

Examples:
  almkey test --identity-zone acme-calm key.txt
  kubectl get secret calm -o yaml | almkey test -
  almkey test --allow-host '*.authentication.example.com' --allow-private-networks --ca-bundle ca.pem -o json key.txt";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Arguments {
    #[command(flatten)]
    file: KeyFile,

    /// Permit connections to private and loopback addresses.
    #[arg(long)]
    allow_private_networks: bool,

    /// CA certificates in PEM to trust instead of the well-known ones.
    #[arg(long, env = "ALMKEY_CA_BUNDLE", value_name = "FILE")]
    ca_bundle: Option<PathBuf>,

    #[command(flatten)]
    egress: EgressFlags,

    /// Suffix of a scope that the key must not have; repeatable. An empty value forbids no scope.
    #[arg(
        long,
        env = "ALMKEY_FORBID_SCOPES",
        value_name = "ENDING",
        value_delimiter = ',',
        default_value = DEFAULT_FORBIDDEN_SCOPE
    )]
    forbid_scope: Vec<String>,

    /// Timeout of the sign-in, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=60))]
    timeout: u64,
}

#[tokio::main(flavor = "current_thread")]
pub(super) async fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let Arguments { file, allow_private_networks, ca_bundle, egress, forbid_scope, timeout } = arguments;
    let network = if allow_private_networks { Network::Any } else { Network::Public };
    let bundle = ca_bundle.map(|path| read(&path, MAX_BYTES)).transpose()?;
    let bundle = bundle.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let route = egress.egress().route()?;
    let client = client::build_client(network, &route, bundle.as_deref(), Duration::from_secs(timeout))?;
    let outcome = match file.key()? {
        Err(findings) => Outcome::Invalid(findings),
        Ok(key) => {
            let verdict = TokenEndpoint::new(client).sign_in(&key).await;
            outcome(key, verdict, &forbid_scope)
        }
    };
    Ok(file.report(outcome).print()?)
}

fn outcome(key: ServiceKey, verdict: Verdict, forbidden: &[String]) -> Outcome {
    match verdict {
        Verdict::Accepted { scopes } => {
            let forbidden: Vec<_> = forbidden.iter().filter(|ending| !ending.is_empty()).cloned().collect();
            match scopes.ending_in(&forbidden) {
                None => Outcome::SignsIn(key),
                Some(ending) => Outcome::Invalid(forbidden_scope(ending).into()),
            }
        }
        Verdict::Refused { reason, message } => Outcome::Refused(key, reason, message),
        Verdict::Unknown { message, retry } => {
            let next = match retry {
                Retry::Never => {
                    "use --allow-private-networks if the host is private or loopback, and --egress-proxy-exempt to connect \
                     to an address without the proxy; no other address can be permitted"
                        .into()
                }
                Retry::After(wait) => format!("try again in {} s", wait.as_secs()),
                Retry::Backoff => "check the connection to the token endpoint (name, firewall, --ca-bundle, --egress-proxy, \
                                   --allow-private-networks), and try again"
                    .into(),
            };
            Outcome::Unknown(key, message, next)
        }
    }
}

/// Returns the finding for a key that signs in but is not meant for Landscape Management.
fn forbidden_scope(ending: &str) -> Finding {
    Finding {
        reason: Reason::ForbiddenScope,
        path: "scope of its access token",
        found: format!("a scope that ends in \"{ending}\""),
        expected: "no scope with that suffix".into(),
        remedy: "use a key that was not issued for API calls, or change spec.forbiddenScopes of the ALMTenant",
    }
}
