//! The API server's answers to one reconciliation. Implements the controller's port `Objects`.

use async_trait::async_trait;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::ResourceExt;
use kube::api::DynamicObject;
use kube::core::DeserializeGuard;
use serde_json::{Value, json};

use crate::api::status::ALMServiceKeyStatus;
use crate::api::tenant::ALMTenantStatus;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::CallError;
use crate::cluster::objects::{ListedKey, Objects};
use crate::names::{btp, crd};
use crate::simulation::checker::{release, safety};
use crate::simulation::manual;
use crate::simulation::model::binding::{Binding, StaleCopy};
use crate::simulation::model::cluster::{BindingKind, Cluster, has_key_finalizer};
use crate::simulation::reconciliation::{SourceTruth, recorded_binding_uid, source_truth};
use crate::simulation::state::{SharedState, State, cut_point};
use crate::simulation::step::{ApiReadFault, ApiWriteFault, ReadKind};

/// The connection of one reconciliation to its API server.
pub(crate) struct ApiConnection {
    pub(crate) state: SharedState,
    pub(crate) cluster: usize,
    pub(crate) reconciliation: usize,
}

fn api_error(code: u16, reason: &str) -> CallError {
    let status = kube::core::Status { code, reason: reason.into(), ..kube::core::Status::default() };
    CallError::Api(kube::Error::Api(Box::new(status)))
}

impl ApiConnection {
    async fn read<T>(&self, kind: ReadKind, read: impl FnOnce(&mut State) -> T + Send) -> Result<T, CallError> {
        cut_point().await;
        self.state.with(|state| {
            let cluster = &state.clusters[self.cluster];
            match cluster.read_faults.get(&kind) {
                _ if cluster.is_down => Err(CallError::Deadline),
                Some(ApiReadFault::NoAnswer) => Err(CallError::Deadline),
                Some(ApiReadFault::Forbidden) => Err(api_error(403, "Forbidden")),
                None => Ok(read(state)),
            }
        })
    }

    /// Writes. The write may fail before it takes effect, or its answer may be lost afterwards.
    async fn write<T: Send>(
        &self,
        write: impl FnOnce(&mut State) -> Result<T, CallError> + Send,
    ) -> Result<T, CallError> {
        cut_point().await;
        let answer = self.state.with(|state| {
            let cluster = &mut state.clusters[self.cluster];
            let fault = cluster.next_write_fault.take();
            match fault {
                _ if cluster.is_down => Err(CallError::Deadline),
                Some(ApiWriteFault::Conflict) => Err(api_error(409, "Conflict")),
                Some(ApiWriteFault::AnswerLost) => write(state).and(Err(CallError::Deadline)),
                None => write(state),
            }
            .inspect_err(|_| state.reconciliations[self.reconciliation].api_write_failed = true)
        });
        cut_point().await;
        answer
    }

    fn cluster<'a>(&self, state: &'a mut State) -> &'a mut Cluster {
        &mut state.clusters[self.cluster]
    }

    /// Records the truth about the source. Later reads may reveal that it is gone, and none takes that back.
    fn record_source_truth(&self, state: &mut State) {
        let State { reconciliations, clusters, .. } = state;
        let (reconciliation, cluster) = (&mut reconciliations[self.reconciliation], &clusters[self.cluster]);
        let Some(object) = &reconciliation.object else { return };
        let mut truth = source_truth(cluster, object);
        if let (SourceTruth::Gone { with_its_kind, .. }, Some(uid)) = (&mut truth, recorded_binding_uid(object)) {
            *with_its_kind &= !cluster.looks_deleted(reconciliation.process, uid);
        }
        let is_gone = matches!(truth, SourceTruth::Gone { .. });
        if is_gone || matches!(reconciliation.source, SourceTruth::NotRead | SourceTruth::Exists) {
            reconciliation.source = truth;
        }
    }

    fn record_kind_missing(&self, state: &mut State) {
        let State { reconciliations, clusters, .. } = state;
        let reconciliation = &reconciliations[self.reconciliation];
        if let Some(uid) = reconciliation.object.as_ref().and_then(recorded_binding_uid) {
            clusters[self.cluster].record_kind_missing(reconciliation.process, uid);
        }
    }
}

/// Returns an error unless the stored object still has the uid and the version of the caller's copy.
fn check_version(stored: Option<&ObjectMeta>, copy: &ObjectMeta) -> Result<(), CallError> {
    match stored {
        None => Err(api_error(404, "NotFound")),
        Some(stored) if stored.uid != copy.uid || stored.resource_version != copy.resource_version => {
            Err(api_error(409, "Conflict"))
        }
        Some(_) => Ok(()),
    }
}

/// Applies a merge patch (RFC 7386).
fn apply_merge_patch(target: &mut Value, patch: &Value) {
    let (Value::Object(fields), Value::Object(changes)) = (&mut *target, patch) else {
        target.clone_from(patch);
        return;
    };
    for (name, change) in changes {
        if change.is_null() {
            fields.remove(name);
        } else {
            apply_merge_patch(fields.entry(name.clone()).or_insert_with(|| json!({})), change);
        }
    }
}

#[async_trait]
impl Objects for ApiConnection {
    async fn key(&self, _: &str, name: &str) -> Result<Option<ALMServiceKey>, CallError> {
        self.read(ReadKind::Keys, |state| {
            let object = self.cluster(state).keys.get(name).cloned();
            let reconciliation = &mut state.reconciliations[self.reconciliation];
            if reconciliation.name == name && reconciliation.object.is_none() {
                let status = object.as_ref().and_then(|key| key.status.as_ref());
                let pending = status.and_then(|status| status.pending.as_ref());
                reconciliation.pending_revision = pending.map(|pending| pending.revision.clone());
                reconciliation.object_version = object.as_ref().and_then(ResourceExt::resource_version);
                reconciliation.object.clone_from(&object);
            }
            object
        })
        .await
    }

    async fn keys_of(&self, tenant: &str, visit: &mut (dyn FnMut(ListedKey) + Send)) -> Result<(), CallError> {
        self.read(ReadKind::Keys, |state| {
            let keys = self.cluster(state).keys.values();
            keys.filter(|key| key.spec.tenant_ref.name == tenant)
                .cloned()
                .for_each(|key| visit(DeserializeGuard(Ok(key))));
        })
        .await
    }

    async fn tenant(&self, name: &str) -> Result<Option<ALMTenant>, CallError> {
        self.read(ReadKind::Tenants, |state| {
            let tenant = self.cluster(state).tenants.get(name).cloned();
            state.reconciliations[self.reconciliation].tenant.clone_from(&tenant);
            tenant
        })
        .await
    }

    async fn binding(&self, _: &str, name: &str) -> Result<Option<DynamicObject>, CallError> {
        let answer = self.read(ReadKind::Bindings, |state| {
            let process = state.reconciliations[self.reconciliation].process;
            let cluster = self.cluster(state);
            let answer = match cluster.binding_kind {
                BindingKind::Missing => Err(api_error(404, "")),
                BindingKind::Defined { .. } | BindingKind::Terminating => {
                    Ok(cluster.bindings.get(name).map(Binding::to_object))
                }
            };
            if let Ok(Some(binding)) = &answer {
                cluster.record_binding_read(process, &binding.metadata);
            }
            self.record_source_truth(state);
            answer
        });
        answer.await?
    }

    async fn secret(&self, _: &str, name: &str) -> Result<Option<Secret>, CallError> {
        self.read(ReadKind::Secrets, |state| {
            self.record_source_truth(state);
            self.cluster(state).secrets.get(name).cloned()
        })
        .await
    }

    async fn stale_copies(&self, _: &str, binding: &str) -> Result<Vec<DynamicObject>, CallError> {
        let answer = self.read(ReadKind::Bindings, |state| {
            let cluster = self.cluster(state);
            let copies = cluster.stale_copies.iter().filter(|copy| copy.binding == binding);
            let is_missing = cluster.binding_kind == BindingKind::Missing;
            if is_missing { Err(api_error(404, "")) } else { Ok(copies.map(StaleCopy::to_object).collect()) }
        });
        answer.await?
    }

    async fn config_map(&self, _: &str, _: &str) -> Result<Option<ConfigMap>, CallError> {
        // The remote sides are simulated beyond TLS, so no history has a CA bundle.
        Ok(None)
    }

    async fn definition(&self, name: &str) -> Result<Option<ObjectMeta>, CallError> {
        self.read(ReadKind::Definitions, |state| {
            let now = Time(state.clusters[self.cluster].timestamp(state.now));
            self.record_source_truth(state);
            let cluster = self.cluster(state);
            if name == crd::SERVICE_KEYS {
                let is_terminating = cluster.own_kind_is_terminating;
                state.reconciliations[self.reconciliation].own_kind_is_terminating = is_terminating;
                return Some(ObjectMeta { deletion_timestamp: is_terminating.then_some(now), ..ObjectMeta::default() });
            }
            assert_eq!(name, btp::BINDING_CRD, "the controller reads no other definition");
            let kind = cluster.binding_kind;
            if !matches!(kind, BindingKind::Defined { .. }) {
                self.record_kind_missing(state);
            }
            match kind {
                BindingKind::Defined { created_at, .. } => {
                    Some(ObjectMeta { creation_timestamp: Some(Time(created_at)), ..ObjectMeta::default() })
                }
                BindingKind::Terminating => Some(ObjectMeta { deletion_timestamp: Some(now), ..ObjectMeta::default() }),
                BindingKind::Missing => None,
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
            let stored = self.cluster(state).keys.get(&name);
            check_version(stored.map(|stored| &stored.metadata), &object.metadata)?;
            safety::check_status_write(state, self.reconciliation, object, status);
            state.write_count += 1;
            state.trace(|| format!("{name}: status {}", safety::summary(status)));
            let cluster = self.cluster(state);
            cluster.change_key(&name, |key| key.status = Some(status.clone()));
            cluster.status_history.entry(name.clone()).or_default().push(status.clone());
            let written = cluster.keys[&name].clone();
            state.reconciliations[self.reconciliation].object_version = written.resource_version();
            manual::requests::check_current_steps(state, self.cluster, &object.spec.tenant_ref.name);
            Ok(written)
        })
        .await
    }

    async fn merge_status(&self, object: &ALMServiceKey, change: &Value) -> Result<ALMServiceKey, CallError> {
        let mut status = serde_json::to_value(&object.status).expect("a status is JSON");
        apply_merge_patch(&mut status, change);
        let status: ALMServiceKeyStatus = serde_json::from_value(status).expect("the patch leaves a status");
        self.write_status(object, &status).await
    }

    async fn write_finalizers(
        &self,
        object: &ALMServiceKey,
        finalizers: &[String],
    ) -> Result<ALMServiceKey, CallError> {
        self.write(|state| {
            let name = object.name_any();
            let stored = self.cluster(state).keys.get(&name);
            check_version(stored.map(|stored| &stored.metadata), &object.metadata)?;
            let mut after = object.clone();
            after.metadata.finalizers = Some(finalizers.to_vec());
            if has_key_finalizer(&object.metadata) && !has_key_finalizer(&after.metadata) {
                state.trace(|| format!("{name}: finalizer removed"));
                release::check_key_release(state, self.reconciliation);
            }
            state.write_count += 1;
            self.cluster(state).change_key(&name, |key| key.metadata.finalizers = Some(finalizers.to_vec()));
            let written = self.cluster(state).keys.get(&name).cloned().unwrap_or(after);
            state.reconciliations[self.reconciliation].object_version = written.resource_version();
            Ok(written)
        })
        .await
    }

    async fn write_tenant_status(
        &self,
        tenant: &ALMTenant,
        status: &ALMTenantStatus,
    ) -> Result<Option<ALMTenant>, CallError> {
        self.write(|state| {
            let name = tenant.name_any();
            let stored = self.cluster(state).tenants.get(&name);
            if stored.is_none() {
                return Ok(None);
            }
            check_version(stored.map(|stored| &stored.metadata), &tenant.metadata)?;
            manual::records::check_tenant_write(state, self.reconciliation, tenant, status);
            state.write_count += 1;
            state.trace(|| format!("tenant {name}: {}", manual::records::summary(status)));
            let cluster = self.cluster(state);
            cluster.change_tenant(&name, |tenant| tenant.status = Some(status.clone()));
            cluster.tenant_status_history.entry(name.clone()).or_default().push(status.clone());
            manual::requests::check_current_steps(state, self.cluster, &name);
            Ok(self.cluster(state).tenants.get(&name).cloned())
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
            let stored = self.cluster(state).tenants.get(&name);
            if stored.is_none() {
                return Ok(None);
            }
            check_version(stored.map(|stored| &stored.metadata), &tenant.metadata)?;
            if finalizers.is_empty() {
                state.trace(|| format!("tenant {name}: finalizer removed"));
                release::check_tenant_release(state, self.reconciliation, &name);
            }
            state.write_count += 1;
            let change = |tenant: &mut ALMTenant| tenant.metadata.finalizers = Some(finalizers.to_vec());
            self.cluster(state).change_tenant(&name, change);
            Ok(self.cluster(state).tenants.get(&name).cloned())
        })
        .await
    }
}
