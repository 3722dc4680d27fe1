//! The operator's own access token for Landscape Management (OAuth 2.0 client credentials, RFC 6749, section 4.4).

use std::borrow::Cow;
use std::time::{Duration, Instant};

use reqwest::Client;
use secrecy::SecretString;
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::answer::{trouble, unavailable};
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::slot::RemoteTrouble;
use crate::http::client::{retry_after, send, token_request};

const WHERE: &str = "the token endpoint of Landscape Management";
/// A token is not used in its last seconds.
const EXPIRY_MARGIN: Duration = Duration::from_secs(30);
/// A token is not used for longer, whatever it says of itself.
const MAX_TOKEN_LIFE: Duration = Duration::from_hours(24);
/// For a token that does not say how long it lives.
const DEFAULT_TOKEN_LIFE: Duration = Duration::from_mins(5);

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

/// The token is borrowed from the answer, so that there is no second copy of it.
#[derive(Deserialize)]
struct TokenAnswer<'a> {
    #[serde(borrow)]
    access_token: Cow<'a, str>,
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
        let ClientCredentials { client_id, client_secret } = &self.credentials;
        let request = token_request(&self.client, self.url.clone(), client_id, client_secret);
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
        let token =
            std::str::from_utf8(&answer.body).ok().and_then(|text| serde_json::from_str::<TokenAnswer>(text).ok());
        // An empty one would be refused, and that would look as if our credentials were.
        let Some(TokenAnswer { access_token, expires_in }) = token.filter(|token| !token.access_token.is_empty())
        else {
            let message = format!("{WHERE} answered 200 without a token");
            return Err(trouble(Reason::LandscapeManagementUnavailable, message, Retry::Backoff));
        };
        Ok(Token { value: SecretString::from(access_token.into_owned()), best_before: asked_at + use_of(expires_in) })
    }
}

/// For how long a token is used that lives for so many seconds.
fn use_of(expires_in: Option<u64>) -> Duration {
    let life = expires_in.map_or(DEFAULT_TOKEN_LIFE, Duration::from_secs);
    life.min(MAX_TOKEN_LIFE).saturating_sub(EXPIRY_MARGIN.min(life / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: limit landscape/http/token EXPIRY_MARGIN, limit landscape/http/token DEFAULT_TOKEN_LIFE
    // proves: limit landscape/http/token MAX_TOKEN_LIFE
    #[test]
    fn a_token_is_used_up_to_its_last_half_minute_and_for_a_day_at_most() {
        let seconds = |expires_in| use_of(expires_in).as_secs();
        assert_eq!(seconds(Some(3_600)), 3_570);
        assert_eq!((seconds(Some(60)), seconds(Some(59)), seconds(Some(2)), seconds(Some(0))), (30, 29, 1, 0));
        assert_eq!(seconds(None), 270);
        assert_eq!((seconds(Some(86_400)), seconds(Some(86_401)), seconds(Some(u64::MAX))), (86_370, 86_370, 86_370));
    }
}
