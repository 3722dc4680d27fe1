//! Actions of the SAP BTP service operator: it writes bindings and their Secrets as in the recording in `tests/data`.

use alm_key_operator::cluster::objects::service_binding;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::Tenant;
use super::tenant::{create, from_json};

/// The finalizer of the SAP BTP service operator.
const FINALIZER: &str = "services.cloud.sap.com/sap-btp-finalizer";

impl Tenant<'_> {
    /// Returns the API of the namespace's ServiceBindings.
    pub fn bindings(&self) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.namespace, &service_binding())
    }

    /// Creates a binding as its user applies it, without credentials yet.
    pub async fn apply_binding(&self, name: &str) -> DynamicObject {
        let binding = json!({
            "apiVersion": "services.cloud.sap.com/v1", "kind": "ServiceBinding",
            "metadata": { "name": name, "finalizers": [FINALIZER] },
            "spec": { "serviceInstanceName": "calm", "secretName": name },
        });
        create(&self.bindings(), binding).await
    }

    /// Adds the finalizer of the BTP operator to a binding that its user has applied.
    pub async fn accept_binding(&self, name: &str) -> DynamicObject {
        let patch = json!({ "metadata": { "finalizers": [FINALIZER] } });
        let patched = self.bindings().patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await;
        patched.expect("a binding can be patched")
    }

    /// Creates a binding with credentials: the Secret first, the status after it.
    pub async fn bind(&self, name: &str, key: &Value) -> DynamicObject {
        let binding = self.apply_binding(name).await;
        self.write_binding_secret(&binding, key, &json!({})).await;
        self.mark_binding_ready(name, "11111111-1111-1111-1111-111111111111").await;
        binding
    }

    /// Writes the Secret of a binding, in the default layout.
    pub async fn write_binding_secret(&self, binding: &DynamicObject, key: &Value, labels: &Value) {
        let data = json!({
            "uaa": key["uaa"].to_string(), "endpoints": key["endpoints"].to_string(),
            "instance_name": "calm", "plan": "standard", "label": "SAPCloudALMAPIs", "type": "SAPCloudALMAPIs",
            "tags": "[\"alm\"]", "instance_guid": "22222222-2222-2222-2222-222222222222",
            ".metadata": "{\"credentialProperties\":[{\"name\":\"uaa\",\"format\":\"json\"}]}",
        });
        self.write_binding_data(binding, &data, labels).await;
    }

    /// Writes the Secret of a binding, with these entries.
    pub async fn write_binding_data(&self, binding: &DynamicObject, data: &Value, labels: &Value) {
        let name = binding.name_any();
        let mut all_labels = json!({ "services.cloud.sap.com/managed-by-sap-btp-operator": "true" });
        for (label, value) in labels.as_object().into_iter().flatten() {
            all_labels[label] = value.clone();
        }
        let secret: Secret = from_json(json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {
                "name": name, "labels": all_labels, "annotations": { "binding": name },
                "ownerReferences": [{
                    "apiVersion": "services.cloud.sap.com/v1", "kind": "ServiceBinding", "name": name,
                    "uid": binding.uid(), "controller": true, "blockOwnerDeletion": true,
                }],
            },
            "type": "Opaque",
            "stringData": data,
        }));
        match self.secrets().get_opt(&name).await.expect("secrets can be read") {
            None => drop(self.secrets().create(&PostParams::default(), &secret).await.expect("secrets can be created")),
            Some(present) => {
                let mut next = secret;
                next.metadata.resource_version = present.metadata.resource_version;
                self.secrets().replace(&name, &PostParams::default(), &next).await.expect("secrets can be replaced");
            }
        }
    }

    /// Marks a binding as having credentials.
    pub async fn mark_binding_ready(&self, name: &str, binding_id: &str) {
        let conditions = conditions("True", "Provisioned");
        self.patch_binding_status(name, json!({ "bindingID": binding_id, "ready": "True", "conditions": conditions }))
            .await;
    }

    /// Marks a binding as having no credentials at present, as during a rotation.
    pub async fn mark_binding_unprovisioned(&self, name: &str) {
        let conditions = conditions("False", "NotProvisioned");
        self.patch_binding_status(name, json!({ "bindingID": "", "ready": "False", "conditions": conditions })).await;
    }

    /// Marks a binding as unknown to BTP. Secret and id stay.
    pub async fn mark_binding_lost(&self, name: &str) {
        self.patch_binding_status(name, json!({ "conditions": conditions("False", "NotFound") })).await;
    }

    /// Rotates as the real operator does: it clears the id, changes the Secret in place, and sets the id.
    pub async fn rotate_binding(&self, name: &str, key: &Value) {
        self.mark_binding_unprovisioned(name).await;
        let binding = self.bindings().get(name).await.expect("the binding exists");
        self.write_binding_secret(&binding, key, &json!({})).await;
        self.mark_binding_ready(name, "33333333-3333-3333-3333-333333333333").await;
    }

    /// Keeps the credentials of a binding in a stale copy, as the real operator does at the beginning of a rotation. They
    /// expire after `lifetime`.
    pub async fn keep_stale_copy(&self, name: &str, key: &Value, lifetime: &str) -> DynamicObject {
        let binding = self.bindings().get(name).await.expect("the binding exists");
        let id = binding.data["status"]["bindingID"].clone();
        let copy_name = format!("{name}-v7ac1s");
        let labels = json!({ "services.cloud.sap.com/stale": id, "services.cloud.sap.com/rotationOf": name });
        let copy = json!({
            "apiVersion": "services.cloud.sap.com/v1", "kind": "ServiceBinding",
            "metadata": {
                "name": copy_name, "labels": labels,
                "annotations": { "services.cloud.sap.com/original-binding-name": name },
                "ownerReferences": [{
                    "apiVersion": "services.cloud.sap.com/v1", "kind": "ServiceBinding", "name": name,
                    "uid": binding.metadata.uid, "controller": true, "blockOwnerDeletion": true,
                }],
            },
            "spec": {
                "serviceInstanceName": "calm", "secretName": copy_name, "externalName": copy_name,
                "credentialsRotationPolicy": {
                    "enabled": false, "rotatedBindingTTL": lifetime, "rotationFrequency": "1h",
                },
            },
        });
        let copy = create(&self.bindings(), copy).await;
        self.write_binding_secret(&copy, key, &labels).await;
        self.mark_binding_ready(&copy_name, id.as_str().unwrap_or_default()).await;
        copy
    }

    /// Deletes as the real operator does: it revokes the credentials, clears the id, deletes the Secret, and removes its
    /// finalizer.
    pub async fn unbind(&self, name: &str, key: &Value) {
        self.bindings().delete(name, &DeleteParams::default()).await.expect("bindings can be deleted");
        self.revoke(key).await;
        self.mark_binding_unprovisioned(name).await;
        self.delete_secret(name).await;
        self.remove_binding_finalizer(name).await;
    }

    /// Removes the finalizer of the BTP operator.
    pub async fn remove_binding_finalizer(&self, name: &str) {
        let patch = json!({ "metadata": { "finalizers": null } });
        let patched = self.bindings().patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await;
        patched.expect("the finalizer can be removed");
    }

    /// Patches the status of a binding.
    pub async fn patch_binding_status(&self, name: &str, status: Value) {
        let patch = json!({ "status": status });
        let patched = self.bindings().patch_status(name, &PatchParams::default(), &Patch::Merge(&patch)).await;
        patched.expect("the status can be patched");
    }
}

fn conditions(ready: &str, reason: &str) -> Value {
    json!([{
        "type": "Ready", "status": ready, "reason": reason, "message": "", "observedGeneration": 1,
        "lastTransitionTime": "2026-11-23T20:17:03Z",
    }])
}
