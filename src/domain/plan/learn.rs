//! How an answer becomes a fact.

use super::{Content, Facts, Now, Source, Verdict, Which};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::ledger::{Operation, Pending, Uploaded};
use crate::domain::service_key::ServiceKey;
use crate::domain::slot::{RemoteTrouble, Slot, WriteAnswer};

impl Facts {
    /// Notes for how long the source has been as it is. Called once, before the first step.
    pub fn begin(&mut self, now: Now) {
        let (gone, unknown) =
            (matches!(self.source, Source::Gone { .. }), matches!(self.source, Source::Unknown { .. }));
        let memory = &mut self.memory;
        memory.gone_since = gone.then(|| memory.gone_since.unwrap_or(now.monotonic));
        memory.unknown_since = unknown.then(|| memory.unknown_since.unwrap_or(now.monotonic));
    }

    /// A sign-in has been answered.
    pub fn learn_sign_in(&mut self, which: Which, verdict: Verdict, now: Now) {
        let key = match which {
            Which::Source => self.source_key(),
            Which::Slot => self.slot_key(),
        };
        if let Some(fingerprint) = key.map(Fingerprint::of) {
            match &verdict {
                Verdict::Accepted => self.memory.accepted(&fingerprint),
                Verdict::Refused { .. } => {
                    self.memory.refused(&fingerprint, now.monotonic, self.policy.dead_after);
                }
                Verdict::Unknown { .. } => {}
            }
        }
        match which {
            Which::Source => self.answers.source_sign_in = Some(verdict),
            Which::Slot => self.answers.slot_sign_in = Some(verdict),
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
        match &answer {
            WriteAnswer::Done(revision) => {
                self.ledger.pending = None;
                self.ledger.uploaded = match operation {
                    Operation::Upload => self.source_key().map(|key| uploaded(key, revision, now)),
                    Operation::Delete => None,
                };
                self.answers.slot = Some(Ok(match operation {
                    Operation::Upload => {
                        Slot::Filled { revision: revision.clone(), owner: Some(self.subject.owner.clone()) }
                    }
                    Operation::Delete => Slot::Empty { revision: revision.clone() },
                }));
            }
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
}

/// The ledger's entry for `key` in the slot at `revision`.
pub(super) fn uploaded(key: &ServiceKey, revision: &crate::domain::slot::Revision, now: Now) -> Uploaded {
    Uploaded {
        revision: revision.clone(),
        fingerprint: Fingerprint::of(key),
        identity_zone: key.identity_zone().to_owned(),
        credential_type: key.credential_type().to_owned(),
        client_id: key.client_id().to_owned(),
        uploaded_at: now.wall,
        proven_at: now.wall,
    }
}
