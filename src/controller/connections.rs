//! Connections to the two remote sides of a tenant, reused while tenant and credentials stay the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use url::Url;

use crate::api::ALMTenant;
use crate::api::duration::Duration as ApiDuration;
use crate::api::tenant::{Http, OAuth2, Parameter, SignIn as SignInSpec};
use crate::cluster::OpenSecret;
use crate::cluster::identity::Uid;
use crate::cluster::objects::Objects;
use crate::controller::ca_bundle::{CaBundle, Trust};
use crate::controller::credentials::client_credentials;
use crate::controller::misconfiguration::Misconfiguration;
use crate::controller::references::ReferenceVersions;
use crate::domain::plan::Verdict;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::slot::{Owner, Ownership, RemoteTrouble, Revision, Slot, WriteAnswer};
use crate::executor::ports::{LandscapeManagement, SignIn, SlotContent};
use crate::http::client::{self, Client};
use crate::http::egress::{Egress, Route};
use crate::http::network::Network;
use crate::landscape::dangling_owner::ignore_dangling_owner;
use crate::landscape::http::{HttpLandscape, MayWrite, TokenSource};
use crate::process::leadership::Leadership;
use crate::process::lock::lock;
use crate::process::metrics::Metrics;
use crate::sign_in::TokenEndpoint;

/// Default of `landscapeManagement.http.timeout`, and the deadline of a sign-in.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Parameter of a token request that names the scope.
const SCOPE: &str = "scope";
/// Beginning of the message when Landscape Management cannot be called.
const NO_LANDSCAPE: &str = "Landscape Management cannot be used";
/// Beginning of the message when no token endpoint can be called.
const NO_SIGN_IN: &str = "no key can sign in";

/// The configuration that a connection was made with: its version in the cluster, and the route.
type Configuration = (String, Route);

/// Connections by the uid of their tenant, each with its configuration.
type ByTenant<T> = Mutex<HashMap<Uid, (Configuration, T)>>;

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
    pub(crate) egress: &'a Egress,
    pub(crate) resource_namespace: &'a str,
    /// Versions of the objects in that namespace.
    pub(crate) references: &'a ReferenceVersions,
    /// Identifies this cluster as an owner of slots.
    pub(crate) cluster_id: &'a str,
    pub(crate) leadership: &'a Leadership,
    pub(crate) metrics: &'a Metrics,
    /// The owner on whose behalf the slot is read; none for the tenant itself.
    pub(crate) me: Option<&'a Owner>,
}

impl Connection<'_> {
    /// Returns the client of the slot, with credentials and CA certificates as they are now.
    async fn landscape(&self) -> Result<HttpLandscape, RemoteTrouble> {
        let tenant = self.tenant.ok_or_else(|| no_tenant().trouble(NO_LANDSCAPE))?;
        let route = self.route(NO_LANDSCAPE)?;
        self.connect_to_landscape(tenant, &route).await.map_err(|defect| defect.trouble(NO_LANDSCAPE))
    }

    async fn connect_to_landscape(&self, tenant: &ALMTenant, route: &Route) -> Result<HttpLandscape, Misconfiguration> {
        let http = tenant.spec.landscape_management.http.as_ref().ok_or_else(no_endpoint)?;
        let Http { url, oauth2, ca_bundle, ca_bundle_ref, timeout } = http;
        let trust = Trust {
            field: "landscapeManagement.http",
            inline: ca_bundle.as_deref(),
            reference: ca_bundle_ref.as_ref(),
        };
        let name = &oauth2.secret_ref.name;
        let secret_name = format!("Secret \"{name}\" in namespace \"{}\"", self.resource_namespace);
        let secret = self.credentials(name, &secret_name).await?;
        let secret_version = secret.metadata.resource_version.as_deref().unwrap_or_default();
        let version = format!("{} {secret_version}", generation(tenant));
        self.reuse_or_connect(&self.connections.landscapes, tenant, trust, &version, route, |bundle| {
            let credentials = client_credentials(&secret, &secret_name)?;
            let timeout = timeout.map_or(TIMEOUT, ApiDuration::to_std);
            let client = client::build_client(Network::Any, route, bundle.pem.as_deref(), timeout)
                .map_err(|error| bundle.unusable(&error))?;
            let base = permitted_url("landscapeManagement.http.url", url, &client)?;
            let token_url = permitted_url("landscapeManagement.http.oauth2.tokenUrl", &oauth2.token_url, &client)?;
            let tokens = Arc::new(TokenSource::new(client.clone(), token_url, credentials, parameters(oauth2)));
            Ok(HttpLandscape::new(client, base, tokens, leadership_guard(self.leadership.clone(), timeout)))
        })
        .await
    }

    /// Reads the Secret with the operator's credentials.
    async fn credentials(&self, name: &str, described: &str) -> Result<OpenSecret, Misconfiguration> {
        let passing = |problem: String| Misconfiguration::passing(problem);
        match self.cluster.secret(self.resource_namespace, name).await {
            Ok(Some(secret)) => Ok(OpenSecret::from(secret)),
            Ok(None) => Err(passing(format!("{described}, named in the ALMTenant's oauth2.secretRef, does not exist"))),
            Err(error) => Err(passing(format!("could not read {described}: {}", error.stable_message()))),
        }
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

    /// Returns the client of the token endpoint, with CA certificates as they are now.
    pub(crate) async fn token_endpoint(&self) -> Result<TokenEndpoint, RemoteTrouble> {
        let tenant = self.tenant.ok_or_else(|| no_tenant().trouble(NO_LANDSCAPE))?;
        let route = self.route(NO_SIGN_IN)?;
        self.connect_to_token_endpoint(tenant, &route).await.map_err(|defect| defect.trouble(NO_SIGN_IN))
    }

    async fn connect_to_token_endpoint(
        &self,
        tenant: &ALMTenant,
        route: &Route,
    ) -> Result<TokenEndpoint, Misconfiguration> {
        let SignInSpec { hosts: _, ca_bundle, ca_bundle_ref, allow_private_networks } =
            tenant.spec.sign_in.clone().unwrap_or_default();
        let trust = Trust { field: "signIn", inline: ca_bundle.as_deref(), reference: ca_bundle_ref.as_ref() };
        let version = generation(tenant).to_string();
        self.reuse_or_connect(&self.connections.token_endpoints, tenant, trust, &version, route, |bundle| {
            let network = match allow_private_networks {
                Some(true) => Network::Any,
                Some(false) | None => Network::Public,
            };
            let client = client::build_client(network, route, bundle.pem.as_deref(), TIMEOUT)
                .map_err(|error| bundle.unusable(&error))?;
            Ok(TokenEndpoint::new(client))
        })
        .await
    }

    /// Returns the tenant's connection if its configuration is unchanged, else a new one in its place. `version` stands
    /// for all of the configuration but the CA certificates and the route.
    async fn reuse_or_connect<T: Clone>(
        &self,
        connections: &ByTenant<T>,
        tenant: &ALMTenant,
        trust: Trust<'_>,
        version: &str,
        route: &Route,
        connect: impl FnOnce(&CaBundle) -> Result<T, Misconfiguration>,
    ) -> Result<T, Misconfiguration> {
        let configuration = |bundle: &str| (format!("{version} {bundle}"), route.clone());
        if let Some(open) = reuse(connections, tenant, &configuration(&trust.latest_version(self.references))) {
            return Ok(open);
        }
        let bundle = trust.read(self.cluster, self.resource_namespace).await?;
        let read = configuration(&bundle.version);
        if let Some(open) = reuse(connections, tenant, &read) {
            return Ok(open);
        }
        let connection = connect(&bundle)?;
        lock(connections).insert(Uid::new(tenant), (read, connection.clone()));
        Ok(connection)
    }

    /// Returns the route of new connections. `consequence` is what follows if there is none.
    fn route(&self, consequence: &str) -> Result<Route, RemoteTrouble> {
        self.egress.route().map_err(|error| RemoteTrouble {
            reason: Reason::LandscapeManagementUnavailable,
            message: format!("{consequence}: {error}"),
            retry: Retry::Backoff,
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
            Self::Done(_) | Self::HandedOver(_) => "ok",
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

/// Returns the tenant's connection if it was made with this configuration.
fn reuse<T: Clone>(connections: &ByTenant<T>, tenant: &ALMTenant, configuration: &Configuration) -> Option<T> {
    let connections = lock(connections);
    let (made_with, connection) = connections.get(&Uid::new(tenant))?;
    (made_with == configuration).then(|| connection.clone())
}

/// Returns the number of the tenant's last change of `spec`.
fn generation(tenant: &ALMTenant) -> i64 {
    tenant.metadata.generation.unwrap_or_default()
}

fn no_endpoint() -> Misconfiguration {
    Misconfiguration::lasting("the ALMTenant's landscapeManagement names no HTTP endpoint".into())
}

fn no_tenant() -> Misconfiguration {
    Misconfiguration::lasting("the ALMTenant does not exist".into())
}

/// Parses a URL of a tenant, and checks what can be checked of its host.
fn permitted_url(field: &str, text: &str, client: &Client) -> Result<Url, Misconfiguration> {
    let invalid = |problem: &str| Misconfiguration::lasting(format!("the ALMTenant's {field} {problem}"));
    let url = Url::parse(text).map_err(|_| invalid("is no URL"))?;
    client.check(&url).map_err(|error| invalid(&format!("is not allowed: {error}")))?;
    Ok(url)
}

/// Returns the parameters of the tenant's token requests that every reader of the tenant may know.
fn parameters(oauth2: &OAuth2) -> Vec<(String, String)> {
    let scope = oauth2.scope.iter().map(|scope| (SCOPE.to_owned(), scope.clone()));
    let further = oauth2.parameters.iter().flatten();
    scope.chain(further.map(|Parameter { name, value }| (name.clone(), value.clone()))).collect()
}

#[async_trait]
impl SignIn for Connection<'_> {
    async fn sign_in(&self, key: &ServiceKey) -> Verdict {
        match self.token_endpoint().await {
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

    async fn read_content(&self) -> Result<Option<SlotContent>, RemoteTrouble> {
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
