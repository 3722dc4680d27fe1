//! The connection to the API server: its configuration with the proxy that kubectl would use, and what the failure of the
//! first call means.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use kube::Config;
use kube::config::{InferConfigError, KubeConfigOptions, Kubeconfig, KubeconfigError};

use crate::cluster::CallError;

/// Returns the configuration of this process: that of a kubeconfig, or that of the pod.
///
/// The proxy is chosen as kubectl chooses it: the kubeconfig's `proxy-url`, or else `HTTPS_PROXY`, unless `NO_PROXY`
/// names the API server or its address is a loopback address. kube itself compares `NO_PROXY` with the proxy's address.
///
/// # Errors
/// There is no usable configuration.
pub async fn config() -> Result<Config, InferConfigError> {
    let config = Config::infer().await?;
    let own = Kubeconfig::read().ok().and_then(|kubeconfig| own_proxy(&kubeconfig, None));
    Ok(with_proxy(config, own))
}

/// Returns the configuration of a context in a kubeconfig. Without a path, the kubeconfig is kubectl's: that of
/// `KUBECONFIG`, or `~/.kube/config`. Without a context, it is the current one.
///
/// # Errors
/// The kubeconfig cannot be used, or has no such context.
pub async fn kubeconfig(path: Option<&Path>, context: Option<&str>) -> Result<Config, KubeconfigError> {
    let kubeconfig = path.map_or_else(Kubeconfig::read, Kubeconfig::read_from)?;
    let own = own_proxy(&kubeconfig, context);
    let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
    Ok(with_proxy(Config::from_custom_kubeconfig(kubeconfig, &options).await?, own))
}

/// Sets the proxy: the kubeconfig's own, or that of the environment.
fn with_proxy(mut config: Config, own: Option<Uri>) -> Config {
    config.proxy_url = own.or_else(|| proxy_for(&config.cluster_url, &variable("HTTPS_PROXY"), &variable("NO_PROXY")));
    config
}

/// Returns the `proxy-url` of a context's cluster. Without a context, it is the current one.
fn own_proxy(kubeconfig: &Kubeconfig, context: Option<&str>) -> Option<Uri> {
    let name = context.or(kubeconfig.current_context.as_deref())?;
    let context = kubeconfig.contexts.iter().find(|context| context.name == name)?.context.as_ref()?;
    let cluster = kubeconfig.clusters.iter().find(|cluster| cluster.name == context.cluster)?.cluster.as_ref()?;
    parse_proxy(cluster.proxy_url.as_deref()?)
}

/// Returns the proxy for an API server, by the values of `HTTPS_PROXY` and `NO_PROXY`.
fn proxy_for(server: &Uri, https_proxy: &str, no_proxy: &str) -> Option<Uri> {
    let proxy = parse_proxy(https_proxy)?;
    let matcher = Matcher::builder().https(https_proxy).no(no_proxy).build();
    (!is_loopback(server.host()?) && matcher.intercept(server).is_some()).then_some(proxy)
}

/// Parses the URL of a proxy. Without a scheme, it is a proxy that is reached over HTTP.
fn parse_proxy(text: &str) -> Option<Uri> {
    let text = text.trim();
    if text.contains("://") { text.parse() } else { format!("http://{text}").parse() }.ok().filter(|_| !text.is_empty())
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Returns the value of a variable by its name in capitals or, if that is not set, in lower case.
fn variable(name: &str) -> String {
    let value = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    value(name).or_else(|| value(&name.to_ascii_lowercase())).unwrap_or_default()
}

/// The address of the API server, and the proxy on the way to it, for messages. Neither has user information, in which a
/// proxy may have a password.
#[derive(Clone, Debug)]
pub struct Server(String);

impl Server {
    /// Returns the server of a configuration.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let proxy = config.proxy_url.as_ref().map(|proxy| format!(" (through the proxy {})", address(proxy)));
        Self(format!("{}{}", address(&config.cluster_url), proxy.unwrap_or_default()))
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns scheme, host and port of a URL.
fn address(url: &Uri) -> String {
    let port = url.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme_str().unwrap_or("http"), url.host().unwrap_or_default())
}

/// Returns what to do about the failure of the first call, which needs the right `right`.
#[must_use]
pub fn remedy(error: &CallError, right: &str) -> String {
    match error.status() {
        Some(401) => {
            "the API server does not accept the credentials: check the user of the kubeconfig, or the token of \
                      the service account"
                .into()
        }
        Some(403) => format!("grant the right to {right}"),
        Some(_) => "the API server is in trouble, or another server answers at this address".into(),
        None if is_tls(error) => "check the certificate-authority of the kubeconfig: it did not issue the \
                                        certificate of this server"
            .into(),
        None => "check the address in the kubeconfig, and whether the network lets this host connect to it".into(),
    }
}

/// Returns true if TLS failed, as with a certificate that is not trusted.
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    // An I/O error shows the error inside it only by `get_ref`.
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>() || inner.is_some_and(|inner| is_tls(inner)) || error.source().is_some_and(is_tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(server: &str, https_proxy: &str, no_proxy: &str) -> Option<String> {
        let server = server.parse().expect("a URL");
        proxy_for(&server, https_proxy, no_proxy).map(|proxy| proxy.to_string())
    }

    #[test]
    fn a_proxy_of_the_environment_is_used_unless_no_proxy_names_the_server() {
        let used = Some("http://proxy.example:3128/".to_owned());
        for no_proxy in ["", "other.example", "proxy.example", "10.0.0.0/8"] {
            assert_eq!(proxy("https://api.example:6443", "http://proxy.example:3128", no_proxy), used, "{no_proxy}");
        }
        assert_eq!(proxy("https://api.example:6443", "proxy.example:3128", ""), used);
        for no_proxy in ["api.example", ".example", "other,api.example", "*"] {
            assert_eq!(proxy("https://api.example:6443", "http://proxy.example:3128", no_proxy), None, "{no_proxy}");
        }
        assert_eq!(proxy("https://10.1.2.3", "http://proxy.example:3128", "10.0.0.0/8"), None);
        assert_eq!(proxy("https://api.example", "", ""), None);
    }

    #[test]
    fn no_proxy_of_the_environment_stands_before_a_loopback_address() {
        for server in ["https://127.0.0.1:6443", "https://localhost:6443", "https://[::1]:6443"] {
            assert_eq!(proxy(server, "http://proxy.example:3128", ""), None, "{server}");
        }
    }

    #[test]
    fn the_proxy_of_the_chosen_context_is_found_in_a_kubeconfig() {
        let kubeconfig = |name: &str| {
            let text = format!(
                "current-context: one\ncontexts: [{{name: one, context: {{cluster: {name}}}}}, {{name: other, context: \
                 {{cluster: a}}}}]\nclusters: [{{name: a, \
                 cluster: {{server: 'https://a.example', proxy-url: 'http://proxy.example:3128'}}}}, {{name: b, cluster: \
                 {{server: 'https://b.example'}}}}]"
            );
            Kubeconfig::from_yaml(&text).expect("a kubeconfig")
        };
        let proxy = |kubeconfig: &Kubeconfig, context| own_proxy(kubeconfig, context).map(|proxy| proxy.to_string());
        let used = Some("http://proxy.example:3128/".to_owned());
        assert_eq!(proxy(&kubeconfig("a"), None), used);
        assert_eq!(proxy(&kubeconfig("b"), None), None);
        assert_eq!(proxy(&kubeconfig("b"), Some("other")), used);
    }

    #[test]
    fn a_servers_address_is_shown_without_the_password_of_its_proxy() {
        let mut config = Config::new("https://api.example:6443/path".parse().expect("a URL"));
        config.proxy_url = parse_proxy("http://user:CANARY@proxy.example:3128");
        let server = Server::new(&config);
        assert_eq!(server.to_string(), "https://api.example:6443 (through the proxy http://proxy.example:3128)");
    }
}
