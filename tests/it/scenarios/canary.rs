//! Every secret that the simulator makes carries the marker `CANARY`. It must turn up nowhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::alone;
use crate::world::{Setup, Tenant};

const MARKER: &str = "CANARY";

/// Where a text holds the marker, as it is or in base64 at any of its three alignments.
fn hits(text: &str) -> usize {
    let shifted = |by: usize| {
        let encoded = STANDARD.encode(format!("{}{MARKER}", "\0".repeat(by)));
        // The characters at both ends depend on what stands beside the marker.
        encoded[(by * 4).div_ceil(3)..(by + MARKER.len()) * 4 / 3].to_owned()
    };
    let forms = [MARKER.to_owned(), shifted(0), shifted(1), shifted(2)];
    forms.iter().map(|form| text.matches(form.as_str()).count()).sum()
}

// proves: flag --log
#[test]
fn no_key_material_turns_up_in_logs_at_trace_level_in_events_or_in_any_object_but_secrets() {
    let setup = Setup { log: "trace", ..Setup::default() };
    alone(setup, async |world| {
        let tenant = Tenant::create(&world, "canary", world.client.clone()).await;
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
        // Broken in ways that make parsers and remote sides talk.
        tenant.write_data("broken", json!({ "key.json": "{\"uaa\": {\"clientsecret\": CANARY}}" })).await;
        tenant.apply_for_secret("broken", "broken").await;
        tenant.await_ready("broken", "False", "InvalidJSON").await;
        let mut wrong = tenant.make_key().await;
        wrong["uaa"]["credential-type"] = json!("CANARY");
        wrong["uaa"]["identityzone"] = json!("CANARY");
        tenant.write_secret("wrong", &wrong).await;
        tenant.apply_for_secret("wrong", "wrong").await;
        tenant.await_ready("wrong", "False", "WrongTenant").await;
        tenant.fail_once("SignIn", json!({ "status": 500, "body": "CANARY" })).await;
        tenant.revoke(&second).await;
        tenant.await_ready("calm", "False", "CredentialsRefused").await;
        tenant.delete("calm").await;

        let log = world.operator.as_ref().expect("it runs").log.clone();
        let log = std::fs::read_to_string(log).expect("its log");
        let objects = ["almservicekeys", "almtenants", "events.events.k8s.io", "servicebindings", "leases"]
            .map(|kind| world.kubectl(&["get", kind, "-A", "-o", "yaml", "--show-managed-fields"]));
        let journal = serde_json::to_string(&tenant.journal().await).expect("JSON");

        assert!(log.contains("TRACE"), "the log is as talkative as it can be");
        assert!(hits(&world.kubectl(&["get", "secrets", "-A", "-o", "yaml"])) > 0, "the hunt finds what is there");
        let leaked: Vec<&str> = log.lines().filter(|line| hits(line) > 0).collect();
        assert!(leaked.is_empty(), "{} lines of the log, the first: {:?}", leaked.len(), leaked.first());
        for text in objects.iter().chain([&journal]) {
            assert_eq!(hits(text), 0, "{text}");
        }
    });
}
