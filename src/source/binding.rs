//! The `ServiceBinding` of the SAP BTP service operator, as far as it matters here. Read, never written.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
use kube::api::DynamicObject;
use serde::Deserialize;

use crate::domain::slot::is_object_name;
use crate::names::{btp, condition};

/// Longest `status.bindingID` that is taken, in characters: it is copied into our status. Real ones have 36.
const LONGEST_ID: usize = 253;

/// What of a binding matters.
#[derive(Debug)]
pub struct Binding {
    /// Name, uid, labels, `deletionTimestamp`.
    pub metadata: ObjectMeta,
    spec: Spec,
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    secret_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Status {
    #[serde(rename = "bindingID")]
    binding_id: Option<String>,
    #[serde(default)]
    conditions: Vec<Condition>,
}

impl Binding {
    /// Reads what matters. Whoever may write bindings writes what stands in them: it becomes part of a request, and of
    /// our status.
    ///
    /// # Errors
    /// What of it is not shaped like a binding.
    pub fn from_object(object: DynamicObject) -> Result<Self, &'static str> {
        let part = |name: &str| object.data.get(name).cloned().unwrap_or_else(|| serde_json::json!({}));
        let binding = Self {
            spec: serde_json::from_value(part("spec")).map_err(|_| "its spec is not that of a binding")?,
            status: serde_json::from_value(part("status")).map_err(|_| "its status is not that of a binding")?,
            metadata: object.metadata,
        };
        if !is_object_name(binding.secret_name()) {
            return Err("its spec.secretName cannot be the name of a Secret");
        }
        if binding
            .binding_id()
            .is_some_and(|id| id.len() > LONGEST_ID || !id.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return Err("its status.bindingID cannot be an id");
        }
        Ok(binding)
    }

    /// Its uid.
    #[must_use]
    pub fn uid(&self) -> &str {
        self.metadata.uid.as_deref().unwrap_or_default()
    }

    /// The Secret that it keeps: by default of its own name.
    #[must_use]
    pub fn secret_name(&self) -> &str {
        let named = self.spec.secret_name.as_deref().filter(|name| !name.is_empty());
        named.or(self.metadata.name.as_deref()).unwrap_or_default()
    }

    /// `status.bindingID`, unless it is empty: then it has no credentials just now.
    #[must_use]
    pub fn binding_id(&self) -> Option<&str> {
        self.status.binding_id.as_deref().filter(|id| !id.is_empty())
    }

    /// Whether BTP says that it does not know the binding any more.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.status.conditions.iter().any(|found| {
            found.type_ == condition::READY && found.status == "False" && found.reason == btp::NOT_FOUND_REASON
        })
    }

    /// Whether it is the copy that keeps the old credentials during a rotation.
    #[must_use]
    pub fn is_stale_copy(&self) -> bool {
        is_stale(&self.metadata)
    }
}

/// Whether an object is labelled as the copy that keeps old credentials.
#[must_use]
pub fn is_stale(metadata: &ObjectMeta) -> bool {
    metadata.labels.as_ref().is_some_and(|labels| labels.contains_key(btp::STALE_LABEL))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(spec: &Value, status: &Value) -> Result<Binding, &'static str> {
        let object = json!({
            "apiVersion": "services.cloud.sap.com/v1", "kind": "ServiceBinding",
            "metadata": { "name": "plain", "uid": "1" }, "spec": spec, "status": status,
        });
        Binding::from_object(serde_json::from_value(object).expect("an object"))
    }

    #[test]
    fn the_secret_of_a_binding_is_the_one_that_it_names_or_the_one_of_its_own_name() {
        assert_eq!(read(&json!({ "secretName": "a.b-c" }), &json!({})).expect("a binding").secret_name(), "a.b-c");
        for unset in [json!({}), json!({ "secretName": "" }), json!({ "secretName": null })] {
            assert_eq!(read(&unset, &json!({})).expect("a binding").secret_name(), "plain");
        }
    }

    #[test]
    fn a_secret_name_that_would_turn_a_read_into_another_request_is_no_name() {
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

    // proves: limit source/binding LONGEST_ID
    #[test]
    fn an_id_that_is_none_is_not_copied_anywhere() {
        assert!(read(&json!({}), &json!({ "bindingID": "11111111-1111-1111-1111-111111111111" })).is_ok());
        assert!(read(&json!({}), &json!({ "bindingID": "x".repeat(LONGEST_ID) })).is_ok());
        for id in ["a\nb".to_owned(), "a\u{1b}[2J".to_owned(), "x".repeat(LONGEST_ID + 1), "\u{202e}".to_owned()] {
            assert!(read(&json!({}), &json!({ "bindingID": id })).expect_err("no id").contains("status.bindingID"));
        }
    }
}
