//! Rights that are taken away and given back.

use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::alone;
use crate::world::{Setup, Tenant, World};

const ROLE: &str = "alm-key-operator-sources";

// proves: reason SourceUnreadable
#[test]
fn a_read_that_is_refused_is_not_an_absence() {
    alone(Setup::default(), async |world| {
        let tenant = Tenant::create(&world, "rights", world.client.clone()).await;
        let key = tenant.make_key().await;
        tenant.bind("plain", &key).await;
        let spec = json!({ "source": { "serviceBindingRef": { "name": "plain" } }, "gracePeriod": "1h" });
        tenant.apply("calm", spec).await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        // The binding is applied anew under its name, as GitOps does, and just then its Secret cannot be read.
        let roles: Api<ClusterRole> = Api::all(world.client.clone());
        let whole = roles.get(ROLE).await.expect("the role is there").rules.expect("its rules");
        let reads_secrets = |rule: &k8s_openapi::api::rbac::v1::PolicyRule| {
            rule.resources.iter().flatten().any(|resource| resource == "secrets")
        };
        let without: Vec<_> = whole.iter().filter(|rule| !reads_secrets(rule)).collect();
        let patch = Patch::Merge(json!({ "rules": without }));
        roles.patch(ROLE, &PatchParams::default(), &patch).await.expect("an admin can change roles");
        tenant.unbind("plain", &key).await;
        tenant.restore(&key).await;
        tenant.bind("plain", &key).await;
        tenant.await_ready("calm", "Unknown", "SourceUnreadable").await;

        let patch = Patch::Merge(json!({ "rules": whole }));
        roles.patch(ROLE, &PatchParams::default(), &patch).await.expect("an admin can change roles");
        tenant.await_ready("calm", "True", "Uploaded").await;

        assert_eq!(tenant.slot_key().await, key);
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

#[test]
fn a_whole_life_needs_no_right_that_the_shipped_role_does_not_give() {
    let setup = Setup { audit: true, controller_manager: true, ..Setup::default() };
    alone(setup, async |world| {
        let tenant = Tenant::create(&world, "audited", world.client.clone()).await;
        let (old, new) = (tenant.make_key().await, tenant.make_key().await);
        tenant.bind("plain", &old).await;
        tenant.apply_for_binding("calm", "plain").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.rotate_binding("plain", &new).await;
        tenant.await_uploaded("calm", &new).await;
        tenant.write_secret("pasted", &old).await;
        tenant.apply_for_secret("second", "pasted").await;
        tenant.await_ready("second", "False", "NotSlotOwner").await;
        tenant.unbind("plain", &new).await;
        tenant.await_ready("calm", "False", "SourceGone").await;
        // A namespace that is being deleted still cleans up.
        tenant.fill_slot(&old, Some(tenant.owner("second").await)).await;
        world.kubectl(&["delete", "namespace", "audited", "--timeout=60s"]);
        assert!(tenant.slot_key().await.is_null());

        let by_the_operator = requests_of_the_operator(&world);
        assert_eq!(denied(&by_the_operator), [""; 0]);
        let writes_on_foreign = by_the_operator.iter().filter(|event| {
            let verb = event["verb"].as_str().unwrap_or_default();
            let group = event["objectRef"]["apiGroup"].as_str().unwrap_or_default();
            !["get", "list", "watch"].contains(&verb) && !["almkey.dev", "events.k8s.io"].contains(&group)
        });
        assert_eq!(writes_on_foreign.count(), 0, "foreign objects are never written");
    });
}

/// What the operator has asked of the API server, by the audit log.
pub(super) fn requests_of_the_operator(world: &World) -> Vec<Value> {
    let log = world.control_plane.audit_log().expect("it was asked for");
    let log = std::fs::read_to_string(log).expect("the audit log");
    let all = log.lines().filter_map(|line| serde_json::from_str(line).ok());
    let by_the_operator =
        |event: &Value| event["user"]["username"].as_str().is_some_and(|name| name.ends_with(":alm-key-operator"));
    let found: Vec<_> = all.filter(by_the_operator).collect();
    assert!(found.len() > 20, "the operator was heard");
    found
}

/// Those for which it lacked a right.
pub(super) fn denied(requests: &[Value]) -> Vec<String> {
    // An Event is tried, and refused by admission, where the namespace is being deleted: that is no lack of a right.
    let by_admission =
        |event: &Value| event["responseStatus"]["details"]["causes"][0]["reason"] == "NamespaceTerminating";
    let denied = requests.iter().filter(|event| event["responseStatus"]["code"] == 403 && !by_admission(event));
    denied.map(|event| format!("{} {}", event["verb"], event["requestURI"])).collect()
}
