//! HTTP as this project uses it everywhere: https only, no redirects, no proxy from the environment, deadlines, and
//! answers read up to a limit.

use std::time::{Duration, SystemTime};

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Certificate, Client, RequestBuilder, StatusCode, redirect};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use url::form_urlencoded::Serializer;

use super::network::{Guarded, Network};
use crate::domain::retry::{MAX_RETRY_AFTER, Retry};
use crate::domain::untrusted::sanitize;
use crate::wiped::Buffer;

/// The largest answer that is read, in bytes.
pub const MAX_ANSWER: usize = 256 * 1024;
/// Wait after a 429 that does not say how long.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(30);
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest part of an error that is told, in characters.
const MAX_CAUSE_CHARS: usize = 256;
const IDLE_CONNECTION: Duration = Duration::from_secs(30);

/// The certificates of a CA bundle could not be used.
#[derive(Debug, thiserror::Error)]
#[error("the CA bundle is not PEM with at least one certificate")]
pub struct InvalidCaBundle;

/// A client for hosts in `network` that trusts `ca_bundle`, or the well-known certificates without one.
///
/// # Errors
/// The CA bundle cannot be used.
pub fn build_client(network: Network, ca_bundle: Option<&str>, timeout: Duration) -> Result<Client, InvalidCaBundle> {
    build_client_with(network.resolver(), ca_bundle, timeout)
}

/// The same, with names resolved by `resolver`.
pub(super) fn build_client_with(
    resolver: Guarded,
    ca_bundle: Option<&str>,
    timeout: Duration,
) -> Result<Client, InvalidCaBundle> {
    let mut builder = Client::builder()
        .user_agent(concat!("alm-key-operator/", env!("CARGO_PKG_VERSION")))
        .https_only(true)
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .dns_resolver(resolver)
        .connect_timeout(CONNECT_TIMEOUT.min(timeout))
        .timeout(timeout)
        .pool_idle_timeout(IDLE_CONNECTION)
        .pool_max_idle_per_host(1);
    if let Some(pem) = ca_bundle {
        let certificates = Certificate::from_pem_bundle(pem.as_bytes()).map_err(|_| InvalidCaBundle)?;
        if certificates.is_empty() {
            return Err(InvalidCaBundle);
        }
        builder = builder.tls_certs_only(certificates);
    }
    builder.build().map_err(|_| InvalidCaBundle)
}

/// An answer, read to its end.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body. May hold a token or a key.
    pub body: Buffer,
}

/// No complete answer came.
#[derive(Debug)]
pub struct NoAnswer {
    /// What happened, in words that stay the same for the same trouble.
    pub message: String,
    /// Whether the request can have reached the other side.
    pub may_have_arrived: bool,
}

/// Sends a request and reads its answer.
///
/// # Errors
/// No complete answer of at most [`MAX_ANSWER`] came in time.
pub async fn send(request: RequestBuilder) -> Result<Answer, NoAnswer> {
    let mut response = request.send().await.map_err(|error| no_answer(&error))?;
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    let mut body = Buffer::default();
    while let Some(chunk) = response.chunk().await.map_err(|error| no_answer(&error))? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(NoAnswer {
                message: format!("its answer is larger than {MAX_ANSWER} bytes"),
                may_have_arrived: true,
            });
        }
        body.extend(&chunk);
    }
    Ok(Answer { status, headers, body })
}

/// A token request (RFC 6749, section 4.4.2): the credentials are in the form body, which is safest with their special
/// characters.
pub fn token_request(client: &Client, url: Url, client_id: &str, client_secret: &SecretString) -> RequestBuilder {
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", client_id),
        ("client_secret", client_secret.expose_secret()),
    ];
    // Encoded, a byte becomes three at most: the text never grows out of its memory.
    let longest = fields.iter().map(|(name, value)| name.len() + 3 * value.len() + 2).sum();
    let form = Serializer::new(String::with_capacity(longest)).extend_pairs(fields).finish();
    let body = Buffer::from(form.into_bytes()).into_bytes();
    client
        .post(url)
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body)
}

/// What a 429 says of the next try: in a second at the soonest, and no later than the longest wait that is obeyed.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Retry {
    let text = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::trim);
    let wait = text.and_then(|text| match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(text)
            .ok()
            .map(|date| date.duration_since(SystemTime::now()).unwrap_or(Duration::ZERO)),
    });
    Retry::After(wait.unwrap_or(DEFAULT_RETRY_AFTER).clamp(SHORTEST_WAIT, MAX_RETRY_AFTER))
}

/// An error of reqwest in words. Its own text may change from one try to the next.
fn no_answer(error: &reqwest::Error) -> NoAnswer {
    if error.is_connect() || error.is_builder() {
        let mut cause: &dyn std::error::Error = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        // What rustls says of an expired certificate goes on with the time of day.
        let cause = cause.to_string();
        let cause = cause.split(": verification time").next().unwrap_or_default();
        // It quotes the names in a certificate, which whoever answers there has written.
        let cause = sanitize(cause, MAX_CAUSE_CHARS);
        return NoAnswer { message: format!("it could not be connected to: {cause}"), may_have_arrived: false };
    }
    let message = if error.is_timeout() { "it did not answer in time" } else { "the connection broke off" };
    NoAnswer { message: message.into(), may_have_arrived: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(value: &str) -> Retry {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, value.parse().expect("a header"));
        retry_after(&headers)
    }

    #[test]
    fn retry_after_in_seconds_is_taken_as_it_is() {
        assert_eq!(after("120"), Retry::After(Duration::from_mins(2)));
    }

    #[test]
    fn retry_after_as_a_date_counts_from_now() {
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_mins(5));
        let Retry::After(wait) = after(&date) else { panic!("a wait") };
        assert!((298..=300).contains(&wait.as_secs()), "{wait:?}");
    }

    // proves: limit http/client SHORTEST_WAIT
    #[test]
    fn a_date_that_has_passed_or_zero_means_soon_and_nonsense_means_the_default() {
        assert_eq!(after("Wed, 21 Oct 2015 07:28:00 GMT"), Retry::After(Duration::from_secs(1)));
        assert_eq!(after("0"), Retry::After(SHORTEST_WAIT));
        assert_eq!(after("1"), Retry::After(SHORTEST_WAIT));
        assert_eq!(after("2"), Retry::After(2 * SHORTEST_WAIT));
        assert_eq!(after("-5"), Retry::After(DEFAULT_RETRY_AFTER));
        assert_eq!(retry_after(&HeaderMap::new()), Retry::After(DEFAULT_RETRY_AFTER));
    }

    #[test]
    fn nobody_can_ask_for_more_than_the_longest_wait() {
        for absurd in ["7201", "18446744073709551615", "Fri, 31 Dec 9999 23:59:59 GMT"] {
            assert_eq!(after(absurd), Retry::After(MAX_RETRY_AFTER), "{absurd}");
        }
    }

    #[test]
    fn a_ca_bundle_without_a_certificate_is_refused() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        for bundle in ["", "not PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"] {
            assert!(build_client(Network::Any, Some(bundle), Duration::from_secs(1)).is_err(), "{bundle}");
        }
    }
}
