//! The two remote sides as one pass meets them.

use async_trait::async_trait;
use secrecy::SecretSlice;

use crate::api::ALMTenant;
use crate::controller::dangling_owner::ignore_dangling_owner;
use crate::controller::remote::{Remote, Remotes};
use crate::domain::plan::Verdict;
use crate::domain::policy::Scopes;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::slot::{Owner, Ownership, RemoteTrouble, Revision, Slot, WriteAnswer};
use crate::executor::ports::{LandscapeManagement, SignIn};
use crate::simulation::checker::safety;
use crate::simulation::model::api_server::View;
use crate::simulation::model::sap::{Fault, Filling, KeyNo, Request, Write, number};
use crate::simulation::state::{State, World, pause};

/// The remote sides of one cluster's tenants, for one pass.
pub(crate) struct Sides {
    pub(crate) world: World,
    pub(crate) view: View,
    pub(crate) zone: usize,
    pub(crate) cluster_id: String,
}

/// Those of its tenant.
pub(crate) struct Side<'a> {
    sides: &'a Sides,
    tenant: Option<&'a ALMTenant>,
    me: Option<&'a Owner>,
}

impl Remotes for Sides {
    fn connect<'a>(&'a self, tenant: Option<&'a ALMTenant>, me: &'a Owner) -> Box<dyn Remote + 'a> {
        Box::new(Side { sides: self, tenant, me: Some(me) })
    }
}

impl Sides {
    /// For the tenant itself.
    pub(crate) fn of_tenant<'a>(&'a self, tenant: &'a ALMTenant) -> Side<'a> {
        Side { sides: self, tenant: Some(tenant), me: None }
    }
}

impl Remote for Side<'_> {}

fn trouble(reason: Reason, message: &str, retry: Retry) -> RemoteTrouble {
    RemoteTrouble { reason, message: message.into(), retry }
}

fn down() -> RemoteTrouble {
    trouble(Reason::LandscapeManagementUnavailable, "Landscape Management gave no answer", Retry::Backoff)
}

impl Side<'_> {
    fn called(&self, state: &mut State) {
        let pass = &state.passes[self.sides.view.pass];
        state.calls.push((pass.cluster, pass.name.clone()));
    }

    /// Reads what the slot shows at this moment; the answer may be old when it arrives.
    async fn look<T: Send>(&self, look: impl FnOnce(Option<&Filling>, Slot) -> T + Send) -> Result<T, RemoteTrouble> {
        pause().await;
        let seen = self.sides.world.with(|state| {
            self.called(state);
            let place = &state.sap.places[self.sides.zone];
            match (self.tenant, state.sap.landscape_is_down) {
                (None, _) => Err(trouble(Reason::TenantMisconfigured, "there is no tenant", Retry::Never)),
                (Some(_), true) => Err(down()),
                (Some(_), false) => {
                    state.passes[self.sides.view.pass].looked = Some(place.revision());
                    Ok(look(place.filling.as_ref(), place.shown()))
                }
            }
        });
        pause().await;
        seen
    }

    async fn write(&self, write: Write, revision: &Revision) -> WriteAnswer {
        pause().await;
        let request = Request { zone: self.sides.zone, write, revision: revision.clone(), pass: self.sides.view.pass };
        let answer = self.sides.world.with(|state| {
            self.called(state);
            state.tells(|| format!("pass {}: sends {} at {}", request.pass, request.write, request.revision));
            safety::of_request(state, &request);
            if state.sap.landscape_is_down {
                return WriteAnswer::Unknown(down());
            }
            match state.sap.faults.pop_front() {
                None => lands(state, &request),
                Some(Fault::Lost) => WriteAnswer::Unknown(down()),
                Some(Fault::TooMany) => {
                    WriteAnswer::Refused(trouble(Reason::RateLimited, "too many requests", Retry::Backoff))
                }
                Some(Fault::HeldBack) => {
                    state.sap.held_back.push(request);
                    WriteAnswer::Unknown(down())
                }
                Some(Fault::AnswerLost) => {
                    lands(state, &request);
                    WriteAnswer::Unknown(down())
                }
            }
        });
        pause().await;
        answer
    }
}

/// A write reaches its slot.
pub(crate) fn lands(state: &mut State, request: &Request) -> WriteAnswer {
    let Ok(after) = state.sap.after(request) else {
        state.tells(|| format!("pass {}: {} meets another revision", request.pass, request.write));
        return WriteAnswer::Changed;
    };
    safety::of_effect(state, request);
    state.tells(|| format!("pass {}: {} takes effect", request.pass, request.write));
    state.writes += 1;
    let place = &mut state.sap.places[request.zone];
    place.fill(after);
    WriteAnswer::Done(place.revision())
}

#[async_trait]
impl SignIn for Side<'_> {
    async fn sign_in(&self, key: &ServiceKey) -> Verdict {
        pause().await;
        let key: KeyNo = number(key);
        let verdict = self.sides.world.with(|state| {
            self.called(state);
            if state.sap.token_endpoint_is_down {
                let message = "the token endpoint answered 503".into();
                return Verdict::Unknown { message, retry: Retry::Backoff };
            }
            let (pass, is_alive) = (self.sides.view.pass, state.sap.is_alive(key));
            safety::of_sign_in(state, pass, key, is_alive);
            if is_alive {
                Verdict::Accepted { scopes: Scopes::default() }
            } else {
                Verdict::Refused { reason: Reason::CredentialsRefused, message: "the key was refused".into() }
            }
        });
        pause().await;
        verdict
    }
}

#[async_trait]
impl LandscapeManagement for Side<'_> {
    async fn read_slot(&self) -> Result<Slot, RemoteTrouble> {
        let slot = self.look(|_, slot| slot).await?;
        ignore_dangling_owner(slot, &self.sides.view, self.tenant, &self.sides.cluster_id, self.me).await
    }

    async fn read_content(&self) -> Result<Option<SecretSlice<u8>>, RemoteTrouble> {
        let key = self.look(|filling, _| filling.map(|filling| filling.key)).await?;
        let document = |key| self.sides.world.with(|state| state.sap.key(key).document.clone());
        Ok(key.map(|key| document(key).into_bytes().into()))
    }

    async fn put(&self, key: &ServiceKey, owner: &Owner, revision: &Revision) -> WriteAnswer {
        self.write(Write::Put { key: number(key), owner: owner.clone() }, revision).await
    }

    async fn set_owner(&self, owner: Option<&Ownership>, revision: &Revision) -> WriteAnswer {
        self.write(Write::SetOwner { owner: owner.cloned() }, revision).await
    }

    async fn delete(&self, revision: &Revision) -> WriteAnswer {
        self.write(Write::Delete, revision).await
    }
}
