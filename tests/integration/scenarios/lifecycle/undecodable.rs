//! An object of a newer version, which this one cannot decode.

use serde_json::{Value, json};

use crate::scenarios::alone;
use testkit::bed::almtenant::tenant_message;
use testkit::bed::waiting::wait_for;
use testkit::bed::{Setup, Tenant, TestBed, request};

const LEFT_OUT: &str = "left out an object that this version cannot decode";

/// Lets the CRD admit any `status.pending.operation`, as the one of a newer version may.
fn relax_schema(bed: &TestBed) {
    let field =
        "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties/pending/properties/operation/enum";
    let patch = json!([{ "op": "remove", "path": field }]).to_string();
    bed.kubectl(&["patch", "crd", "almservicekeys.almkey.dev", "--type=json", "--patch", &patch]);
}

/// Writes `status.pending` of a key. The API server admits a changed schema with a delay.
async fn write_pending(tenant: &Tenant<'_>, name: &str, pending: Value) {
    let path = format!("/apis/almkey.dev/v1alpha1/namespaces/{}/almservicekeys/{name}/status", tenant.namespace);
    let change = json!({ "status": { "pending": pending } });
    wait_for("the status is written", async {
        while request::merge(&tenant.client, &path, &change).await.status != 200 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await;
}

#[test]
fn a_key_that_cannot_be_decoded_disturbs_no_other_and_blocks_its_tenant() {
    alone(Setup::default(), async |mut bed| {
        let client = bed.client.clone();
        {
            let tenant = Tenant::create(&bed, "newer", client.clone()).await;
            tenant.write_secret("pasted", &tenant.make_key().await).await;
            tenant.apply_for_secret("calm", "pasted").await;
            tenant.await_ready("calm", "True", "Uploaded").await;
        }
        bed.operator.take().expect("it runs").kill();
        relax_schema(&bed);
        let pending = json!({ "operation": "Frobnicate", "revision": "\"1\"", "startedAt": "2026-01-01T00:00:00Z" });
        write_pending(&Tenant::existing(&bed, "newer", client.clone()), "calm", pending).await;
        bed.start_operator("operator-again");

        let other = Tenant::create(&bed, "known", client.clone()).await;
        other.write_secret("pasted", &other.make_key().await).await;
        other.apply_for_secret("calm", "pasted").await;
        other.await_ready("calm", "True", "Uploaded").await;
        let operator = bed.operator.as_ref().expect("it runs");
        operator.await_lines(LEFT_OUT, 1);
        let log = std::fs::read_to_string(&operator.log).expect("its log");
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(LEFT_OUT)).collect();
        assert_eq!(lines.len(), 1, "it is logged once: {lines:#?}");
        assert!(lines[0].contains("WARN") && lines[0].contains("newer") && lines[0].contains("calm"), "{}", lines[0]);
        assert!(!log.contains("Frobnicate"), "no value is logged");

        let tenant = Tenant::existing(&bed, "newer", client);
        tenant.begin_tenant_deletion().await;
        tenant
            .await_tenant_as(&tenant.name, "blocked by the key", |found| {
                tenant_message(found, "Ready").contains("newer/calm")
            })
            .await;
        assert_eq!(tenant.writes().await, ["+Put"], "its key stays");

        write_pending(&tenant, "calm", Value::Null).await;
        tenant.delete("calm").await;
        tenant.await_tenant_gone(&tenant.name).await;
        assert_eq!(tenant.writes().await, ["+Put", "+Delete"]);
    });
}
