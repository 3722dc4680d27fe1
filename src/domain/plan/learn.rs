//! The answers: each one is added to the facts.

use super::facts::{Answers, Content, Evidence, Facts, Source, Verdict, Written};
use super::step::{KeyRole, Now};
use crate::domain::action::{Action, Unconfirmed};
use crate::domain::ledger::{Ledger, Operation, Origin, Pending, Uploaded};
use crate::domain::policy::Adapter;
use crate::domain::service_key::ServiceKey;
use crate::domain::slot::{Basis, Holder, Ownership, RemoteTrouble, Revision, Slot, WriteAnswer};
use crate::domain::untrusted::sanitize;

/// The maximum length of a client ID in the status, in characters. Real ones have 60.
const MAX_CLIENT_ID_CHARS: usize = 256;

impl Facts {
    /// Notes since when the source has been gone, uncertain or changed. Must be called once, before the first step. The absence of
    /// the source of a suspended object begins with the end of its suspension, which a user may have chosen because of
    /// that absence.
    pub fn observe_source(&mut self, now: Now) {
        let gone = matches!(self.source, Source::Gone { .. }) && !self.policy.suspend;
        let unknown = matches!(self.source, Source::Unknown { .. });
        let kind_since = match self.source {
            Source::Gone { evidence: Evidence::BindingAbsent { kind_since }, .. } => kind_since,
            _ => None,
        };
        let document = self.source_key().map(|key| key.document_fingerprint().clone());
        let is_recorded = self.source_key().is_some_and(|key| self.ledger.records(key));
        let observations = &mut self.observations;
        if let Some(document) = document {
            observations.read_document(&document, is_recorded, now.monotonic);
        }
        if kind_since.is_some() && observations.kind_since.is_some() && kind_since != observations.kind_since {
            observations.gone_since = None;
        }
        observations.gone_since = gone.then(|| observations.gone_since.unwrap_or(now.monotonic));
        observations.kind_since = kind_since.or(observations.kind_since).filter(|_| gone);
        observations.unknown_since = unknown.then(|| observations.unknown_since.unwrap_or(now.monotonic));
    }

    /// Adds the verdict of a sign-in.
    pub fn learn_sign_in(&mut self, role: KeyRole, verdict: Verdict, now: Now) {
        let key = match role {
            KeyRole::Source => self.source_key(),
            KeyRole::Slot => self.slot_key(),
        };
        if let Some(credentials) = key.map(|key| key.credentials_fingerprint().clone()) {
            if role == KeyRole::Source {
                self.observations.last_tested = Some(credentials.clone());
                self.observations.last_tested_key = self.source_key().map(|key| key.fingerprint().clone());
            }
            match &verdict {
                Verdict::Accepted { .. } => self.observations.accepted(&credentials),
                Verdict::Refused { .. } => {
                    self.observations.refused(&credentials, now.monotonic, self.policy.dead_after);
                }
                Verdict::Unknown { .. } => {}
            }
        }
        match role {
            KeyRole::Source => self.answers.source_sign_in = Some(verdict),
            KeyRole::Slot => self.answers.slot_sign_in = Some(verdict),
        }
    }

    /// Adds the answer to a read of the slot. A record that was lost says nothing of the keys whose upload was requested
    /// before: they count for the new record, too.
    pub fn learn_slot(&mut self, answer: Result<Slot, RemoteTrouble>) {
        if let (Ok(Slot::Unknown { revision, .. }), Some(unconfirmed)) = (&answer, &mut self.ledger.unconfirmed) {
            unconfirmed.revision = revision.clone();
        }
        self.answers.slot = Some(answer);
        if self.holder().is_some_and(|holder| !matches!(holder, Holder::Us(_))) {
            self.observations.slot_key = None;
        }
    }

    /// Adds the answer to a read of the slot's content.
    pub fn learn_content(&mut self, answer: Result<Content, RemoteTrouble>) {
        self.answers.content = Some(answer);
        if let (Some(key), Some(Holder::Us(_))) = (self.slot_key(), self.holder()) {
            self.observations.slot_key = Some(key.credentials_fingerprint().clone());
        }
    }

    /// Notes that a write is recorded in the status.
    pub fn note_pending_write(&mut self, pending: Pending) {
        let before = self.ledger.pending.as_ref();
        self.answers.first_attempt = before.is_none_or(|before| before.revision != pending.revision);
        self.ledger.pending = Some(pending);
    }

    /// Notes that a person is asked for `action`.
    pub fn note_action(&mut self, action: Action) {
        if let Some(key) = action.upload() {
            let before = self.ledger.unconfirmed.take();
            self.ledger.unconfirmed = Some(Unconfirmed::with(before, key, &action.revision));
        }
        self.ledger.action = Some(action);
        self.answers.asked = true;
    }

    /// Adds the answer to a write to the facts, and updates the ledger. `owner` is the one that the write sets.
    pub fn learn_write(&mut self, operation: Operation, owner: Option<Ownership>, answer: WriteAnswer, now: Now) {
        match &answer {
            WriteAnswer::Done(revision) | WriteAnswer::HandedOver(revision) => {
                self.apply(operation, owner, revision, now);
            }
            // A pending write is conditional on a revision that the slot has left, so it cannot take effect either.
            WriteAnswer::Changed => {
                self.ledger.pending = None;
                self.answers = Answers {
                    source_sign_in: self.answers.source_sign_in.take(),
                    earlier_write: self.answers.earlier_write || !self.answers.first_attempt,
                    ..Default::default()
                };
                return;
            }
            WriteAnswer::Rejected(_) if self.answers.first_attempt => self.ledger.pending = None,
            WriteAnswer::Rejected(_) | WriteAnswer::Refused(_) | WriteAnswer::Unknown(_) => {}
        }
        self.answers.write = Some(Written { operation, answer });
    }

    /// Updates ledger and slot after a write took effect.
    fn apply(&mut self, operation: Operation, owner: Option<Ownership>, revision: &Revision, now: Now) {
        let ours = owner.as_ref().filter(|ownership| ownership.owner == self.subject.owner);
        let key = self.source_key().filter(|_| ours.is_some());
        let origin = if ours.is_some_and(|ownership| ownership.adopted) { Origin::Adopted } else { Origin::Uploaded };
        let adapter = self.policy.adapter;
        let uploaded = key.map(|key| ledger_entry(adapter, key, origin, revision, now));
        self.observations.slot_key = key.map(|key| key.credentials_fingerprint().clone());
        self.ledger = Ledger { uploaded, ..Ledger::default() };
        self.answers.slot = Some(Ok(match operation {
            Operation::Delete => Slot::Empty { revision: revision.clone() },
            Operation::Upload | Operation::Adopt | Operation::Release => {
                Slot::Filled { revision: revision.clone(), owner, basis: Basis::Content }
            }
        }));
    }
}

/// Returns the ledger's entry for `key` in the slot at `revision`.
pub(super) fn ledger_entry(
    adapter: Adapter,
    key: &ServiceKey,
    origin: Origin,
    revision: &Revision,
    now: Now,
) -> Uploaded {
    let document = match adapter {
        Adapter::Http => Some(key.document_fingerprint().clone()),
        Adapter::Manual => None,
    };
    Uploaded {
        origin,
        revision: revision.clone(),
        fingerprint: key.fingerprint().clone(),
        document,
        identity_zone: key.identity_zone().to_owned(),
        credential_type: key.credential_type().to_owned(),
        client_id: sanitize(key.client_id(), MAX_CLIENT_ID_CHARS),
        uploaded_at: now.wall,
        proven_at: now.wall,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::service_key::examples::key_with;
    use crate::domain::time::Moment;

    // proves: limit domain/plan/learn MAX_CLIENT_ID_CHARS
    #[test]
    fn a_client_id_of_more_than_256_characters_is_truncated() {
        let now = Now { monotonic: Moment::new(Duration::ZERO), wall: jiff::Timestamp::UNIX_EPOCH };
        let client_id = |length: usize| {
            let key = key_with(|document| document["uaa"]["clientid"] = "c".repeat(length).into());
            ledger_entry(Adapter::Http, &key, Origin::Uploaded, &Revision::new("\"1\""), now).client_id
        };
        assert_eq!(client_id(MAX_CLIENT_ID_CHARS), "c".repeat(MAX_CLIENT_ID_CHARS));
        assert_eq!(client_id(MAX_CLIENT_ID_CHARS + 1), format!("{}…", "c".repeat(MAX_CLIENT_ID_CHARS)));
    }
}
