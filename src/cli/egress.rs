//! The flags of the way to remote hosts.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Command};

use super::key_file::host;
use crate::domain::policy::HostList;
use crate::http::egress::{Egress, ProxyUrl};

/// The variables by which other programs choose a proxy for https, in order of precedence.
const PROXY_VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

#[derive(clap::Args)]
pub(super) struct EgressFlags {
    /// HTTP proxy for connections to token endpoints and to Landscape Management, as `http://HOST:PORT`. Hosts are
    /// reached by CONNECT. Default: none, also if `HTTPS_PROXY` is set.
    #[arg(
        long = "egress-proxy",
        env = "ALMKEY_EGRESS_PROXY",
        value_name = "URL",
        value_parser = ProxyUrlParser,
        hide_env_values = true
    )]
    proxy: Option<ProxyUrl>,

    /// File with the credentials for the proxy: one line `username:password`. It is read again for new connections.
    #[arg(
        long = "egress-proxy-credentials",
        env = "ALMKEY_EGRESS_PROXY_CREDENTIALS",
        value_name = "FILE",
        requires = "proxy",
        hide_env_values = true
    )]
    credentials: Option<PathBuf>,

    /// Host to connect to without the proxy, as `host` or `host:port`; `*.` matches all subdomains; repeatable.
    #[arg(
        long = "egress-proxy-exempt",
        env = "ALMKEY_EGRESS_PROXY_EXEMPT",
        value_name = "HOST",
        value_delimiter = ',',
        value_parser = host,
        requires = "proxy"
    )]
    exempt: Vec<String>,
}

impl EgressFlags {
    /// Returns the way to remote hosts. A proxy of the environment is never used, only named in messages.
    pub(super) fn egress(self) -> Egress {
        let Self { proxy, credentials, exempt } = self;
        match proxy {
            Some(url) => Egress::Proxy { url, credentials, exempt: HostList::domains(exempt) },
            None => {
                Egress::Direct { unused: set_variable(|name| std::env::var_os(name).is_some_and(|it| !it.is_empty())) }
            }
        }
    }
}

/// Returns the first variable that is set.
fn set_variable(is_set: impl Fn(&str) -> bool) -> Option<&'static str> {
    PROXY_VARIABLES.into_iter().find(|name| is_set(name))
}

/// The parser of the proxy's URL. clap's own error would quote the value, in which a password may be.
#[derive(Clone)]
struct ProxyUrlParser;

impl TypedValueParser for ProxyUrlParser {
    type Value = ProxyUrl;

    fn parse_ref(&self, command: &Command, _: Option<&Arg>, value: &OsStr) -> Result<ProxyUrl, clap::Error> {
        // Text that is not UTF-8 is no URL.
        ProxyUrl::parse(value.to_str().unwrap_or_default()).map_err(|error| {
            let message = format!("invalid value for --egress-proxy (ALMKEY_EGRESS_PROXY): {error}\n");
            clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_is_named() {
        assert_eq!(set_variable(|_| false), None);
        assert_eq!(set_variable(|_| true), Some("HTTPS_PROXY"));
        assert_eq!(set_variable(|name| name == "all_proxy"), Some("all_proxy"));
    }
}
