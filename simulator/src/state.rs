//! The state of the simulator: its tenants, and what was sent to their hosts.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;

use crate::canary::CANARY;
use crate::contract::Contract;
use crate::faults::Faults;
use crate::http::Call;
use crate::journal::Journal;
use crate::keys::Keys;
use crate::listeners::Listeners;
use crate::slot::Slot;
use crate::sync::lock;

/// All tenants, and the state that they share.
pub(crate) struct Tenants {
    /// Port of all virtual hosts, as clients reach them.
    pub(crate) port: u16,
    pub(crate) journal: Journal,
    pub(crate) listeners: Listeners,
    pub(crate) leak_log: LeakLog,
    pub(crate) contract: Contract,
    by_zone: Mutex<HashMap<String, Arc<Mutex<Tenant>>>>,
}

/// One tenant.
pub(crate) struct Tenant {
    pub(crate) zone: String,
    /// Id and secret of the technical client of Landscape Management.
    pub(crate) client: (String, String),
    /// Fields that a token request to Landscape Management must have beside the credentials, and no others.
    pub(crate) token_fields: BTreeMap<String, String>,
    pub(crate) tokens: Vec<String>,
    pub(crate) keys: Keys,
    pub(crate) slot: Slot,
    pub(crate) faults: Faults,
    /// Time that every call takes before it is acted on.
    pub(crate) latency: Duration,
}

/// The result of the leak check so far.
#[derive(Clone, Default, Serialize)]
pub(crate) struct LeakReport {
    /// Number of requests, without those to the admin API.
    requests: u64,
    /// Number of bytes that were searched.
    bytes: u64,
    leaks: Vec<Leak>,
}

/// Key material in a request to a host that is not entitled to it.
#[derive(Clone, Serialize)]
pub(crate) struct Leak {
    /// Identity zone of the tenant whose host got the request, or the host itself if it is no tenant's.
    pub(crate) tenant: String,
    /// Request, and the part of it that holds the key material.
    pub(crate) what: String,
}

/// The log of the leak check.
#[derive(Default)]
pub(crate) struct LeakLog(Mutex<LeakReport>);

impl LeakLog {
    /// Adds a request of which `bytes` were searched.
    pub(crate) fn record(&self, bytes: usize, leaks: impl IntoIterator<Item = Leak>) {
        let mut report = lock(&self.0);
        report.requests += 1;
        report.bytes += bytes as u64;
        report.leaks.extend(leaks);
    }

    /// Returns the result so far.
    pub(crate) fn report(&self) -> LeakReport {
        lock(&self.0).clone()
    }
}

impl Tenant {
    /// Returns the number of the valid access token that a call carries, if it carries one.
    pub(crate) fn find_token(&self, call: &Call) -> Option<usize> {
        let bearer = call.authorization.as_deref().and_then(|value| value.strip_prefix("Bearer "))?;
        self.tokens.iter().position(|token| token == bearer)
    }
}

impl Tenants {
    pub(crate) fn new(port: u16, listeners: Listeners, contract: Contract) -> Self {
        let by_zone = Mutex::new(HashMap::new());
        Self { port, journal: Journal::new(), listeners, leak_log: LeakLog::default(), contract, by_zone }
    }

    /// Creates a tenant. Returns none if it exists already.
    pub(crate) fn create(&self, zone: &str) -> Option<Arc<Mutex<Tenant>>> {
        let mut tenants = lock(&self.by_zone);
        if tenants.contains_key(zone) {
            return None;
        }
        let tenant = Arc::new(Mutex::new(Tenant {
            zone: zone.to_owned(),
            client: (format!("landscape-{zone}"), new_secret()),
            token_fields: BTreeMap::new(),
            tokens: Vec::new(),
            keys: Keys::default(),
            slot: Slot::new(),
            faults: Faults::new(),
            latency: Duration::ZERO,
        }));
        tenants.insert(zone.to_owned(), Arc::clone(&tenant));
        Some(tenant)
    }

    pub(crate) fn find(&self, zone: &str) -> Option<Arc<Mutex<Tenant>>> {
        lock(&self.by_zone).get(zone).cloned()
    }

    /// Returns all tenants with their identity zones.
    pub(crate) fn all(&self) -> Vec<(String, Arc<Mutex<Tenant>>)> {
        lock(&self.by_zone).iter().map(|(zone, tenant)| (zone.clone(), Arc::clone(tenant))).collect()
    }

    /// Deletes a tenant. Returns true if it existed.
    pub(crate) fn delete(&self, zone: &str) -> bool {
        lock(&self.by_zone).remove(zone).is_some()
    }
}

/// Generates a client secret of Landscape Management, or an access token.
pub(crate) fn new_secret() -> String {
    format!("{CANARY}-{:032x}", rand::random::<u128>())
}
