//! The `ServiceBinding` of the SAP BTP service operator, as far as it matters here. Read, never written.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
use kube::api::{ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use serde::Deserialize;

use crate::names::{btp, condition};

/// Of a binding's id, in bytes: it is copied into the status. Real ones are UUIDs.
const LONGEST_ID: usize = 253;

/// The API resource of the kind.
#[must_use]
pub fn resource() -> ApiResource {
    let kind = GroupVersionKind::gvk(btp::GROUP, btp::VERSION, btp::BINDING_KIND);
    ApiResource::from_gvk_with_plural(&kind, btp::BINDING_PLURAL)
}

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
    /// Reads what matters; none if it is not shaped like a binding.
    #[must_use]
    pub fn from_object(object: DynamicObject) -> Option<Self> {
        let part = |name: &str| object.data.get(name).cloned().unwrap_or_else(|| serde_json::json!({}));
        let status: Status = serde_json::from_value(part("status")).ok()?;
        if status.binding_id.as_ref().is_some_and(|id| id.len() > LONGEST_ID) {
            return None;
        }
        Some(Self { spec: serde_json::from_value(part("spec")).ok()?, status, metadata: object.metadata })
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
    use serde_json::json;

    use super::*;

    #[test]
    fn a_binding_whose_id_no_status_can_hold_is_none() {
        let read = |id: &str| {
            let binding = json!({ "metadata": { "name": "calm" }, "status": { "bindingID": id } });
            Binding::from_object(serde_json::from_value(binding).expect("an object")).is_some()
        };
        assert!(read("11111111-1111-1111-1111-111111111111") && read(&"i".repeat(LONGEST_ID)));
        assert!(!read(&"i".repeat(LONGEST_ID + 1)));
    }
}
