//! Annotations of an `ALMServiceKey`. Input: the word by which a pass is asked for, the one that was answered last, the
//! uid, and the word that abandons, with 0xff between them.

use alm_key_operator::api::ALMServiceKey;
use alm_key_operator::api::annotations::{MAX_REQUEST, is_abandoned, unhandled_request};
use serde_json::json;

use super::{parts, text};

/// A word goes into the status no longer than its limit, and once answered it asks for nothing; only the object's own uid
/// abandons it.
pub fn hold(bytes: &[u8]) {
    let mut parts = parts(bytes);
    let (word, answered, uid, abandon) =
        (text(parts.next()), text(parts.next()), text(parts.next()), text(parts.next()));
    let mut object: ALMServiceKey = serde_json::from_value(json!({
        "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey",
        "metadata": { "name": "calm", "uid": uid, "annotations": {
            "almkey.dev/reconcile-requested-at": word, "almkey.dev/abandon": abandon,
        } },
        "spec": { "tenantRef": { "name": "acme" }, "source": { "secretRef": { "name": "pasted" } } },
        "status": { "lastHandledReconcileAt": answered },
    }))
    .expect("an object");

    assert_eq!(is_abandoned(&object), !uid.is_empty() && uid == abandon);
    match unhandled_request(&object) {
        None => assert!(word.starts_with(&answered) && answered.chars().count() <= MAX_REQUEST),
        Some(asked) => {
            assert!(asked.chars().count() <= MAX_REQUEST && word.starts_with(&asked) && asked != answered);
            object.status.get_or_insert_default().last_handled_reconcile_at = Some(asked);
            assert_eq!(unhandled_request(&object), None, "what was answered is not answered again");
        }
    }
}
