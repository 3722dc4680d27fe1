//! Requests that users make by annotations. Their values are untrusted text.

use kube::ResourceExt;

use super::ALMServiceKey;
use super::confirmation::{ConfirmationStatus, digest};
use crate::names::annotation;

/// Maximum length of the value of `reconcile-requested-at`, in characters. The value is copied into the status.
pub const MAX_REQUEST: usize = 256;

/// Returns the value of `reconcile-requested-at` if it has not been handled yet.
#[must_use]
pub fn unhandled_request(object: &ALMServiceKey) -> Option<String> {
    let value = object.annotations().get(annotation::RECONCILE_REQUESTED_AT)?;
    let value: String = value.chars().take(MAX_REQUEST).collect();
    let handled = object.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_ref());
    (handled != Some(&value)).then_some(value)
}

/// Returns the value of `confirmation` if it has not been handled yet. `handled` is the result of the last one.
#[must_use]
pub fn unhandled_confirmation<'a>(
    object: &'a impl ResourceExt,
    handled: Option<&ConfirmationStatus>,
) -> Option<&'a str> {
    let value = object.annotations().get(annotation::CONFIRMATION)?;
    let is_handled = handled.is_some_and(|handled| handled.digest == digest(value));
    (!is_handled).then_some(value.as_str())
}

/// Returns true if the object is to be deleted without any change in Landscape Management. The value of the annotation
/// must be the uid of this object, so that an annotation left in a manifest has no effect.
#[must_use]
pub fn is_abandoned(object: &ALMServiceKey) -> bool {
    let uid = object.uid().filter(|uid| !uid.is_empty());
    uid.is_some() && object.annotations().get(annotation::ABANDON) == uid.as_ref()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::names::{GROUP, VERSION};

    // proves: limit api/annotations MAX_REQUEST
    #[test]
    fn only_the_first_256_characters_of_a_requested_reconciliation_count() {
        let request = |value: &str, handled: &str| {
            let object = json!({
                "apiVersion": format!("{GROUP}/{VERSION}"), "kind": "ALMServiceKey",
                "metadata": { "name": "calm", "annotations": { annotation::RECONCILE_REQUESTED_AT: value } },
                "spec": { "tenantRef": { "name": "t" }, "source": { "secretRef": { "name": "s" } } },
                "status": { "observedGeneration": 1, "conditions": [], "lastHandledReconcileAt": handled },
            });
            unhandled_request(&serde_json::from_value(object).expect("an object"))
        };
        let longest = "é".repeat(MAX_REQUEST);
        assert_eq!(request(&longest, "before"), Some(longest.clone()));
        assert_eq!(request(&format!("{longest}x"), "before"), Some(longest.clone()));
        assert_eq!(request(&format!("{longest}x"), &longest), None, "the part that counts has been handled");
    }
}
