//! SAP's answers to one reconciliation. Implements the controller's ports `SignIn` and `LandscapeManagement`.

use async_trait::async_trait;

use crate::api::ALMTenant;
use crate::api::resolve::adapter;
use crate::controller::remote::{Remote, Remotes};
use crate::domain::plan::Verdict;
use crate::domain::policy::{Adapter, Scopes};
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::slot::{Owner, Ownership, RemoteTrouble, Revision, Slot, WriteAnswer};
use crate::executor::ports::{self, LandscapeManagement, SignIn};
use crate::landscape::dangling_owner::ignore_dangling_owner;
use crate::simulation::checker::safety;
use crate::simulation::model::document::KeyDocument;
use crate::simulation::model::sap::{SlotContent, SlotWrite, WriteRequest};
use crate::simulation::ports::api_server::ApiConnection;
use crate::simulation::state::{SharedState, State, cut_point};
use crate::simulation::step::SlotWriteFault;

/// The remotes of one reconciliation.
pub(crate) struct SimulatedRemotes {
    pub(crate) state: SharedState,
    pub(crate) connection: ApiConnection,
    pub(crate) zone: usize,
    pub(crate) cluster_id: String,
}

/// The remote of one tenant.
pub(crate) struct SimulatedRemote<'a> {
    remotes: &'a SimulatedRemotes,
    tenant: Option<&'a ALMTenant>,
    /// The owner on whose behalf the calls are made. `None` for the tenant itself.
    owner: Option<&'a Owner>,
}

impl Remotes for SimulatedRemotes {
    fn connect<'a>(&'a self, tenant: Option<&'a ALMTenant>, me: &'a Owner) -> Box<dyn Remote + 'a> {
        Box::new(SimulatedRemote { remotes: self, tenant, owner: Some(me) })
    }
}

impl SimulatedRemotes {
    /// Returns the remote for calls on behalf of the tenant itself.
    pub(crate) fn for_tenant<'a>(&'a self, tenant: &'a ALMTenant) -> SimulatedRemote<'a> {
        SimulatedRemote { remotes: self, tenant: Some(tenant), owner: None }
    }
}

impl Remote for SimulatedRemote<'_> {}

fn trouble(reason: Reason, message: &str, retry: Retry) -> RemoteTrouble {
    RemoteTrouble { reason, message: message.into(), retry }
}

fn unavailable() -> RemoteTrouble {
    trouble(Reason::LandscapeManagementUnavailable, "Landscape Management gave no answer", Retry::Backoff)
}

impl SimulatedRemote<'_> {
    fn reconciliation(&self) -> usize {
        self.remotes.connection.reconciliation
    }

    /// Counts a call to Landscape Management.
    fn count_landscape_call(&self, state: &mut State) {
        self.count_call(state);
        if self.tenant.is_some_and(|tenant| adapter(&tenant.spec) == Adapter::Manual) {
            state.record_violation("Landscape Management was called for a tenant in manual mode");
        }
    }

    fn count_call(&self, state: &mut State) {
        let reconciliation = &state.reconciliations[self.reconciliation()];
        state.remote_calls.push((reconciliation.cluster, reconciliation.name.clone()));
    }

    /// Reads the slot. The answer may be outdated when it arrives.
    async fn read<T: Send>(
        &self,
        read: impl FnOnce(Option<&SlotContent>, Slot) -> T + Send,
    ) -> Result<T, RemoteTrouble> {
        cut_point().await;
        let answer = self.remotes.state.with(|state| {
            self.count_landscape_call(state);
            let slot = &state.sap.slots[self.remotes.zone];
            match (self.tenant, state.sap.landscape_is_down) {
                (None, _) => Err(trouble(Reason::TenantMisconfigured, "there is no tenant", Retry::Never)),
                (Some(_), true) => Err(unavailable()),
                (Some(_), false) => {
                    state.reconciliations[self.reconciliation()].slot_revision = Some(slot.revision());
                    Ok(read(slot.content.as_ref(), slot.to_slot()))
                }
            }
        });
        cut_point().await;
        answer
    }

    async fn write(&self, write: SlotWrite, revision: &Revision) -> WriteAnswer {
        cut_point().await;
        let (zone, reconciliation) = (self.remotes.zone, self.reconciliation());
        let request = WriteRequest { zone, write, revision: revision.clone(), reconciliation };
        let answer = self.remotes.state.with(|state| {
            self.count_landscape_call(state);
            let WriteRequest { reconciliation, write, revision, .. } = &request;
            state.trace(|| format!("reconciliation {reconciliation}: sends {write} at {revision}"));
            safety::check_request(state, &request);
            if state.sap.landscape_is_down {
                return WriteAnswer::Unknown(unavailable());
            }
            match state.sap.slot_write_faults.pop_front() {
                None => apply_write(state, &request),
                Some(SlotWriteFault::Lost) => WriteAnswer::Unknown(unavailable()),
                Some(SlotWriteFault::TooManyRequests) => {
                    WriteAnswer::Refused(trouble(Reason::RateLimited, "too many requests", Retry::Backoff))
                }
                Some(SlotWriteFault::Delayed) => {
                    state.sap.delayed_writes.push(request);
                    WriteAnswer::Unknown(unavailable())
                }
                Some(SlotWriteFault::AnswerLost) => {
                    apply_write(state, &request);
                    WriteAnswer::Unknown(unavailable())
                }
            }
        });
        cut_point().await;
        answer
    }
}

/// Applies a write to its slot, unless the slot has another revision.
pub(crate) fn apply_write(state: &mut State, request: &WriteRequest) -> WriteAnswer {
    let WriteRequest { reconciliation, write, .. } = request;
    let Ok(content) = state.sap.content_after(request) else {
        state.trace(|| format!("reconciliation {reconciliation}: {write} meets another revision"));
        return WriteAnswer::Changed;
    };
    safety::check_effect(state, request);
    state.trace(|| format!("reconciliation {reconciliation}: {write} takes effect"));
    state.write_count += 1;
    let slot = &mut state.sap.slots[request.zone];
    slot.set(content);
    WriteAnswer::Done(slot.revision())
}

#[async_trait]
impl SignIn for SimulatedRemote<'_> {
    async fn sign_in(&self, key: &ServiceKey) -> Verdict {
        cut_point().await;
        let document = KeyDocument::read(key);
        let verdict = self.remotes.state.with(|state| {
            self.count_call(state);
            if state.sap.token_endpoint_is_down {
                let message = "the token endpoint answered 503".into();
                return Verdict::Unknown { message, retry: Retry::Backoff };
            }
            let refusal = state.sap.refusal(document.key);
            safety::record_sign_in(state, self.reconciliation(), document, refusal);
            match refusal {
                None => Verdict::Accepted { scopes: Scopes::default() },
                Some(reason) => Verdict::Refused { reason, message: "the key was refused".into() },
            }
        });
        cut_point().await;
        verdict
    }
}

#[async_trait]
impl LandscapeManagement for SimulatedRemote<'_> {
    async fn read_slot(&self) -> Result<Slot, RemoteTrouble> {
        let slot = self.read(|_, slot| slot).await?;
        let SimulatedRemotes { connection, cluster_id, .. } = self.remotes;
        ignore_dangling_owner(slot, connection, self.tenant, cluster_id, self.owner).await
    }

    async fn read_content(&self) -> Result<Option<ports::SlotContent>, RemoteTrouble> {
        let document = self.read(|content, _| content.map(|content| content.document)).await?;
        let text = |document| self.remotes.state.with(|state| state.sap.text(document));
        Ok(document.map(|document| ports::SlotContent::Document(text(document).into_bytes().into())))
    }

    async fn put(&self, key: &ServiceKey, owner: &Ownership, revision: &Revision) -> WriteAnswer {
        self.write(SlotWrite::Put { document: KeyDocument::read(key), owner: owner.clone() }, revision).await
    }

    async fn set_owner(&self, owner: Option<&Ownership>, revision: &Revision) -> WriteAnswer {
        self.write(SlotWrite::SetOwner { owner: owner.cloned() }, revision).await
    }

    async fn delete(&self, revision: &Revision) -> WriteAnswer {
        self.write(SlotWrite::Delete, revision).await
    }
}
