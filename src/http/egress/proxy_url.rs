//! The URL of the admin's proxy.

use std::fmt;

use url::Url;

use crate::http::network::{Network, NotAllowed};

/// The URL of an HTTP proxy: scheme, host and port, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyUrl(Url);

/// The error of a text that is no usable URL of a proxy. It quotes nothing of the text, in which a password may be.
#[derive(Debug, thiserror::Error)]
pub enum InvalidProxyUrl {
    /// Another form.
    #[error("expected http://HOST:PORT")]
    Form,
    /// A proxy that is reached over TLS.
    #[error(
        "a proxy that is itself reached over TLS is not supported: expected http://HOST:PORT. Keys are safe from the proxy \
         all the same, because TLS reaches through it to the remote host"
    )]
    Tls,
    /// User information, which everybody reads who sees the flag.
    #[error(
        "the URL has user information: expected http://HOST:PORT. Write username:password into a file, and name it by \
         --egress-proxy-credentials"
    )]
    UserInformation,
    /// A literal address that is never connected to.
    #[error(transparent)]
    Address(NotAllowed),
}

impl ProxyUrl {
    /// Parses the URL of a proxy.
    ///
    /// # Errors
    /// The URL has another form, or names a host that is never connected to.
    pub fn parse(text: &str) -> Result<Self, InvalidProxyUrl> {
        let url = Url::parse(text).map_err(|_| InvalidProxyUrl::Form)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidProxyUrl::UserInformation);
        }
        if url.scheme() == "https" {
            return Err(InvalidProxyUrl::Tls);
        }
        if url.scheme() != "http" || url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidProxyUrl::Form);
        }
        // The admin's own proxy may have a private address, which no tenant needs to allow.
        Network::Any.check_literal(&url).map_err(InvalidProxyUrl::Address)?;
        Ok(Self(url))
    }

    /// Returns the URL.
    pub(super) fn url(&self) -> &Url {
        &self.0
    }

    /// Returns the host.
    pub(in crate::http) fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}", self.host(), self.0.port_or_known_default().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_a_proxy_is_shown_with_scheme_host_and_port() {
        for (text, shown) in [
            ("http://proxy.example:3128", "http://proxy.example:3128"),
            ("http://PROXY.example/", "http://proxy.example:80"),
            ("http://10.0.0.1:8080", "http://10.0.0.1:8080"),
            ("http://[fd12::1]:8080", "http://[fd12::1]:8080"),
        ] {
            assert_eq!(ProxyUrl::parse(text).expect("a proxy").to_string(), shown);
        }
    }

    #[test]
    fn another_url_than_http_host_and_port_is_no_proxy_and_is_not_quoted() {
        for (text, expected) in [
            ("", "expected http://HOST:PORT"),
            ("proxy.example:3128", "expected http://HOST:PORT"),
            ("CANARY", "expected http://HOST:PORT"),
            ("socks5://CANARY.example:1080", "expected http://HOST:PORT"),
            ("http://CANARY.example:3128/path", "expected http://HOST:PORT"),
            ("http://CANARY.example:3128?query", "expected http://HOST:PORT"),
            ("http://CANARY.example:3128/#fragment", "expected http://HOST:PORT"),
            ("https://CANARY.example:3128", "over TLS is not supported"),
            ("http://user:CANARY@proxy.example:3128", "--egress-proxy-credentials"),
            ("http://CANARY@proxy.example:3128", "--egress-proxy-credentials"),
            ("https://:CANARY@proxy.example:3128", "--egress-proxy-credentials"),
            ("http://169.254.169.254:3128", "is never connected to"),
            ("http://0xa9fea9fe:3128", "is never connected to"),
        ] {
            let error = ProxyUrl::parse(text).expect_err(text).to_string();
            assert!(error.contains(expected) && !error.contains("CANARY"), "{text}: {error}");
        }
    }
}
