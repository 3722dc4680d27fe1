//! The `ServiceBinding` of the SAP BTP service operator, which is read and never written.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
use kube::api::DynamicObject;
use serde::Deserialize;

use crate::domain::slot::is_object_name;
use crate::names::{btp, condition};

/// Maximum length of `status.bindingID`, in characters. It is copied into our status; real IDs have 36.
const MAX_BINDING_ID: usize = 253;

/// Default of `rotatedBindingTTL` of the SAP BTP service operator.
const DEFAULT_ROTATED_BINDING_TTL: Duration = Duration::from_hours(48);

/// The relevant fields of a binding.
#[derive(Debug)]
pub struct Binding {
    /// Name, uid, labels and `deletionTimestamp`.
    pub metadata: ObjectMeta,
    spec: Spec,
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    secret_name: Option<String>,
    #[serde(default)]
    credentials_rotation_policy: RotationPolicy,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RotationPolicy {
    #[serde(rename = "rotatedBindingTTL")]
    rotated_binding_ttl: Option<kube::core::Duration>,
}

#[derive(Debug, Default, Deserialize)]
struct Status {
    #[serde(rename = "bindingID")]
    binding_id: Option<String>,
    #[serde(default)]
    conditions: Vec<Condition>,
}

impl Binding {
    /// Reads the relevant fields and validates them. Anyone who may write bindings controls them, and they become part
    /// of requests and of our status.
    ///
    /// # Errors
    /// The field that does not have the form of a binding.
    pub fn from_object(object: DynamicObject) -> Result<Self, &'static str> {
        let part = |name: &str| object.data.get(name).cloned().unwrap_or_else(|| serde_json::json!({}));
        let binding = Self {
            spec: serde_json::from_value(part("spec")).map_err(|_| "its spec is malformed")?,
            status: serde_json::from_value(part("status")).map_err(|_| "its status is malformed")?,
            metadata: object.metadata,
        };
        if !is_object_name(binding.secret_name()) {
            return Err("its spec.secretName is not a valid name of a Secret");
        }
        if binding
            .binding_id()
            .is_some_and(|id| id.len() > MAX_BINDING_ID || !id.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return Err("its status.bindingID is longer than 253 characters, or not printable ASCII");
        }
        Ok(binding)
    }

    /// Returns the uid.
    #[must_use]
    pub fn uid(&self) -> &str {
        self.metadata.uid.as_deref().unwrap_or_default()
    }

    /// Returns the name of the binding's Secret, which by default is the name of the binding.
    #[must_use]
    pub fn secret_name(&self) -> &str {
        let secret_name = self.spec.secret_name.as_deref().filter(|name| !name.is_empty());
        secret_name.or(self.metadata.name.as_deref()).unwrap_or_default()
    }

    /// Returns `status.bindingID`, or none if it is empty, which means that the binding has no credentials at present.
    #[must_use]
    pub fn binding_id(&self) -> Option<&str> {
        self.status.binding_id.as_deref().filter(|id| !id.is_empty())
    }

    /// Returns true if BTP no longer knows the binding.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.status.conditions.iter().any(|ready| {
            ready.type_ == condition::READY && ready.status == "False" && ready.reason == btp::NOT_FOUND_REASON
        })
    }

    /// Returns the time at which the credentials of this stale copy expire; `None` if its creation time or its lifetime is
    /// not known.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        let created = self.metadata.creation_timestamp.as_ref()?.0;
        let lifetime = match self.spec.credentials_rotation_policy.rotated_binding_ttl {
            Some(lifetime) => Duration::from(lifetime),
            None => DEFAULT_ROTATED_BINDING_TTL,
        };
        created.checked_add(lifetime).ok()
    }

    /// Returns true if the binding is the copy that keeps the old credentials during a rotation.
    #[must_use]
    pub fn is_stale_copy(&self) -> bool {
        is_stale(&self.metadata)
    }
}

/// Returns true if the object is labelled as the copy that keeps the old credentials.
#[must_use]
pub fn is_stale(metadata: &ObjectMeta) -> bool {
    metadata.labels.as_ref().is_some_and(|labels| labels.contains_key(btp::STALE_LABEL))
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use serde_json::{Value, json};

    fn read(spec: &Value, status: &Value) -> Result<Binding, &'static str> {
        let object = json!({
            "apiVersion": "services.cloud.sap.com/v1", "kind": "ServiceBinding",
            "metadata": { "name": "plain", "uid": "1" }, "spec": spec, "status": status,
        });
        Binding::from_object(serde_json::from_value(object).expect("an object"))
    }

    #[test]
    fn the_secret_of_a_binding_has_the_given_name_or_the_name_of_the_binding() {
        assert_eq!(read(&json!({ "secretName": "a.b-c" }), &json!({})).expect("a binding").secret_name(), "a.b-c");
        for unset in [json!({}), json!({ "secretName": "" }), json!({ "secretName": null })] {
            assert_eq!(read(&unset, &json!({})).expect("a binding").secret_name(), "plain");
        }
    }

    #[test]
    fn a_secret_name_that_would_change_the_request_is_refused() {
        for name in [
            "../../other/secrets/theirs",
            "x?watch=true",
            "x#",
            "x/status",
            "..",
            ".",
            "x%2f",
            "x y",
            "X",
            "x\r\ny",
            "-x",
        ] {
            let wrong = read(&json!({ "secretName": name }), &json!({})).expect_err(name);
            assert!(wrong.contains("spec.secretName"), "{name}: {wrong}");
        }
        assert!(read(&json!({ "secretName": "x".repeat(254) }), &json!({})).is_err());
    }

    // proves: limit source/binding DEFAULT_ROTATED_BINDING_TTL
    #[test]
    fn a_stale_copy_expires_after_its_own_lifetime_or_after_two_days() {
        let copy = |policy: Value| {
            let mut copy = read(&json!({ "credentialsRotationPolicy": policy }), &json!({})).expect("a binding");
            copy.metadata.creation_timestamp = Some(Time("2026-11-01T12:00:00Z".parse().expect("a time")));
            copy.expires_at().map(|time| time.to_string())
        };
        assert_eq!(copy(json!({ "rotatedBindingTTL": "20s" })).as_deref(), Some("2026-11-01T12:00:20Z"));
        assert_eq!(copy(json!({ "rotatedBindingTTL": "1h30m" })).as_deref(), Some("2026-11-01T13:30:00Z"));
        assert_eq!(copy(json!({ "enabled": false })).as_deref(), Some("2026-11-03T12:00:00Z"));
        assert_eq!(read(&json!({}), &json!({})).expect("a binding").expires_at(), None, "without a creation time");
    }

    // proves: limit source/binding MAX_BINDING_ID
    #[test]
    fn a_malformed_binding_id_is_refused() {
        assert!(read(&json!({}), &json!({ "bindingID": "11111111-1111-1111-1111-111111111111" })).is_ok());
        assert!(read(&json!({}), &json!({ "bindingID": "x".repeat(MAX_BINDING_ID) })).is_ok());
        for id in ["a\nb".to_owned(), "a\u{1b}[2J".to_owned(), "x".repeat(MAX_BINDING_ID + 1), "\u{202e}".to_owned()] {
            assert!(read(&json!({}), &json!({ "bindingID": id })).expect_err("no id").contains("status.bindingID"));
        }
    }
}
