//! The operator's own access token for Landscape Management (OAuth 2.0 client credentials, RFC 6749, section 4.4).

use std::time::{Duration, Instant};

use reqwest::Client;
use reqwest::header::ACCEPT;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::answer::{trouble, unavailable};
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::slot::RemoteTrouble;
use crate::sign_in::transport::{retry_after, send};

const WHERE: &str = "the token endpoint of Landscape Management";
/// A token is not used in its last seconds.
const MARGIN: Duration = Duration::from_secs(30);
/// For a token that does not say how long it lives.
const SHORT_LIFE: Duration = Duration::from_mins(5);

/// What the operator signs in with.
pub struct ClientCredentials {
    /// `client_id`.
    pub client_id: String,
    /// `client_secret`.
    pub client_secret: SecretString,
}

/// Fetches a token and keeps it while it lives.
pub struct TokenSource {
    client: Client,
    url: Url,
    credentials: ClientCredentials,
    current: Mutex<Option<Token>>,
}

struct Token {
    value: SecretString,
    best_before: Instant,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    expires_in: Option<u64>,
}

impl TokenSource {
    /// For the token endpoint at `url`.
    #[must_use]
    pub fn new(client: Client, url: Url, credentials: ClientCredentials) -> Self {
        Self { client, url, credentials, current: Mutex::new(None) }
    }

    /// A token that lives.
    pub(super) async fn token(&self) -> Result<SecretString, RemoteTrouble> {
        let mut current = self.current.lock().await;
        if let Some(token) = current.as_ref().filter(|token| token.best_before > Instant::now()) {
            return Ok(token.value.clone());
        }
        let token = self.fetch().await?;
        let value = token.value.clone();
        *current = Some(token);
        Ok(value)
    }

    /// Drops a token that was refused.
    pub(super) async fn forget(&self) {
        *self.current.lock().await = None;
    }

    async fn fetch(&self) -> Result<Token, RemoteTrouble> {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.credentials.client_id),
            ("client_secret", self.credentials.client_secret.expose_secret()),
        ];
        let request = self.client.post(self.url.clone()).header(ACCEPT, "application/json").form(&form);
        let asked_at = Instant::now();
        let answer = send(request).await.map_err(|error| unavailable(WHERE, &error))?;
        match answer.status.as_u16() {
            200 => {}
            400 | 401 | 403 => {
                let message = format!("{WHERE} refused the operator's own credentials ({})", answer.status.as_u16());
                return Err(trouble(Reason::LandscapeManagementUnauthorized, message, Retry::Never));
            }
            429 => {
                let message = format!("{WHERE} asked to be called less often (429)");
                return Err(trouble(Reason::RateLimited, message, retry_after(&answer.headers)));
            }
            status => {
                let message = format!("{WHERE} answered {status}");
                return Err(trouble(Reason::LandscapeManagementUnavailable, message, Retry::Backoff));
            }
        }
        let token = serde_json::from_slice::<TokenAnswer>(&answer.body).ok();
        // An empty one would be refused, and that would look as if our credentials were.
        let Some(TokenAnswer { access_token, expires_in }) = token.filter(|token| !token.access_token.is_empty())
        else {
            let message = format!("{WHERE} answered 200 without a token");
            return Err(trouble(Reason::LandscapeManagementUnavailable, message, Retry::Backoff));
        };
        let life = expires_in.map_or(SHORT_LIFE, Duration::from_secs);
        let best_before = asked_at + life.min(Duration::from_hours(24)).saturating_sub(MARGIN.min(life / 2));
        Ok(Token { value: SecretString::from(access_token), best_before })
    }
}
