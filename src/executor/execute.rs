//! The loop that performs the steps of one reconciliation.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::ports::{LedgerError, Ports, SlotContent};
use crate::domain::evidence::Observations;
use crate::domain::ledger::Operation;
use crate::domain::plan::{Content, Facts, KeyRole, Settlement, Step, Verdict, plan, settle_exhausted};
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::slot::{Ownership, RemoteTrouble, WriteAnswer};
use crate::domain::time::Moment;

/// The maximum number of steps, more than any regular reconciliation needs. If other clients keep writing to the slot,
/// the next reconciliation continues.
const MAX_STEPS: usize = 12;

/// The outcome of a reconciliation.
#[derive(Debug)]
pub enum Outcome {
    /// The settlement was written.
    Settled {
        /// The settlement.
        settlement: Box<Settlement>,
        /// The effects on the slot, in order.
        effects: Vec<Effect>,
    },
    /// The status could not be written.
    Interrupted {
        /// The failure.
        error: LedgerError,
        /// The observations made before the failure.
        observations: Box<Observations>,
        /// The effects on the slot, in order.
        effects: Vec<Effect>,
    },
}

/// An effect of a reconciliation on the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A write took effect.
    Written {
        /// The kind of write.
        operation: Operation,
        /// The time from the first read of the source's changed key to its upload.
        upload_delay: Option<Duration>,
        /// The time for which the key that the write removed or replaced had been refused.
        dead_for: Option<Duration>,
    },
    /// A person was asked to delete the key of an object that does not wait for that.
    RemovalRequested,
}

/// Performs one reconciliation.
pub async fn execute(mut facts: Facts, ports: Ports<'_>) -> Outcome {
    facts.observe_source(ports.clock.now());
    let mut effects = Vec::new();
    for _ in 0..MAX_STEPS {
        match plan(&facts, ports.clock.now()) {
            Step::SignIn(role) => {
                let verdict = sign_in(&facts, role, &ports).await;
                facts.learn_sign_in(role, verdict, ports.clock.now());
            }
            Step::ReadSlot => facts.learn_slot(ports.landscape.read_slot().await),
            Step::ReadContent => match read_content(&facts, &ports).await {
                Ok((content, expires_at)) => {
                    facts.answers.slot_key_expires_at = expires_at;
                    facts.learn_content(Ok(content));
                }
                Err(trouble) => facts.learn_content(Err(trouble)),
            },
            Step::Record(pending) => {
                let mut ledger = facts.ledger.clone();
                ledger.pending = Some(pending.clone());
                if let Err(error) = ports.ledger.record(&ledger).await {
                    return interrupted(error, facts.observations, effects);
                }
                facts.note_pending_write(pending);
            }
            Step::Ask(action) => facts.note_action(*action),
            Step::Put { revision, adopted } => {
                let us = Ownership { owner: facts.subject.owner.clone(), adopted };
                let answer = match facts.source_key() {
                    Some(key) => ports.landscape.put(key, &us, &revision).await,
                    None => WriteAnswer::Changed,
                };
                learn_write(&mut facts, Operation::Upload, Some(us), answer, &mut effects, &ports);
            }
            Step::Delete { revision } => {
                let answer = ports.landscape.delete(&revision).await;
                learn_write(&mut facts, Operation::Delete, None, answer, &mut effects, &ports);
            }
            Step::Adopt { revision } => {
                let us = Ownership { owner: facts.subject.owner.clone(), adopted: true };
                let answer = ports.landscape.set_owner(Some(&us), &revision).await;
                learn_write(&mut facts, Operation::Adopt, Some(us), answer, &mut effects, &ports);
            }
            Step::Release { revision, to } => {
                let answer = ports.landscape.set_owner(to.as_ref(), &revision).await;
                learn_write(&mut facts, Operation::Release, to, answer, &mut effects, &ports);
            }
            Step::Settle(settlement) => return settle(*settlement, effects, ports).await,
        }
    }
    let settlement = settle_exhausted(&facts, ports.clock.now());
    settle(settlement, effects, ports).await
}

async fn sign_in(facts: &Facts, role: KeyRole, ports: &Ports<'_>) -> Verdict {
    let key = match role {
        KeyRole::Source => facts.source_key(),
        KeyRole::Slot => facts.slot_key(),
    };
    match key {
        Some(key) => ports.sign_in.sign_in(key).await,
        None => Verdict::Unknown { message: "there is no key to sign in with".into(), retry: Retry::Backoff },
    }
}

/// Reads the content of the slot, and the time at which the key in it expires, if that is known.
async fn read_content(facts: &Facts, ports: &Ports<'_>) -> Result<(Content, Option<Timestamp>), RemoteTrouble> {
    let content = ports.landscape.read_content().await?.ok_or_else(|| RemoteTrouble {
        reason: Reason::SlotUnknown,
        message: "the slot of Landscape Management was emptied while it was being read".into(),
        retry: Retry::Backoff,
    })?;
    Ok(match content {
        SlotContent::Document(bytes) => {
            let key = ServiceKey::parse(bytes.expose_secret(), &facts.policy.rules.for_slot());
            (key.map_or_else(Content::Unreadable, Content::Key), None)
        }
        SlotContent::Key(key, expires_at) => (Content::Key(*key), expires_at),
        SlotContent::Fingerprint(fingerprint) => (Content::NotAvailable(fingerprint), None),
    })
}

fn learn_write(
    facts: &mut Facts,
    operation: Operation,
    owner: Option<Ownership>,
    answer: WriteAnswer,
    effects: &mut Vec<Effect>,
    ports: &Ports<'_>,
) {
    match answer {
        WriteAnswer::Done(_) => effects.push(written(facts, operation, ports.clock.now().monotonic)),
        WriteAnswer::HandedOver(_) => effects.push(Effect::RemovalRequested),
        WriteAnswer::Changed | WriteAnswer::Rejected(_) | WriteAnswer::Refused(_) | WriteAnswer::Unknown(_) => {}
    }
    facts.learn_write(operation, owner, answer, ports.clock.now());
}

/// Returns the effect of a write, before the facts learn of it.
fn written(facts: &Facts, operation: Operation, now: Moment) -> Effect {
    let changed = facts.observations.changed.as_ref().filter(|_| operation == Operation::Upload);
    let removes_key = matches!(operation, Operation::Upload | Operation::Delete);
    let refused_since = facts.observations.slot_key_refused_since().filter(|_| removes_key);
    Effect::Written {
        operation,
        upload_delay: changed.map(|changed| changed.since.elapsed(now)),
        dead_for: refused_since.map(|since| since.elapsed(now)),
    }
}

async fn settle(settlement: Settlement, effects: Vec<Effect>, ports: Ports<'_>) -> Outcome {
    match ports.ledger.settle(&settlement).await {
        Ok(()) => Outcome::Settled { settlement: Box::new(settlement), effects },
        Err(error) => interrupted(error, settlement.observations, effects),
    }
}

/// Keeps the observations, but not that a settlement was written.
fn interrupted(error: LedgerError, observations: Observations, effects: Vec<Effect>) -> Outcome {
    Outcome::Interrupted { error, observations: Box::new(Observations { settled: None, ..observations }), effects }
}
