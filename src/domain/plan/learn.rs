//! How an answer becomes a fact.

use super::{Content, Evidence, Facts, KeyRole, Now, Source, Verdict};
use crate::domain::ledger::{Ledger, Operation, Origin, Pending, Uploaded};
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::fingerprint::Fingerprint;
use crate::domain::slot::{Ownership, RemoteTrouble, Revision, Slot, WriteAnswer};
use crate::domain::untrusted::sanitize;

/// Of a client's name, in characters: it is told to people, and a status has to fit its object. Real ones have 60.
const MAX_CLIENT_ID_CHARS: usize = 256;

impl Facts {
    /// Notes for how long the source has been as it is. Called once, before the first step.
    pub fn begin(&mut self, now: Now) {
        let (gone, unknown) =
            (matches!(self.source, Source::Gone { .. }), matches!(self.source, Source::Unknown { .. }));
        let kind_since = match self.source {
            Source::Gone { evidence: Evidence::BindingAbsent { kind_since }, .. } => kind_since,
            _ => None,
        };
        let observations = &mut self.observations;
        if kind_since.is_some() && observations.kind_since.is_some() && kind_since != observations.kind_since {
            observations.gone_since = None;
        }
        observations.gone_since = gone.then(|| observations.gone_since.unwrap_or(now.monotonic));
        observations.kind_since = kind_since.or(observations.kind_since).filter(|_| gone);
        observations.unknown_since = unknown.then(|| observations.unknown_since.unwrap_or(now.monotonic));
    }

    /// A sign-in has been answered.
    pub fn learn_sign_in(&mut self, which: KeyRole, verdict: Verdict, now: Now) {
        let key = match which {
            KeyRole::Source => self.source_key(),
            KeyRole::Slot => self.slot_key(),
        };
        if let Some(fingerprint) = key.map(Fingerprint::of) {
            if which == KeyRole::Source {
                self.observations.last_tested = Some(fingerprint.clone());
            }
            match &verdict {
                Verdict::Accepted { .. } => self.observations.accepted(&fingerprint),
                Verdict::Refused { .. } => {
                    self.observations.refused(&fingerprint, now.monotonic, self.policy.dead_after);
                }
                Verdict::Unknown { .. } => {}
            }
        }
        match which {
            KeyRole::Source => self.answers.source_sign_in = Some(verdict),
            KeyRole::Slot => self.answers.slot_sign_in = Some(verdict),
        }
    }

    /// The slot has been looked at.
    pub fn learn_slot(&mut self, answer: Result<Slot, RemoteTrouble>) {
        self.answers.slot = Some(answer);
    }

    /// The slot's content has been read.
    pub fn learn_content(&mut self, answer: Result<Content, RemoteTrouble>) {
        self.answers.content = Some(answer);
    }

    /// A write is recorded in the status.
    pub fn learn_recorded(&mut self, pending: Pending) {
        let before = self.ledger.pending.as_ref();
        self.answers.first_attempt = before.is_none_or(|before| before.revision != pending.revision);
        self.ledger.pending = Some(pending);
    }

    /// A write has been answered.
    pub fn learn_write(&mut self, operation: Operation, answer: WriteAnswer, now: Now) {
        self.learn_answer(operation, None, answer, now);
    }

    /// That the key be left to somebody else or to nobody has been answered.
    pub fn learn_released(&mut self, to: Option<Ownership>, answer: WriteAnswer, now: Now) {
        self.learn_answer(Operation::Release, to, answer, now);
    }

    fn learn_answer(&mut self, operation: Operation, left_to: Option<Ownership>, answer: WriteAnswer, now: Now) {
        match &answer {
            WriteAnswer::Done(revision) => self.took_effect(operation, left_to, revision, now),
            // Whatever was pending was conditional on a revision that is no more: it cannot take effect either.
            WriteAnswer::Changed => {
                self.ledger.pending = None;
                self.answers =
                    super::Answers { source_sign_in: self.answers.source_sign_in.take(), ..Default::default() };
                return;
            }
            WriteAnswer::Rejected(_) if self.answers.first_attempt => self.ledger.pending = None,
            WriteAnswer::Rejected(_) | WriteAnswer::Refused(_) | WriteAnswer::Unknown(_) => {}
        }
        self.answers.write = Some(answer);
    }

    fn took_effect(&mut self, operation: Operation, left_to: Option<Ownership>, revision: &Revision, now: Now) {
        let owner = self.subject.owner.clone();
        let (origin, owner) = match operation {
            Operation::Upload => (Some(Origin::Uploaded), Some(Ownership { owner, adopted: false })),
            Operation::Adopt => (Some(Origin::Adopted), Some(Ownership { owner, adopted: true })),
            Operation::Release => (None, left_to),
            Operation::Delete => (None, None),
        };
        let entry = |origin| self.source_key().map(|key| uploaded(key, origin, revision, now));
        self.ledger = Ledger { uploaded: origin.and_then(entry), ..Ledger::default() };
        self.answers.slot = Some(Ok(match operation {
            Operation::Delete => Slot::Empty { revision: revision.clone() },
            Operation::Upload | Operation::Adopt | Operation::Release => {
                Slot::Filled { revision: revision.clone(), owner }
            }
        }));
    }
}

/// The ledger's entry for `key` in the slot at `revision`.
pub(super) fn uploaded(key: &ServiceKey, origin: Origin, revision: &Revision, now: Now) -> Uploaded {
    Uploaded {
        origin,
        revision: revision.clone(),
        fingerprint: Fingerprint::of(key),
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
    fn of_a_clients_name_two_hundred_and_fifty_six_characters_are_told() {
        let now = Now { monotonic: Moment::new(Duration::ZERO), wall: jiff::Timestamp::UNIX_EPOCH };
        let told = |length: usize| {
            let key = key_with(|document| document["uaa"]["clientid"] = "c".repeat(length).into());
            uploaded(&key, Origin::Uploaded, &Revision::new("\"1\""), now).client_id
        };
        assert_eq!(told(MAX_CLIENT_ID_CHARS), "c".repeat(MAX_CLIENT_ID_CHARS));
        assert_eq!(told(MAX_CLIENT_ID_CHARS + 1), format!("{}…", "c".repeat(MAX_CLIENT_ID_CHARS)));
    }
}
