//! What is remote: BTP's credentials, the token endpoint, and Landscape Management with a slot for each tenant.

use std::collections::VecDeque;
use std::fmt;

use secrecy::ExposeSecret;
use serde_json::json;

use crate::domain::service_key::ServiceKey;
use crate::domain::slot::{Owner, Ownership, Revision, Slot};

/// The tenants' identity zones.
pub(crate) const ZONES: [&str; 2] = ["acme-calm", "other-calm"];

/// Stands in every secret, and nowhere else.
pub(crate) const MARKER: &str = "CANARY";

/// A key, by its number.
pub(crate) type KeyNo = usize;

/// A key that BTP has made.
pub(crate) struct Key {
    pub(crate) document: String,
    /// Whether it signs in.
    pub(crate) alive: bool,
}

/// What happens to the next write to a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It takes effect, and its answer is lost.
    AnswerLost,
    /// It is held back, and its answer is lost.
    HeldBack,
    /// It never arrives.
    Lost,
    /// It is answered with 429.
    TooMany,
}

/// What is written.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    Put { key: KeyNo, owner: Owner },
    SetOwner { owner: Option<Ownership> },
    Delete,
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put { key, owner } => write!(f, "PUT key {key} for {owner}"),
            Self::SetOwner { owner: Some(held) } => write!(f, "PATCH owner to {}", held.owner),
            Self::SetOwner { owner: None } => f.write_str("PATCH owner to nobody"),
            Self::Delete => f.write_str("DELETE"),
        }
    }
}

/// A write on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) zone: usize,
    pub(crate) write: Write,
    pub(crate) revision: Revision,
    /// The pass that sent it.
    pub(crate) pass: usize,
}

/// What is in a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filling {
    pub(crate) key: KeyNo,
    pub(crate) owner: Option<Ownership>,
}

/// One slot. No revision is ever used twice.
#[derive(Default)]
pub(crate) struct Place {
    counter: u64,
    pub(crate) filling: Option<Filling>,
    /// The pass whose write, held back on its way, left what is here.
    pub(crate) late: Option<usize>,
}

impl Place {
    pub(crate) fn revision(&self) -> Revision {
        Revision::new(format!("\"r{}\"", self.counter))
    }

    pub(crate) fn shown(&self) -> Slot {
        match &self.filling {
            None => Slot::Empty { revision: self.revision() },
            Some(Filling { owner, .. }) => Slot::Filled { revision: self.revision(), owner: owner.clone() },
        }
    }

    pub(crate) fn fill(&mut self, filling: Option<Filling>) {
        self.counter += 1;
        if self.filling != filling {
            self.late = None;
        }
        self.filling = filling;
    }
}

/// All of it.
pub(crate) struct Sap {
    keys: Vec<Key>,
    /// The key of the service instance of each tenant: all its bindings of the old kind have it.
    pub(crate) instance: [KeyNo; 2],
    pub(crate) places: [Place; 2],
    pub(crate) token_endpoint_is_down: bool,
    pub(crate) landscape_is_down: bool,
    pub(crate) faults: VecDeque<Fault>,
    pub(crate) held_back: Vec<Request>,
}

/// The slot has another revision by now.
pub(crate) struct Stale;

impl Sap {
    pub(crate) fn new() -> Self {
        let mut sap = Self {
            keys: Vec::new(),
            instance: [0, 0],
            places: Default::default(),
            token_endpoint_is_down: false,
            landscape_is_down: false,
            faults: VecDeque::new(),
            held_back: Vec::new(),
        };
        sap.instance = [sap.makes_a_key(0), sap.makes_a_key(1)];
        sap
    }

    /// Another key that signs in.
    pub(crate) fn makes_a_key(&mut self, zone: usize) -> KeyNo {
        let (number, zone) = (self.keys.len(), ZONES[zone]);
        let document = json!({
            "endpoints": { "Api": "https://eu10.alm.cloud.sap/api" },
            "uaa": {
                "clientid": format!("sb-{zone}-{number}!b1234|sapcloudalm!b16907"),
                "clientsecret": format!("{MARKER}-{number}"),
                "url": format!("https://{zone}.authentication.eu10.hana.ondemand.com"),
                "identityzone": zone,
                "credential-type": "instance-secret",
            }
        });
        self.keys.push(Key { document: document.to_string(), alive: true });
        number
    }

    pub(crate) fn key(&self, number: KeyNo) -> &Key {
        &self.keys[number]
    }

    pub(crate) fn is_alive(&self, number: KeyNo) -> bool {
        self.keys[number].alive
    }

    pub(crate) fn set_alive(&mut self, number: KeyNo, alive: bool) {
        self.keys[number].alive = alive;
    }

    /// A service instance is deleted and made anew: the old key dies.
    pub(crate) fn replaces_the_instance(&mut self, zone: usize) {
        self.keys[self.instance[zone]].alive = false;
        self.instance[zone] = self.makes_a_key(zone);
    }

    /// A slot as a request leaves it.
    pub(crate) fn after(&self, request: &Request) -> Result<Option<Filling>, Stale> {
        let place = &self.places[request.zone];
        if place.revision() != request.revision {
            return Err(Stale);
        }
        Ok(match (&request.write, &place.filling) {
            (Write::Put { key, owner }, _) => {
                Some(Filling { key: *key, owner: Some(Ownership { owner: owner.clone(), adopted: false }) })
            }
            (Write::SetOwner { owner }, Some(filling)) => Some(Filling { owner: owner.clone(), ..filling.clone() }),
            (Write::SetOwner { .. }, None) | (Write::Delete, _) => None,
        })
    }
}

/// The number of a key.
pub(crate) fn number(key: &ServiceKey) -> KeyNo {
    let digits = key.client_secret().expose_secret().trim_start_matches(MARKER).trim_start_matches('-');
    digits.parse().expect("a key that was made here")
}
