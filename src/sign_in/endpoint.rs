//! The client of a token endpoint.

use async_trait::async_trait;
use reqwest::Client;
use secrecy::ExposeSecret;
use url::Url;

use super::answer::{unknown, verdict};
use crate::domain::plan::Verdict;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::executor::ports::SignIn;
use crate::http::client::{send, token_request};
use crate::http::network::Network;

/// The `Accept` of a sign-in. UAA reports an unknown identity zone on an HTML page only: a client that wants or prefers
/// JSON gets an empty object. Tokens and refusals are JSON for this value too (`tests/data/uaa.http`).
const ACCEPT: &str = "*/*";

/// The token endpoint of a key (XSUAA), within the network restrictions of a tenant.
#[derive(Clone)]
pub struct TokenEndpoint {
    client: Client,
    network: Network,
}

impl TokenEndpoint {
    /// Creates the endpoint. `client` must resolve names by the same `network`.
    #[must_use]
    pub fn new(client: Client, network: Network) -> Self {
        Self { client, network }
    }
}

#[async_trait]
impl SignIn for TokenEndpoint {
    /// Sends `POST {uaa.url}/oauth/token`.
    async fn sign_in(&self, key: &ServiceKey) -> Verdict {
        if let Err(error) = self.network.check_literal(key.url()) {
            return unknown(&format!("must not be connected to: {error}"), Retry::Never);
        }
        let request = token_request(&self.client, token_url(key.url()), ACCEPT, key.client_id(), key.client_secret());
        match send(request).await {
            Ok(answer) => with_hint(verdict(&answer), key),
            Err(no_answer) => unknown(&format!("gave no answer: {}", no_answer.message), Retry::Backoff),
        }
    }
}

/// Adds to a refusal that the client secret does not look like one of SAP. That is no more than a guess, so it is no rule
/// for keys.
fn with_hint(verdict: Verdict, key: &ServiceKey) -> Verdict {
    match verdict {
        Verdict::Refused { reason: reason @ Reason::CredentialsRefused, message }
            if !key.client_secret().expose_secret().contains('$') =>
        {
            let message = format!(
                "{message}; unlike those of SAP, it has no \"$\": a shell or a template may have replaced the text behind it"
            );
            Verdict::Refused { reason, message }
        }
        other => other,
    }
}

fn token_url(base: &Url) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/oauth/token", base.path().trim_end_matches('/')));
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::service_key::examples::key_with_secret;

    #[test]
    fn a_refusal_of_a_secret_without_a_dollar_sign_has_a_hint() {
        let refused = |secret: &str| {
            let refusal = Verdict::Refused { reason: Reason::CredentialsRefused, message: "refused".into() };
            match with_hint(refusal, &key_with_secret(secret)) {
                Verdict::Refused { message, .. } => message,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(refused("CANARY$CANARY"), "refused");
        let hint = refused("CANARY");
        assert!(hint.contains("a shell or a template") && !hint.contains("CANARY"), "{hint}");
    }

    #[test]
    fn the_path_of_the_token_endpoint_is_appended_to_the_url_of_the_key() {
        for (base, expected) in [
            ("https://a.example", "https://a.example/oauth/token"),
            ("https://a.example/", "https://a.example/oauth/token"),
            ("https://a.example/uaa/", "https://a.example/uaa/oauth/token"),
        ] {
            assert_eq!(token_url(&Url::parse(base).expect("a URL")).as_str(), expected);
        }
    }
}
