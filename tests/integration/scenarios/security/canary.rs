//! The search for leaked secrets. Every secret in the tests contains the canary, and each bed is searched for it at its
//! end; these tests show that the search covers every place and finds a planted leak.

use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::scenarios::alone;
use almkey_simulator::canary;
use testkit::bed::tenant::create;
use testkit::bed::waiting::wait_for;
use testkit::bed::{Setup, Tenant, TestBed};
use testkit::control_plane::Supervised;

// proves: flag --log
#[test]
fn no_key_material_is_in_trace_logs_events_or_any_object_but_secrets() {
    let setup = Setup { log: "trace", ..Setup::default() };
    alone(setup, async |bed| {
        let tenant = Tenant::create(&bed, "canary", bed.client.clone()).await;
        let (first, second) = (tenant.make_key().await, tenant.make_key().await);
        tenant.bind("plain", &first).await;
        let spec = json!({
            "source": { "serviceBindingRef": { "name": "plain" } }, "interval": "10s", "deadKey": { "after": "10s" },
        });
        tenant.apply("calm", spec).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.rotate_binding("plain", &second).await;
        tenant
            .await_call("the second upload", |call| {
                call["kind"] == "Put" && call["clientid"] == second["uaa"]["clientid"]
            })
            .await;
        // Defects whose error texts could quote a value.
        tenant.write_data("broken", json!({ "key.json": "{\"uaa\": {\"clientsecret\": CANARY}}" })).await;
        tenant.apply_for_secret("broken", "broken").await;
        tenant.await_ready("broken", "False", "InvalidJSON").await;
        let mut wrong = tenant.make_key().await;
        wrong["uaa"]["credential-type"] = json!("CANARY");
        wrong["uaa"]["identityzone"] = json!("CANARY-zone");
        tenant.write_secret("wrong", &wrong).await;
        tenant.apply_for_secret("wrong", "wrong").await;
        tenant.await_ready("wrong", "False", "WrongTenant").await;
        tenant.fail_once("SignIn", json!({ "status": 500, "body": "CANARY" })).await;
        tenant.revoke(&second).await;
        tenant.await_ready("calm", "False", "CredentialsRefused").await;
        tenant.delete("calm").await;

        let log = bed.operator.as_ref().expect("the operator runs").log.clone();
        let log = std::fs::read_to_string(log).expect("its log");
        assert!(log.contains("TRACE"), "the operator logs at trace level");
        let secrets = bed.kubectl(&["get", "secrets", "-A", "-o", "yaml"]);
        assert!(canary::find(&secrets).is_some(), "the search finds the keys in Secrets");
        let journal = serde_json::to_string(&tenant.journal().await).expect("JSON");
        assert_eq!(canary::find(&journal), None, "{journal}");
        // When the test bed is dropped, it searches everything else for key material.
    });
}

const POLL: Duration = Duration::from_millis(50);

/// Returns the findings since the last search.
fn hits(bed: &TestBed) -> Vec<String> {
    bed.scan_for_secrets().hits
}

/// Asserts that the search finds a leak in this place, and reports it once.
fn assert_found(bed: &TestBed, what: &str, place: &str) {
    let found = hits(bed);
    assert!(found.iter().any(|hit| hit.contains(place)), "{what} was not found: {found:#?}");
    assert_eq!(hits(bed).iter().filter(|hit| hit.contains(place)).count(), 0, "{what} was found twice");
}

#[test]
fn a_planted_leak_is_found_wherever_it_is() {
    alone(Setup::default(), async |mut bed| {
        bed.leaks_on_purpose = true;
        std::sync::Arc::get_mut(&mut bed.simulator).expect("no other bed shares the simulator").breaks_contract = true;
        let tenant = Tenant::create(&bed, "leaks", bed.client.clone()).await;
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(hits(&bed), Vec::<String>::new());

        plant_in_objects(&bed, &tenant, &key).await;
        plant_in_a_status_and_a_metric(&bed, &tenant).await;

        let secret = key["uaa"]["clientsecret"].as_str().expect("a secret");
        let log = &bed.operator.as_ref().expect("the operator runs").log;
        let mut log = std::fs::OpenOptions::new().append(true).open(log).expect("its log");
        log.write_all(format!("sent {:?}\n", secret.as_bytes()).as_bytes()).expect("the write succeeds");
        assert_found(&bed, "the bytes of a secret in a log", "operator.log");

        let elsewhere = bed.simulator.url("elsewhere");
        bed.simulator.send(&format!("{elsewhere}/?key={}", in_base64(secret)), &[]).await;
        let found = hits(&bed);
        assert!(found.iter().any(|hit| hit.contains("POST elsewhere.localhost/")), "{found:#?}");
        let violations = bed.simulator.violations(None).await;
        assert!(violations.iter().any(|violation| violation.contains("in its query")), "{violations:#?}");
        check_that_a_mute_operator_is_missed(&bed).await;
    });
}

async fn check_that_a_mute_operator_is_missed(bed: &TestBed) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mute = tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let path = bed.control_plane.directory().join("mute.log");
    let mut operator =
        Supervised::spawn("mute", Command::new("sleep").arg("600"), path.clone()).expect("the process starts");
    let mut log = std::fs::OpenOptions::new().append(true).open(path).expect("its log");
    log.write_all(format!("admin server listens address={address}\n").as_bytes()).expect("the write succeeds");
    let missed = bed.scan_for_secrets().missed;
    assert_eq!(missed.len(), 3, "{missed:#?}");
    assert!(missed[0].starts_with(&format!("/metrics of {address}")), "{missed:#?}");
    operator.kill_and_wait();
    assert_eq!(bed.scan_for_secrets().missed, Vec::<String>::new());
    mute.abort();
}

async fn plant_in_objects(bed: &TestBed, tenant: &Tenant<'_>, key: &Value) {
    let maps: Api<ConfigMap> = Api::namespaced(tenant.client.clone(), &tenant.namespace);
    let encoded = json!({ "metadata": { "name": "leak" }, "binaryData": { "key": in_base64(&key.to_string()) } });
    create(&maps, encoded).await;
    assert_found(bed, "a key in a ConfigMap", "/registry/configmaps/leaks/leak");

    create(&maps, json!({ "metadata": { "name": "gone" }, "data": { "key": key.to_string() } })).await;
    maps.delete("gone", &DeleteParams::default()).await.expect("the object is deleted");
    assert_found(bed, "a key in a deleted object", "/registry/configmaps/leaks/gone");

    let events: Api<Event> = Api::namespaced(tenant.client.clone(), &tenant.namespace);
    let event = json!({
        "metadata": { "name": "leak" }, "eventTime": "2026-11-23T20:17:03.000000Z", "action": "Leak",
        "reason": "Leak", "type": "Normal", "note": format!("{:?}", key["uaa"]["clientsecret"].as_str()),
        "reportingController": "example.com/leak", "reportingInstance": "leak",
        "regarding": { "kind": "Namespace", "name": "leaks", "namespace": "leaks" },
    });
    create(&events, event).await;
    assert_found(bed, "a key in an Event", "/registry/events/leaks/leak");
}

/// Plants a leak in a status that is overwritten at once, and in the label of a metric.
async fn plant_in_a_status_and_a_metric(bed: &TestBed, tenant: &Tenant<'_>) {
    let condition = |reason: &str| {
        json!({ "status": { "conditions": [{
            "type": "Ready", "status": "False", "reason": reason, "message": "",
            "lastTransitionTime": "2026-11-23T20:17:03Z",
        }]}})
    };
    patch_status(tenant, condition("CANARY")).await;
    let operator = bed.operator.as_ref().expect("the operator runs");
    wait_for("the metric", async {
        while canary::find(&operator.admin("/metrics").await.1).is_none() {
            tokio::time::sleep(POLL).await;
        }
    })
    .await;
    patch_status(tenant, condition("Overwritten")).await;
    let found = hits(bed);
    let status = "/registry/almkey.dev/almservicekeys/leaks/calm";
    assert!(found.iter().any(|hit| hit.contains(status)), "{found:#?}");

    patch_status(tenant, condition("CANARY")).await;
    wait_for("the search to find the metric", async {
        while !hits(bed).iter().any(|hit| hit.contains("/metrics of 127.0.0.1")) {
            tokio::time::sleep(POLL).await;
        }
    })
    .await;
}

async fn patch_status(tenant: &Tenant<'_>, patch: Value) {
    let patched = tenant.keys().patch_status("calm", &PatchParams::default(), &Patch::Merge(&patch)).await;
    patched.expect("the status can be written");
}

fn in_base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
