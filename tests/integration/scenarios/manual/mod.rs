//! Manual mode: a person alone can change the slot. The slot of the simulator is what the app holds; the operator never calls
//! it.

// The life of a key: upload, rotation with a deadline, lost source, deleted object.
mod life;
// Confirmations: right and wrong, late, and by those who must not.
mod confirmations;
// The key of a deleted object, which a person is asked to delete.
mod removals;
// Settings and other objects: Observe, suspend, Retain, adoption, two keys for one tenant, manual to http.
mod settings;

use alm_key_operator::api::ALMServiceKey;
use alm_key_operator::api::action::{ActionOperation, ActionStatus};
use alm_key_operator::api::confirmation::{ConfirmationResult, digest};
use serde_json::{Value, json};

use super::{RUNTIME, shared};
use testkit::bed::Tenant;

/// Annotation of a confirmation.
const CONFIRMATION: &str = "almkey.dev/confirmation";

/// Runs a test in the shared bed, with a tenant of its own in manual mode. Fails if the operator calls Landscape Management,
/// or if key material is found outside Secrets.
pub(super) fn manual(name: &str, test: impl AsyncFnOnce(Tenant<'static>)) {
    RUNTIME.block_on(async {
        let bed = shared().await;
        let tenant = Tenant::create_with(bed, name, bed.client.clone(), in_manual_mode).await;
        test(tenant).await;
        let tenant = Tenant::existing(bed, name, bed.client.clone());
        let calls = tenant.calls(&["LandscapeToken", "ReadSlot", "ReadContent", "Put", "Patch", "Delete"]).await;
        assert!(calls.is_empty(), "Landscape Management was called: {calls:?}");
        bed.expect_no_key_material();
    });
}

/// Sets the manual mode of an `ALMTenant`.
pub(super) fn in_manual_mode(tenant: &mut Value) {
    tenant["spec"]["landscapeManagement"] = json!({ "manual": {} });
}

/// Returns the action that a person is asked for.
fn action(object: &ALMServiceKey) -> ActionStatus {
    object.status.as_ref().and_then(|status| status.action.clone()).expect("an action")
}

/// Waits until a person is asked for an action of this kind on this key.
pub(super) async fn await_action(
    tenant: &Tenant<'_>,
    name: &str,
    operation: ActionOperation,
    key: &Value,
) -> ALMServiceKey {
    let fingerprint = tenant.fingerprint(key);
    let what = format!("asked for {operation:?}");
    tenant
        .await_key(name, &what, |object| {
            let action = object.status.as_ref().and_then(|status| status.action.as_ref());
            action.is_some_and(|action| {
                action.operation == operation && action.fingerprint.as_deref() == Some(fingerprint.as_str())
            })
        })
        .await
}

/// Makes a confirmation for an object, and waits for its result. Returns the object, and why the confirmation was ignored.
pub(super) async fn confirm(tenant: &Tenant<'_>, name: &str, statement: Value) -> (ALMServiceKey, Result<(), String>) {
    let uid = tenant.keys().get(name).await.expect("the object exists").metadata.uid;
    let value = confirmation(uid.as_deref(), statement);
    tenant.annotate(name, CONFIRMATION, &value).await;
    let handled = digest(&value);
    let object = tenant
        .await_key(name, "answered a confirmation", |object| {
            let last = object.status.as_ref().and_then(|status| status.last_confirmation.as_ref());
            last.is_some_and(|last| last.digest == handled)
        })
        .await;
    let last = object.status.as_ref().and_then(|status| status.last_confirmation.clone()).expect("a result");
    let result = match last.result {
        ConfirmationResult::Recorded => Ok(()),
        ConfirmationResult::Ignored => Err(last.message),
    };
    (object, result)
}

/// Returns a confirmation of the object with this uid at the current time, as the commands write it.
fn confirmation(uid: Option<&str>, mut statement: Value) -> String {
    statement["uid"] = json!(uid);
    statement["at"] = json!(jiff::Timestamp::now().to_string());
    statement.to_string()
}

/// Lets a person carry out the action of an object with this key, and confirm its ID.
pub(super) async fn act(tenant: &Tenant<'_>, name: &str, key: &Value) -> ALMServiceKey {
    let object = tenant.keys().get(name).await.expect("the object exists");
    let ActionStatus { id, operation, .. } = action(&object);
    match operation {
        ActionOperation::Upload | ActionOperation::Replace => tenant.fill_slot(key, None).await,
        ActionOperation::Delete => tenant.empty_slot().await,
    }
    let (object, result) = confirm(tenant, name, json!({ "done": id })).await;
    assert_eq!(result, Ok(()));
    object
}
