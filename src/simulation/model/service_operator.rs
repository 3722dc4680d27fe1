//! The SAP BTP service operator: it works on bindings and their Secrets, one visible change at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::names::btp;
use crate::simulation::model::binding::{Binding, NextAction, StaleCopy, controlled_by, key_secret};
use crate::simulation::model::cluster::{BindingEnd, BindingKind, Cluster, NAMESPACE, mark_deleted};
use crate::simulation::model::document::KeyDocument;
use crate::simulation::model::sap::{KeyNumber, Sap};
use crate::simulation::step::Credential;

impl Cluster {
    /// Creates a binding, as a user does.
    pub(crate) fn create_binding(
        &mut self,
        name: &str,
        zone: usize,
        credential: Credential,
        sap: &mut Sap,
        now: Duration,
    ) {
        if self.bindings.contains_key(name) || !matches!(self.binding_kind, BindingKind::Defined { .. }) {
            return;
        }
        let key = match credential {
            Credential::Instance => sap.instance_keys[zone],
            Credential::Own => sap.issue_key(zone),
        };
        let metadata = self.new_metadata(name, now);
        self.binding_events.push(metadata.clone());
        self.last_bindings.insert(name.into(), metadata.uid.clone().unwrap_or_default());
        let next = NextAction::CreateSecret;
        self.bindings.insert(name.into(), Binding { metadata, id: None, key, credential, next, is_lost: false });
    }

    /// Deletes a binding, as a user does.
    pub(crate) fn delete_binding(&mut self, name: &str, now: Duration) {
        let stamp = self.timestamp(now);
        let Some(binding) = self.bindings.get_mut(name).filter(|binding| !binding.is_terminating()) else { return };
        mark_deleted(&mut binding.metadata, stamp);
        binding.next = NextAction::Unbind;
        self.binding_ends.insert(binding.uid().to_owned(), BindingEnd::Deleted(now));
        self.binding_events.push(binding.metadata.clone());
    }

    /// Begins a rotation: the binding loses its id for a moment, and a copy keeps the old key.
    pub(crate) fn rotate_binding(&mut self, name: &str, sap: &Sap, now: Duration) {
        let number = self.stale_copies.len();
        let metadata = self.new_metadata(&format!("{name}-old{number}"), now);
        let secret = self.new_metadata(&format!("{name}-old{number}"), now);
        let Some(binding) = self.bindings.get_mut(name) else { return };
        if binding.next != NextAction::None || binding.credential == Credential::Instance {
            return;
        }
        let old_id = binding.id.take().unwrap_or_default();
        binding.next = NextAction::RotateKey;
        let labels = Some(BTreeMap::from([(btp::STALE_LABEL.to_owned(), old_id)]));
        let owner_references = Some(vec![controlled_by(name, binding.uid())]);
        let metadata = ObjectMeta { labels, owner_references, ..metadata };
        self.binding_events.extend([binding.metadata.clone(), metadata.clone()]);
        let owner =
            controlled_by(metadata.name.as_deref().unwrap_or_default(), metadata.uid.as_deref().unwrap_or_default());
        let copy = StaleCopy { binding: name.into(), metadata, key: binding.key };
        let secret = ObjectMeta { owner_references: Some(vec![owner]), ..secret };
        self.write_secret(key_secret(secret, Some(&sap.text(KeyDocument::original(copy.key)))));
        self.stale_copies.push(copy);
    }

    /// Removes the stale copies of a binding. Their keys die.
    pub(crate) fn remove_stale_copies(&mut self, name: &str, sap: &mut Sap, now: Duration) {
        let copies = std::mem::take(&mut self.stale_copies);
        let (gone, kept) = copies.into_iter().partition(|copy: &StaleCopy| copy.binding == name);
        self.stale_copies = kept;
        for StaleCopy { metadata, key, .. } in gone {
            sap.set_alive(key, false);
            self.remove_secret(metadata.name.as_deref().unwrap_or_default(), now);
            self.binding_events.push(metadata);
        }
    }

    /// Begins the removal of the kind `ServiceBinding`, which deletes all bindings.
    pub(crate) fn delete_binding_kind(&mut self, now: Duration) {
        if !matches!(self.binding_kind, BindingKind::Defined { .. }) {
            return;
        }
        self.binding_kind = BindingKind::Terminating;
        let deleted_at = self.timestamp(now);
        for binding in self.bindings.values_mut().filter(|binding| !binding.is_terminating()) {
            mark_deleted(&mut binding.metadata, deleted_at);
            binding.next = NextAction::None;
            self.binding_ends.insert(binding.uid().to_owned(), BindingEnd::LostWithKind { at: now, deleted_at });
            self.binding_events.push(binding.metadata.clone());
        }
    }

    /// Completes the removal of the kind: all bindings and their Secrets go.
    pub(crate) fn remove_binding_kind(&mut self, now: Duration) {
        self.binding_kind = BindingKind::Missing;
        for (name, binding) in std::mem::take(&mut self.bindings) {
            self.binding_events.push(binding.metadata);
            self.remove_secret(&name, now);
        }
        for copy in std::mem::take(&mut self.stale_copies) {
            self.remove_secret(copy.metadata.name.as_deref().unwrap_or_default(), now);
            self.binding_events.push(copy.metadata);
        }
    }

    /// Does the next thing with each binding. Returns true if there was anything to do.
    pub(crate) fn run_service_operator(&mut self, sap: &mut Sap, now: Duration) -> bool {
        if self.binding_kind == BindingKind::Terminating {
            self.remove_binding_kind(now);
            return true;
        }
        let busy = self.bindings.iter().filter(|(_, binding)| binding.next != NextAction::None);
        let names: Vec<String> = busy.map(|(name, _)| name.clone()).collect();
        for name in &names {
            self.work_on_binding(name, sap, now);
        }
        !names.is_empty()
    }

    fn work_on_binding(&mut self, name: &str, sap: &mut Sap, now: Duration) {
        let Binding { next, key, credential, .. } = &self.bindings[name];
        let (action, key, credential) = (*next, *key, *credential);
        let next = match action {
            NextAction::None => return,
            NextAction::CreateSecret => {
                self.write_binding_secret(name, key, sap, now);
                NextAction::ReportReady
            }
            NextAction::RotateKey => {
                let rotated = sap.issue_successor(key);
                self.write_binding_secret(name, rotated, sap, now);
                NextAction::ReportReady
            }
            NextAction::ReportReady => NextAction::None,
            NextAction::Unbind => {
                if credential == Credential::Own {
                    sap.set_alive(key, false);
                }
                NextAction::DeleteSecret
            }
            NextAction::DeleteSecret => {
                self.remove_secret(name, now);
                NextAction::RemoveFinalizer
            }
            NextAction::RemoveFinalizer => {
                let binding = self.bindings.remove(name).expect("the binding exists");
                self.binding_events.push(binding.metadata);
                self.remove_stale_copies(name, sap, now);
                return;
            }
        };
        let version = self.new_metadata(name, now).resource_version;
        let binding = self.bindings.get_mut(name).expect("the binding exists");
        binding.next = next;
        binding.metadata.resource_version.clone_from(&version);
        match action {
            NextAction::Unbind => binding.id = None,
            NextAction::ReportReady if binding.id.is_none() => {
                binding.id = version.map(|version| format!("id-{version}"));
            }
            _ => {}
        }
        self.binding_events.push(binding.metadata.clone());
    }

    fn write_binding_secret(&mut self, name: &str, key: KeyNumber, sap: &Sap, now: Duration) {
        let metadata = self.new_metadata(name, now);
        let binding = self.bindings.get_mut(name).expect("the binding exists");
        binding.key = key;
        let owner = controlled_by(name, binding.uid());
        let metadata =
            ObjectMeta { namespace: Some(NAMESPACE.into()), owner_references: Some(vec![owner]), ..metadata };
        self.keys_held.entry(name.into()).or_default().insert(key);
        self.write_secret(key_secret(metadata, Some(&sap.text(KeyDocument::original(key)))));
    }
}
