//! What people, BTP and misfortune do to the world.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use serde_json::{Value, json};

use crate::api::service_key::ServiceBindingRef;
use crate::api::service_key::{ALMServiceKey, DeadKey, DeadKeyAction, DeletionPolicy, Mode, SecretRef, Source};
use crate::api::tenant::{self, ALMTenant};
use crate::domain::policy::AdoptionPolicy;
use crate::domain::slot::WriteAnswer;
use crate::names::annotation;
use crate::simulation::checker::liveness::source_key;
use crate::simulation::model::binding::{Next, secret};
use crate::simulation::model::cluster::{Cluster, Kind, changed, delete};
use crate::simulation::model::remote::lands;
use crate::simulation::model::sap::{Filling, ZONES};
use crate::simulation::operator::zone;
use crate::simulation::pass::owner;
use crate::simulation::state::State;
use crate::simulation::step::{Act, AppAct, Paste, SourceAct, TenantAct, Trouble, Who};

fn seconds(number: u32) -> crate::api::duration::Duration {
    serde_json::from_value(json!(format!("{number}s"))).expect("a duration")
}

fn source(name: &str, plain: bool) -> Source {
    let secret_ref = plain.then(|| SecretRef { name: plain_name(name), key: None });
    let service_binding_ref = (!plain).then(|| ServiceBindingRef { name: name.into() });
    Source { service_binding_ref, secret_ref }
}

/// The plain Secret that an object may name.
pub(crate) fn plain_name(name: &str) -> String {
    format!("{name}-plain")
}

fn key_spec(who: Who) -> Value {
    json!({
        "tenantRef": { "name": who.tenant() },
        "source": { "serviceBindingRef": { "name": who.name() } },
        "interval": "1h",
    })
}

/// A tenant, as the cluster admin writes it.
pub(crate) fn tenant_of(cluster: &mut Cluster, name: &str, now: Duration) -> ALMTenant {
    let spec = json!({
        "identityZone": ZONES[zone(name)],
        "landscapeManagement": { "http": {
            "url": "https://landscape.example",
            "oauth2": { "tokenUrl": "https://token.example", "secretRef": { "name": "credentials" } },
        }},
        "allowedNamespaces": ["*"],
    });
    let mut tenant = ALMTenant::new(name, serde_json::from_value(spec).expect("a spec"));
    // The cache finds it by its name alone.
    tenant.metadata = ObjectMeta { namespace: None, ..cluster.made(name, now) };
    tenant
}

impl State {
    /// Somebody acts on a key.
    pub(crate) fn key_act(&mut self, who: Who, act: Act) {
        let (now, cluster, name) = (self.now, &mut self.clusters[who.cluster()], who.name());
        let stamp = cluster.stamp(now);
        match act {
            Act::Create if cluster.keys.contains_key(name) || cluster.own_kind_is_going => {}
            Act::Create => {
                let mut key = ALMServiceKey::new(name, serde_json::from_value(key_spec(who)).expect("a spec"));
                key.metadata = cluster.made(name, now);
                cluster.makes_key(key);
            }
            Act::Delete => cluster.change_key(name, |key| delete(&mut key.metadata, stamp)),
            Act::Abandon => cluster.change_key(name, |key| {
                let uid = key.uid().unwrap_or_default();
                key.annotations_mut().insert(annotation::ABANDON.into(), uid);
            }),
            Act::Request | Act::Annotate => cluster.change_key(name, |key| {
                let word = key.resource_version().unwrap_or_default();
                let which = if act == Act::Request { annotation::RECONCILE_REQUESTED_AT } else { "note" };
                key.annotations_mut().insert(which.into(), word);
            }),
            Act::Tamper(how) => self.tampers(who, how),
            _ => cluster.change_key(name, |key| change_spec(key, name, act)),
        }
    }

    /// The cluster admin acts on a tenant.
    pub(crate) fn tenant_act(&mut self, cluster: usize, name: &str, act: TenantAct) {
        let (now, cluster) = (self.now, &mut self.clusters[cluster]);
        let stamp = cluster.stamp(now);
        match act {
            TenantAct::Create if cluster.tenants.contains_key(name) => {}
            TenantAct::Create => {
                let tenant = tenant_of(cluster, name, now);
                cluster.makes_tenant(tenant);
            }
            TenantAct::Delete => cluster.change_tenant(name, |tenant| delete(&mut tenant.metadata, stamp)),
            TenantAct::Admit(admitted) => cluster.change_tenant(name, |tenant| {
                tenant.spec.allowed_namespaces = vec![if admitted { "*" } else { "elsewhere" }.into()];
                changed(&mut tenant.metadata);
            }),
            TenantAct::Adoption(policy) => cluster.change_tenant(name, |tenant| {
                tenant.spec.adoption_policy = Some(match policy {
                    AdoptionPolicy::Never => tenant::AdoptionPolicy::Never,
                    AdoptionPolicy::IfIdentical => tenant::AdoptionPolicy::IfIdentical,
                    AdoptionPolicy::Replace => tenant::AdoptionPolicy::Replace,
                });
                changed(&mut tenant.metadata);
            }),
        }
    }

    /// Something happens to the source of a key.
    pub(crate) fn source_act(&mut self, who: Who, act: SourceAct) {
        let (now, name, zone) = (self.now, who.name(), zone(who.tenant()));
        let cluster = &mut self.clusters[who.cluster()];
        match act {
            SourceAct::Bind(credential) => cluster.applies_binding(name, zone, credential, &mut self.sap, now),
            SourceAct::Unbind => cluster.deletes_binding(name, now),
            SourceAct::Rotate => cluster.rotates_binding(name, now),
            SourceAct::SecretDeleted => {
                if cluster.bindings.contains_key(name) {
                    cluster.removes_secret(name, now);
                }
            }
            SourceAct::Touch => {
                let is_missing = !cluster.secrets.contains_key(name);
                if let Some(binding) =
                    cluster.bindings.get_mut(name).filter(|it| is_missing && it.next == Next::Nothing)
                {
                    binding.next = Next::MakeSecret;
                }
            }
            SourceAct::Paste(paste) => self.pastes(who, paste),
            SourceAct::Drop => cluster.removes_secret(&plain_name(name), now),
            SourceAct::Kill | SourceAct::Revive => {
                let key = cluster.bindings.get(name).map(|binding| binding.key);
                if let Some(key) = key {
                    self.sap.set_alive(key, act == SourceAct::Revive);
                }
            }
            SourceAct::Notice => {
                if let Some(binding) = cluster.bindings.get_mut(name) {
                    binding.is_lost = !self.sap.is_alive(binding.key);
                    cluster.told_bindings.push(binding.metadata.clone());
                }
            }
        }
    }

    fn pastes(&mut self, who: Who, paste: Paste) {
        let zone = zone(who.tenant());
        let key = match paste {
            Paste::Instance => Some(self.sap.instance[zone]),
            Paste::Fresh => Some(self.sap.makes_a_key(zone)),
            Paste::Broken => None,
        };
        let (now, cluster, name) = (self.now, &mut self.clusters[who.cluster()], plain_name(who.name()));
        let before = cluster.secrets.get(&name).and_then(ResourceExt::uid);
        let mut metadata = cluster.made(&name, now);
        metadata.uid = before.or(metadata.uid);
        cluster.held.entry(name.clone()).or_default().extend(key);
        cluster.pasted.insert(name, key);
        let document = key.map(|key| self.sap.key(key).document.as_str());
        cluster.writes_secret(secret(metadata, document));
    }

    /// Something happens in the app.
    pub(crate) fn app_act(&mut self, zone: usize, act: AppAct) {
        let key = match act {
            AppAct::Fill => Some(self.sap.makes_a_key(zone)),
            AppAct::FillAlike(who) => {
                let cluster = &self.clusters[who.cluster()];
                cluster.keys.get(who.name()).and_then(|key| source_key(cluster, key))
            }
            _ => None,
        };
        let place = &mut self.sap.places[zone];
        match act {
            AppAct::Fill | AppAct::FillAlike(_) => {
                if let Some(key) = key {
                    place.fill(Some(Filling { key, owner: None }));
                }
            }
            AppAct::Empty => place.fill(None),
            AppAct::Restamp => {
                let filling = place.filling.clone();
                place.fill(filling);
            }
            AppAct::Kill => {
                if let Some(key) = place.filling.as_ref().map(|filling| filling.key) {
                    self.sap.set_alive(key, false);
                }
            }
            AppAct::ReplaceInstance => self.sap.replaces_the_instance(zone),
        }
    }

    /// Something goes wrong. What befalls a process is not done here.
    pub(crate) fn trouble(&mut self, trouble: Trouble) {
        let now = self.now;
        match trouble {
            Trouble::TokenEndpointDown(down) => self.sap.token_endpoint_is_down = down,
            Trouble::LandscapeDown(down) => self.sap.landscape_is_down = down,
            Trouble::NextWrite(fault) => self.sap.faults.push_back(fault),
            Trouble::HeldWritesLand => {
                for request in std::mem::take(&mut self.sap.held_back) {
                    if let WriteAnswer::Done(_) = lands(self, &request) {
                        self.sap.places[request.zone].late = Some(request.pass);
                    }
                }
            }
            Trouble::ApiServerDown(cluster, down) => self.clusters[cluster].is_down = down,
            Trouble::NextStatusWrite(cluster, fault) => self.clusters[cluster].next_write = Some(fault),
            Trouble::ReadsFail(cluster, what, fault) => {
                let failing = &mut self.clusters[cluster].reads_fail;
                match fault {
                    Some(fault) => failing.insert(what, fault),
                    None => failing.remove(&what),
                };
            }
            Trouble::ClocksJump(by) => self.wall_is_off += i64::from(by),
            Trouble::ClusterClockJumps(cluster, by) => self.clusters[cluster].clock_is_off += i64::from(by),
            Trouble::BindingKind(cluster, true) => {
                let cluster = &mut self.clusters[cluster];
                if cluster.kind == Kind::Terminating {
                    cluster.has_lost_the_kind(now);
                }
                if cluster.kind == Kind::Missing {
                    cluster.defines_the_kind(now);
                }
            }
            Trouble::BindingKind(cluster, false) => self.clusters[cluster].loses_the_kind(now),
            Trouble::OwnKindGoes(cluster) => {
                let cluster = &mut self.clusters[cluster];
                let stamp = cluster.stamp(now);
                cluster.own_kind_is_going = !cluster.keys.is_empty();
                let names: Vec<String> = cluster.keys.keys().cloned().collect();
                for name in names {
                    cluster.change_key(&name, |key| delete(&mut key.metadata, stamp));
                }
            }
            Trouble::Crash(_) | Trouble::Lag(..) => {}
        }
    }

    /// Whether an owner of this name in this cluster holds the slot.
    pub(crate) fn holds(&self, cluster: usize, name: &str, zone: usize) -> bool {
        let me = owner(&self.clusters[cluster], name);
        let held = self.sap.places[zone].filling.as_ref().and_then(|filling| filling.owner.as_ref());
        held.is_some_and(|held| held.owner == me)
    }
}

fn change_spec(key: &mut ALMServiceKey, name: &str, act: Act) {
    let spec = &mut key.spec;
    match act {
        Act::Observe(on) => spec.mode = Some(if on { Mode::Observe } else { Mode::Enforce }),
        Act::Suspend(on) => spec.suspend = Some(on),
        Act::Retain(on) => {
            spec.deletion_policy = Some(if on { DeletionPolicy::Retain } else { DeletionPolicy::Delete });
        }
        Act::Report(on) => {
            let action = Some(if on { DeadKeyAction::Report } else { DeadKeyAction::Delete });
            spec.dead_key = Some(DeadKey { action, after: None });
        }
        Act::Grace(grace) => spec.grace_period = Some(seconds(grace)),
        Act::Interval(interval) => spec.interval = Some(seconds(interval)),
        Act::FromSecret(plain) => spec.source = source(name, plain),
        _ => return,
    }
    changed(&mut key.metadata);
}
