//! Connections to the two remote sides of a tenant, reused while tenant and credentials stay the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use secrecy::{SecretSlice, SecretString};
use url::Url;

use crate::api::ALMTenant;
use crate::api::duration::Duration as ApiDuration;
use crate::cluster::OpenSecret;
use crate::cluster::identity::Uid;
use crate::cluster::objects::Objects;
use crate::controller::dangling_owner::ignore_dangling_owner;
use crate::domain::plan::Verdict;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::slot::{Owner, Ownership, RemoteTrouble, Revision, Slot, WriteAnswer};
use crate::executor::ports::{LandscapeManagement, SignIn};
use crate::http::client;
use crate::http::network::Network;
use crate::landscape::http::{ClientCredentials, HttpLandscape, MayWrite, TokenSource};
use crate::process::leadership::Leadership;
use crate::process::lock::lock;
use crate::process::metrics::Metrics;
use crate::sign_in::TokenEndpoint;

/// Default of `landscapeManagement.http.timeout`, and the deadline of a sign-in.
const TIMEOUT: Duration = Duration::from_secs(10);
const CLIENT_ID: &str = "clientId";
const CLIENT_SECRET: &str = "clientSecret";

/// Connections by the uid of their tenant, each with the version of the configuration that it was made with.
type ByTenant<T> = Mutex<HashMap<Uid, (String, T)>>;

/// All open connections.
#[derive(Default)]
pub(crate) struct Connections {
    landscapes: ByTenant<HttpLandscape>,
    token_endpoints: ByTenant<TokenEndpoint>,
}

impl Connections {
    /// Closes the connections of a tenant that does not exist any more.
    pub(crate) fn forget(&self, tenant: &Uid) {
        lock(&self.landscapes).remove(tenant);
        lock(&self.token_endpoints).remove(tenant);
    }
}

/// The connection to one tenant. It is opened when it is first needed: a reconciliation without remote calls opens none.
pub(crate) struct Connection<'a> {
    pub(crate) connections: &'a Connections,
    pub(crate) cluster: &'a dyn Objects,
    pub(crate) tenant: Option<&'a ALMTenant>,
    pub(crate) resource_namespace: &'a str,
    /// Identifies this cluster as an owner of slots.
    pub(crate) cluster_id: &'a str,
    pub(crate) leadership: &'a Leadership,
    pub(crate) metrics: &'a Metrics,
    /// The owner on whose behalf the slot is read; none for the tenant itself.
    pub(crate) me: Option<&'a Owner>,
}

impl Connection<'_> {
    /// Returns the client of the slot, with the credentials as they are now.
    async fn landscape(&self) -> Result<HttpLandscape, RemoteTrouble> {
        let tenant = self.tenant.ok_or_else(|| misconfigured("the ALMTenant does not exist", Retry::Never))?;
        let http = &tenant.spec.landscape_management.http;
        let name = &http.oauth2.secret_ref.name;
        let secret_name = || format!("Secret \"{name}\" in namespace \"{}\"", self.resource_namespace);
        let secret = match self.cluster.secret(self.resource_namespace, name).await {
            Ok(Some(secret)) => OpenSecret::from(secret),
            Ok(None) => {
                let problem = format!("{}, named in the ALMTenant's oauth2.secretRef, does not exist", secret_name());
                return Err(misconfigured(&problem, Retry::Backoff));
            }
            Err(error) => {
                return Err(misconfigured(
                    &format!("could not read {}: {}", secret_name(), error.stable_message()),
                    Retry::Backoff,
                ));
            }
        };
        let secret_version = secret.metadata.resource_version.as_deref().unwrap_or_default();
        let version = format!("{} {secret_version}", tenant.metadata.generation.unwrap_or_default());
        reuse_or_connect(&self.connections.landscapes, tenant, version, || {
            let entry = |entry: &str| {
                let text =
                    secret.entries.get(entry).and_then(|bytes| std::str::from_utf8(&bytes.0).ok()).map(str::trim);
                text.map(str::to_owned).filter(|text| !text.is_empty()).ok_or_else(|| {
                    misconfigured(&format!("{} has no text in its entry \"{entry}\"", secret_name()), Retry::Backoff)
                })
            };
            let credentials = ClientCredentials {
                client_id: entry(CLIENT_ID)?,
                client_secret: SecretString::from(entry(CLIENT_SECRET)?),
            };
            let url = |field: &str, text: &str| -> Result<Url, RemoteTrouble> {
                let invalid =
                    |problem: &str| misconfigured(&format!("the ALMTenant's {field} {problem}"), Retry::Never);
                let url = Url::parse(text).map_err(|_| invalid("is no URL"))?;
                Network::Any.check_literal(&url).map_err(|error| invalid(&format!("is not allowed: {error}")))?;
                Ok(url)
            };
            let base = url("landscapeManagement.http.url", &http.url)?;
            let token_url = url("landscapeManagement.http.oauth2.tokenUrl", &http.oauth2.token_url)?;
            let timeout = deadline(tenant);
            let client = client::build_client(Network::Any, http.ca_bundle.as_deref(), timeout).map_err(|error| {
                misconfigured(&format!("the ALMTenant's landscapeManagement.http.caBundle: {error}"), Retry::Never)
            })?;
            let tokens = Arc::new(TokenSource::new(client.clone(), token_url, credentials));
            Ok(HttpLandscape::new(client, base, tokens, leadership_guard(self.leadership.clone(), timeout)))
        })
    }

    /// Makes a write and waits for its answer. Stops waiting, with the outcome unknown, once this replica leads no longer.
    async fn abort_if_leadership_lost(&self, write: impl Future<Output = WriteAnswer> + Send) -> WriteAnswer {
        self.leadership.run_while_leading(write).await.unwrap_or_else(|| {
            WriteAnswer::Unknown(RemoteTrouble {
                reason: Reason::NotLeader,
                message: "this replica stopped leading before Landscape Management answered".into(),
                retry: Retry::Backoff,
            })
        })
    }

    /// Makes a call and records its duration.
    async fn timed<T: CallResult>(&self, operation: &'static str, call: impl Future<Output = T> + Send) -> T {
        let started = Instant::now();
        let result = call.await;
        self.metrics.remote_call(operation, result.label(), started.elapsed());
        result
    }

    /// Returns the client of the token endpoint.
    pub(crate) fn token_endpoint(&self) -> Result<TokenEndpoint, RemoteTrouble> {
        let tenant = self.tenant.ok_or_else(|| misconfigured("the ALMTenant does not exist", Retry::Never))?;
        let version = tenant.metadata.generation.unwrap_or_default().to_string();
        reuse_or_connect(&self.connections.token_endpoints, tenant, version, || {
            let sign_in = tenant.spec.sign_in.clone().unwrap_or_default();
            let network = match sign_in.allow_private_networks {
                Some(true) => Network::Any,
                Some(false) | None => Network::Public,
            };
            let client = client::build_client(network, sign_in.ca_bundle.as_deref(), TIMEOUT).map_err(|error| {
                RemoteTrouble {
                    reason: Reason::TenantMisconfigured,
                    message: format!("no key can sign in: the ALMTenant's signIn.caBundle: {error}"),
                    retry: Retry::Never,
                }
            })?;
            Ok(TokenEndpoint::new(client, network))
        })
    }
}

/// The result of a remote call.
trait CallResult: Send {
    /// Returns the value of the metric's label `result`.
    fn label(&self) -> &'static str;
}

impl CallResult for Verdict {
    fn label(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Refused { .. } => "refused",
            Self::Unknown { .. } => "unknown",
        }
    }
}

impl CallResult for WriteAnswer {
    fn label(&self) -> &'static str {
        match self {
            Self::Done(_) => "ok",
            Self::Changed => "changed",
            Self::Rejected(_) | Self::Refused(_) => "refused",
            Self::Unknown(_) => "unknown",
        }
    }
}

impl<T: Send> CallResult for Result<T, RemoteTrouble> {
    fn label(&self) -> &'static str {
        match self {
            Ok(_) => "ok",
            Err(_) => "failed",
        }
    }
}

/// Returns a check that allows a write only if it is answered, or times out, while this replica surely leads.
fn leadership_guard(leadership: Leadership, timeout: Duration) -> MayWrite {
    Arc::new(move || {
        if leadership.allows_write(timeout) {
            return Ok(());
        }
        Err(RemoteTrouble {
            reason: Reason::NotLeader,
            message: "this replica may stop leading before Landscape Management would answer: nothing was written"
                .into(),
            retry: Retry::Backoff,
        })
    })
}

/// Returns the deadline of one request to the tenant's Landscape Management.
fn deadline(tenant: &ALMTenant) -> Duration {
    tenant.spec.landscape_management.http.timeout.map_or(TIMEOUT, ApiDuration::to_std)
}

/// Returns the tenant's connection if it was made with this version of the configuration, else a new one in its place.
fn reuse_or_connect<T: Clone>(
    connections: &ByTenant<T>,
    tenant: &ALMTenant,
    version: String,
    connect: impl FnOnce() -> Result<T, RemoteTrouble>,
) -> Result<T, RemoteTrouble> {
    let uid = Uid::new(tenant);
    let mut connections = lock(connections);
    if let Some((_, connection)) = connections.get(&uid).filter(|(made_with, _)| *made_with == version) {
        return Ok(connection.clone());
    }
    let connection = connect()?;
    connections.insert(uid, (version, connection.clone()));
    Ok(connection)
}

fn misconfigured(problem: &str, retry: Retry) -> RemoteTrouble {
    RemoteTrouble {
        reason: Reason::TenantMisconfigured,
        message: format!("Landscape Management cannot be used: {problem}"),
        retry,
    }
}

#[async_trait]
impl SignIn for Connection<'_> {
    async fn sign_in(&self, key: &ServiceKey) -> Verdict {
        match self.token_endpoint() {
            Ok(endpoint) => {
                let verdict = self.timed("sign_in", endpoint.sign_in(key)).await;
                self.metrics.sign_in(verdict.label());
                verdict
            }
            Err(trouble) => Verdict::Unknown { message: trouble.message, retry: trouble.retry },
        }
    }
}

#[async_trait]
impl LandscapeManagement for Connection<'_> {
    async fn read_slot(&self) -> Result<Slot, RemoteTrouble> {
        let slot = self.timed("read_slot", self.landscape().await?.read_slot()).await?;
        ignore_dangling_owner(slot, self.cluster, self.tenant, self.cluster_id, self.me).await
    }

    async fn read_content(&self) -> Result<Option<SecretSlice<u8>>, RemoteTrouble> {
        self.timed("read_content", self.landscape().await?.read_content()).await
    }

    async fn put(&self, key: &ServiceKey, owner: &Ownership, revision: &Revision) -> WriteAnswer {
        match self.landscape().await {
            Ok(landscape) => {
                self.abort_if_leadership_lost(self.timed("put", landscape.put(key, owner, revision))).await
            }
            Err(trouble) => WriteAnswer::Refused(trouble),
        }
    }

    async fn set_owner(&self, owner: Option<&Ownership>, revision: &Revision) -> WriteAnswer {
        match self.landscape().await {
            Ok(landscape) => {
                self.abort_if_leadership_lost(self.timed("set_owner", landscape.set_owner(owner, revision))).await
            }
            Err(trouble) => WriteAnswer::Refused(trouble),
        }
    }

    async fn delete(&self, revision: &Revision) -> WriteAnswer {
        match self.landscape().await {
            Ok(landscape) => self.abort_if_leadership_lost(self.timed("delete", landscape.delete(revision))).await,
            Err(trouble) => WriteAnswer::Refused(trouble),
        }
    }
}
