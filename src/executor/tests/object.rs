//! An object that lives among the models, as the controller would load it and let it pass.

use std::time::Duration;

use super::models::{Status, World, us};
use crate::domain::evidence::Observations;
use crate::domain::plan::{Answers, Evidence, Facts, Siblings, Source, SourceIdentity, Subject, Tenant};
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::examples::{key, policy};
use crate::executor::execute::{Outcome, execute};
use crate::executor::ports::Ports;

/// The object as the controller would load it, and the observations of the process.
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

    fn facts(&self, bed: &World) -> Facts {
        Facts {
            subject: Subject {
                owner: us(),
                generation: if self.deleting { 2 } else { 1 },
                deleting: self.deleting,
                abandoned: false,
                has_looked: false,
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
        }
    }

    /// One pass.
    pub(super) async fn pass(&mut self, bed: &World) -> Outcome {
        let mut status = Status(bed);
        let ports = Ports { sign_in: bed, landscape: bed, ledger: &mut status, clock: bed };
        let outcome = execute(self.facts(bed), ports).await;
        self.observations = match &outcome {
            Outcome::Settled { settlement, .. } => settlement.observations.clone(),
            Outcome::Interrupted { observations, .. } => (**observations).clone(),
        };
        outcome
    }

    /// A pass that ends as passes should: after how long the next one is due.
    pub(super) async fn settles(&mut self, bed: &World) -> Duration {
        match self.pass(bed).await {
            Outcome::Settled { settlement, .. } => settlement.next,
            outcome @ Outcome::Interrupted { .. } => panic!("the pass was to settle, not {outcome:?}"),
        }
    }

    /// Passes, each when it is due, for `time`.
    pub(super) async fn lives(&mut self, bed: &World, time: Duration) {
        let mut rest = time;
        for _ in 0..100_000 {
            let next = self.settles(bed).await;
            if next > rest {
                return bed.passes(rest);
            }
            rest -= next;
            bed.passes(next);
        }
        panic!("more passes than a life has room for: some come back at once");
    }

    /// The process restarts: nothing is remembered.
    pub(super) fn restarts(&mut self) {
        self.observations = Observations::default();
    }
}
