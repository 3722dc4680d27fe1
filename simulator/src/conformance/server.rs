//! The server under test: requests to it, and observations of its answers.

use std::collections::HashSet;
use std::error::Error;
use std::time::Duration;

use alm_key_operator::http::client::{self, Client};
use alm_key_operator::http::egress::Route;
use alm_key_operator::http::network::Network;
use alm_key_operator::landscape::contract::{SERVICE_KEY_CONTENT_PATH, SERVICE_KEY_PATH};
use reqwest::header::{CONTENT_TYPE, ETAG, IF_MATCH};
use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::keys::Keys;
use super::verdict::{Failed, not_run};
use crate::contract::{Contract, Exchange};

/// The URLs of a server, and the credentials for it.
pub(super) struct Access {
    pub(super) url: Url,
    pub(super) token_url: Url,
    pub(super) client_id: String,
    pub(super) client_secret: SecretString,
    pub(super) ca_bundle: Option<String>,
    pub(super) timeout: Duration,
}

/// A server under test.
pub(super) struct Server {
    client: Client,
    base: Url,
    token: SecretString,
    contract: Contract,
    pub(super) keys: Keys,
    pub(super) observations: Observations,
}

/// Observations that span several answers.
#[derive(Default)]
pub(super) struct Observations {
    revisions: HashSet<String>,
    /// Revision that the last write announced, until the next read.
    announced: Option<String>,
    /// Revisions that were used twice.
    pub(super) reused: Vec<String>,
    /// Writes that announced another revision than the next read showed.
    pub(super) wrongly_announced: Vec<String>,
    /// Answers that the document does not declare.
    pub(super) undeclared: Vec<String>,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) etag: Option<String>,
    pub(super) body: Vec<u8>,
}

/// The whole visible state of the slot.
#[derive(PartialEq)]
pub(super) struct Snapshot {
    pub(super) revision: String,
    slot: Vec<u8>,
    content: Vec<u8>,
}

impl Answer {
    /// Returns the body as JSON; null if it is not JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Server {
    /// Signs in to the server.
    pub(super) async fn connect(access: Access, keys: Keys) -> Result<Self, Box<dyn Error>> {
        let client = client::build_client(Network::Any, &Route::DIRECT, access.ca_bundle.as_deref(), access.timeout)?;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &access.client_id),
            ("client_secret", access.client_secret.expose_secret()),
        ];
        let request = client.request(Method::POST, access.token_url).form(&form);
        let answer = client.send(request).await.map_err(|error| error.message)?;
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let Some(token) = body["access_token"].as_str() else {
            return Err(format!("the token endpoint answered {} without a token", answer.status.as_u16()).into());
        };
        let (token, contract) = (token.into(), Contract::new()?);
        Ok(Self { client, base: access.url, token, contract, keys, observations: Observations::default() })
    }

    /// Checks that the slot is empty, and empties it if `delete` allows this.
    pub(super) async fn check_start(&mut self, delete: bool) -> Result<(), Box<dyn Error>> {
        let answer = self.slot().await.map_err(Failed::reason)?;
        match answer.status {
            404 => Ok(()),
            200 if delete => self.ensure_empty().await.map(|_| ()).map_err(|failed| failed.reason().into()),
            200 => Err("the slot holds a key, so that no check was run; --delete-present-key deletes it first".into()),
            status => Err(format!("the server answered {status} to a GET of the slot").into()),
        }
    }

    /// Sends `GET /v1/service-key`.
    pub(super) async fn slot(&mut self) -> Result<Answer, Failed> {
        let answer = self.send(Method::GET, SERVICE_KEY_PATH, |request| request).await?;
        if let (Some(announced), Some(etag)) = (self.observations.announced.take(), &answer.etag)
            && announced != *etag
        {
            self.observations.wrongly_announced.push(format!("a write announced {announced}, the slot shows {etag}"));
        }
        Ok(answer)
    }

    /// Sends `GET /v1/service-key/content`.
    pub(super) async fn content(&mut self) -> Result<Answer, Failed> {
        self.send(Method::GET, SERVICE_KEY_CONTENT_PATH, |request| request).await
    }

    /// Sends a `PUT` of a key.
    pub(super) async fn put(&mut self, if_match: &str, owner: &Value, key: &Value) -> Result<Answer, Failed> {
        self.write(Method::PUT, Some(if_match), Some(&json!({ "owner": owner, "key": key }))).await
    }

    /// Sends a `PATCH` of the owner.
    pub(super) async fn patch(&mut self, if_match: &str, owner: &Value) -> Result<Answer, Failed> {
        self.write(Method::PATCH, Some(if_match), Some(&json!({ "owner": owner }))).await
    }

    /// Sends a `DELETE`.
    pub(super) async fn delete(&mut self, if_match: &str) -> Result<Answer, Failed> {
        self.write(Method::DELETE, Some(if_match), None).await
    }

    /// Sends any write.
    pub(super) async fn write(
        &mut self,
        method: Method,
        if_match: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, Failed> {
        self.send(method, SERVICE_KEY_PATH, |mut request| {
            if let Some(revision) = if_match {
                request = request.header(IF_MATCH, revision);
            }
            match body {
                Some(body) => request.json(body),
                None => request,
            }
        })
        .await
    }

    /// Sends a `PUT` of a text with a content type.
    pub(super) async fn put_raw(&mut self, if_match: &str, kind: &str, body: String) -> Result<Answer, Failed> {
        self.send(Method::PUT, SERVICE_KEY_PATH, |request| {
            request.header(IF_MATCH, if_match).header(CONTENT_TYPE, kind).body(body)
        })
        .await
    }

    /// Sends a request with this token, or with none.
    pub(super) async fn send_with_token(&mut self, method: Method, token: Option<&str>) -> Result<Answer, Failed> {
        let request = self.request(method.clone(), SERVICE_KEY_PATH).header(IF_MATCH, "\"none\"");
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        self.exchange(&method, SERVICE_KEY_PATH, request).await
    }

    /// Sends two concurrent `PUT`s for the same revision, and returns the statuses.
    pub(super) async fn put_twice(&mut self, if_match: &str, owner: &Value) -> Result<[u16; 2], Failed> {
        let put = |key: &Value| {
            let body = json!({ "owner": owner, "key": key });
            let request = self.request(Method::PUT, SERVICE_KEY_PATH).bearer_auth(self.token.expose_secret());
            self.client.send(request.header(IF_MATCH, if_match).json(&body))
        };
        let (first, second) = futures::join!(put(&self.keys.first), put(&self.keys.second));
        let status = |answer: Result<client::Answer, client::NoAnswer>| match answer {
            Ok(answer) => Ok(answer.status.as_u16()),
            Err(error) => Err(Failed::NotOk(error.message)),
        };
        Ok([status(first)?, status(second)?])
    }

    /// Returns the revision that the slot shows.
    pub(super) async fn revision(&mut self) -> Result<String, Failed> {
        let answer = self.slot().await?;
        answer.etag.ok_or_else(|| not_run(format!("the slot shows no revision ({})", answer.status)))
    }

    /// Returns the whole visible state of the slot.
    pub(super) async fn snapshot(&mut self) -> Result<Snapshot, Failed> {
        let slot = self.slot().await?;
        let revision = slot.etag.ok_or_else(|| not_run("the slot shows no revision"))?;
        Ok(Snapshot { revision, slot: slot.body, content: self.content().await?.body })
    }

    /// Empties the slot if it is not empty, and returns its revision.
    pub(super) async fn ensure_empty(&mut self) -> Result<String, Failed> {
        let slot = self.slot().await?;
        let revision = slot.etag.ok_or_else(|| not_run("the slot shows no revision"))?;
        if slot.status == 404 {
            return Ok(revision);
        }
        self.delete(&revision).await?;
        let slot = self.slot().await?;
        match (slot.status, slot.etag) {
            (404, Some(revision)) => Ok(revision),
            (status, _) => Err(not_run(format!("the slot could not be emptied ({status})"))),
        }
    }

    /// Fills the slot with the first key under an owner, and returns its revision.
    pub(super) async fn ensure_filled(&mut self, owner: &Value) -> Result<String, Failed> {
        let revision = self.ensure_empty().await?;
        let key = self.keys.first.clone();
        let answer = self.put(&revision, owner, &key).await?;
        if ![201, 204].contains(&answer.status) {
            return Err(not_run(format!("the slot could not be filled ({})", answer.status)));
        }
        self.revision().await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        self.client.request(method, url)
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        complete: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Answer, Failed> {
        let request = self.request(method.clone(), path).bearer_auth(self.token.expose_secret());
        self.exchange(&method, path, complete(request)).await
    }

    async fn exchange(&mut self, method: &Method, path: &str, request: RequestBuilder) -> Result<Answer, Failed> {
        let answer = self.client.send(request).await.map_err(|error| Failed::NotOk(error.message))?;
        let status = answer.status.as_u16();
        let exchange = Exchange { method: method.as_str(), path, headers: &answer.headers, body: &answer.body };
        let violations = self.contract.check_answer(&exchange, status).into_iter();
        self.observations.undeclared.extend(violations.map(|violation| format!("{method} {path} {violation}")));
        let etag = answer.headers.get(ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let wrote = *method != Method::GET && answer.status.is_success();
        self.observations.record(etag.as_deref(), wrote);
        Ok(Answer { status, etag, body: answer.body })
    }
}

impl Observations {
    /// Records the revision of an answer.
    fn record(&mut self, etag: Option<&str>, wrote: bool) {
        let Some(etag) = etag else { return };
        let is_new = self.revisions.insert(etag.to_owned());
        if wrote {
            self.announced = Some(etag.to_owned());
            if !is_new {
                self.reused.push(format!("a write left the slot with {etag}, which it had before"));
            }
        }
    }
}
