//! Models of the ports: all of the world outside of a pass.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretSlice};

use crate::domain::conditions::Conditions;
use crate::domain::ledger;
use crate::domain::plan::{Now, Settlement, Verdict};
use crate::domain::policy::Scopes;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::examples::key;
use crate::domain::service_key::fingerprint::Fingerprint;
use crate::domain::slot::{Owner, Ownership, RemoteTrouble, Revision, Slot, WriteAnswer};
use crate::domain::time::Moment;
use crate::executor::ports::{Clock, LandscapeManagement, LedgerError, LedgerStore, SignIn};

/// What happens to the next write to the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It takes effect, and its answer is lost.
    AnswerLost,
    /// It is held back, and its answer is lost; [`World::let_held_back_writes_land`] lets it go on.
    HeldBack,
    /// Somebody else writes to the slot just before it, and leaves a key of nobody.
    Forestalled,
    /// Somebody empties the slot just before it.
    Emptied,
}

/// What can go wrong for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    /// The token endpoint answers 503.
    TokenEndpointDown,
    /// Landscape Management does not answer.
    LandscapeDown,
    /// Landscape Management answers every write with 412.
    EveryWriteGets412,
    /// Somebody else writes the object while passes run.
    StatusConflicts,
    /// The status cannot be written when a pass ends.
    StatusLostAtTheEnd,
}

/// A write to the slot as it is on the wire.
#[derive(Clone, Debug)]
enum Write {
    Put { key: Fingerprint, document: String, owner: Owner, revision: Revision },
    SetOwner { owner: Option<Ownership>, revision: Revision },
    Delete { revision: Revision },
}

/// What is in the slot.
#[derive(Clone, Debug)]
struct Filling {
    key: Fingerprint,
    owner: Option<Ownership>,
    document: String,
}

struct State {
    calls: Vec<String>,
    clock: Duration,
    troubles: BTreeSet<Trouble>,
    // The token endpoint.
    valid: BTreeSet<Fingerprint>,
    // The slot.
    revision: u64,
    filling: Option<Filling>,
    faults: Vec<Fault>,
    held_back: Vec<Write>,
    // The status.
    ledger: ledger::Ledger,
    conditions: Option<Conditions>,
    released: bool,
}

/// All of the world outside of the pass.
pub(super) struct World(Mutex<State>);

/// The slot, in terms of a test.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Nothing,
    Ours(Fingerprint),
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

impl World {
    /// An empty slot, and a token endpoint that accepts the example.
    pub(super) fn new() -> Self {
        Self(Mutex::new(State {
            calls: Vec::new(),
            clock: Duration::from_hours(1),
            troubles: BTreeSet::new(),
            valid: BTreeSet::from([Fingerprint::of(&key())]),
            revision: 1,
            filling: None,
            faults: Vec::new(),
            held_back: Vec::new(),
            ledger: ledger::Ledger::default(),
            conditions: None,
            released: false,
        }))
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().expect("no test panics while it holds this"))
    }

    pub(super) fn accepts(&self, key: &ServiceKey) {
        self.change(|state| state.valid.insert(Fingerprint::of(key)));
    }

    pub(super) fn revokes(&self, key: &ServiceKey) {
        self.change(|state| state.valid.remove(&Fingerprint::of(key)));
    }

    pub(super) fn begins(&self, trouble: Trouble) {
        self.change(|state| state.troubles.insert(trouble));
    }

    pub(super) fn ends(&self, trouble: Trouble) {
        self.change(|state| state.troubles.remove(&trouble));
    }

    /// The next write to the slot fares so.
    pub(super) fn next_write(&self, fault: Fault) {
        self.change(|state| state.faults.push(fault));
    }

    /// A person uploads a key in the app.
    pub(super) fn a_person_fills_the_slot(&self) {
        self.change(State::a_person_fills);
    }

    pub(super) fn the_ledger_is_lost(&self) {
        self.change(|state| state.ledger = ledger::Ledger::default());
    }

    /// Writes that were under way reach the slot after all: whether any of them took effect.
    pub(super) fn let_held_back_writes_land(&self) -> bool {
        self.change(|state| {
            let writes = std::mem::take(&mut state.held_back);
            assert!(!writes.is_empty(), "a write was held back");
            writes.iter().any(|write| matches!(state.write(write), WriteAnswer::Done(_)))
        })
    }

    pub(super) fn passes(&self, time: Duration) {
        self.change(|state| state.clock += time);
    }

    /// What was called since the last question.
    pub(super) fn calls(&self) -> Vec<String> {
        self.change(|state| std::mem::take(&mut state.calls))
    }

    pub(super) fn slot(&self) -> Holds {
        self.change(|state| match &state.filling {
            None => Holds::Nothing,
            Some(Filling { owner: Some(held), key, .. }) if held.owner == us() => Holds::Ours(key.clone()),
            Some(_) => Holds::Foreign,
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

    fn a_person_fills(&mut self) {
        self.revision += 1;
        let key = Fingerprint::recorded("of a person");
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
            Write::Put { key, document, owner, .. } => {
                Some(Filling { key, owner: Some(Ownership { owner, adopted: false }), document })
            }
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
            Some(Fault::HeldBack) => {
                self.held_back.push(write);
                WriteAnswer::Unknown(down())
            }
            Some(Fault::Forestalled) => {
                self.a_person_fills();
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
impl SignIn for World {
    async fn sign_in(&self, key: &ServiceKey) -> Verdict {
        self.called("sign in");
        let (down, valid) =
            self.change(|state| (state.has(Trouble::TokenEndpointDown), state.valid.contains(&Fingerprint::of(key))));
        match (down, valid) {
            (true, _) => Verdict::Unknown { message: "the token endpoint answered 503".into(), retry: Retry::Backoff },
            (_, true) => Verdict::Accepted { scopes: Scopes::default() },
            _ => Verdict::Refused { reason: Reason::CredentialsRefused, message: "the key was refused".into() },
        }
    }
}

#[async_trait]
impl LandscapeManagement for World {
    async fn read_slot(&self) -> Result<Slot, RemoteTrouble> {
        self.called("read");
        self.change(|state| match &state.filling {
            _ if state.has(Trouble::LandscapeDown) => Err(down()),
            None => Ok(Slot::Empty { revision: state.etag() }),
            Some(filling) => Ok(Slot::Filled { revision: state.etag(), owner: filling.owner.clone() }),
        })
    }

    async fn read_content(&self) -> Result<Option<SecretSlice<u8>>, RemoteTrouble> {
        self.called("read content");
        self.change(|state| match &state.filling {
            _ if state.has(Trouble::LandscapeDown) => Err(down()),
            None => Ok(None),
            Some(filling) => Ok(Some(filling.document.clone().into_bytes().into())),
        })
    }

    async fn put(&self, key: &ServiceKey, owner: &Owner, revision: &Revision) -> WriteAnswer {
        self.called("put");
        let write = Write::Put {
            key: Fingerprint::of(key),
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
pub(super) struct Status<'a>(pub(super) &'a World);

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

impl Clock for World {
    fn now(&self) -> Now {
        let clock = self.change(|state| state.clock);
        let wall = 1_790_000_000 + i64::try_from(clock.as_secs()).expect("a test does not last that long");
        Now { monotonic: Moment::new(clock), wall: Timestamp::from_second(wall).expect("a moment of this century") }
    }
}
