//! The effective settings of an object: spec, tenant and defaults. The API types resolve to these types; `domain` does
//! not know the API types.

use std::fmt;
use std::time::Duration;

use url::{Host, Url};

/// The default of `spec.interval`.
pub const DEFAULT_INTERVAL: Duration = Duration::from_mins(15);
/// The default of `spec.gracePeriod` for a plain Secret. For a ServiceBinding it is zero.
pub const DEFAULT_SECRET_GRACE: Duration = Duration::from_mins(5);
/// The default of `spec.deadKey.after`.
pub const DEFAULT_DEAD_AFTER: Duration = Duration::from_mins(10);

/// The default of the ALMTenant's `spec.forbiddenScopes`: a scope of keys for the Analytics API.
pub const DEFAULT_FORBIDDEN_SCOPE: &str = "calm-api.analytics.read";

/// The maximum number of hosts that a message names.
const MAX_NAMED_HOSTS: usize = 8;

/// The rules that a key must comply with to be uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRules {
    /// The required `uaa.identityzone`; `None` accepts any.
    pub identity_zone: Option<String>,
    /// The accepted values of `uaa.credential-type`.
    pub accepted_credential_types: Vec<String>,
    /// The hosts where a key may sign in; `None` means SAP's host for the key's own identity zone.
    pub token_hosts: Option<HostList>,
    /// The hosts that `endpoints.*` may name; `None` accepts any.
    pub endpoint_hosts: Option<HostList>,
    /// The applications besides SAP Cloud ALM whose clients are accepted; `None` accepts any.
    pub accepted_services: Option<Vec<String>>,
}

impl KeyRules {
    /// Returns the rules that a key in the slot must comply with to be tested. Its credential type, endpoints and
    /// service do not matter: a change of these rules must not hide that the key is dead.
    #[must_use]
    pub fn for_slot(&self) -> Self {
        let accepted_credential_types = ["instance-secret", "binding-secret"].map(str::to_owned).to_vec();
        Self { accepted_credential_types, endpoint_hosts: None, accepted_services: None, ..self.clone() }
    }
}

/// The effective settings of one `ALMServiceKey`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The rules for the key.
    pub rules: KeyRules,
    /// The interval in which an unchanged key is tested and the slot is read.
    pub interval: Duration,
    /// The time for which a source must be absent before its key is removed.
    pub grace_period: Duration,
    /// The time for which a key must be refused before it counts as dead.
    pub dead_after: Duration,
    /// The treatment of a dead key.
    pub dead_action: DeadAction,
    /// The treatment of a living key when its object or its source goes.
    pub deletion: DeletionPolicy,
    /// The treatment of a key in the slot that is not ours.
    pub adoption: AdoptionPolicy,
    /// The scope endings that a key must not have.
    pub forbidden_scopes: Vec<String>,
    /// The permission to write to the slot.
    pub mode: Mode,
    /// True if nothing is tested or written, and nothing is read but the source. A deletion still works.
    pub suspend: bool,
    /// The way to the slot of the tenant.
    pub adapter: Adapter,
}

impl Policy {
    /// Returns the first forbidden ending that one of `scopes` has.
    #[must_use]
    pub fn forbidden_ending(&self, scopes: &Scopes) -> Option<&str> {
        scopes.ending_in(&self.forbidden_scopes)
    }
}

/// The scopes of a token (RFC 6749, section 3.3), which name the permissions of its key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<String>);

impl Scopes {
    /// Parses the `scope` field of a token answer.
    #[must_use]
    pub fn new(scope: &str) -> Self {
        Self(scope.split_ascii_whitespace().map(str::to_owned).collect())
    }

    /// Returns the first of `endings` that one of the scopes has.
    #[must_use]
    pub fn ending_in<'a>(&self, endings: &'a [String]) -> Option<&'a str> {
        let ends = |ending: &&String| self.0.iter().any(|scope| scope.ends_with(ending.as_str()));
        endings.iter().find(ends).map(String::as_str)
    }
}

/// The treatment of a living key when its object or its source goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// Delete the key from the slot.
    Delete,
    /// Leave the key in the slot without an owner.
    Retain,
}

/// The treatment of a key in the slot that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdoptionPolicy {
    /// Leave the key alone.
    Never,
    /// Adopt the key if it has no owner and is identical to the source's.
    IfIdentical,
    /// Adopt the key if it has no owner and is identical to the source's; replace it otherwise. A sibling's key is
    /// never replaced.
    Replace,
}

/// The permission to write to the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Perform writes.
    Enforce,
    /// Only report writes.
    Observe,
}

/// The way to the slot of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adapter {
    /// An HTTP endpoint, which reads and writes the slot.
    Http,
    /// A person, who alone can change the slot. What the slot holds is known from that person's confirmations.
    Manual,
}

/// The treatment of a key that is proven dead while its source still exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadAction {
    /// Delete the key from the slot.
    Delete,
    /// Only report the key.
    Report,
}

/// An allow-list of hosts: `host` or `host:port`, with a wildcard only as the first label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostList {
    patterns: Vec<String>,
    wildcard: Wildcard,
}

/// The meaning of `*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wildcard {
    OneLabel,
    OneOrMoreLabels,
}

impl HostList {
    /// Returns a list of hosts as written in the spec; `*` stands for one label.
    #[must_use]
    pub fn new(patterns: Vec<String>) -> Self {
        let patterns = patterns.into_iter().map(|pattern| pattern.to_ascii_lowercase()).collect();
        Self { patterns, wildcard: Wildcard::OneLabel }
    }

    /// Returns a list of domains as written in the spec; `*` stands for one or more labels.
    #[must_use]
    pub fn domains(patterns: Vec<String>) -> Self {
        Self { wildcard: Wildcard::OneOrMoreLabels, ..Self::new(patterns) }
    }

    /// Returns the hosts where keys of `identity_zone` sign in by SAP's convention: below `hana.ondemand.com`, and in
    /// China below `platform.sapcloud.cn`. The landscape is the only free label.
    #[must_use]
    pub fn sap_default(identity_zone: &str) -> Self {
        let host = |domain: &str| format!("{identity_zone}.authentication.<landscape>.{domain}");
        Self::new(["hana.ondemand.com", "platform.sapcloud.cn"].map(host).to_vec())
    }

    /// Returns the hosts of the endpoints of SAP Cloud ALM.
    #[must_use]
    pub fn sap_endpoints() -> Self {
        Self::domains(vec!["*.alm.cloud.sap".to_owned()])
    }

    /// Returns true if the list allows the host and port of `url`. A literal IP address must be listed as such.
    #[must_use]
    pub fn allows(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let port = url.port_or_known_default();
        // The numbers of an address look like labels, but are none.
        let is_name = matches!(url.host(), Some(Host::Domain(_)));
        self.patterns.iter().filter(|pattern| is_name || !pattern.starts_with('*')).any(|pattern| {
            let (wanted_host, wanted_port) = match pattern.rsplit_once(':') {
                Some((host, digits)) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                    (host, digits.parse().ok())
                }
                _ => (pattern.as_str(), Some(443)),
            };
            wanted_port == port && self.host_matches(wanted_host, host)
        })
    }

    fn host_matches(&self, pattern: &str, host: &str) -> bool {
        match (self.wildcard, pattern.strip_prefix("*.")) {
            (Wildcard::OneOrMoreLabels, Some(domain)) => {
                let below = host.strip_suffix(domain).and_then(|labels| labels.strip_suffix('.'));
                below.is_some_and(|labels| labels.split('.').all(|label| !label.is_empty()))
            }
            _ => host_matches(pattern, host),
        }
    }
}

/// Returns true if the host matches: `*` stands for one first label, `<landscape>` for one inner label. No pattern
/// matches a part of a label, or two labels.
fn host_matches(pattern: &str, host: &str) -> bool {
    let mut wanted = pattern.split('.');
    let mut labels = host.split('.');
    let mut first = true;
    loop {
        match (wanted.next(), labels.next()) {
            (None, None) => return true,
            (Some("*"), Some(label)) if first && !label.is_empty() => {}
            (Some("<landscape>"), Some(label)) if !label.is_empty() => {}
            (Some(want), Some(label)) if want == label => {}
            _ => return false,
        }
        first = false;
    }
}

impl fmt::Display for HostList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = &self.patterns[..self.patterns.len().min(MAX_NAMED_HOSTS)];
        f.write_str(&named.join(" or "))?;
        match self.patterns.len() - named.len() {
            0 => Ok(()),
            more => write!(f, " or {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(list: &HostList, url: &str) -> bool {
        list.allows(&Url::parse(url).expect("a URL"))
    }

    #[test]
    fn the_default_allows_only_the_tenants_own_host_in_any_landscape() {
        let list = HostList::sap_default("acme-calm");
        assert!(allows(&list, "https://acme-calm.authentication.eu10.hana.ondemand.com"));
        assert!(allows(&list, "https://acme-calm.authentication.us10-001.hana.ondemand.com/"));
        assert!(allows(&list, "https://acme-calm.authentication.cn20.platform.sapcloud.cn"));
        let capitals = HostList::sap_default("ACME-calm");
        assert!(allows(&capitals, "https://acme-calm.authentication.eu10.hana.ondemand.com"));
        for foreign in [
            "https://other.authentication.eu10.hana.ondemand.com",
            "https://acme-calm.authentication.eu10.hana.ondemand.com.evil.example",
            "https://acme-calm.authentication.a.b.hana.ondemand.com",
            "https://acme-calm.authentication.cn20.sapcloud.cn",
            "https://acme-calm.authentication.eu10.hana.ondemand.com:8443",
            "https://acme-calm.authentication..hana.ondemand.com",
            "https://127.0.0.1",
        ] {
            assert!(!allows(&list, foreign), "{foreign}");
        }
    }

    #[test]
    fn the_wildcard_of_a_domain_matches_one_or_more_labels() {
        let list = HostList::domains(vec!["*.alm.cloud.sap".into()]);
        assert!(allows(&list, "https://eu10.alm.cloud.sap/api"));
        assert!(allows(&list, "https://acme-calm.eu10-004.alm.cloud.sap"));
        for foreign in ["https://alm.cloud.sap", "https://evilalm.cloud.sap", "https://eu10.alm.cloud.sap.evil.example"]
        {
            assert!(!allows(&list, foreign), "{foreign}");
        }
    }

    // proves: limit domain/policy MAX_NAMED_HOSTS
    #[test]
    fn a_message_names_eight_hosts_and_counts_the_others() {
        let list = |number: usize| HostList::new((0..number).map(|host| host.to_string()).collect()).to_string();
        assert_eq!(list(MAX_NAMED_HOSTS), "0 or 1 or 2 or 3 or 4 or 5 or 6 or 7");
        assert_eq!(list(MAX_NAMED_HOSTS + 2), "0 or 1 or 2 or 3 or 4 or 5 or 6 or 7 or 2 more");
    }

    #[test]
    fn no_wildcard_matches_a_number_of_an_ip_address() {
        for list in [HostList::new(vec!["*.0.0.1".into()]), HostList::domains(vec!["*.0.0.1".into()])] {
            for address in ["https://127.0.0.1", "https://2130706433", "https://0x7f.1"] {
                assert!(!allows(&list, address), "{address}");
            }
        }
        assert!(allows(&HostList::new(vec!["127.0.0.1".into()]), "https://127.0.0.1"), "listed as such");
    }

    #[test]
    fn the_wildcard_of_a_host_matches_exactly_one_first_label() {
        let list = HostList::new(vec!["*.authentication.localhost:8443".into()]);
        assert!(allows(&list, "https://acme.authentication.localhost:8443"));
        assert!(!allows(&list, "https://a.b.authentication.localhost:8443"));
        assert!(!allows(&list, "https://authentication.localhost:8443"));
        assert!(!allows(&list, "https://acme.authentication.localhost"));
    }
}
