//! The slot over HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::header::{ACCEPT, CONTENT_TYPE, IF_MATCH};
use reqwest::{Client, Method, RequestBuilder};
use secrecy::{ExposeSecret, SecretSlice};
use serde::de::IgnoredAny;
use url::Url;

use super::answer::{WHERE, body, revision, trouble, unavailable, unexpected, written};
use super::token::TokenSource;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::slot::{Owner, Ownership, RemoteTrouble, Revision, Slot, WriteAnswer};
use crate::executor::ports::LandscapeManagement;
use crate::http::client::{Answer, NoAnswer, send};
use crate::landscape::contract::{
    EMPTY, KeyDto, OwnerDto, PatchDto, ProblemDto, PutDto, SERVICE_KEY_CONTENT_PATH, SERVICE_KEY_PATH, SlotDto,
};
use crate::wiped::{Buffer, Wipe};

/// Its names are shorter than that.
const OWNER_RESERVE_BYTES: usize = 1024;

/// Says of a write that is about to be sent why it must not be.
pub type MayWrite = Arc<dyn Fn() -> Result<(), RemoteTrouble> + Send + Sync>;

/// The slot of one tenant, at an endpoint that speaks the contract.
#[derive(Clone)]
pub struct HttpLandscape {
    client: Client,
    base: Url,
    tokens: Arc<TokenSource>,
    may_write: MayWrite,
}

/// Why a request has no answer.
enum Failed {
    /// It was not sent: there is no token for it, or it must not be.
    NotSent(RemoteTrouble),
    /// It may have been sent.
    NoAnswer(NoAnswer),
}

impl HttpLandscape {
    /// Below `base`. `may_write` is asked just before each write is sent: getting a token for it may have taken long.
    #[must_use]
    pub fn new(client: Client, base: Url, tokens: Arc<TokenSource>, may_write: MayWrite) -> Self {
        Self { client, base, tokens, may_write }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        self.client.request(method, url).header(ACCEPT, "application/json")
    }

    /// Sends with a token; once more with a fresh one if that was refused. A 401 has no effect, so this repeats nothing.
    async fn authorised(
        &self,
        build: impl Fn() -> RequestBuilder,
        may_be_sent: impl Fn() -> Result<(), RemoteTrouble>,
    ) -> Result<Answer, Failed> {
        let first = self.once(build(), &may_be_sent).await?;
        if first.status.as_u16() != 401 {
            return Ok(first);
        }
        self.tokens.forget().await;
        self.once(build(), &may_be_sent).await
    }

    async fn once(
        &self,
        request: RequestBuilder,
        may_be_sent: impl Fn() -> Result<(), RemoteTrouble>,
    ) -> Result<Answer, Failed> {
        let token = self.tokens.token().await.map_err(Failed::NotSent)?;
        may_be_sent().map_err(Failed::NotSent)?;
        send(request.bearer_auth(token.expose_secret())).await.map_err(Failed::NoAnswer)
    }

    async fn read(&self, path: &str) -> Result<Answer, RemoteTrouble> {
        self.authorised(|| self.request(Method::GET, path), || Ok(())).await.map_err(|failed| match failed {
            Failed::NotSent(trouble) => trouble,
            Failed::NoAnswer(error) => unavailable(WHERE, &error),
        })
    }

    async fn write(&self, attempt: &str, build: impl Fn() -> RequestBuilder) -> WriteAnswer {
        match self.authorised(build, || (self.may_write)()).await {
            Ok(answer) => written(attempt, &answer),
            Err(Failed::NotSent(trouble)) => WriteAnswer::Refused(trouble),
            Err(Failed::NoAnswer(error)) if error.may_have_arrived => WriteAnswer::Unknown(unavailable(WHERE, &error)),
            Err(Failed::NoAnswer(error)) => WriteAnswer::Refused(unavailable(WHERE, &error)),
        }
    }
}

#[async_trait]
impl LandscapeManagement for HttpLandscape {
    async fn read_slot(&self) -> Result<Slot, RemoteTrouble> {
        shown(&self.read(SERVICE_KEY_PATH).await?)
    }

    async fn read_content(&self) -> Result<Option<SecretSlice<u8>>, RemoteTrouble> {
        let attempt = "hand out the service key";
        let answer = self.read(SERVICE_KEY_CONTENT_PATH).await?;
        match answer.status.as_u16() {
            // A page of something in between, or half an answer, must not pass for another key than ours.
            200 if is_object(&answer.body) => {
                revision(attempt, &answer).map(|_| Some(SecretSlice::from(answer.body.to_vec())))
            }
            200 => Err(not_as_agreed(attempt)),
            404 => empty(attempt, &answer).map(|_| None),
            _ => Err(unexpected(attempt, &answer)),
        }
    }

    async fn put(&self, key: &ServiceKey, owner: &Owner, revision: &Revision) -> WriteAnswer {
        let attempt = "take the service key";
        let Ok(body) = put_body(key, owner) else {
            return WriteAnswer::Rejected("the key cannot be written as JSON".into());
        };
        let body = body.into_bytes();
        self.write(attempt, || {
            self.request(Method::PUT, SERVICE_KEY_PATH)
                .header(IF_MATCH, revision.as_str())
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone())
        })
        .await
    }

    async fn set_owner(&self, owner: Option<&Ownership>, revision: &Revision) -> WriteAnswer {
        let attempt = "note who looks after the service key";
        let body = PatchDto { owner: owner.map(|held| to_wire(&held.owner, held.adopted)) };
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

/// What the slot holds, by the answer to a `GET` of it.
///
/// # Errors
/// The answer is none that the contract has.
pub fn shown(answer: &Answer) -> Result<Slot, RemoteTrouble> {
    let attempt = "show the service key";
    match answer.status.as_u16() {
        404 => Ok(Slot::Empty { revision: empty(attempt, answer)? }),
        200 => {
            let SlotDto { owner, .. } = body(answer).ok_or_else(|| not_as_agreed(attempt))?;
            let owner = owner.map(|owner| from_wire(owner).ok_or_else(|| not_as_agreed(attempt))).transpose()?;
            Ok(Slot::Filled { revision: revision(attempt, answer)?, owner })
        }
        _ => Err(unexpected(attempt, answer)),
    }
}

/// Whether this is a JSON object, whatever is in it. Keeps no value of it.
#[expect(clippy::zero_sized_map_values, reason = "a set would be read from an array")]
fn is_object(bytes: &[u8]) -> bool {
    serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(bytes).is_ok()
}

/// The key as it goes over the wire, in memory that is overwritten when it has gone.
fn put_body(key: &ServiceKey, owner: &Owner) -> serde_json::Result<Buffer> {
    let document = key.document().expose_secret();
    let mut put = PutDto { owner: to_wire(owner, false), key: KeyDto(serde_json::from_str(document)?) };
    let mut body = Buffer::with_capacity(document.len() + OWNER_RESERVE_BYTES);
    let written = serde_json::to_writer(&mut body, &put);
    put.key.0.wipe();
    written.map(|()| body)
}

fn not_as_agreed(attempt: &str) -> RemoteTrouble {
    let message = format!("{WHERE} did not answer as agreed when asked to {attempt}");
    trouble(Reason::LandscapeManagementUnavailable, message, Retry::Backoff)
}

fn to_wire(owner: &Owner, adopted: bool) -> OwnerDto {
    let Owner { cluster_id, namespace, name } = owner.clone();
    OwnerDto { cluster_id, namespace, name, adopted }
}

/// None if it is no name of an object: others write it, and it goes into messages and requests.
fn from_wire(owner: OwnerDto) -> Option<Ownership> {
    let OwnerDto { cluster_id, namespace, name, adopted } = owner;
    let owner = Owner { cluster_id, namespace, name };
    owner.is_well_formed().then_some(Ownership { owner, adopted })
}

/// The revision of the empty slot. A 404 of something else, such as a wrong path, does not say that it is empty.
fn empty(attempt: &str, answer: &Answer) -> Result<Revision, RemoteTrouble> {
    let says_so = |problem: ProblemDto| problem.code == EMPTY;
    if body(answer).is_some_and(says_so) {
        return revision(attempt, answer);
    }
    Err(unexpected(attempt, answer))
}
