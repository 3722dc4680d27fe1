//! The API server as one pass meets it.

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::ResourceExt;
use kube::api::DynamicObject;
use kube::core::DeserializeGuard;
use serde_json::{Value, json};

use crate::api::status::ALMServiceKeyStatus;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::CallError;
use crate::cluster::objects::{ListedKey, Objects};
use crate::names::{btp, crd};
use crate::simulation::checker::safety;
use crate::simulation::model::cluster::{Cluster, Kind, ReadFault, Reads, WriteFault, is_kept};
use crate::simulation::pass::{Truth, recorded_binding, truth};
use crate::simulation::state::{State, World, pause};

/// One pass's connection to its API server.
pub(crate) struct View {
    pub(crate) world: World,
    pub(crate) cluster: usize,
    pub(crate) pass: usize,
}

fn refusal(code: u16, reason: &str) -> CallError {
    let status = kube::core::Status { code, reason: reason.into(), ..kube::core::Status::default() };
    CallError::Api(kube::Error::Api(Box::new(status)))
}

impl View {
    async fn read<T>(&self, what: Reads, read: impl FnOnce(&mut State) -> T + Send) -> Result<T, CallError> {
        pause().await;
        self.world.with(|state| {
            let cluster = &state.clusters[self.cluster];
            match cluster.reads_fail.get(&what) {
                _ if cluster.is_down => Err(CallError::Deadline),
                Some(ReadFault::NoAnswer) => Err(CallError::Deadline),
                Some(ReadFault::Refused) => Err(refusal(403, "Forbidden")),
                None => Ok(read(state)),
            }
        })
    }

    /// A write: it may fail before it takes effect, or its answer may be lost after that.
    async fn write<T: Send>(
        &self,
        write: impl FnOnce(&mut State) -> Result<T, CallError> + Send,
    ) -> Result<T, CallError> {
        pause().await;
        let answer = self.world.with(|state| {
            let cluster = &mut state.clusters[self.cluster];
            let fault = cluster.next_write.take();
            match fault {
                _ if cluster.is_down => Err(CallError::Deadline),
                Some(WriteFault::Conflict) => Err(refusal(409, "Conflict")),
                Some(WriteFault::AnswerLost) => write(state).and(Err(CallError::Deadline)),
                None => write(state),
            }
            .inspect_err(|_| state.passes[self.pass].is_cut = true)
        });
        pause().await;
        answer
    }

    fn cluster<'a>(&self, state: &'a mut State) -> &'a mut Cluster {
        &mut state.clusters[self.cluster]
    }
}

/// Whether an object may be written by somebody who decided on `decided`.
fn matches(found: Option<&ObjectMeta>, decided: &ObjectMeta) -> Result<(), CallError> {
    match found {
        None => Err(refusal(404, "NotFound")),
        Some(found) if found.uid != decided.uid || found.resource_version != decided.resource_version => {
            Err(refusal(409, "Conflict"))
        }
        Some(_) => Ok(()),
    }
}

/// Merges as RFC 7386 says.
fn merged(found: &mut Value, change: &Value) {
    let (Value::Object(all), Value::Object(changes)) = (&mut *found, change) else {
        found.clone_from(change);
        return;
    };
    for (name, change) in changes {
        if change.is_null() {
            all.remove(name);
        } else {
            merged(all.entry(name.clone()).or_insert_with(|| json!({})), change);
        }
    }
}

#[async_trait]
impl Objects for View {
    async fn key(&self, _: &str, name: &str) -> Result<Option<ALMServiceKey>, CallError> {
        self.read(Reads::Keys, |state| {
            let found = self.cluster(state).keys.get(name).cloned();
            let pass = &mut state.passes[self.pass];
            if pass.name == name && pass.object.is_none() {
                let pending = found.as_ref().and_then(|key| key.status.as_ref()).and_then(|it| it.pending.as_ref());
                pass.pending = pending.map(|pending| pending.revision.clone());
                pass.version = found.as_ref().and_then(ResourceExt::resource_version);
                pass.object.clone_from(&found);
            }
            found
        })
        .await
    }

    async fn keys_of(&self, tenant: &str, visit: &mut (dyn FnMut(ListedKey) + Send)) -> Result<(), CallError> {
        self.read(Reads::Keys, |state| {
            let keys = self.cluster(state).keys.values();
            keys.filter(|key| key.spec.tenant_ref.name == tenant)
                .cloned()
                .for_each(|key| visit(DeserializeGuard(Ok(key))));
        })
        .await
    }

    async fn tenant(&self, name: &str) -> Result<Option<ALMTenant>, CallError> {
        self.read(Reads::Tenants, |state| {
            let found = self.cluster(state).tenants.get(name).cloned();
            state.passes[self.pass].tenant.clone_from(&found);
            found
        })
        .await
    }

    async fn binding(&self, _: &str, name: &str) -> Result<Option<DynamicObject>, CallError> {
        let found = self.read(Reads::Bindings, |state| {
            let process = state.passes[self.pass].process;
            let cluster = self.cluster(state);
            let found = match cluster.kind {
                Kind::Missing => Err(refusal(404, "")),
                Kind::Defined { .. } | Kind::Terminating => {
                    Ok(cluster.bindings.get(name).map(crate::simulation::model::binding::Binding::shown))
                }
            };
            if let Ok(Some(binding)) = &found {
                cluster.shows_binding(process, &binding.metadata);
            }
            self.notes_truth(state);
            found
        });
        found.await?
    }

    async fn secret(&self, _: &str, name: &str) -> Result<Option<Secret>, CallError> {
        self.read(Reads::Secrets, |state| {
            self.notes_truth(state);
            self.cluster(state).secrets.get(name).cloned()
        })
        .await
    }

    async fn definition(&self, name: &str) -> Result<Option<ObjectMeta>, CallError> {
        self.read(Reads::Definitions, |state| {
            let now = Time(state.clusters[self.cluster].stamp(state.now));
            self.notes_truth(state);
            let cluster = self.cluster(state);
            if name == crd::SERVICE_KEYS {
                let is_going = cluster.own_kind_is_going;
                state.passes[self.pass].own_kind_is_going = is_going;
                return Some(ObjectMeta { deletion_timestamp: is_going.then_some(now), ..ObjectMeta::default() });
            }
            assert_eq!(name, btp::BINDING_CRD, "no other definition is asked for");
            let kind = cluster.kind;
            if !matches!(kind, Kind::Defined { .. }) {
                self.notes_kind_away(state);
            }
            match kind {
                Kind::Defined { stamped, .. } => {
                    Some(ObjectMeta { creation_timestamp: Some(Time(stamped)), ..ObjectMeta::default() })
                }
                Kind::Terminating => Some(ObjectMeta { deletion_timestamp: Some(now), ..ObjectMeta::default() }),
                Kind::Missing => None,
            }
        })
        .await
    }

    async fn write_status(
        &self,
        object: &ALMServiceKey,
        status: &ALMServiceKeyStatus,
    ) -> Result<ALMServiceKey, CallError> {
        self.write(|state| {
            let name = object.name_any();
            let found = self.cluster(state).keys.get(&name);
            matches(found.map(|found| &found.metadata), &object.metadata)?;
            safety::of_status(state, self.pass, object, status);
            state.writes += 1;
            state.tells(|| format!("{name}: status {}", safety::in_short(status)));
            let cluster = self.cluster(state);
            cluster.change_key(&name, |key| key.status = Some(status.clone()));
            cluster.past.entry(name.clone()).or_default().push(status.clone());
            let written = cluster.keys[&name].clone();
            state.passes[self.pass].version = written.resource_version();
            Ok(written)
        })
        .await
    }

    async fn merge_status(&self, object: &ALMServiceKey, change: &Value) -> Result<ALMServiceKey, CallError> {
        let mut status = serde_json::to_value(&object.status).expect("a status is JSON");
        merged(&mut status, change);
        let status: ALMServiceKeyStatus = serde_json::from_value(status).expect("the change leaves a status");
        self.write_status(object, &status).await
    }

    async fn write_finalizers(
        &self,
        object: &ALMServiceKey,
        finalizers: &[String],
    ) -> Result<ALMServiceKey, CallError> {
        self.write(|state| {
            let name = object.name_any();
            let found = self.cluster(state).keys.get(&name);
            matches(found.map(|found| &found.metadata), &object.metadata)?;
            let mut after = object.clone();
            after.metadata.finalizers = Some(finalizers.to_vec());
            if is_kept(&object.metadata) && !is_kept(&after.metadata) {
                state.tells(|| format!("{name}: released"));
                safety::of_release(state, self.pass);
            }
            state.writes += 1;
            self.cluster(state).change_key(&name, |key| key.metadata.finalizers = Some(finalizers.to_vec()));
            let written = self.cluster(state).keys.get(&name).cloned().unwrap_or(after);
            state.passes[self.pass].version = written.resource_version();
            Ok(written)
        })
        .await
    }

    async fn write_tenant_finalizers(
        &self,
        tenant: &ALMTenant,
        finalizers: &[String],
    ) -> Result<Option<ALMTenant>, CallError> {
        self.write(|state| {
            let name = tenant.name_any();
            let found = self.cluster(state).tenants.get(&name);
            if found.is_none() {
                return Ok(None);
            }
            matches(found.map(|found| &found.metadata), &tenant.metadata)?;
            if finalizers.is_empty() {
                state.tells(|| format!("tenant {name}: let go"));
                safety::of_tenant_release(state, self.pass, &name);
            }
            state.writes += 1;
            self.cluster(state).change_tenant(&name, |it| it.metadata.finalizers = Some(finalizers.to_vec()));
            Ok(self.cluster(state).tenants.get(&name).cloned())
        })
        .await
    }
}

impl View {
    /// What is true at the moment of a read is what the pass may rest on; that a source is gone it may learn while it reads.
    fn notes_truth(&self, state: &mut State) {
        let State { passes, clusters, .. } = state;
        let (pass, cluster) = (&mut passes[self.pass], &clusters[self.cluster]);
        let Some(object) = &pass.object else { return };
        let mut now = truth(cluster, object);
        if let (Truth::Gone { with_its_kind, .. }, Some(uid)) = (&mut now, recorded_binding(object)) {
            *with_its_kind &= !cluster.looks_deleted(pass.process, uid);
        }
        if matches!(now, Truth::Gone { .. }) || matches!(pass.source, Truth::NotRead | Truth::Stands) {
            pass.source = now;
        }
    }

    /// The pass learns that the kind of bindings is away.
    fn notes_kind_away(&self, state: &mut State) {
        let State { passes, clusters, .. } = state;
        let pass = &passes[self.pass];
        if let Some(uid) = pass.object.as_ref().and_then(recorded_binding) {
            clusters[self.cluster].shows_kind_away(pass.process, uid);
        }
    }
}
