//! An object that is reconciled against the models, as the controller would load it.

use std::time::Duration;

use super::models::{Status, TestBed, us};
use crate::domain::evidence::Observations;
use crate::domain::plan::{Answers, Evidence, Facts, Siblings, Source, SourceIdentity, Subject, Tenant};
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::examples::{key, policy};
use crate::executor::execute::{Outcome, execute};
use crate::executor::ports::Ports;

/// An object, and the observations of the process.
pub(super) struct Object {
    pub(super) source: Source,
    pub(super) deleting: bool,
    pub(super) observations: Observations,
}

pub(super) fn present(key: ServiceKey) -> Source {
    let identity = SourceIdentity {
        kind: "ServiceBinding",
        name: "calm".into(),
        uid: "uid-1".into(),
        binding_id: Some("binding-1".into()),
        secret_name: "calm".into(),
    };
    Source::Present { identity, key: Ok(key), suspected_lost: false }
}

pub(super) fn gone() -> Source {
    Source::Gone { evidence: Evidence::DeletionSeen, message: "the binding is being deleted".into() }
}

impl Object {
    pub(super) fn new() -> Self {
        Self { source: present(key()), deleting: false, observations: Observations::default() }
    }

    fn facts(&self, bed: &TestBed) -> Facts {
        Facts {
            subject: Subject {
                owner: us(),
                generation: if self.deleting { 2 } else { 1 },
                deleting: self.deleting,
                abandoned: false,
                has_read_slot: false,
                requested: None,
            },
            tenant: Tenant::Open { version: "1".into() },
            policy: policy(),
            source: self.source.clone(),
            siblings: Siblings::default(),
            ledger: bed.ledger(),
            previous: bed.conditions().filter(|_| !self.deleting),
            observations: self.observations.clone(),
            answers: Answers::default(),
            jitter: 0.5,
            action_id: "drawn".into(),
        }
    }

    /// Performs one reconciliation.
    pub(super) async fn reconcile(&mut self, bed: &TestBed) -> Outcome {
        let mut status = Status(bed);
        let ports = Ports { sign_in: bed, landscape: bed, ledger: &mut status, clock: bed };
        let outcome = execute(self.facts(bed), ports).await;
        self.observations = match &outcome {
            Outcome::Settled { settlement, .. } => settlement.observations.clone(),
            Outcome::Interrupted { observations, .. } => (**observations).clone(),
        };
        outcome
    }

    /// Performs one reconciliation that must settle. Returns the delay until the next one.
    pub(super) async fn settle(&mut self, bed: &TestBed) -> Duration {
        match self.reconcile(bed).await {
            Outcome::Settled { settlement, .. } => settlement.next,
            outcome @ Outcome::Interrupted { .. } => panic!("expected a settlement, not {outcome:?}"),
        }
    }

    /// Performs each reconciliation when it is due, for `time`.
    pub(super) async fn run_for(&mut self, bed: &TestBed, time: Duration) {
        let mut rest = time;
        for _ in 0..100_000 {
            let next = self.settle(bed).await;
            if next > rest {
                return bed.advance(rest);
            }
            rest -= next;
            bed.advance(next);
        }
        panic!("too many reconciliations: some are repeated without a delay");
    }

    /// Restarts the process, which loses its observations.
    pub(super) fn restart_process(&mut self) {
        self.observations = Observations::default();
    }
}
