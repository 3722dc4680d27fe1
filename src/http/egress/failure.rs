//! Messages about connections that failed at the proxy or behind it.

use std::error::Error;
use std::iter::successors;

use super::proxy_url::ProxyUrl;
use crate::http::cause::root_cause;

/// Beginning of the messages of hyper-util's errors about a tunnel, whose type is private.
const TUNNEL_ERROR: &str = "tunnel error: ";

/// Describes the failure to connect through `proxy`. The text is constant for the same cause.
pub(super) fn describe(error: &(dyn Error + 'static), proxy: &ProxyUrl, has_credentials: bool) -> String {
    let mut texts = successors(Some(error), |error| (*error).source()).map(ToString::to_string);
    let tunnel = texts.find_map(|text| text.strip_prefix(TUNNEL_ERROR).map(str::to_owned));
    match tunnel.as_deref() {
        Some("proxy authorization required") if has_credentials => format!(
            "the proxy {proxy} refused the credentials in the file that --egress-proxy-credentials names (407): correct \
             them there; the file is read again"
        ),
        Some("proxy authorization required") => {
            format!("the proxy {proxy} demands credentials (407): name a file with them by --egress-proxy-credentials")
        }
        Some("unsuccessful") => format!(
            "the proxy {proxy} did not connect to the host: permit the host there, or read in its log why it cannot reach \
             it; --egress-proxy-exempt names hosts to connect to without it"
        ),
        Some("failed to create underlying connection") => {
            format!("could not connect to the proxy {proxy}: {}", root_cause(error))
        }
        Some(_) => format!(
            "the proxy {proxy} gave no valid answer to CONNECT: check that --egress-proxy names the port of an HTTP proxy"
        ),
        // TLS with the host itself, or the timeout of the whole.
        None => format!("could not connect through the proxy {proxy}: {}", root_cause(error)),
    }
}
