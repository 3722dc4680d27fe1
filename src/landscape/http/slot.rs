//! The slot over HTTP: reads and conditional writes.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE, IF_MATCH};
use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret;
use serde::de::IgnoredAny;
use url::Url;

use super::answer::{SERVICE, body, revision, trouble, unavailable, unexpected, written};
use super::token::TokenSource;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::slot::{Basis, Owner, Ownership, RemoteTrouble, Revision, Slot, WriteAnswer};
use crate::executor::ports::{LandscapeManagement, SlotContent};
use crate::http::client::{Answer, Client, NoAnswer};
use crate::landscape::contract::{
    EMPTY, KeyDto, OwnerDto, PatchDto, ProblemDto, PutDto, SERVICE_KEY_CONTENT_PATH, SERVICE_KEY_PATH, SlotDto,
};

/// A check that is made just before a write is sent. Its error is the reason not to send it.
pub type MayWrite = Arc<dyn Fn() -> Result<(), RemoteTrouble> + Send + Sync>;

/// The slot of one tenant, at an endpoint that implements the contract.
#[derive(Clone)]
pub struct HttpLandscape {
    client: Client,
    base: Url,
    tokens: Arc<TokenSource>,
    may_write: MayWrite,
}

/// The error of a request without an answer.
enum RequestError {
    /// The request was not sent: there was no token for it, or the write is not permitted.
    NotSent(RemoteTrouble),
    /// The request may have been sent.
    NoAnswer(NoAnswer),
}

impl HttpLandscape {
    /// Creates the client for the endpoint at `base`. `may_write` is called just before each write is sent, because
    /// fetching a token may take long.
    #[must_use]
    pub fn new(client: Client, base: Url, tokens: Arc<TokenSource>, may_write: MayWrite) -> Self {
        Self { client, base, tokens, may_write }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        self.client.request(method, url).header(ACCEPT, "application/json")
    }

    /// Sends a request with a token, and repeats it with a fresh token after a 401. A refused request has had no
    /// effect.
    async fn send_authorized(
        &self,
        build: impl Fn() -> RequestBuilder,
        may_be_sent: impl Fn() -> Result<(), RemoteTrouble>,
    ) -> Result<Answer, RequestError> {
        let answer = self.send_once(build(), &may_be_sent).await?;
        if answer.status.as_u16() != 401 {
            return Ok(answer);
        }
        self.tokens.forget().await;
        self.send_once(build(), &may_be_sent).await
    }

    async fn send_once(
        &self,
        request: RequestBuilder,
        may_be_sent: impl Fn() -> Result<(), RemoteTrouble>,
    ) -> Result<Answer, RequestError> {
        let token = self.tokens.token().await.map_err(RequestError::NotSent)?;
        may_be_sent().map_err(RequestError::NotSent)?;
        self.client.send(request.bearer_auth(token.expose_secret())).await.map_err(RequestError::NoAnswer)
    }

    async fn read(&self, path: &str) -> Result<Answer, RemoteTrouble> {
        self.send_authorized(|| self.request(Method::GET, path), || Ok(())).await.map_err(|error| match error {
            RequestError::NotSent(trouble) => trouble,
            RequestError::NoAnswer(error) => unavailable(SERVICE, &error),
        })
    }

    async fn write(&self, attempt: &str, build: impl Fn() -> RequestBuilder) -> WriteAnswer {
        match self.send_authorized(build, || (self.may_write)()).await {
            Ok(answer) => written(attempt, &answer),
            Err(RequestError::NotSent(trouble)) => WriteAnswer::Refused(trouble),
            Err(RequestError::NoAnswer(error)) if error.may_have_arrived => {
                WriteAnswer::Unknown(unavailable(SERVICE, &error))
            }
            Err(RequestError::NoAnswer(error)) => WriteAnswer::Refused(unavailable(SERVICE, &error)),
        }
    }
}

#[async_trait]
impl LandscapeManagement for HttpLandscape {
    async fn read_slot(&self) -> Result<Slot, RemoteTrouble> {
        parse_slot(&self.read(SERVICE_KEY_PATH).await?)
    }

    async fn read_content(&self) -> Result<Option<SlotContent>, RemoteTrouble> {
        let attempt = "return the service key";
        let answer = self.read(SERVICE_KEY_CONTENT_PATH).await?;
        match answer.status.as_u16() {
            // A page of an intermediary, or a truncated answer, must not be taken for another key.
            200 if is_object(&answer.body) => {
                revision(attempt, &answer).map(|_| Some(SlotContent::Document(answer.body.into())))
            }
            200 => Err(contract_violation(attempt)),
            404 => empty(attempt, &answer).map(|_| None),
            _ => Err(unexpected(attempt, &answer)),
        }
    }

    async fn put(&self, key: &ServiceKey, owner: &Ownership, revision: &Revision) -> WriteAnswer {
        let attempt = "store the service key";
        let Ok(body) = put_body(key, owner) else {
            return WriteAnswer::Rejected("the key cannot be written as JSON".into());
        };
        self.write(attempt, || {
            self.request(Method::PUT, SERVICE_KEY_PATH)
                .header(IF_MATCH, revision.as_str())
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone())
        })
        .await
    }

    async fn set_owner(&self, owner: Option<&Ownership>, revision: &Revision) -> WriteAnswer {
        let attempt = "change the owner of the service key";
        let body = PatchDto { owner: owner.map(to_wire) };
        self.write(attempt, || {
            self.request(Method::PATCH, SERVICE_KEY_PATH).header(IF_MATCH, revision.as_str()).json(&body)
        })
        .await
    }

    async fn delete(&self, revision: &Revision) -> WriteAnswer {
        let attempt = "delete the service key";
        self.write(attempt, || self.request(Method::DELETE, SERVICE_KEY_PATH).header(IF_MATCH, revision.as_str())).await
    }
}

/// Parses the answer to a `GET` of the slot.
///
/// # Errors
/// The answer does not conform to the contract.
pub fn parse_slot(answer: &Answer) -> Result<Slot, RemoteTrouble> {
    let attempt = "return the slot";
    match answer.status.as_u16() {
        404 => Ok(Slot::Empty { revision: empty(attempt, answer)? }),
        200 => {
            let SlotDto { owner, .. } = body(answer).ok_or_else(|| contract_violation(attempt))?;
            let owner = owner.map(|owner| from_wire(owner).ok_or_else(|| contract_violation(attempt))).transpose()?;
            Ok(Slot::Filled { revision: revision(attempt, answer)?, owner, basis: Basis::Content })
        }
        _ => Err(unexpected(attempt, answer)),
    }
}

/// Returns true if the bytes are a JSON object. No value of it is kept.
#[expect(clippy::zero_sized_map_values, reason = "a set would also be read from an array")]
fn is_object(bytes: &[u8]) -> bool {
    serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(bytes).is_ok()
}

/// Returns the body of a `PUT` of the key.
fn put_body(key: &ServiceKey, owner: &Ownership) -> serde_json::Result<Bytes> {
    let key = serde_json::from_str(key.document().expose_secret())?;
    serde_json::to_vec(&PutDto { owner: to_wire(owner), key: KeyDto(key) }).map(Bytes::from)
}

fn contract_violation(attempt: &str) -> RemoteTrouble {
    let message = format!("{SERVICE} did not answer as the contract requires when asked to {attempt}");
    trouble(Reason::LandscapeManagementUnavailable, message, Retry::Backoff)
}

fn to_wire(ownership: &Ownership) -> OwnerDto {
    let Ownership { owner: Owner { cluster_id, namespace, name }, adopted } = ownership.clone();
    OwnerDto { cluster_id, namespace, name, adopted }
}

/// Converts an owner, or returns none if its names are not well formed. Other clients write them, and they go into
/// messages and requests.
fn from_wire(owner: OwnerDto) -> Option<Ownership> {
    let OwnerDto { cluster_id, namespace, name, adopted } = owner;
    let owner = Owner { cluster_id, namespace, name };
    owner.is_well_formed().then_some(Ownership { owner, adopted })
}

/// Reads the revision of the empty slot. A 404 of another server, for example for a wrong path, does not mean that the
/// slot is empty.
fn empty(attempt: &str, answer: &Answer) -> Result<Revision, RemoteTrouble> {
    if body(answer).is_some_and(|problem: ProblemDto| problem.code == EMPTY) {
        return revision(attempt, answer);
    }
    Err(unexpected(attempt, answer))
}
