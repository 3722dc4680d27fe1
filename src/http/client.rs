//! The hardened HTTP client: https only, no redirects, no proxy but the admin's, timeouts, and bounded answers.

use std::time::{Duration, SystemTime};

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Certificate, Method, RequestBuilder, StatusCode, redirect};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use url::form_urlencoded::Serializer;

use super::cause::{innermost, root_cause};
use super::egress::{ProxyUrl, Route};
use super::network::{Guarded, Network, NotAllowed};
use crate::domain::retry::{MAX_RETRY_AFTER, Retry};

/// Maximum size of an answer, in bytes.
pub const MAX_ANSWER: usize = 256 * 1024;
/// Wait after a 429 without a valid `Retry-After`.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(30);
/// Minimum wait after a 429.
const MIN_RETRY_AFTER: Duration = Duration::from_secs(1);
/// Timeout for establishing a connection, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time after which an idle connection is closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The error of an unusable CA bundle.
#[derive(Debug, thiserror::Error)]
#[error("the CA bundle is not PEM with at least one certificate")]
pub struct InvalidCaBundle;

/// A client within the restrictions of a network, whose connections take one route.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    network: Network,
    route: Route,
}

/// Builds a client for hosts in `network`, by way of `route`, that trusts `ca_bundle`, or the well-known authorities if
/// there is none.
///
/// # Errors
/// The CA bundle cannot be used.
pub fn build_client(
    network: Network,
    route: &Route,
    ca_bundle: Option<&str>,
    timeout: Duration,
) -> Result<Client, InvalidCaBundle> {
    let resolver = network.resolver(route.proxy().map(ProxyUrl::host));
    build_client_with(network, resolver, route, ca_bundle, timeout)
}

/// Builds a client that resolves names by `resolver`.
pub(super) fn build_client_with(
    network: Network,
    resolver: Guarded,
    route: &Route,
    ca_bundle: Option<&str>,
    timeout: Duration,
) -> Result<Client, InvalidCaBundle> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("alm-key-operator/", env!("CARGO_PKG_VERSION")))
        .https_only(true)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .dns_resolver(resolver)
        .connect_timeout(CONNECT_TIMEOUT.min(timeout))
        .timeout(timeout)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(1);
    let mut builder = route.apply(builder);
    if let Some(pem) = ca_bundle {
        let certificates = Certificate::from_pem_bundle(pem.as_bytes()).map_err(|_| InvalidCaBundle)?;
        if certificates.is_empty() {
            return Err(InvalidCaBundle);
        }
        builder = builder.tls_certs_only(certificates);
    }
    let http = builder.build().map_err(|_| InvalidCaBundle)?;
    Ok(Client { http, network, route: route.clone() })
}

impl Client {
    /// Returns a new request, for [`Client::send`].
    pub fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.http.request(method, url)
    }

    /// Checks what can be checked of the host of `url` before it is connected to.
    ///
    /// # Errors
    /// The host is not permitted.
    pub fn check(&self, url: &Url) -> Result<(), NotAllowed> {
        match self.route.proxy_to(url) {
            Some(_) => self.network.check_name(url),
            None => self.network.check_literal(url),
        }
    }

    /// Sends a request and reads the answer.
    ///
    /// # Errors
    /// No complete answer of at most [`MAX_ANSWER`] bytes arrived in time, or the host is not permitted.
    pub async fn send(&self, request: RequestBuilder) -> Result<Answer, NoAnswer> {
        let not_sent = |message: String| NoAnswer { message, may_have_arrived: false };
        let request =
            request.build().map_err(|error| not_sent(format!("could not connect: {}", root_cause(&error))))?;
        let url = request.url().clone();
        // No address reaches the resolver or a proxy unchecked, whatever the caller has checked.
        self.check(&url).map_err(|error| not_sent(format!("could not connect: {error}")))?;
        let mut response = self.http.execute(request).await.map_err(|error| self.no_answer(&error, &url))?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.no_answer(&error, &url))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(NoAnswer {
                    message: format!("its answer is larger than {MAX_ANSWER} bytes"),
                    may_have_arrived: true,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body })
    }

    /// Describes an error of a request to `url`. reqwest's own text may change between attempts.
    fn no_answer(&self, error: &reqwest::Error, url: &Url) -> NoAnswer {
        if error.is_connect() || error.is_builder() {
            let message = self.route.describe_failure(error, url).unwrap_or_else(|| {
                let hint = self.route.hint().filter(|_| !innermost(error).is::<NotAllowed>());
                format!("could not connect: {}{}", root_cause(error), hint.unwrap_or_default())
            });
            return NoAnswer { message, may_have_arrived: false };
        }
        let message = if error.is_timeout() { "it did not answer in time" } else { "the connection broke off" };
        NoAnswer { message: message.into(), may_have_arrived: true }
    }
}

/// A complete answer.
pub struct Answer {
    /// Status code.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, which may contain a token or a key.
    pub body: Vec<u8>,
}

/// The error of a request without a complete answer.
#[derive(Debug)]
pub struct NoAnswer {
    /// Description of the failure, constant for the same cause.
    pub message: String,
    /// True if the request may have reached the server.
    pub may_have_arrived: bool,
}

/// Builds a token request (RFC 6749, section 4.4.2). The credentials are in the form body, because servers disagree on
/// the encoding of special characters in an `Authorization` header. `accept` is the header of this name, and `parameters`
/// are further fields of the form.
pub fn token_request(
    client: &Client,
    url: Url,
    accept: &'static str,
    client_id: &str,
    client_secret: &SecretString,
    parameters: &[(String, String)],
) -> RequestBuilder {
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", client_id),
        ("client_secret", client_secret.expose_secret()),
    ];
    let body = Serializer::new(String::new()).extend_pairs(fields).extend_pairs(parameters).finish();
    client
        .request(Method::POST, url)
        .header(ACCEPT, accept)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body)
}

/// Reads the `Retry-After` of a 429, clamped to the permitted range.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Retry {
    let text = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::trim);
    let wait = text.and_then(|text| match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(text)
            .ok()
            .map(|date| date.duration_since(SystemTime::now()).unwrap_or(Duration::ZERO)),
    });
    Retry::After(wait.unwrap_or(DEFAULT_RETRY_AFTER).clamp(MIN_RETRY_AFTER, MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry(value: &str) -> Retry {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, value.parse().expect("a header"));
        retry_after(&headers)
    }

    #[test]
    fn retry_after_in_seconds_is_used_unchanged() {
        assert_eq!(retry("120"), Retry::After(Duration::from_mins(2)));
    }

    #[test]
    fn retry_after_as_a_date_is_relative_to_now() {
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_mins(5));
        let Retry::After(wait) = retry(&date) else { panic!("a wait") };
        assert!((298..=300).contains(&wait.as_secs()), "{wait:?}");
    }

    // proves: limit http/client MIN_RETRY_AFTER
    #[test]
    fn a_past_date_or_zero_means_the_minimum_and_an_invalid_value_the_default() {
        assert_eq!(retry("Wed, 21 Oct 2015 07:28:00 GMT"), Retry::After(Duration::from_secs(1)));
        assert_eq!(retry("0"), Retry::After(MIN_RETRY_AFTER));
        assert_eq!(retry("1"), Retry::After(MIN_RETRY_AFTER));
        assert_eq!(retry("2"), Retry::After(2 * MIN_RETRY_AFTER));
        assert_eq!(retry("-5"), Retry::After(DEFAULT_RETRY_AFTER));
        assert_eq!(retry_after(&HeaderMap::new()), Retry::After(DEFAULT_RETRY_AFTER));
    }

    #[test]
    fn no_server_can_demand_more_than_the_maximum_wait() {
        for absurd in ["7201", "18446744073709551615", "Fri, 31 Dec 9999 23:59:59 GMT"] {
            assert_eq!(retry(absurd), Retry::After(MAX_RETRY_AFTER), "{absurd}");
        }
    }

    #[test]
    fn a_ca_bundle_without_a_certificate_is_refused() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        for bundle in ["", "not PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"] {
            assert!(
                build_client(Network::Any, &Route::DIRECT, Some(bundle), Duration::from_secs(1)).is_err(),
                "{bundle}"
            );
        }
    }
}
