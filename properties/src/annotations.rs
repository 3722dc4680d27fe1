//! Annotations of an `ALMServiceKey`. Input: the request for a reconciliation, the request that was handled last, the
//! uid, and the value of the annotation that abandons the object, separated by 0xff.

use alm_key_operator::api::ALMServiceKey;
use alm_key_operator::api::annotations::{MAX_REQUEST, is_abandoned, unhandled_request};
use serde_json::json;

use super::input::{parts, text};

/// Checks that a request is copied into the status with at most its maximum length, that a handled request is not handled
/// again, and that only the object's own uid abandons the object.
pub fn check(bytes: &[u8]) {
    let mut parts = parts(bytes);
    let (request, handled, uid, abandon) =
        (text(parts.next()), text(parts.next()), text(parts.next()), text(parts.next()));
    let mut object: ALMServiceKey = serde_json::from_value(json!({
        "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey",
        "metadata": { "name": "calm", "uid": uid, "annotations": {
            "almkey.dev/reconcile-requested-at": request, "almkey.dev/abandon": abandon,
        } },
        "spec": { "tenantRef": { "name": "acme" }, "source": { "secretRef": { "name": "pasted" } } },
        "status": { "lastHandledReconcileAt": handled },
    }))
    .expect("an object");

    assert_eq!(is_abandoned(&object), !uid.is_empty() && uid == abandon);
    match unhandled_request(&object) {
        None => assert!(request.starts_with(&handled) && handled.chars().count() <= MAX_REQUEST),
        Some(next) => {
            assert!(next.chars().count() <= MAX_REQUEST && request.starts_with(&next) && next != handled);
            object.status.get_or_insert_default().last_handled_reconcile_at = Some(next);
            assert_eq!(unhandled_request(&object), None, "a request that was handled is not handled again");
        }
    }
}
