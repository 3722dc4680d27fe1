//! The models of the ports: token endpoint, Landscape Management, status and clock.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::ExposeSecret;

use crate::domain::conditions::Conditions;
use crate::domain::ledger;
use crate::domain::plan::{Now, Settlement, Verdict};
use crate::domain::policy::Scopes;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::examples::key;
use crate::domain::service_key::fingerprint::{CredentialsFingerprint, KeyFingerprint};
use crate::domain::slot::{Basis, Owner, Ownership, RemoteTrouble, Revision, Slot, WriteAnswer};
use crate::domain::time::Moment;
use crate::executor::ports::{Clock, LandscapeManagement, LedgerError, LedgerStore, SignIn, SlotContent};

/// A fault of the next write to the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The write takes effect, and its answer is lost.
    AnswerLost,
    /// The write is delayed until [`TestBed::land_delayed_writes`], and its answer is lost.
    Delayed,
    /// A person uploads a key just before the write.
    Forestalled,
    /// Another client empties the slot just before the write.
    Emptied,
}

/// A lasting failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    /// The token endpoint answers 503.
    TokenEndpointDown,
    /// Landscape Management does not answer.
    LandscapeDown,
    /// Landscape Management answers every write with 412.
    EveryWriteGets412,
    /// Another client writes the object during each reconciliation.
    StatusConflicts,
    /// The status cannot be written at the end of a reconciliation.
    StatusLostAtTheEnd,
}

/// A write to the slot as sent over the network.
#[derive(Clone, Debug)]
enum Write {
    Put { key: KeyFingerprint, document: String, owner: Ownership, revision: Revision },
    SetOwner { owner: Option<Ownership>, revision: Revision },
    Delete { revision: Revision },
}

/// The key in the slot.
#[derive(Clone, Debug)]
struct Filling {
    key: KeyFingerprint,
    owner: Option<Ownership>,
    document: String,
}

struct State {
    calls: Vec<String>,
    clock: Duration,
    troubles: BTreeSet<Trouble>,
    // The token endpoint.
    valid: BTreeSet<CredentialsFingerprint>,
    // The slot.
    revision: u64,
    filling: Option<Filling>,
    faults: Vec<Fault>,
    delayed: Vec<Write>,
    // The status.
    ledger: ledger::Ledger,
    conditions: Option<Conditions>,
    released: bool,
}

/// The models of all ports.
pub(super) struct TestBed(Mutex<State>);

/// The content of the slot from the view of a test.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    Nothing,
    Ours(KeyFingerprint),
    Foreign,
}

pub(super) fn us() -> Owner {
    Owner { cluster_id: "cluster-1".into(), namespace: "monitoring".into(), name: "calm".into() }
}

fn down() -> RemoteTrouble {
    RemoteTrouble {
        reason: Reason::LandscapeManagementUnavailable,
        message: "Landscape Management gave no answer".into(),
        retry: Retry::Backoff,
    }
}

impl TestBed {
    /// Returns an empty slot and a token endpoint that accepts the example.
    pub(super) fn new() -> Self {
        Self(Mutex::new(State {
            calls: Vec::new(),
            clock: Duration::from_hours(1),
            troubles: BTreeSet::new(),
            valid: BTreeSet::from([key().credentials_fingerprint().clone()]),
            revision: 1,
            filling: None,
            faults: Vec::new(),
            delayed: Vec::new(),
            ledger: ledger::Ledger::default(),
            conditions: None,
            released: false,
        }))
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().expect("no test panics while it holds the lock"))
    }

    pub(super) fn accept(&self, key: &ServiceKey) {
        self.change(|state| state.valid.insert(key.credentials_fingerprint().clone()));
    }

    pub(super) fn revoke(&self, key: &ServiceKey) {
        self.change(|state| state.valid.remove(key.credentials_fingerprint()));
    }

    pub(super) fn start(&self, trouble: Trouble) {
        self.change(|state| state.troubles.insert(trouble));
    }

    pub(super) fn stop(&self, trouble: Trouble) {
        self.change(|state| state.troubles.remove(&trouble));
    }

    /// Applies a fault to the next write to the slot.
    pub(super) fn fail_next_write(&self, fault: Fault) {
        self.change(|state| state.faults.push(fault));
    }

    /// Uploads a key as a person does in the app.
    pub(super) fn fill_slot_by_person(&self) {
        self.change(State::fill_by_person);
    }

    /// Empties the slot as a person does in the app.
    pub(super) fn empty_slot_by_person(&self) {
        self.change(|state| {
            state.revision += 1;
            state.filling = None;
        });
    }

    pub(super) fn lose_ledger(&self) {
        self.change(|state| state.ledger = ledger::Ledger::default());
    }

    /// Lets the delayed writes reach the slot. Returns true if any of them takes effect.
    pub(super) fn land_delayed_writes(&self) -> bool {
        self.change(|state| {
            let writes = std::mem::take(&mut state.delayed);
            assert!(!writes.is_empty(), "a write was delayed");
            writes.iter().any(|write| matches!(state.write(write), WriteAnswer::Done(_)))
        })
    }

    pub(super) fn advance(&self, time: Duration) {
        self.change(|state| state.clock += time);
    }

    /// Returns the calls since the last use of this method.
    pub(super) fn calls(&self) -> Vec<String> {
        self.change(|state| std::mem::take(&mut state.calls))
    }

    pub(super) fn slot(&self) -> Content {
        self.change(|state| match &state.filling {
            None => Content::Nothing,
            Some(Filling { owner: Some(ownership), key, .. }) if ownership.owner == us() => Content::Ours(key.clone()),
            Some(_) => Content::Foreign,
        })
    }

    pub(super) fn ledger(&self) -> ledger::Ledger {
        self.change(|state| state.ledger.clone())
    }

    pub(super) fn conditions(&self) -> Option<Conditions> {
        self.change(|state| state.conditions.clone())
    }

    pub(super) fn ready(&self) -> Option<Reason> {
        self.conditions().map(|conditions| conditions.ready.reason)
    }

    pub(super) fn released(&self) -> bool {
        self.change(|state| state.released)
    }

    fn called(&self, call: &str) {
        self.change(|state| state.calls.push(call.to_owned()));
    }
}

impl State {
    fn has(&self, trouble: Trouble) -> bool {
        self.troubles.contains(&trouble)
    }

    fn fill_by_person(&mut self) {
        self.revision += 1;
        let key = KeyFingerprint::recorded("key of a person");
        self.filling = Some(Filling { key, owner: None, document: "{}".into() });
    }

    fn etag(&self) -> Revision {
        Revision::new(format!("\"{}\"", self.revision))
    }

    fn write(&mut self, write: &Write) -> WriteAnswer {
        let (Write::Put { revision, .. } | Write::SetOwner { revision, .. } | Write::Delete { revision }) = write;
        if self.has(Trouble::EveryWriteGets412) || *revision != self.etag() {
            return WriteAnswer::Changed;
        }
        self.revision += 1;
        self.filling = match write.clone() {
            Write::Put { key, document, owner, .. } => Some(Filling { key, owner: Some(owner), document }),
            Write::SetOwner { owner, .. } => self.filling.take().map(|filling| Filling { owner, ..filling }),
            Write::Delete { .. } => None,
        };
        WriteAnswer::Done(self.etag())
    }

    fn receive(&mut self, write: Write) -> WriteAnswer {
        if self.has(Trouble::LandscapeDown) {
            return WriteAnswer::Unknown(down());
        }
        match self.faults.pop() {
            Some(Fault::AnswerLost) => {
                self.write(&write);
                WriteAnswer::Unknown(down())
            }
            Some(Fault::Delayed) => {
                self.delayed.push(write);
                WriteAnswer::Unknown(down())
            }
            Some(Fault::Forestalled) => {
                self.fill_by_person();
                self.write(&write)
            }
            Some(Fault::Emptied) => {
                self.revision += 1;
                self.filling = None;
                self.write(&write)
            }
            None => self.write(&write),
        }
    }
}

#[async_trait]
impl SignIn for TestBed {
    async fn sign_in(&self, key: &ServiceKey) -> Verdict {
        self.called("sign in");
        let (down, valid) = self.change(|state| {
            (state.has(Trouble::TokenEndpointDown), state.valid.contains(key.credentials_fingerprint()))
        });
        match (down, valid) {
            (true, _) => Verdict::Unknown { message: "the token endpoint answered 503".into(), retry: Retry::Backoff },
            (_, true) => Verdict::Accepted { scopes: Scopes::default() },
            _ => Verdict::Refused { reason: Reason::CredentialsRefused, message: "the key was refused".into() },
        }
    }
}

#[async_trait]
impl LandscapeManagement for TestBed {
    async fn read_slot(&self) -> Result<Slot, RemoteTrouble> {
        self.called("read");
        self.change(|state| match &state.filling {
            _ if state.has(Trouble::LandscapeDown) => Err(down()),
            None => Ok(Slot::Empty { revision: state.etag() }),
            Some(filling) => {
                let (revision, owner) = (state.etag(), filling.owner.clone());
                Ok(Slot::Filled { revision, owner, basis: Basis::Content })
            }
        })
    }

    async fn read_content(&self) -> Result<Option<SlotContent>, RemoteTrouble> {
        self.called("read content");
        self.change(|state| match &state.filling {
            _ if state.has(Trouble::LandscapeDown) => Err(down()),
            None => Ok(None),
            Some(filling) => Ok(Some(SlotContent::Document(filling.document.clone().into_bytes().into()))),
        })
    }

    async fn put(&self, key: &ServiceKey, owner: &Ownership, revision: &Revision) -> WriteAnswer {
        self.called("put");
        let write = Write::Put {
            key: key.fingerprint().clone(),
            document: key.document().expose_secret().to_owned(),
            owner: owner.clone(),
            revision: revision.clone(),
        };
        self.change(|state| state.receive(write))
    }

    async fn set_owner(&self, owner: Option<&Ownership>, revision: &Revision) -> WriteAnswer {
        self.called("set owner");
        let write = Write::SetOwner { owner: owner.cloned(), revision: revision.clone() };
        self.change(|state| state.receive(write))
    }

    async fn delete(&self, revision: &Revision) -> WriteAnswer {
        self.called("delete");
        self.change(|state| state.receive(Write::Delete { revision: revision.clone() }))
    }
}

/// The status of the one object.
pub(super) struct Status<'a>(pub(super) &'a TestBed);

#[async_trait]
impl LedgerStore for Status<'_> {
    async fn record(&mut self, ledger: &ledger::Ledger) -> Result<(), LedgerError> {
        self.0.called("record");
        self.0.change(|state| {
            if state.has(Trouble::StatusConflicts) {
                return Err(LedgerError::Conflict);
            }
            state.ledger = ledger.clone();
            Ok(())
        })
    }

    async fn settle(&mut self, settlement: &Settlement) -> Result<(), LedgerError> {
        self.0.called("settle");
        self.0.change(|state| {
            if state.has(Trouble::StatusConflicts) || state.has(Trouble::StatusLostAtTheEnd) {
                return Err(LedgerError::Conflict);
            }
            state.ledger = settlement.ledger.clone();
            state.conditions = settlement.conditions.clone().or(state.conditions.take());
            state.released = settlement.release;
            Ok(())
        })
    }
}

impl Clock for TestBed {
    fn now(&self) -> Now {
        let clock = self.change(|state| state.clock);
        let wall = 1_790_000_000 + i64::try_from(clock.as_secs()).expect("the time of a test is small");
        Now { monotonic: Moment::new(clock), wall: Timestamp::from_second(wall).expect("a valid timestamp") }
    }
}
