//! Actions of the persons of manual mode, who alone can change the slot. The slot of the simulator is what the app holds.

use alm_key_operator::api::action::{ActionOperation, ActionStatus};
use alm_key_operator::api::confirmation::{ConfirmationResult, ConfirmationStatus, digest};
use alm_key_operator::api::slot::PendingRemoval;
use alm_key_operator::api::{ALMServiceKey, ALMTenant};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Tenant, TestBed};

/// Annotation of a confirmation.
pub const CONFIRMATION: &str = "almkey.dev/confirmation";

/// Kinds of calls to Landscape Management, none of which is made in manual mode.
pub const LANDSCAPE_CALLS: [&str; 6] = ["LandscapeToken", "ReadSlot", "ReadContent", "Put", "Patch", "Delete"];

/// Sets the manual mode of an `ALMTenant`.
pub fn in_manual_mode(tenant: &mut Value) {
    tenant["spec"]["landscapeManagement"] = json!({ "manual": {} });
}

/// Returns the action that a person is asked for.
pub fn action(object: &ALMServiceKey) -> ActionStatus {
    object.status.as_ref().and_then(|status| status.action.clone()).expect("an action")
}

/// Returns the key of a deleted object that a person is asked to delete, if there is one.
pub fn removal(tenant: &ALMTenant) -> Option<PendingRemoval> {
    tenant.status.as_ref()?.pending_removals.first().cloned()
}

/// Waits until a person is asked for an action of this kind on this key.
pub async fn await_action(tenant: &Tenant<'_>, name: &str, operation: ActionOperation, key: &Value) -> ALMServiceKey {
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
pub async fn confirm(tenant: &Tenant<'_>, name: &str, statement: Value) -> (ALMServiceKey, Result<(), String>) {
    let uid = tenant.keys().get(name).await.expect("the object exists").metadata.uid;
    let value = confirmation(uid.as_deref(), statement);
    tenant.annotate(name, CONFIRMATION, &value).await;
    let answered = |object: &ALMServiceKey| {
        let status = object.status.as_ref();
        answer(status.and_then(|status| status.last_confirmation.as_ref()), &value)
    };
    let object = tenant.await_key(name, "answered a confirmation", |object| answered(object).is_some()).await;
    let result = answered(&object).expect("a result");
    (object, result)
}

/// Makes a confirmation for the tenant itself, and waits for its result. Returns the tenant, and why the confirmation was
/// ignored.
pub async fn confirm_for_tenant(tenant: &Tenant<'_>, statement: Value) -> (ALMTenant, Result<(), String>) {
    let value = confirmation(tenant.tenant_object().await.metadata.uid.as_deref(), statement);
    tenant.patch_tenant(json!({ "metadata": { "annotations": { CONFIRMATION: value } } })).await;
    let answered = |object: &ALMTenant| {
        let status = object.status.as_ref();
        answer(status.and_then(|status| status.last_confirmation.as_ref()), &value)
    };
    let what = "answered a confirmation";
    let object = tenant.await_tenant_as(&tenant.name, what, |object| answered(object).is_some()).await;
    let result = answered(&object).expect("a result");
    (object, result)
}

/// Returns a confirmation of the object with this uid at the current time, as the commands write it.
pub fn confirmation(uid: Option<&str>, mut statement: Value) -> String {
    statement["uid"] = json!(uid);
    statement["at"] = json!(Timestamp::now().to_string());
    statement.to_string()
}

/// Returns the result of the confirmation with this value: recorded, or why it was ignored. Returns none if `last` is that
/// of another one.
pub fn answer(last: Option<&ConfirmationStatus>, value: &str) -> Option<Result<(), String>> {
    let last = last.filter(|last| last.digest == digest(value))?;
    Some(match last.result {
        ConfirmationResult::Recorded => Ok(()),
        ConfirmationResult::Ignored => Err(last.message.clone()),
    })
}

/// Lets the operator ask a person to replace the key `asked/calm`, which expires, and to delete the key of the deleted
/// object of the tenant `removed`.
pub async fn ask_a_person(bed: &TestBed) {
    let tenant = Tenant::create_with(bed, "asked", bed.client.clone(), in_manual_mode).await;
    let (first, second) = (tenant.make_key().await, tenant.make_key().await);
    tenant.bind("plain", &first).await;
    tenant.apply_for_binding("calm", "plain").await;
    await_action(&tenant, "calm", ActionOperation::Upload, &first).await;
    act(&tenant, "calm", &first).await;
    tenant.keep_stale_copy("plain", &first, "48h").await;
    tenant.rotate_binding("plain", &second).await;
    await_action(&tenant, "calm", ActionOperation::Replace, &second).await;

    let tenant = Tenant::create_with(bed, "removed", bed.client.clone(), in_manual_mode).await;
    let key = tenant.make_key().await;
    tenant.write_secret("pasted", &key).await;
    tenant.apply_for_secret("calm", "pasted").await;
    await_action(&tenant, "calm", ActionOperation::Upload, &key).await;
    tenant.delete("calm").await;
}

/// Lets a person carry out the action of an object with this key, and confirm its ID.
pub async fn act(tenant: &Tenant<'_>, name: &str, key: &Value) -> ALMServiceKey {
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
