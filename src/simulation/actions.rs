//! The actions of users: cluster admins, owners of keys, and users of BTP and Landscape Management.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use serde_json::{Value, json};

use crate::api::service_key::ServiceBindingRef;
use crate::api::service_key::{ALMServiceKey, DeadKey, DeadKeyAction, DeletionPolicy, Mode, SecretRef, Source};
use crate::api::tenant::{self, ALMTenant, LandscapeManagement, Manual};
use crate::domain::policy::AdoptionPolicy;
use crate::names::annotation;
use crate::simulation::model::binding::{NextAction, key_secret};
use crate::simulation::model::cluster::{Cluster, advance_generation, mark_deleted, plain_secret_name};
use crate::simulation::model::document::KeyDocument;
use crate::simulation::model::sap::{SlotContent, zone_index, zone_name};
use crate::simulation::state::State;
use crate::simulation::step::{Actor, AppAction, KeyAction, SecretContent, SourceAction, TenantAction};

fn api_duration(seconds: u32) -> crate::api::duration::Duration {
    serde_json::from_value(json!(format!("{seconds}s"))).expect("a duration")
}

fn source(name: &str, uses_secret: bool) -> Source {
    let secret_ref = uses_secret.then(|| SecretRef { name: plain_secret_name(name), key: None });
    let service_binding_ref = (!uses_secret).then(|| ServiceBindingRef { name: name.into() });
    Source { service_binding_ref, secret_ref }
}

fn key_spec(actor: Actor) -> Value {
    json!({
        "tenantRef": { "name": actor.tenant() },
        "source": { "serviceBindingRef": { "name": actor.name() } },
        "interval": "1h",
    })
}

/// Returns an HTTP endpoint.
fn http() -> LandscapeManagement {
    let http = json!({
        "url": "https://landscape.example",
        "oauth2": { "tokenUrl": "https://token.example", "secretRef": { "name": "credentials" } },
    });
    LandscapeManagement { http: serde_json::from_value(http).expect("an endpoint"), manual: None }
}

/// Returns a new tenant.
pub(crate) fn new_tenant(cluster: &mut Cluster, name: &str, now: Duration) -> ALMTenant {
    let spec = json!({
        "identityZone": zone_name(name),
        "landscapeManagement": http(),
        "allowedNamespaces": ["*"],
    });
    let mut tenant = ALMTenant::new(name, serde_json::from_value(spec).expect("a spec"));
    // Tenants are cluster-scoped: the operator's cache finds them by name alone.
    tenant.metadata = ObjectMeta { namespace: None, ..cluster.new_metadata(name, now) };
    tenant
}

/// Returns a tenant in manual mode.
fn in_manual_mode(mut tenant: ALMTenant) -> ALMTenant {
    tenant.spec.landscape_management = LandscapeManagement { http: None, manual: Some(Manual {}) };
    tenant
}

impl State {
    /// Puts all tenants into manual mode, unless a reconciliation has begun.
    pub(crate) fn enter_manual_mode(&mut self) {
        if !self.reconciliations.is_empty() || self.is_manual {
            return;
        }
        self.is_manual = true;
        for cluster in &mut self.clusters {
            let names: Vec<String> = cluster.tenants.keys().cloned().collect();
            for name in names {
                cluster.change_tenant(&name, |tenant| {
                    *tenant = in_manual_mode(tenant.clone());
                    advance_generation(&mut tenant.metadata);
                });
            }
        }
    }

    /// Gives all tenants an HTTP endpoint, if they are in manual mode.
    pub(crate) fn leave_manual_mode(&mut self) {
        if !std::mem::take(&mut self.is_manual) {
            return;
        }
        for cluster in &mut self.clusters {
            let names: Vec<String> = cluster.tenants.keys().cloned().collect();
            for name in names {
                cluster.change_tenant(&name, |tenant| {
                    tenant.spec.landscape_management = http();
                    advance_generation(&mut tenant.metadata);
                });
            }
        }
    }

    /// Changes an `ALMServiceKey`.
    pub(crate) fn act_on_key(&mut self, actor: Actor, action: KeyAction) {
        let (now, cluster, name) = (self.now, &mut self.clusters[actor.cluster()], actor.name());
        let stamp = cluster.timestamp(now);
        match action {
            KeyAction::Create if cluster.keys.contains_key(name) || cluster.own_kind_is_terminating => {}
            KeyAction::Create => {
                let mut key = ALMServiceKey::new(name, serde_json::from_value(key_spec(actor)).expect("a spec"));
                key.metadata = cluster.new_metadata(name, now);
                cluster.insert_key(key);
            }
            KeyAction::Delete => cluster.change_key(name, |key| mark_deleted(&mut key.metadata, stamp)),
            KeyAction::Abandon => cluster.change_key(name, |key| {
                let uid = key.uid().unwrap_or_default();
                key.annotations_mut().insert(annotation::ABANDON.into(), uid);
            }),
            KeyAction::RequestReconciliation => annotate(cluster, name, annotation::RECONCILE_REQUESTED_AT),
            KeyAction::Annotate => annotate(cluster, name, "note"),
            KeyAction::Tamper(tamper) => self.tamper_with_status(actor, tamper),
            _ => cluster.change_key(name, |key| change_spec(key, name, action)),
        }
    }

    /// Changes an `ALMTenant`.
    pub(crate) fn act_on_tenant(&mut self, cluster: usize, name: &str, action: TenantAction) {
        if let TenantAction::ClearStatus | TenantAction::RestoreStatus(_) = action {
            return self.tamper_with_tenant(cluster, name, action);
        }
        let (now, is_manual, cluster) = (self.now, self.is_manual, &mut self.clusters[cluster]);
        let stamp = cluster.timestamp(now);
        match action {
            TenantAction::Create if cluster.tenants.contains_key(name) => {}
            TenantAction::Create => {
                let tenant = new_tenant(cluster, name, now);
                cluster.insert_tenant(if is_manual { in_manual_mode(tenant) } else { tenant });
            }
            TenantAction::Delete => cluster.change_tenant(name, |tenant| mark_deleted(&mut tenant.metadata, stamp)),
            TenantAction::Admit(is_admitted) => cluster.change_tenant(name, |tenant| {
                tenant.spec.allowed_namespaces = vec![if is_admitted { "*" } else { "elsewhere" }.into()];
                advance_generation(&mut tenant.metadata);
            }),
            TenantAction::SetAdoption(policy) => cluster.change_tenant(name, |tenant| {
                tenant.spec.adoption_policy = Some(match policy {
                    AdoptionPolicy::Never => tenant::AdoptionPolicy::Never,
                    AdoptionPolicy::IfIdentical => tenant::AdoptionPolicy::IfIdentical,
                    AdoptionPolicy::Replace => tenant::AdoptionPolicy::Replace,
                });
                advance_generation(&mut tenant.metadata);
            }),
            TenantAction::ClearStatus | TenantAction::RestoreStatus(_) => {}
        }
    }

    /// Changes the source of an `ALMServiceKey`.
    pub(crate) fn act_on_source(&mut self, actor: Actor, action: SourceAction) {
        let (now, name, zone) = (self.now, actor.name(), zone_index(actor.tenant()));
        let cluster = &mut self.clusters[actor.cluster()];
        match action {
            SourceAction::Bind(credential) => cluster.create_binding(name, zone, credential, &mut self.sap, now),
            SourceAction::Unbind => cluster.delete_binding(name, now),
            SourceAction::Rotate => cluster.rotate_binding(name, &self.sap, now),
            SourceAction::DeleteBindingSecret => {
                if cluster.bindings.contains_key(name) {
                    cluster.remove_secret(name, now);
                }
            }
            SourceAction::Touch => {
                let has_secret = cluster.secrets.contains_key(name);
                let binding = cluster.bindings.get_mut(name);
                if let Some(binding) = binding.filter(|binding| !has_secret && binding.next == NextAction::None) {
                    binding.next = NextAction::CreateSecret;
                }
            }
            SourceAction::WriteSecret(content) => self.write_plain_secret(actor, content),
            SourceAction::Edit(edition) => {
                if let Some(object) = cluster.keys.get(name).cloned() {
                    cluster.edit_secret(&object, edition, &self.sap);
                }
            }
            SourceAction::DeleteSecret => cluster.remove_secret(&plain_secret_name(name), now),
            SourceAction::KillKey | SourceAction::ReviveKey => {
                if let Some(key) = cluster.bindings.get(name).map(|binding| binding.key) {
                    self.sap.set_alive(key, action == SourceAction::ReviveKey);
                }
            }
            SourceAction::ExpireStaleCopies => cluster.remove_stale_copies(name, &mut self.sap, now),
            SourceAction::CheckBinding => {
                if let Some(binding) = cluster.bindings.get_mut(name) {
                    binding.is_lost = !self.sap.is_alive(binding.key);
                    cluster.binding_events.push(binding.metadata.clone());
                }
            }
        }
    }

    fn write_plain_secret(&mut self, actor: Actor, content: SecretContent) {
        let zone = zone_index(actor.tenant());
        let key = match content {
            SecretContent::InstanceKey => Some(self.sap.instance_keys[zone]),
            SecretContent::FreshKey => Some(self.sap.issue_key(zone)),
            SecretContent::Invalid => None,
        };
        let (now, cluster) = (self.now, &mut self.clusters[actor.cluster()]);
        let name = plain_secret_name(actor.name());
        let previous_uid = cluster.secrets.get(&name).and_then(ResourceExt::uid);
        let mut metadata = cluster.new_metadata(&name, now);
        metadata.uid = previous_uid.or(metadata.uid);
        cluster.keys_held.entry(name.clone()).or_default().extend(key);
        cluster.plain_keys.insert(name, key);
        let document = key.map(|key| self.sap.text(KeyDocument::original(key)));
        cluster.write_secret(key_secret(metadata, document.as_deref()));
    }

    /// Changes a slot or a service instance behind the operator's back.
    pub(crate) fn act_in_app(&mut self, zone: usize, action: AppAction) {
        let new_document = match action {
            AppAction::Fill => Some(KeyDocument::original(self.sap.issue_key(zone))),
            AppAction::FillWithKeyOf(actor, edition) => {
                let cluster = &self.clusters[actor.cluster()];
                let key = cluster.keys.get(actor.name()).and_then(|object| cluster.source_key(object));
                key.map(|key| KeyDocument { key, edition })
            }
            _ => None,
        };
        let slot = &mut self.sap.slots[zone];
        match action {
            AppAction::Fill | AppAction::FillWithKeyOf(..) => {
                if let Some(document) = new_document {
                    slot.set(Some(SlotContent { document, owner: None }));
                }
            }
            AppAction::Edit(edition) => {
                if let Some(SlotContent { document: KeyDocument { key, .. }, owner }) = slot.content.clone() {
                    slot.set(Some(SlotContent { document: KeyDocument { key, edition }, owner }));
                }
            }
            AppAction::Empty => slot.set(None),
            AppAction::BumpRevision => {
                let content = slot.content.clone();
                slot.set(content);
            }
            AppAction::KillKey => {
                if let Some(key) = slot.content.as_ref().map(|content| content.document.key) {
                    self.sap.set_alive(key, false);
                }
            }
            AppAction::ReplaceInstance => self.sap.replace_instance(zone),
        }
    }
}

/// Sets an annotation to a value that it did not have before.
fn annotate(cluster: &mut Cluster, name: &str, annotation: &str) {
    cluster.change_key(name, |key| {
        let value = key.resource_version().unwrap_or_default();
        key.annotations_mut().insert(annotation.into(), value);
    });
}

fn change_spec(key: &mut ALMServiceKey, name: &str, action: KeyAction) {
    let spec = &mut key.spec;
    match action {
        KeyAction::Observe(on) => spec.mode = Some(if on { Mode::Observe } else { Mode::Enforce }),
        KeyAction::Suspend(on) => spec.suspend = Some(on),
        KeyAction::Retain(on) => {
            spec.deletion_policy = Some(if on { DeletionPolicy::Retain } else { DeletionPolicy::Delete });
        }
        KeyAction::ReportDeadKey(on) => {
            let action = Some(if on { DeadKeyAction::Report } else { DeadKeyAction::Delete });
            spec.dead_key = Some(DeadKey { action, after: None });
        }
        KeyAction::GracePeriod(seconds) => spec.grace_period = Some(api_duration(seconds)),
        KeyAction::Interval(seconds) => spec.interval = Some(api_duration(seconds)),
        KeyAction::UseSecret(on) => spec.source = source(name, on),
        _ => return,
    }
    advance_generation(&mut key.metadata);
}
