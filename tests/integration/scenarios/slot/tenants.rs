//! The `ALMTenant` is changed, deleted, or duplicated.

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde_json::{Value, json};

use crate::scenarios::{scenario, upload};
use testkit::bed::almtenant::{tenant_condition, tenant_message};
use testkit::bed::key::{condition, message};
use testkit::bed::tenant::create;
use testkit::names::NAMESPACE;

// proves: reason TenantTerminating
#[test]
fn a_terminating_tenant_stays_until_its_slot_holds_none_of_its_keys() {
    scenario("kept", async |tenant| {
        let key = upload(&tenant).await;

        tenant.begin_tenant_deletion().await;
        let found = tenant.await_tenant("kept", "False", "TenantTerminating").await;
        assert!(tenant_message(&found, "Ready").contains("kept/calm"), "{}", tenant_message(&found, "Ready"));
        tenant.await_ready("calm", "False", "TenantTerminating").await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.reconcile_now("calm", "now").await;
        assert_eq!(tenant.slot_key().await, key, "a terminating tenant uploads nothing");

        tenant.delete("calm").await;
        assert_eq!(tenant.slot_key().await, Value::Null);
        tenant.await_tenant_gone("kept").await;
        assert_eq!(tenant.writes().await, ["+Put", "+Delete"]);
    });
}

// proves: reason WaitingForTenant
#[test]
fn a_tenant_without_a_key_in_its_slot_is_deleted_at_once() {
    scenario("made-again", async |tenant| {
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "Unknown", "WaitingForSecret").await;
        let mut document = tenant.tenants().get("made-again").await.expect("the object exists");

        tenant.begin_tenant_deletion().await;
        tenant.await_tenant_gone("made-again").await;
        tenant.await_ready("calm", "Unknown", "WaitingForTenant").await;
        document.metadata = ObjectMeta { name: Some("made-again".into()), ..ObjectMeta::default() };
        tenant.tenants().create(&PostParams::default(), &document).await.expect("the object is created again");
        tenant.write_secret("pasted", &tenant.make_key().await).await;

        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

#[test]
fn a_tenant_and_its_key_can_be_deleted_together_in_either_order() {
    scenario("tenant-first", async |tenant| {
        upload(&tenant).await;
        tenant.bed.kubectl(&["delete", "almtenant/tenant-first", "--wait=false"]);
        tenant.bed.kubectl(&["delete", "-n", "tenant-first", "almservicekey/calm", "--wait=false"]);
        tenant.await_tenant_gone("tenant-first").await;
        assert_eq!(tenant.slot_key().await, Value::Null);
    });
    scenario("key-first", async |tenant| {
        upload(&tenant).await;
        tenant.bed.kubectl(&["delete", "-n", "key-first", "almservicekey/calm", "--wait=false"]);
        tenant.bed.kubectl(&["delete", "almtenant/key-first", "--wait=false"]);
        tenant.await_tenant_gone("key-first").await;
        assert_eq!(tenant.slot_key().await, Value::Null);
    });
}

// proves: reason DuplicateTenant
#[test]
fn of_two_tenants_with_one_identity_zone_only_the_older_is_served() {
    scenario("duplicate", async |tenant| {
        let mut document =
            serde_json::to_value(tenant.tenants().get("duplicate").await.expect("the object exists")).expect("JSON");
        document["metadata"] = json!({ "name": "duplicate-younger" });
        document["status"].take();
        // A zone is a label of host names, in which letter case does not matter.
        document["spec"]["identityZone"] = json!("DUPLICATE");
        create(&tenant.tenants(), document).await;
        let younger = tenant.await_tenant("duplicate-younger", "False", "DuplicateTenant").await;
        assert_eq!(tenant_condition(&younger, "Stalled").0, "True");
        assert!(tenant_message(&younger, "Ready").contains("\"duplicate\" is older"));
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        let spec = json!({
            "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey", "metadata": { "name": "calm" },
            "spec": { "tenantRef": { "name": "duplicate-younger" }, "source": { "secretRef": { "name": "pasted" } } },
        });
        create(&tenant.keys(), spec).await;
        tenant.await_ready("calm", "False", "DuplicateTenant").await;
        assert!(tenant.writes().await.is_empty());

        tenant.begin_tenant_deletion().await;

        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, key);
        tenant.await_tenant("duplicate-younger", "True", "Connected").await;
    });
}

// proves: reason TenantMisconfigured, condition ALMTenant Reconciling, field ALMTenant spec.landscapeManagement.http.oauth2.secretRef.name
// proves: condition ALMTenant Ready, reason Connected, field ALMTenant status.conditions
#[test]
fn a_tenant_waits_for_missing_credentials_and_names_their_secret() {
    scenario("no-credentials", async |tenant| {
        let secrets: Api<Secret> = Api::namespaced(tenant.client.clone(), NAMESPACE);
        let mut secret = secrets.get("no-credentials").await.expect("the object exists");
        secrets.delete("no-credentials", &DeleteParams::default()).await.expect("the object is deleted");
        let found = tenant.await_tenant("no-credentials", "Unknown", "TenantMisconfigured").await;
        assert_eq!(tenant_condition(&found, "Reconciling").0, "True");
        let text = tenant_message(&found, "Ready");
        assert!(text.contains("Secret \"no-credentials\"") && text.contains("oauth2.secretRef"), "{text}");
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        let object = tenant.await_ready("calm", "Unknown", "TenantMisconfigured").await;
        assert!(message(&object, "Ready").contains("Secret \"no-credentials\""), "{}", message(&object, "Ready"));

        secret.metadata = ObjectMeta { name: Some("no-credentials".into()), ..ObjectMeta::default() };
        secrets.create(&PostParams::default(), &secret).await.expect("the object is created again");

        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.await_tenant("no-credentials", "True", "Connected").await;
    });
}

// proves: field ALMTenant spec.allowedNamespaces, reason NamespaceNotAllowed
#[test]
fn a_withdrawn_namespace_keeps_its_key_in_the_slot_and_uploads_no_other() {
    scenario("withdrawn-rotates", async |tenant| {
        let old = upload(&tenant).await;
        tenant.patch_tenant(json!({ "spec": { "allowedNamespaces": ["other"] } })).await;
        let object = tenant.await_ready("calm", "False", "NamespaceNotAllowed").await;
        assert_eq!(condition(&object, "Uploaded").0, "True");

        let new = tenant.make_key().await;
        tenant.write_secret("pasted", &new).await;
        tenant.reconcile_now("calm", "now").await;
        assert_eq!(tenant.slot_key().await, old);

        tenant.patch_tenant(json!({ "spec": { "allowedNamespaces": ["*"] } })).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, new);
        assert_eq!(tenant.writes().await, ["+Put", "+Put"]);
    });
}

// proves: field ALMTenant status.slot.state, field ALMTenant status.slot.since
// proves: field ALMTenant status.slot.keyRef.namespace, field ALMTenant status.slot.keyRef.name
#[test]
fn the_status_of_a_tenant_shows_whose_key_its_slot_holds() {
    scenario("shown", async |tenant| {
        let state = |found: &alm_key_operator::api::ALMTenant| {
            let slot = found.status.as_ref().and_then(|status| status.slot.clone());
            slot.map(|slot| {
                (format!("{:?}", slot.state), slot.key_ref.map(|key| (key.namespace, key.name)), slot.since)
            })
        };
        let await_state = async |what: &str, key: Option<&str>| {
            let wanted = (what.to_owned(), key.map(|key| ("shown".to_owned(), key.to_owned())));
            let is_wanted = |found: &_| state(found).is_some_and(|(state, key, _)| (state, key) == wanted);
            let found = tenant.await_tenant_as("shown", what, is_wanted).await;
            state(&found).map(|(_, _, since)| since).expect("a time")
        };
        let empty = await_state("Empty", None).await;
        upload(&tenant).await;
        let ours = await_state("Ours", Some("calm")).await;
        assert!(ours >= empty, "the time of the change");
        tenant.delete("calm").await;
        await_state("Empty", None).await;
    });
}

#[test]
fn objects_in_an_unadmitted_namespace_cause_no_remote_calls() {
    scenario("unadmitted-objects", async |tenant| {
        tenant.patch_tenant(json!({ "spec": { "allowedNamespaces": ["other"] } })).await;
        tenant
            .await_tenant_as("unadmitted-objects", "seen", |found| {
                found.status.as_ref().map(|status| status.observed_generation) == found.metadata.generation
            })
            .await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        let before = tenant.journal().await.len();

        for source in ["pasted", "nowhere"].repeat(5) {
            tenant.apply_for_secret("calm", source).await;
            let object = tenant.await_ready("calm", "False", "NamespaceNotAllowed").await;
            assert!(object.metadata.finalizers.is_none(), "an object that never uploaded needs no finalizer");
            tenant.delete("calm").await;
        }

        let since = tenant.journal().await.split_off(before);
        assert!(since.len() < 5, "ten objects must not cost a call each: {since:#?}");
    });
}
