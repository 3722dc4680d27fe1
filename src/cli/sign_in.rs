//! The sign-in of a command, with its flags.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use super::egress::EgressFlags;
use super::key_file::{MAX_BYTES, Outcome, read};
use crate::api::resolve::forbidden_scopes;
use crate::api::tenant::{ALMTenantSpec, SignIn as SignInSpec};
use crate::domain::plan::Verdict;
use crate::domain::policy::DEFAULT_FORBIDDEN_SCOPE;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::{Finding, ServiceKey};
use crate::executor::ports::SignIn;
use crate::http::client;
use crate::http::network::Network;
use crate::sign_in::TokenEndpoint;

#[derive(clap::Args)]
pub(super) struct SignInFlags {
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
}

/// A token endpoint to sign in at, and what its tokens must not permit.
pub(super) struct SignInTest {
    endpoint: TokenEndpoint,
    forbidden: Vec<String>,
    /// Rules of the tenant that could not be read.
    pub(super) unchecked: Option<String>,
}

impl SignInFlags {
    /// Prepares a sign-in by the settings of a tenant, if they are known. The flags permit what the tenant does not: its
    /// CA certificates may be in the operator's namespace, which users cannot read.
    ///
    /// # Errors
    /// A file cannot be read, or the CA certificates cannot be used.
    pub(super) fn prepare(
        self,
        tenant: Option<&ALMTenantSpec>,
        timeout: Duration,
    ) -> Result<SignInTest, Box<dyn Error>> {
        let Self { allow_private_networks, ca_bundle, egress, forbid_scope } = self;
        let settings = tenant.and_then(|tenant| tenant.sign_in.clone()).unwrap_or_default();
        let SignInSpec { hosts: _, ca_bundle: inline, ca_bundle_ref, allow_private_networks: permitted } = settings;
        let network = if allow_private_networks || permitted == Some(true) { Network::Any } else { Network::Public };
        let bundle = ca_bundle.map(|path| read(&path, MAX_BYTES)).transpose()?;
        let unchecked = ca_bundle_ref.filter(|_| bundle.is_none()).map(|reference| {
            let (kind, name) = (reference.kind.as_str(), reference.name);
            format!("by the CA certificates of the ALMTenant ({kind} \"{name}\" of the operator): pass --ca-bundle")
        });
        let bundle = bundle.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).or(inline);
        let route = egress.egress().route()?;
        let client = client::build_client(network, &route, bundle.as_deref(), timeout)?;
        let forbidden = tenant.map_or(forbid_scope, forbidden_scopes);
        Ok(SignInTest { endpoint: TokenEndpoint::new(client), forbidden, unchecked })
    }
}

impl SignInTest {
    /// Signs in with a key.
    pub(super) async fn run(&self, key: ServiceKey) -> Outcome {
        let verdict = self.endpoint.sign_in(&key).await;
        outcome(key, verdict, &self.forbidden)
    }
}

fn outcome(key: ServiceKey, verdict: Verdict, forbidden: &[String]) -> Outcome {
    match verdict {
        Verdict::Accepted { scopes } => {
            let forbidden: Vec<_> = forbidden.iter().filter(|ending| !ending.is_empty()).cloned().collect();
            match scopes.ending_in(&forbidden) {
                None => Outcome::SignsIn(key),
                Some(ending) => Outcome::Invalid(forbidden_scope(ending).into(), Some(key.fingerprint().clone())),
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
