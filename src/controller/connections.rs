//! Connections to the two remote sides of a tenant, made once and kept while tenant and credentials stay the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use kube::ResourceExt;
use secrecy::{SecretSlice, SecretString};
use url::Url;

use crate::api::ALMTenant;
use crate::api::duration::Duration as ApiDuration;
use crate::cluster::OpenSecret;
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
use crate::process::metrics::Metrics;
use crate::sign_in::TokenEndpoint;

/// Default of `landscapeManagement.http.timeout`, and deadline of a sign-in.
const TIMEOUT: Duration = Duration::from_secs(10);
const CLIENT_ID: &str = "clientId";
const CLIENT_SECRET: &str = "clientSecret";

/// Open connections, by the tenant's uid.
#[derive(Default)]
pub(crate) struct Connections {
    landscapes: Mutex<HashMap<String, (String, HttpLandscape)>>,
    token_endpoints: Mutex<HashMap<String, (String, TokenEndpoint)>>,
}

impl Connections {
    /// Closes what is open to a tenant that has gone.
    pub(crate) fn forget(&self, tenant: &ALMTenant) {
        let uid = tenant.uid().unwrap_or_default();
        self.landscapes.lock().unwrap_or_else(PoisonError::into_inner).remove(&uid);
        self.token_endpoints.lock().unwrap_or_else(PoisonError::into_inner).remove(&uid);
    }
}

/// One tenant, connected to when that is first needed: a pass that has nothing to ask opens nothing.
pub(crate) struct Connection<'a> {
    pub(crate) connections: &'a Connections,
    pub(crate) cluster: &'a dyn Objects,
    pub(crate) tenant: Option<&'a ALMTenant>,
    pub(crate) resource_namespace: &'a str,
    /// As what this cluster owns slots.
    pub(crate) cluster_id: &'a str,
    pub(crate) leadership: &'a Leadership,
    pub(crate) metrics: &'a Metrics,
    /// The object that looks; none if it is the tenant itself.
    pub(crate) me: Option<&'a Owner>,
}

impl Connection<'_> {
    /// The slot, with the credentials as they are now.
    async fn landscape(&self) -> Result<HttpLandscape, RemoteTrouble> {
        let tenant = self.tenant.ok_or_else(|| misconfigured("there is no tenant", Retry::Never))?;
        let http = &tenant.spec.landscape_management.http;
        let name = &http.oauth2.secret_ref.name;
        let place = || format!("Secret \"{name}\" in namespace \"{}\"", self.resource_namespace);
        let secret = match self.cluster.secret(self.resource_namespace, name).await {
            Ok(Some(secret)) => OpenSecret::from(secret),
            Ok(None) => {
                let what = format!("{}, named in the ALMTenant's oauth2.secretRef, does not exist", place());
                return Err(misconfigured(&what, Retry::Backoff));
            }
            Err(error) => {
                return Err(misconfigured(
                    &format!("could not read {}: {}", place(), error.stable_message()),
                    Retry::Backoff,
                ));
            }
        };
        let version = secret.metadata.resource_version.as_deref().unwrap_or_default();
        let stamp = format!("{} {version}", tenant.metadata.generation.unwrap_or_default());
        keep(&self.connections.landscapes, tenant, stamp, || {
            let entry = |entry: &str| {
                let text =
                    secret.entries.get(entry).and_then(|bytes| std::str::from_utf8(&bytes.0).ok()).map(str::trim);
                text.map(str::to_owned).filter(|text| !text.is_empty()).ok_or_else(|| {
                    misconfigured(&format!("{} has no text in its entry \"{entry}\"", place()), Retry::Backoff)
                })
            };
            let credentials = ClientCredentials {
                client_id: entry(CLIENT_ID)?,
                client_secret: SecretString::from(entry(CLIENT_SECRET)?),
            };
            let url = |field: &str, text: &str| -> Result<Url, RemoteTrouble> {
                let wrong = |what: &str| misconfigured(&format!("the ALMTenant's {field} {what}"), Retry::Never);
                let url = Url::parse(text).map_err(|_| wrong("is no URL"))?;
                Network::Any.check_literal(&url).map_err(|error| wrong(&format!("cannot be: {error}")))?;
                Ok(url)
            };
            let base = url("landscapeManagement.http.url", &http.url)?;
            let token_url = url("landscapeManagement.http.oauth2.tokenUrl", &http.oauth2.token_url)?;
            let timeout = deadline(tenant);
            let client = client::build_client(Network::Any, http.ca_bundle.as_deref(), timeout).map_err(|error| {
                misconfigured(&format!("the ALMTenant's landscapeManagement.http.caBundle: {error}"), Retry::Never)
            })?;
            let tokens = Arc::new(TokenSource::new(client.clone(), token_url, credentials));
            Ok(HttpLandscape::new(client, base, tokens, while_leading(self.leadership.clone(), timeout)))
        })
    }

    /// Makes a write, and waits for its answer while this replica still leads.
    async fn leading(&self, write: impl Future<Output = WriteAnswer> + Send) -> WriteAnswer {
        self.leadership.run_while_leading(write).await.unwrap_or_else(|| {
            WriteAnswer::Unknown(RemoteTrouble {
                reason: Reason::NotLeader,
                message: "this replica ceased to lead before Landscape Management answered".into(),
                retry: Retry::Backoff,
            })
        })
    }

    /// Makes a call and counts how long it took.
    async fn timed<T: Labelled>(&self, operation: &'static str, call: impl Future<Output = T> + Send) -> T {
        let began = Instant::now();
        let answer = call.await;
        self.metrics.call(operation, answer.result(), began.elapsed());
        answer
    }

    /// Where keys sign in, connected to when the first one does.
    pub(crate) fn token_endpoint(&self) -> Result<TokenEndpoint, RemoteTrouble> {
        let tenant = self.tenant.ok_or_else(|| misconfigured("there is no tenant", Retry::Never))?;
        let stamp = tenant.metadata.generation.unwrap_or_default().to_string();
        keep(&self.connections.token_endpoints, tenant, stamp, || {
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

/// What came of a call, as a metric tells it.
trait Labelled: Send {
    fn result(&self) -> &'static str;
}

impl Labelled for Verdict {
    fn result(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Refused { .. } => "refused",
            Self::Unknown { .. } => "unknown",
        }
    }
}

impl Labelled for WriteAnswer {
    fn result(&self) -> &'static str {
        match self {
            Self::Done(_) => "ok",
            Self::Changed => "changed",
            Self::Rejected(_) | Self::Refused(_) => "refused",
            Self::Unknown(_) => "unknown",
        }
    }
}

impl<T: Send> Labelled for Result<T, RemoteTrouble> {
    fn result(&self) -> &'static str {
        match self {
            Ok(_) => "ok",
            Err(_) => "failed",
        }
    }
}

/// A write is sent if it is answered, or given up, while this replica still leads.
fn while_leading(leadership: Leadership, timeout: Duration) -> MayWrite {
    Arc::new(move || {
        if leadership.allows_write(timeout) {
            return Ok(());
        }
        Err(RemoteTrouble {
            reason: Reason::NotLeader,
            message: "this replica may cease to lead before Landscape Management would answer: nothing was written"
                .into(),
            retry: Retry::Backoff,
        })
    })
}

/// How long one request to the tenant's Landscape Management may take.
fn deadline(tenant: &ALMTenant) -> Duration {
    tenant.spec.landscape_management.http.timeout.map_or(TIMEOUT, ApiDuration::to_std)
}

/// The connection under the tenant's uid if it is still of that stamp, else a new one in its place.
fn keep<T: Clone>(
    kept: &Mutex<HashMap<String, (String, T)>>,
    tenant: &ALMTenant,
    stamp: String,
    connect: impl FnOnce() -> Result<T, RemoteTrouble>,
) -> Result<T, RemoteTrouble> {
    let uid = tenant.uid().unwrap_or_default();
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, connection)) = kept.get(&uid).filter(|(of, _)| *of == stamp) {
        return Ok(connection.clone());
    }
    let connection = connect()?;
    kept.insert(uid, (stamp, connection.clone()));
    Ok(connection)
}

fn misconfigured(what: &str, retry: Retry) -> RemoteTrouble {
    RemoteTrouble {
        reason: Reason::TenantMisconfigured,
        message: format!("Landscape Management cannot be used: {what}"),
        retry,
    }
}

#[async_trait]
impl SignIn for Connection<'_> {
    async fn sign_in(&self, key: &ServiceKey) -> Verdict {
        match self.token_endpoint() {
            Ok(endpoint) => {
                let verdict = self.timed("sign_in", endpoint.sign_in(key)).await;
                self.metrics.sign_in(verdict.result());
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

    async fn put(&self, key: &ServiceKey, owner: &Owner, revision: &Revision) -> WriteAnswer {
        match self.landscape().await {
            Ok(landscape) => self.leading(self.timed("put", landscape.put(key, owner, revision))).await,
            Err(trouble) => WriteAnswer::Refused(trouble),
        }
    }

    async fn set_owner(&self, owner: Option<&Ownership>, revision: &Revision) -> WriteAnswer {
        match self.landscape().await {
            Ok(landscape) => self.leading(self.timed("set_owner", landscape.set_owner(owner, revision))).await,
            Err(trouble) => WriteAnswer::Refused(trouble),
        }
    }

    async fn delete(&self, revision: &Revision) -> WriteAnswer {
        match self.landscape().await {
            Ok(landscape) => self.leading(self.timed("delete", landscape.delete(revision))).await,
            Err(trouble) => WriteAnswer::Refused(trouble),
        }
    }
}
