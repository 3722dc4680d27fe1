//! The events that give each metric a series: keys in good and in bad states, and requests to a person.

use serde_json::{Value, json};

use testkit::bed::manual::ask_a_person;
use testkit::bed::{Tenant, TestBed};

/// A bed in which keys are uploaded, rotated, refused and removed.
pub(super) struct Scene<'a> {
    bed: &'a TestBed,
}

impl Scene<'_> {
    /// Lets everything happen, and leaves the keys in the states that the dashboard is to show.
    pub(super) async fn play(bed: &TestBed) {
        let scene = Scene { bed };
        scene.rotate().await;
        scene.occupy().await;
        scene.paste_another_document().await;
        scene.abandon().await;
        ask_a_person(bed).await;
        scene.let_keys_die().await;
    }

    async fn tenant(&self, name: &str) -> Tenant<'_> {
        Tenant::create(self.bed, name, self.bed.client.clone()).await
    }

    /// Uploads a key for an object with this spec, and returns it.
    async fn upload(&self, tenant: &Tenant<'_>, mut spec: Value) -> Value {
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        spec["source"] = json!({ "secretRef": { "name": "pasted" } });
        tenant.apply("calm", spec).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        key
    }

    /// Rotates a key, while calls of Landscape Management fail.
    async fn rotate(&self) {
        let tenant = self.tenant("rotated").await;
        self.upload(&tenant, json!({})).await;
        for call in ["ReadSlot", "Put"] {
            tenant.fail_once(call, json!({ "status": 503 })).await;
            let next = tenant.make_key().await;
            tenant.write_secret("pasted", &next).await;
            tenant.await_uploaded("calm", &next).await;
        }
        // A second object cannot have the slot.
        let other = tenant.make_key().await;
        tenant.write_secret("other", &other).await;
        tenant.apply_for_secret("second", "other").await;
        tenant.await_ready("second", "False", "NotSlotOwner").await;
    }

    async fn occupy(&self) {
        let tenant = self.tenant("occupied").await;
        tenant.fill_slot(&tenant.make_key().await, None).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "False", "SlotOccupied").await;
    }

    async fn paste_another_document(&self) {
        let tenant = self.tenant("invalid").await;
        tenant.write_data("pasted", json!({ "key.json": "no JSON" })).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "False", "InvalidJSON").await;
    }

    /// Abandons an object, whose key stays in the slot.
    async fn abandon(&self) {
        let tenant = self.tenant("abandoned").await;
        self.upload(&tenant, json!({})).await;
        tenant.fail("ReadSlot", json!({ "status": 503 })).await;
        tenant.begin_deletion("calm").await;
        let uid = tenant.keys().get("calm").await.expect("its finalizer keeps it").metadata.uid;
        tenant.annotate("calm", "almkey.dev/abandon", &uid.expect("a uid")).await;
        tenant.await_gone("calm").await;
    }

    /// Lets two keys die: one is removed, and the other one stays, because its object only reports that.
    async fn let_keys_die(&self) {
        let (removed, standing) = (self.tenant("dead").await, self.tenant("standing").await);
        let short = self.upload(&removed, json!({ "deadKey": { "after": "10s" } })).await;
        let reported = self.upload(&standing, json!({ "deadKey": { "action": "Report" } })).await;
        for (tenant, key) in [(&removed, &short), (&standing, &reported)] {
            tenant.revoke(key).await;
            tenant.reconcile_now("calm", "1").await;
            tenant.await_ready("calm", "False", "CredentialsRefused").await;
        }
        removed.await_call("the deletion of the dead key", |call| call["kind"] == "Delete").await;
    }
}
