//! The guard of hosts. Input: a pattern as it stands in an `ALMTenant`, and a URL as it stands in a key, with 0xff
//! between them.

use alm_key_operator::domain::policy::{HostList, KeyRules};
use alm_key_operator::domain::service_key::ServiceKey;
use serde_json::json;
use url::{Host, Url};

use super::{parts, service_key, text};

/// A key signs in, and leads managed systems, only where the pattern says: at the very host, or below the wildcard's
/// domain, at the very port; never at an address that is not listed as such, and never with user information.
pub fn holds(bytes: &[u8]) {
    let mut parts = parts(bytes);
    let (pattern, url) = (text(parts.next()), text(parts.next()));
    let is_admitted = is_admitted_by_the_definition(&pattern);
    for (list, labels) in [
        (HostList::new(vec![pattern.clone()]), Labels::One),
        (HostList::of_domains(vec![pattern.clone()]), Labels::OneOrMore),
    ] {
        if let Ok(parsed) = Url::parse(&url)
            && list.allows(&parsed)
            && is_admitted
        {
            is_where_the_pattern_says(&pattern, &parsed, labels);
        }
    }
    if !is_admitted {
        return;
    }
    let rules = KeyRules {
        token_hosts: Some(HostList::new(vec![pattern.clone()])),
        endpoint_hosts: Some(HostList::of_domains(vec![pattern.clone()])),
        ..service_key::rules()
    };
    let key = json!({
        "endpoints": { "Api": url },
        "uaa": {
            "clientid": "sb-acme", "clientsecret": "CANARY", "url": url,
            "identityzone": "acme-calm", "credential-type": "instance-secret",
        },
    });
    match ServiceKey::parse(key.to_string().as_bytes(), &rules) {
        Ok(key) => {
            let url = key.url();
            assert_eq!(url.scheme(), "https");
            assert!(url.username().is_empty() && url.password().is_none(), "{url}");
            is_where_the_pattern_says(&pattern, url, Labels::One);
        }
        Err(findings) => service_key::are_told(&findings),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Labels {
    One,
    OneOrMore,
}

/// Label for label, from the right: the labels of the pattern, and no more than its wildcard stands for.
fn is_where_the_pattern_says(pattern: &str, url: &Url, wildcard: Labels) {
    let pattern = pattern.to_ascii_lowercase();
    let (name, port) = pattern.split_once(':').unwrap_or((&pattern, "443"));
    assert_eq!(url.port_or_known_default().map(|port| port.to_string()).as_deref(), Some(port.trim_start_matches('0')));
    let host = url.host_str().expect("a host");
    let Some(domain) = name.strip_prefix("*.") else {
        return assert_eq!(host, name);
    };
    assert!(matches!(url.host(), Some(Host::Domain(_))), "{host} is an address");
    let (mut wanted, mut labels) = (domain.rsplit('.'), host.rsplit('.'));
    assert!(wanted.all(|label| labels.next() == Some(label)), "{host} is not below {domain}");
    let rest: Vec<_> = labels.collect();
    assert!(rest.iter().all(|label| !label.is_empty()), "{host}");
    assert!(rest.len() == 1 || (wildcard == Labels::OneOrMore && rest.len() > 1), "{host} for {name}");
}

/// Whether the definition lets the pattern through, in words of its own: labels of letters, digits and inner hyphens.
fn is_admitted_by_the_definition(pattern: &str) -> bool {
    let (name, port) = match pattern.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (pattern, None),
    };
    let is_label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_port = |port: &str| {
        let digits = port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
        digits && port.parse::<u32>().is_ok_and(|port| (1..=65535).contains(&port))
    };
    let labels = name.strip_prefix("*.").unwrap_or(name);
    pattern.len() <= 259 && labels.split('.').all(is_label) && port.is_none_or(is_port)
}
