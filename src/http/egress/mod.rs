//! The way of requests to remote hosts: direct, or through a proxy of the admin's.
//!
//! Through the proxy, a host is connected to by `CONNECT`, so that TLS reaches from this process to the host. The proxy
//! resolves the host's name: its addresses are the proxy's to guard. Here the guard is the name, see
//! `Network::check_name`.

mod credentials;
mod failure;
mod proxy_url;

use std::error::Error;
use std::path::PathBuf;

use reqwest::header::HeaderValue;
use reqwest::{ClientBuilder, Proxy};
use url::Url;

use crate::domain::policy::HostList;

pub use credentials::UnusableCredentials;
pub use proxy_url::{InvalidProxyUrl, ProxyUrl};

/// The admin's setting of the way to remote hosts.
#[derive(Clone, Debug)]
pub enum Egress {
    /// No proxy.
    Direct {
        /// The variable in the environment that names a proxy, which is not used.
        unused: Option<&'static str>,
    },
    /// A proxy.
    Proxy {
        /// URL of the proxy.
        url: ProxyUrl,
        /// The file with credentials for it.
        credentials: Option<PathBuf>,
        /// The hosts that are connected to without it.
        exempt: HostList,
    },
}

impl Egress {
    /// Returns the route that new connections take. The file with the credentials is read each time, because a mounted
    /// Secret is updated in place.
    ///
    /// # Errors
    /// The credentials cannot be used.
    pub fn route(&self) -> Result<Route, UnusableCredentials> {
        Ok(match self {
            Self::Direct { unused } => Route::Direct { unused: *unused },
            Self::Proxy { url, credentials, exempt } => Route::Proxy {
                url: url.clone(),
                authorization: credentials.as_deref().map(credentials::authorization).transpose()?,
                exempt: exempt.clone(),
            },
        })
    }
}

/// The route of the connections of one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// No proxy.
    Direct {
        /// The variable in the environment that names a proxy, which is not used.
        unused: Option<&'static str>,
    },
    /// A proxy.
    Proxy {
        /// URL of the proxy.
        url: ProxyUrl,
        /// The credentials for it, which `Debug` does not show.
        authorization: Option<HeaderValue>,
        /// The hosts that are connected to without it.
        exempt: HostList,
    },
}

impl Route {
    /// The route without a proxy.
    pub const DIRECT: Self = Self::Direct { unused: None };

    /// Returns the proxy on the way to the host of `url`.
    pub(super) fn proxy_to(&self, url: &Url) -> Option<&ProxyUrl> {
        match self {
            Self::Proxy { url: proxy, exempt, .. } if !exempt.allows(url) => Some(proxy),
            Self::Proxy { .. } | Self::Direct { .. } => None,
        }
    }

    /// Returns the proxy, if there is one.
    pub(super) fn proxy(&self) -> Option<&ProxyUrl> {
        match self {
            Self::Proxy { url, .. } => Some(url),
            Self::Direct { .. } => None,
        }
    }

    /// Returns the end of a message about a failed connection that the proxy of the environment may have made.
    pub(super) fn hint(&self) -> Option<String> {
        let Self::Direct { unused: Some(variable) } = self else { return None };
        Some(format!("; {variable} is set, but not used for this connection: --egress-proxy names a proxy for it"))
    }

    /// Lets a client take this route, and ignore the proxies of the environment.
    pub(super) fn apply(&self, builder: ClientBuilder) -> ClientBuilder {
        let builder = builder.no_proxy();
        let Self::Proxy { authorization, .. } = self else { return builder };
        let route = self.clone();
        let proxy = Proxy::custom(move |url| route.proxy_to(url).map(|proxy| proxy.url().clone()));
        builder.proxy(match authorization {
            Some(authorization) => proxy.custom_http_auth(authorization.clone()),
            None => proxy,
        })
    }

    /// Describes the failure to connect to `url` if the proxy lies on the way to it.
    pub(super) fn describe_failure(&self, error: &(dyn Error + 'static), url: &Url) -> Option<String> {
        let proxy = self.proxy_to(url)?;
        let has_credentials = matches!(self, Self::Proxy { authorization: Some(_), .. });
        Some(failure::describe(error, proxy, has_credentials))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxied(exempt: &[&str]) -> Route {
        let url = ProxyUrl::parse("http://proxy.example:3128").expect("a proxy");
        let exempt = HostList::domains(exempt.iter().map(ToString::to_string).collect());
        Route::Proxy { url, authorization: None, exempt }
    }

    #[test]
    fn every_host_is_reached_through_the_proxy_unless_it_is_exempt() {
        let route = proxied(&["*.svc.cluster.local:8443", "landscape.example"]);
        let is_proxied = |url: &str| route.proxy_to(&Url::parse(url).expect("a URL")).is_some();
        for url in [
            "https://other.example",
            "https://landscape.example:8443",
            "https://a.landscape.example",
            "https://lm.team.svc.cluster.local",
            "https://localhost",
            "https://10.0.0.1",
        ] {
            assert!(is_proxied(url), "{url}");
        }
        for url in ["https://landscape.example/v1", "https://lm.team.svc.cluster.local:8443"] {
            assert!(!is_proxied(url), "{url}");
        }
    }
}
