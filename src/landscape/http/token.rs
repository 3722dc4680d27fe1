//! The operator's own access token for Landscape Management (OAuth 2.0 client credentials, RFC 6749, section 4.4).

use std::borrow::Cow;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::answer::{trouble, unavailable};
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::slot::RemoteTrouble;
use crate::http::client::{Answer, Client, retry_after, token_request};

/// Name of the endpoint in messages.
const ENDPOINT: &str = "the token endpoint of Landscape Management";
/// Time before its expiry from which a token is no longer used.
const EXPIRY_MARGIN: Duration = Duration::from_secs(30);
/// Maximum assumed lifetime of a token, whatever the server states.
const MAX_TOKEN_LIFE: Duration = Duration::from_hours(24);
/// Assumed lifetime of a token without `expires_in`.
const DEFAULT_TOKEN_LIFE: Duration = Duration::from_mins(5);

/// Error codes of a request whose scope or parameters are wrong: RFC 6749, section 5.2, RFC 8707, section 2, and Entra ID.
const PARAMETER_ERRORS: [&str; 4] = ["invalid_request", "invalid_scope", "invalid_target", "invalid_resource"];

/// The operator's own credentials.
pub struct ClientCredentials {
    /// The OAuth 2.0 client ID.
    pub client_id: String,
    /// The OAuth 2.0 client secret.
    pub client_secret: SecretString,
}

/// A source of access tokens, which caches the current one until it expires.
pub struct TokenSource {
    client: Client,
    url: Url,
    credentials: ClientCredentials,
    /// Further parameters of each request, such as the scope.
    parameters: Vec<(String, String)>,
    current: Mutex<Option<Token>>,
}

struct Token {
    value: SecretString,
    best_before: Instant,
}

/// A token answer. The token is borrowed, so that no second copy of it exists.
#[derive(Deserialize)]
struct TokenAnswer<'a> {
    #[serde(borrow)]
    access_token: Cow<'a, str>,
    expires_in: Option<u64>,
}

/// An error answer (RFC 6749, section 5.2).
#[derive(Deserialize)]
struct ErrorAnswer<'a> {
    #[serde(borrow)]
    error: Cow<'a, str>,
}

impl TokenSource {
    /// Creates a source for the token endpoint at `url`. `parameters` are sent beside the credentials, such as the scope.
    #[must_use]
    pub fn new(client: Client, url: Url, credentials: ClientCredentials, parameters: Vec<(String, String)>) -> Self {
        Self { client, url, credentials, parameters, current: Mutex::new(None) }
    }

    /// Returns a valid token, and fetches one if necessary.
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

    /// Drops the current token after the server has refused it.
    pub(super) async fn forget(&self) {
        *self.current.lock().await = None;
    }

    async fn fetch(&self) -> Result<Token, RemoteTrouble> {
        let ClientCredentials { client_id, client_secret } = &self.credentials;
        let (url, accept) = (self.url.clone(), "application/json");
        let request = token_request(&self.client, url, accept, client_id, client_secret, &self.parameters);
        let sent_at = Instant::now();
        let answer = self.client.send(request).await.map_err(|error| unavailable(ENDPOINT, &error))?;
        match answer.status.as_u16() {
            200 => {}
            400 | 401 | 403 => return Err(refusal(&answer)),
            429 => {
                let message = format!("{ENDPOINT} is limiting the rate of requests (429)");
                return Err(trouble(Reason::RateLimited, message, retry_after(&answer.headers)));
            }
            status => {
                let message = format!("{ENDPOINT} answered {status}");
                return Err(trouble(Reason::LandscapeManagementUnavailable, message, Retry::Backoff));
            }
        }
        let token =
            std::str::from_utf8(&answer.body).ok().and_then(|text| serde_json::from_str::<TokenAnswer>(text).ok());
        // An empty token would be refused, which would look like a refusal of the credentials.
        let Some(TokenAnswer { access_token, expires_in }) = token.filter(|token| !token.access_token.is_empty())
        else {
            let message = format!("{ENDPOINT} answered 200 without a token");
            return Err(trouble(Reason::LandscapeManagementUnavailable, message, Retry::Backoff));
        };
        Ok(Token {
            value: SecretString::from(access_token.into_owned()),
            best_before: sent_at + usable_life(expires_in),
        })
    }
}

/// Returns the trouble of a refused request. Its error code is quoted only if it is one of those that concern the fields of
/// the ALMTenant.
fn refusal(answer: &Answer) -> RemoteTrouble {
    let status = answer.status.as_u16();
    let error = std::str::from_utf8(&answer.body).ok().and_then(|text| serde_json::from_str::<ErrorAnswer>(text).ok());
    let code = error.and_then(|ErrorAnswer { error }| PARAMETER_ERRORS.into_iter().find(|code| *code == error));
    let message = match code {
        Some(code) => format!(
            "{ENDPOINT} refused the request ({status}, {code}); check oauth2.scope and oauth2.parameters of the ALMTenant"
        ),
        None => format!("{ENDPOINT} refused the operator's own credentials ({status})"),
    };
    trouble(Reason::LandscapeManagementUnauthorized, message, Retry::Never)
}

/// Returns the time for which a token with this lifetime, in seconds, is used.
fn usable_life(expires_in: Option<u64>) -> Duration {
    let life = expires_in.map_or(DEFAULT_TOKEN_LIFE, Duration::from_secs);
    life.min(MAX_TOKEN_LIFE).saturating_sub(EXPIRY_MARGIN.min(life / 2))
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    use super::*;

    fn message_of_refusal(status: StatusCode, body: &str) -> String {
        refusal(&Answer { status, headers: HeaderMap::new(), body: body.into() }).message
    }

    #[test]
    fn a_refusal_names_the_fields_that_its_error_code_is_about_and_quotes_nothing_else() {
        for code in PARAMETER_ERRORS {
            let body = format!(r#"{{"error_description": "CANARY", "error": "{code}"}}"#);
            let message = message_of_refusal(StatusCode::BAD_REQUEST, &body);
            assert!(message.contains(&format!("(400, {code}); check oauth2.scope and oauth2.parameters")), "{message}");
            assert!(!message.contains("CANARY"), "{message}");
        }
        for body in [r#"{"error": "invalid_client"}"#, r#"{"error": "CANARY"}"#, r#"{"error": 1}"#, "CANARY", ""] {
            let message = message_of_refusal(StatusCode::UNAUTHORIZED, body);
            assert_eq!(message, format!("{ENDPOINT} refused the operator's own credentials (401)"), "{body}");
        }
    }

    // proves: limit landscape/http/token EXPIRY_MARGIN, limit landscape/http/token DEFAULT_TOKEN_LIFE
    // proves: limit landscape/http/token MAX_TOKEN_LIFE
    #[test]
    fn a_token_is_used_until_30_seconds_before_its_expiry_and_for_at_most_a_day() {
        let seconds = |expires_in| usable_life(expires_in).as_secs();
        assert_eq!(seconds(Some(3_600)), 3_570);
        assert_eq!((seconds(Some(60)), seconds(Some(59)), seconds(Some(2)), seconds(Some(0))), (30, 29, 1, 0));
        assert_eq!(seconds(None), 270);
        assert_eq!((seconds(Some(86_400)), seconds(Some(86_401)), seconds(Some(u64::MAX))), (86_370, 86_370, 86_370));
    }
}
