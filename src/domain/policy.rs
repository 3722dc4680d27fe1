//! What spec, tenant and defaults add up to. The API types resolve into these; nothing below `domain` knows them.

use std::fmt;
use std::time::Duration;

use url::{Host, Url};

/// Default of `spec.interval`.
pub const DEFAULT_INTERVAL: Duration = Duration::from_mins(15);
/// Default of `spec.gracePeriod` for a plain Secret; for a ServiceBinding it is zero.
pub const DEFAULT_SECRET_GRACE: Duration = Duration::from_mins(5);
/// Default of `spec.deadKey.after`.
pub const DEFAULT_DEAD_AFTER: Duration = Duration::from_mins(10);

/// Default of the ALMTenant's `spec.forbiddenScopes`: keys made for the Analytics API have it.
pub const DEFAULT_FORBIDDEN_SCOPE: &str = "calm-api.analytics.read";

/// How many hosts of a list a message names.
const MOST_NAMED: usize = 8;

/// What a key must keep to be uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRules {
    /// The tenant: `uaa.identityzone` must equal it. None means that any will do.
    pub identity_zone: Option<String>,
    /// Accepted values of `uaa.credential-type`.
    pub accepted_credential_types: Vec<String>,
    /// Hosts where a key may sign in; none means SAP's for the key's own identity zone.
    pub token_hosts: Option<HostList>,
    /// Hosts that `endpoints.*` may point at; none means that they do not matter.
    pub endpoint_hosts: Option<HostList>,
}

impl KeyRules {
    /// What a key in the slot must keep to be signed in with: a type or an endpoint that is accepted no longer does not
    /// hide its death.
    #[must_use]
    pub fn of_the_slot(&self) -> Self {
        let accepted_credential_types = ["instance-secret", "binding-secret"].map(str::to_owned).to_vec();
        Self { accepted_credential_types, endpoint_hosts: None, ..self.clone() }
    }
}

/// How one `ALMServiceKey` is to be treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What its key must keep.
    pub rules: KeyRules,
    /// How often an unchanged key is signed in with and the slot is looked at.
    pub interval: Duration,
    /// How long a source must be absent before its key is removed.
    pub grace_period: Duration,
    /// For how long a key must be refused until it counts as dead.
    pub dead_after: Duration,
    /// What happens to a dead key.
    pub dead_action: DeadAction,
    /// What happens to a living key when its object or its source goes.
    pub deletion: DeletionPolicy,
    /// What happens to a key in the slot that is not ours.
    pub adoption: AdoptionPolicy,
    /// Endings of scopes that a key must not have.
    pub forbidden_scopes: Vec<String>,
    /// Whether anything is written to the slot at all.
    pub mode: Mode,
    /// Nothing is asked of anybody; a deletion still works.
    pub suspend: bool,
}

impl Policy {
    /// The forbidden ending that one of `scopes` has, if any has one.
    #[must_use]
    pub fn forbidden(&self, scopes: &Scopes) -> Option<&str> {
        scopes.ending_in(&self.forbidden_scopes)
    }
}

/// What a key may do, by the token that it got (RFC 6749, section 3.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<String>);

impl Scopes {
    /// The scopes of the `scope` field of a token answer.
    #[must_use]
    pub fn new(scope: &str) -> Self {
        Self(scope.split_ascii_whitespace().map(str::to_owned).collect())
    }

    /// The first of `endings` that one of the scopes has, if any has one.
    #[must_use]
    pub fn ending_in<'a>(&self, endings: &'a [String]) -> Option<&'a str> {
        let ends = |ending: &&String| self.0.iter().any(|scope| scope.ends_with(ending.as_str()));
        endings.iter().find(ends).map(String::as_str)
    }
}

/// What happens to a living key when its object or its source goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// It is deleted from the slot.
    Delete,
    /// It is left there, without an owner.
    Retain,
}

/// What happens to a key in the slot that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdoptionPolicy {
    /// Nothing.
    Never,
    /// If it is nobody's and the very key of the source, it becomes ours.
    IfIdentical,
    /// It becomes ours if it is nobody's and the very key of the source, else it is replaced by that; a sibling's never.
    Replace,
}

/// Whether anything is written to the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// What is right is done.
    Enforce,
    /// It is only said.
    Observe,
}

/// What happens to a key that is proven dead while its source still stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadAction {
    /// It is deleted from the slot.
    Delete,
    /// It is only reported.
    Report,
}

/// An allow-list of hosts: `host` or `host:port`, a wildcard only as the first label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostList {
    patterns: Vec<String>,
    wildcard: Wildcard,
}

/// What `*` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wildcard {
    OneLabel,
    OneOrMoreLabels,
}

impl HostList {
    /// A list as written in the spec; `*` stands for one label.
    #[must_use]
    pub fn new(patterns: Vec<String>) -> Self {
        let patterns = patterns.into_iter().map(|pattern| pattern.to_ascii_lowercase()).collect();
        Self { patterns, wildcard: Wildcard::OneLabel }
    }

    /// A list of domains as written in the spec; `*` stands for one or more labels.
    #[must_use]
    pub fn of_domains(patterns: Vec<String>) -> Self {
        Self { wildcard: Wildcard::OneOrMoreLabels, ..Self::new(patterns) }
    }

    /// Where keys of `identity_zone` sign in by SAP's convention: the landscape is the only free label.
    #[must_use]
    pub fn sap_default(identity_zone: &str) -> Self {
        Self::new(vec![format!("{}.authentication.<landscape>.hana.ondemand.com", identity_zone.to_ascii_lowercase())])
    }

    /// Where endpoints of SAP Cloud ALM are.
    #[must_use]
    pub fn sap_endpoints() -> Self {
        Self::of_domains(vec!["*.alm.cloud.sap".to_owned()])
    }

    /// Whether the list admits the host and port of `url`. A literal address must be listed as such.
    #[must_use]
    pub fn allows(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let port = url.port_or_known_default();
        // The numbers of an address look like labels, and are none.
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

/// `*` stands for one first label, `<landscape>` for one label inside. Nothing stands for a part of a label or for two.
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
        let named = &self.patterns[..self.patterns.len().min(MOST_NAMED)];
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
    fn by_default_only_the_tenants_own_host_in_any_landscape_is_allowed() {
        let list = HostList::sap_default("acme-calm");
        assert!(allows(&list, "https://acme-calm.authentication.eu10.hana.ondemand.com"));
        assert!(allows(&list, "https://acme-calm.authentication.us10-001.hana.ondemand.com/"));
        for foreign in [
            "https://other.authentication.eu10.hana.ondemand.com",
            "https://acme-calm.authentication.eu10.hana.ondemand.com.evil.example",
            "https://acme-calm.authentication.a.b.hana.ondemand.com",
            "https://acme-calm.authentication.eu10.hana.ondemand.com:8443",
            "https://acme-calm.authentication..hana.ondemand.com",
            "https://127.0.0.1",
        ] {
            assert!(!allows(&list, foreign), "{foreign}");
        }
    }

    #[test]
    fn the_wildcard_of_a_domain_stands_for_one_label_or_more() {
        let list = HostList::of_domains(vec!["*.alm.cloud.sap".into()]);
        assert!(allows(&list, "https://eu10.alm.cloud.sap/api"));
        assert!(allows(&list, "https://acme-calm.eu10-004.alm.cloud.sap"));
        for foreign in ["https://alm.cloud.sap", "https://evilalm.cloud.sap", "https://eu10.alm.cloud.sap.evil.example"]
        {
            assert!(!allows(&list, foreign), "{foreign}");
        }
    }

    // proves: limit domain/policy MOST_NAMED
    #[test]
    fn eight_hosts_are_named_and_of_more_only_their_number() {
        let list = |number: usize| HostList::new((0..number).map(|host| host.to_string()).collect()).to_string();
        assert_eq!(list(MOST_NAMED), "0 or 1 or 2 or 3 or 4 or 5 or 6 or 7");
        assert_eq!(list(MOST_NAMED + 2), "0 or 1 or 2 or 3 or 4 or 5 or 6 or 7 or 2 more");
    }

    #[test]
    fn no_wildcard_stands_for_a_number_of_an_address() {
        for list in [HostList::new(vec!["*.0.0.1".into()]), HostList::of_domains(vec!["*.0.0.1".into()])] {
            for address in ["https://127.0.0.1", "https://2130706433", "https://0x7f.1"] {
                assert!(!allows(&list, address), "{address}");
            }
        }
        assert!(allows(&HostList::new(vec!["127.0.0.1".into()]), "https://127.0.0.1"), "listed as such");
    }

    #[test]
    fn a_wildcard_stands_for_exactly_one_first_label() {
        let list = HostList::new(vec!["*.authentication.localhost:8443".into()]);
        assert!(allows(&list, "https://acme.authentication.localhost:8443"));
        assert!(!allows(&list, "https://a.b.authentication.localhost:8443"));
        assert!(!allows(&list, "https://authentication.localhost:8443"));
        assert!(!allows(&list, "https://acme.authentication.localhost"));
    }
}
