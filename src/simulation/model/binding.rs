//! The SAP BTP service operator: bindings, their Secrets, and what it does with both, step by step.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::api::DynamicObject;
use serde_json::json;

use crate::names::btp;
use crate::simulation::model::cluster::{Cluster, Fate, Kind, NAMESPACE, delete};
use crate::simulation::model::sap::{KeyNo, Sap};

/// Whose key a binding has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credential {
    /// That of its service instance: all bindings have it, and it outlives each of them.
    Instance,
    /// One of its own, which dies with it.
    Own,
}

/// What the operator is about to do with a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Nothing,
    /// It was applied: make the Secret.
    MakeSecret,
    /// The Secret is there: say so in the status.
    SayReady,
    /// It is being deleted: unbind, and clear the id.
    Unbind,
    DeleteSecret,
    LetGo,
    /// It is being rotated: put the new key into the Secret.
    Rotate,
}

/// A binding.
pub(crate) struct Binding {
    pub(crate) metadata: ObjectMeta,
    pub(crate) id: Option<String>,
    pub(crate) key: KeyNo,
    pub(crate) credential: Credential,
    pub(crate) next: Next,
    /// BTP does not know it any more.
    pub(crate) is_lost: bool,
}

impl Binding {
    pub(crate) fn uid(&self) -> &str {
        self.metadata.uid.as_deref().unwrap_or_default()
    }

    pub(crate) fn is_going(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    /// As the API server shows it.
    pub(crate) fn shown(&self) -> DynamicObject {
        let reason = if self.is_lost { btp::NOT_FOUND_REASON } else { "Provisioned" };
        let ready = if self.is_lost || self.id.is_none() { "False" } else { "True" };
        let condition = json!({
            "type": "Ready", "status": ready, "reason": reason, "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        });
        let status = json!({ "bindingID": self.id.clone().unwrap_or_default(), "conditions": [condition] });
        DynamicObject { types: None, metadata: self.metadata.clone(), data: json!({ "spec": {}, "status": status }) }
    }
}

/// What breaks every rule. Whatever is said of it, none of its values is to be repeated.
const BROKEN: &str = r#"{"uaa":{"identityzone":"CANARY","clientid":["CANARY"],"clientsecret":{"CANARY":"CANARY"},
    "credential-type":"CANARY","url":"CANARY"},"endpoints":{"CANARY":"CANARY"}}"#;

/// A Secret with a key in it; none makes it one that breaks the rules.
pub(crate) fn secret(metadata: ObjectMeta, document: Option<&str>) -> Secret {
    let document = document.unwrap_or(BROKEN);
    let data = BTreeMap::from([("key".to_owned(), ByteString(document.as_bytes().to_vec()))]);
    Secret { metadata, data: Some(data), ..Secret::default() }
}

impl Cluster {
    /// A person applies a binding.
    pub(crate) fn applies_binding(
        &mut self,
        name: &str,
        zone: usize,
        credential: Credential,
        sap: &mut Sap,
        now: Duration,
    ) {
        if self.bindings.contains_key(name) || !matches!(self.kind, Kind::Defined { .. }) {
            return;
        }
        let key = match credential {
            Credential::Instance => sap.instance[zone],
            Credential::Own => sap.makes_a_key(zone),
        };
        let metadata = self.made(name, now);
        self.told_bindings.push(metadata.clone());
        let binding = Binding { metadata, id: None, key, credential, next: Next::MakeSecret, is_lost: false };
        self.bindings.insert(name.into(), binding);
    }

    /// A person deletes a binding.
    pub(crate) fn deletes_binding(&mut self, name: &str, now: Duration) {
        let stamp = self.stamp(now);
        let Some(binding) = self.bindings.get_mut(name).filter(|binding| !binding.is_going()) else { return };
        delete(&mut binding.metadata, stamp);
        binding.next = Next::Unbind;
        self.fates.insert(binding.uid().to_owned(), Fate::Deleted(now));
        self.told_bindings.push(binding.metadata.clone());
    }

    /// A rotation begins: the id is gone for a moment, and a copy keeps the old key.
    pub(crate) fn rotates_binding(&mut self, name: &str, now: Duration) {
        let metadata = self.made(&format!("{name}-old"), now);
        let Some(binding) = self.bindings.get_mut(name) else { return };
        if binding.next != Next::Nothing || binding.credential == Credential::Instance {
            return;
        }
        let old = binding.id.take().unwrap_or_default();
        binding.next = Next::Rotate;
        let labels = Some(BTreeMap::from([(btp::STALE_LABEL.to_owned(), old)]));
        let metadata = ObjectMeta { labels, ..metadata };
        self.told_bindings.extend([binding.metadata.clone(), metadata]);
    }

    /// The kind is being removed, and all bindings with it.
    pub(crate) fn loses_the_kind(&mut self, now: Duration) {
        if !matches!(self.kind, Kind::Defined { .. }) {
            return;
        }
        self.kind = Kind::Terminating;
        let stamped = self.stamp(now);
        for binding in self.bindings.values_mut().filter(|binding| !binding.is_going()) {
            delete(&mut binding.metadata, stamped);
            binding.next = Next::Nothing;
            self.fates.insert(binding.uid().to_owned(), Fate::LostWithKind { at: now, stamped });
            self.told_bindings.push(binding.metadata.clone());
        }
    }

    /// The kind is gone, and all bindings and their Secrets with it.
    pub(crate) fn has_lost_the_kind(&mut self, now: Duration) {
        self.kind = Kind::Missing;
        for (name, binding) in std::mem::take(&mut self.bindings) {
            self.told_bindings.push(binding.metadata);
            self.removes_secret(&name, now);
        }
    }

    /// The operator does the next thing with each binding. Whether there was any.
    pub(crate) fn works(&mut self, sap: &mut Sap, now: Duration) -> bool {
        if self.kind == Kind::Terminating {
            self.has_lost_the_kind(now);
            return true;
        }
        let names: Vec<String> = self.bindings.keys().cloned().collect();
        let mut worked = false;
        for name in names {
            worked |= self.works_on(&name, sap, now);
        }
        worked
    }

    fn works_on(&mut self, name: &str, sap: &mut Sap, now: Duration) -> bool {
        let Some(Binding { next, key, credential, .. }) = self.bindings.get(name) else { return false };
        let (next, key, credential) = (*next, *key, *credential);
        let then = match next {
            Next::Nothing => return false,
            Next::MakeSecret => {
                self.keeps_key(name, key, sap, now);
                Next::SayReady
            }
            Next::Rotate => {
                let zone = usize::from(sap.key(key).document.contains(crate::simulation::model::sap::ZONES[1]));
                let rotated = sap.makes_a_key(zone);
                self.keeps_key(name, rotated, sap, now);
                Next::SayReady
            }
            Next::SayReady => Next::Nothing,
            Next::Unbind => {
                if credential == Credential::Own {
                    sap.set_alive(key, false);
                }
                Next::DeleteSecret
            }
            Next::DeleteSecret => {
                self.removes_secret(name, now);
                Next::LetGo
            }
            Next::LetGo => {
                let binding = self.bindings.remove(name).expect("it was just there");
                self.told_bindings.push(binding.metadata);
                return true;
            }
        };
        let version = self.made(name, now).resource_version;
        let binding = self.bindings.get_mut(name).expect("it was just there");
        binding.next = then;
        binding.metadata.resource_version.clone_from(&version);
        match next {
            Next::Unbind => binding.id = None,
            Next::SayReady if binding.id.is_none() => binding.id = version.map(|version| format!("id-{version}")),
            _ => {}
        }
        self.told_bindings.push(binding.metadata.clone());
        true
    }

    fn keeps_key(&mut self, name: &str, key: KeyNo, sap: &Sap, now: Duration) {
        let metadata = self.made(name, now);
        let binding = self.bindings.get_mut(name).expect("it was just there");
        binding.key = key;
        let owner = OwnerReference {
            controller: Some(true),
            kind: btp::BINDING_KIND.into(),
            name: name.into(),
            uid: binding.uid().into(),
            ..OwnerReference::default()
        };
        let metadata =
            ObjectMeta { namespace: Some(NAMESPACE.into()), owner_references: Some(vec![owner]), ..metadata };
        self.held.entry(name.into()).or_default().insert(key);
        self.writes_secret(secret(metadata, Some(&sap.key(key).document)));
    }
}
