//! The client of a token endpoint.

use async_trait::async_trait;
use secrecy::ExposeSecret;
use url::Url;

use super::answer::{unknown, verdict};
use crate::domain::plan::Verdict;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::executor::ports::SignIn;
use crate::http::client::{Client, token_request};

/// The `Accept` of a sign-in. UAA reports an unknown identity zone on an HTML page only: a client that wants or prefers
/// JSON gets an empty object. Tokens and refusals are JSON for this value too (`tests/data/uaa.http`).
const ACCEPT: &str = "*/*";

/// The token endpoint of a key (XSUAA), within the network restrictions of a tenant.
#[derive(Clone)]
pub struct TokenEndpoint {
    client: Client,
}

impl TokenEndpoint {
    /// Creates the endpoint, within the restrictions of `client`.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl SignIn for TokenEndpoint {
    /// Sends `POST {uaa.url}/oauth/token`.
    async fn sign_in(&self, key: &ServiceKey) -> Verdict {
        if let Err(error) = self.client.check(key.url()) {
            return unknown(&format!("must not be connected to: {error}"), Retry::Never);
        }
        let request =
            token_request(&self.client, token_url(key.url()), ACCEPT, key.client_id(), key.client_secret(), &[]);
        match self.client.send(request).await {
            Ok(answer) => with_hint(verdict(&answer), key),
            Err(no_answer) => unknown(&format!("gave no answer: {}", no_answer.message), Retry::Backoff),
        }
    }
}

/// Adds to a refusal that the client secret looks cut off: many secrets of SAP are a GUID, `$` and more. That is no more
/// than a guess, so it is no rule for keys.
fn with_hint(verdict: Verdict, key: &ServiceKey) -> Verdict {
    match verdict {
        Verdict::Refused { reason: reason @ Reason::CredentialsRefused, message }
            if looks_cut_off(key.client_secret().expose_secret()) =>
        {
            let message = format!(
                "{message}. The secret ends where many of SAP go on with \"$\": a shell or a template may have replaced \"$\" \
                 and the text after it; pass on the file unchanged"
            );
            Verdict::Refused { reason, message }
        }
        other => other,
    }
}

/// Returns true for a GUID without the `$` that follows it in secrets of SAP.
fn looks_cut_off(secret: &str) -> bool {
    let is_guid = secret.len() >= 36
        && secret.bytes().take(36).enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    is_guid && !secret.contains('$')
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
    fn a_refusal_of_a_secret_that_looks_cut_off_has_a_hint() {
        let refused = |secret: &str| {
            let refusal = Verdict::Refused { reason: Reason::CredentialsRefused, message: "refused".into() };
            match with_hint(refusal, &key_with_secret(secret)) {
                Verdict::Refused { message, .. } => message,
                other => panic!("{other:?}"),
            }
        };
        for whole in ["0b1c2d3e-0000-4000-8000-000000000001$QUxN", "QUxNQUxNQUxNQUxNQUxNQUxNQUw="] {
            assert_eq!(refused(whole), "refused");
        }
        let hint = refused("0b1c2d3e-0000-4000-8000-000000000001");
        assert!(hint.contains("a shell or a template") && !hint.contains("0b1c"), "{hint}");
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
