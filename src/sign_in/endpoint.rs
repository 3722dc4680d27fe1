//! The client of a token endpoint.

use async_trait::async_trait;
use reqwest::Client;
use url::Url;

use super::answer::{unknown, verdict};
use crate::domain::plan::Verdict;
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
            Ok(answer) => verdict(&answer),
            Err(no_answer) => unknown(&format!("gave no answer: {}", no_answer.message), Retry::Backoff),
        }
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
