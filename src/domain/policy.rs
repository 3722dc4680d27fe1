//! What spec, tenant and defaults add up to. The API types resolve into these; nothing below `domain` knows them.

use std::fmt;
use std::time::Duration;

use url::Url;

/// Default of `spec.interval`.
pub const DEFAULT_INTERVAL: Duration = Duration::from_mins(15);
/// Default of `spec.gracePeriod` for a plain Secret; for a ServiceBinding it is zero.
pub const DEFAULT_SECRET_GRACE: Duration = Duration::from_mins(5);
/// Default of `spec.deadKey.after`.
pub const DEFAULT_DEAD_AFTER: Duration = Duration::from_mins(10);

/// What a key must keep to be uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRules {
    /// The tenant: `uaa.identityzone` must equal it.
    pub identity_zone: String,
    /// Accepted values of `uaa.credential-type`.
    pub accepted_credential_types: Vec<String>,
    /// Hosts where a key may sign in.
    pub token_hosts: HostList,
}

impl KeyRules {
    /// What a key in the slot must keep to be signed in with: a type that is accepted no longer does not hide its death.
    #[must_use]
    pub fn of_the_slot(&self) -> Self {
        let accepted_credential_types = ["instance-secret", "binding-secret"].map(str::to_owned).to_vec();
        Self { accepted_credential_types, ..self.clone() }
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
pub struct HostList(Vec<String>);

impl HostList {
    /// A list as written in the spec.
    #[must_use]
    pub fn new(patterns: Vec<String>) -> Self {
        Self(patterns.into_iter().map(|pattern| pattern.to_ascii_lowercase()).collect())
    }

    /// Where keys of `identity_zone` sign in by SAP's convention: the landscape is the only free label.
    #[must_use]
    pub fn sap_default(identity_zone: &str) -> Self {
        Self(vec![format!("{}.authentication.<landscape>.hana.ondemand.com", identity_zone.to_ascii_lowercase())])
    }

    /// Whether the list admits the host and port of `url`. A literal address must be listed as such.
    #[must_use]
    pub fn allows(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let port = url.port_or_known_default();
        self.0.iter().any(|pattern| {
            let (wanted_host, wanted_port) = match pattern.rsplit_once(':') {
                Some((host, digits)) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                    (host, digits.parse().ok())
                }
                _ => (pattern.as_str(), Some(443)),
            };
            wanted_port == port && host_matches(wanted_host, host)
        })
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
        f.write_str(&self.0.join(" or "))
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
    fn a_wildcard_stands_for_exactly_one_first_label() {
        let list = HostList::new(vec!["*.authentication.localhost:8443".into()]);
        assert!(allows(&list, "https://acme.authentication.localhost:8443"));
        assert!(!allows(&list, "https://a.b.authentication.localhost:8443"));
        assert!(!allows(&list, "https://authentication.localhost:8443"));
        assert!(!allows(&list, "https://acme.authentication.localhost"));
    }
}
