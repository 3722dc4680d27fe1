//! The life of a key: upload, rotation with a deadline, lost source, deleted object.

use alm_key_operator::api::action::ActionOperation::{Delete, Replace, Upload};
use alm_key_operator::api::slot::Evidence;
use serde_json::{Value, json};

use super::{act, action, await_action, confirm, manual};
use testkit::bed::key::{condition, message};

// proves: field ALMTenant spec.landscapeManagement.manual, reason ActionRequired, reason Confirmed
// proves: field ALMServiceKey status.action.id, field ALMServiceKey status.action.operation
// proves: field ALMServiceKey status.action.fingerprint, field ALMServiceKey status.action.requestedAt
// proves: field ALMServiceKey status.action.revision, field ALMServiceKey status.action.steps
// proves: field ALMServiceKey status.unconfirmed.revision, field ALMServiceKey status.unconfirmed.fingerprints
// proves: field ALMTenant status.slot.revision, field ALMTenant status.slot.fingerprint
#[test]
fn a_person_is_asked_to_upload_and_to_delete_and_never_called_twice() {
    manual("manual-life", async |tenant| {
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply("calm", json!({ "source": { "secretRef": { "name": "pasted" } }, "gracePeriod": "0s" })).await;

        let object = tenant.await_ready("calm", "Unknown", "ActionRequired").await;
        let asked = action(&object);
        assert_eq!((asked.operation, asked.deadline.as_ref()), (Upload, None));
        assert_eq!(asked.fingerprint, Some(tenant.fingerprint(&key)));
        assert_eq!(condition(&object, "Uploaded"), ("False".into(), "ActionRequired".into()));
        assert_eq!(condition(&object, "Reconciling").0, "True");
        let text = message(&object, "Ready");
        assert_eq!(text, "upload the key in the app: almkey explain calm -n manual-life --steps");
        assert_eq!(asked.steps.len(), 6, "{:?}", asked.steps);
        assert!(asked.steps[5].contains(&format!("almkey done calm {} -n manual-life", asked.id)));
        let unconfirmed = object.status.as_ref().and_then(|status| status.unconfirmed.clone()).expect("a key");
        assert_eq!(
            (&unconfirmed.revision, unconfirmed.fingerprints),
            (&asked.revision, vec![tenant.fingerprint(&key)])
        );
        tenant.await_event("calm", "ActionRequired").await;
        let again = tenant.reconcile_now("calm", "again").await;
        assert_eq!(action(&again), asked, "the same request keeps its ID and its time");

        let object = act(&tenant, "calm", &key).await;
        let object = tenant.await_ready("calm", "True", "Uploaded").await.status.or(object.status).expect("a status");
        assert_eq!((object.action, object.unconfirmed), (None, None));
        let uploaded = object.conditions.iter().find(|found| found.type_ == "Uploaded").expect("a condition");
        assert_eq!((uploaded.status.as_str(), uploaded.reason.as_str()), ("True", "Confirmed"));

        let slot = tenant.tenant_object().await.status.and_then(|status| status.slot).expect("a record");
        assert_eq!(slot.fingerprint, Some(tenant.fingerprint(&key)));
        assert_ne!(slot.revision, Some(asked.revision), "each change of the record has a revision of its own");

        tenant.delete_secret("pasted").await;
        await_action(&tenant, "calm", Delete, &key).await;
        let object = tenant.await_ready("calm", "Unknown", "ActionRequired").await;
        assert_eq!(condition(&object, "Uploaded"), ("True".into(), "ActionRequired".into()));
        act(&tenant, "calm", &Value::Null).await;
        tenant.await_ready("calm", "False", "SourceGone").await;
        tenant.delete("calm").await;
    });
}

// proves: field ALMServiceKey status.action.deadline, field ALMTenant status.slot.evidence
#[test]
fn a_rotated_binding_has_a_deadline_by_which_a_person_must_act() {
    manual("manual-rotation", async |tenant| {
        let (first, second) = (tenant.make_key().await, tenant.make_key().await);
        tenant.bind("calm", &first).await;
        tenant.apply_for_binding("calm", "calm").await;
        await_action(&tenant, "calm", Upload, &first).await;
        act(&tenant, "calm", &first).await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        let copy = tenant.keep_stale_copy("calm", &first, "48h").await;
        tenant.rotate_binding("calm", &second).await;
        let object = await_action(&tenant, "calm", Replace, &second).await;
        let created = copy.metadata.creation_timestamp.expect("a creation time").0;
        let deadline = created.checked_add(std::time::Duration::from_hours(48)).expect("a time");
        assert_eq!(action(&object).deadline.map(|deadline| deadline.0), Some(deadline));
        let object = tenant.await_ready("calm", "True", "ActionRequired").await;
        assert_eq!(condition(&object, "Uploaded").0, "True", "the key of before the rotation is still there");
        assert!(message(&object, "Ready").contains(&format!(" by {deadline:.0}")), "{}", message(&object, "Ready"));

        tenant.fill_slot(&second, None).await;
        let (_, result) = confirm(&tenant, "calm", json!({ "doneWith": tenant.fingerprint(&second) })).await;
        assert_eq!(result, Ok(()));
        let object = tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(condition(&object, "Uploaded"), ("True".into(), "Uploaded".into()), "a file was compared");
        let slot = tenant.tenant_object().await.status.and_then(|status| status.slot).expect("a record");
        assert_eq!(slot.evidence, Some(Evidence::Compared));
    });
}

#[test]
fn from_the_deadline_on_an_object_that_nobody_acts_for_is_not_ready() {
    manual("manual-late", async |tenant| {
        let (first, second) = (tenant.make_key().await, tenant.make_key().await);
        tenant.bind("calm", &first).await;
        tenant.apply_for_binding("calm", "calm").await;
        await_action(&tenant, "calm", Upload, &first).await;
        act(&tenant, "calm", &first).await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        tenant.keep_stale_copy("calm", &first, "2s").await;
        tenant.rotate_binding("calm", &second).await;
        let object = tenant.await_ready("calm", "False", "ActionRequired").await;
        assert_eq!(condition(&object, "Stalled").0, "True");
        assert_eq!(action(&object).operation, Replace);
    });
}

#[test]
fn a_dead_key_in_the_app_is_reported_with_the_steps_to_delete_it() {
    manual("manual-dead", async |tenant| {
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        let spec = json!({
            "source": { "secretRef": { "name": "pasted" } }, "interval": "10s", "deadKey": { "after": "10s" },
        });
        tenant.apply("calm", spec).await;
        await_action(&tenant, "calm", Upload, &key).await;
        act(&tenant, "calm", &key).await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        tenant.revoke(&key).await;
        let object = await_action(&tenant, "calm", Delete, &key).await;
        assert!(action(&object).deadline.is_some(), "a dead key has a deadline: now");
        let object = tenant.await_ready("calm", "False", "CredentialsRefused").await;
        assert!(message(&object, "Ready").ends_with("almkey explain calm -n manual-dead --steps"));
        act(&tenant, "calm", &key).await;
        tenant.await_key("calm", "without a key in the app", |object| condition(object, "Uploaded").0 == "False").await;
    });
}

#[test]
fn a_lost_record_is_unknown_and_never_empty() {
    manual("manual-lost", async |tenant| {
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;
        await_action(&tenant, "calm", Upload, &key).await;
        act(&tenant, "calm", &key).await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        tenant.lose_record().await;
        tenant.reconcile_now("calm", "after the loss").await;
        let object = tenant.await_ready("calm", "Unknown", "ActionRequired").await;
        assert!(
            object.status.as_ref().is_some_and(|status| status.uploaded.is_some()),
            "the ledger is all that is known"
        );
        let (_, result) = confirm(&tenant, "calm", json!({ "holds": tenant.fingerprint(&key) })).await;
        assert_eq!(result, Ok(()));
        tenant.await_ready("calm", "True", "Uploaded").await;
    });
}
