//! Changes of a key outside its credentials: in the source, in the slot, and since an earlier version of the operator.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::scenarios::scenario;
use testkit::bed::Tenant;

/// Returns the key without the address that managed systems use.
fn without_endpoints(key: &Value) -> Value {
    let mut document = key.clone();
    document.as_object_mut().expect("an object").remove("endpoints");
    document
}

/// Returns the key with another field, which managed systems do not use.
fn annotated(key: &Value) -> Value {
    let mut document = key.clone();
    document["uaa"]["verificationkey"] = json!("another");
    document
}

/// Uploads a key, or adopts the one that stands in the slot.
async fn upload(tenant: &Tenant<'_>, key: &Value) {
    tenant.write_secret("pasted", key).await;
    tenant.apply("calm", json!({ "source": { "secretRef": { "name": "pasted" } }, "interval": "10s" })).await;
    tenant.await_ready("calm", "True", "Uploaded").await;
}

async fn await_document(tenant: &Tenant<'_>, key: &Value) {
    let expected = tenant.document_fingerprint(key);
    tenant
        .await_key("calm", "uploaded with the expected document", |object| {
            let uploaded = object.status.as_ref().and_then(|status| status.uploaded.as_ref());
            uploaded.is_some_and(|uploaded| uploaded.document.as_ref() == Some(&expected))
        })
        .await;
}

// proves: field ALMServiceKey status.uploaded.document
#[test]
fn each_change_of_the_sources_document_is_uploaded_once() {
    scenario("document", async |tenant| {
        let key = tenant.make_key().await;
        upload(&tenant, &without_endpoints(&key)).await;
        for (puts, changed) in [(2, key.clone()), (3, annotated(&key))] {
            tenant.write_secret("pasted", &changed).await;
            await_document(&tenant, &changed).await;
            assert_eq!(tenant.slot_key().await, changed);
            assert_eq!(tenant.writes().await, vec!["+Put"; puts]);
        }

        tenant.reconcile_now("calm", "now").await;
        assert_eq!(tenant.writes().await, ["+Put"; 3]);
    });
}

#[test]
fn white_space_and_the_order_of_fields_cause_no_upload() {
    scenario("reordered", async |tenant| {
        let key = tenant.make_key().await;
        upload(&tenant, &key).await;
        let fields = key.as_object().expect("an object").iter().rev();
        let fields: Vec<String> = fields.map(|(name, value)| format!("  {name:?} :\n {value:#}")).collect();
        tenant.write_data("pasted", json!({ "key.json": format!("{{\n{}\n}}\n", fields.join(",\n")) })).await;

        tenant.reconcile_now("calm", "now").await;

        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

#[test]
fn a_key_whose_zone_is_written_in_capitals_is_uploaded() {
    scenario("capitals", async |tenant| {
        let mut key = tenant.make_key().await;
        key["uaa"]["identityzone"] = json!("CAPITALS");

        upload(&tenant, &key).await;

        assert_eq!(tenant.slot_key().await, key);
    });
}

#[test]
fn endpoints_that_another_client_changed_in_the_slot_are_corrected_on_request() {
    scenario("edited", async |tenant| {
        let key = tenant.make_key().await;
        upload(&tenant, &key).await;
        let mut edited = key.clone();
        edited["endpoints"]["Api"] = json!("https://elsewhere.alm.cloud.sap/api");
        let owner = tenant.slot().await["owner"].clone();
        tenant.fill_slot(&edited, Some(owner)).await;

        tenant.await_ready("calm", "False", "SlotOverwritten").await;
        assert_eq!(tenant.writes().await, ["+Put"], "two operators with one cluster ID do not fight");
        tenant.reconcile_now("calm", "now").await;

        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, key);
        assert_eq!(tenant.writes().await, ["+Put", "+Put"]);
    });
}

#[test]
fn an_unowned_key_with_other_endpoints_is_not_adopted() {
    scenario("not-identical", async |tenant| {
        let key = tenant.make_key().await;
        tenant.fill_slot(&without_endpoints(&key), None).await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;

        tenant.await_ready("calm", "False", "SlotOccupied").await;

        assert!(tenant.writes().await.is_empty());
    });
}

#[test]
fn an_adopted_key_stays_adopted_when_its_endpoints_are_corrected() {
    scenario("adopted-document", async |tenant| {
        let key = tenant.make_key().await;
        tenant.fill_slot(&annotated(&key), None).await;
        upload(&tenant, &key).await;
        assert_eq!(tenant.slot_key().await, annotated(&key), "a field that nobody uses is left as it is");

        tenant.write_secret("pasted", &without_endpoints(&key)).await;
        await_document(&tenant, &without_endpoints(&key)).await;

        assert_eq!(tenant.slot_key().await, without_endpoints(&key));
        assert_eq!(tenant.slot().await["owner"]["adopted"], true);
        tenant.delete("calm").await;
        assert_eq!(tenant.slot_key().await, without_endpoints(&key), "an adopted key that signs in stays");
        assert_eq!(tenant.writes().await, ["+Patch", "+Put", "+Patch"]);
    });
}

#[test]
fn the_ledger_of_an_earlier_version_is_written_anew_without_an_upload() {
    scenario("upgraded", async |tenant| {
        let key = tenant.make_key().await;
        upload(&tenant, &key).await;
        let earlier = json!({ "status": { "uploaded": {
            "fingerprint": "00112233445566778899aabbccddeeff", "document": null,
        }}});
        let patched = tenant.keys().patch_status("calm", &PatchParams::default(), &Patch::Merge(&earlier)).await;
        let before = patched.expect("the write succeeds").status.and_then(|status| status.uploaded).expect("an entry");

        tenant.reconcile_now("calm", "now").await;

        let object = tenant.await_ready("calm", "True", "Uploaded").await;
        let uploaded = object.status.and_then(|status| status.uploaded).expect("an entry");
        assert_eq!(uploaded.fingerprint, tenant.fingerprint(&key));
        assert_eq!(uploaded.document, Some(tenant.document_fingerprint(&key)));
        assert_eq!((uploaded.revision, uploaded.uploaded_at), (before.revision, before.uploaded_at));
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}
