//! An operator that serves single namespaces, with rights on sources in these only.

use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::rights::audited_requests;
use crate::scenarios::alone;
use testkit::bed::cluster::package;
use testkit::bed::tenant::ensure_namespace;
use testkit::bed::{Setup, Tenant};
use testkit::documented::{self, Shell};
use testkit::names::NAMESPACE;
use xtask::rights::Mode;

/// The namespaces of `deploy/namespaced`.
const SERVED: &[&str] = &["team-a", "team-b"];
const ROLE_BINDING: &str = "rolebinding/alm-key-operator-sources";

fn setup() -> Setup {
    Setup { namespaces: SERVED, audit: true, controller_manager: true, ..Setup::default() }
}

#[test]
fn the_documented_installation_serves_the_namespaces_that_the_command_names() {
    alone(setup(), async |mut bed| {
        let shell = Shell::of_admin(&bed);
        for text in ["--server-side -k", "-n team-a", "-n team-b"] {
            documented::one("docs/namespaced.md#serve-single-namespaces", text).must_run(&shell, &[]);
        }
        bed.operator.take().expect("the operator runs").kill();
        let shell =
            shell.with_variable("KUBECONFIG", bed.kubeconfig()).with_variable("ALMKEY_ADMIN_ADDRESS", "127.0.0.1:0");
        let serve = documented::one("docs/namespaced.md#serve-single-namespaces", "almkey operator");
        let _running = serve.start(&shell, &[]);

        let tenant = Tenant::create(&bed, "team-b", bed.client.clone()).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
    });
}

// proves: flag --namespaces
#[test]
fn a_served_namespace_needs_no_right_outside_it() {
    alone(setup(), async |bed| {
        let unserved = Tenant::create(&bed, "team-c", bed.client.clone()).await;
        unserved.write_secret("pasted", &unserved.make_key().await).await;
        unserved.apply_for_secret("calm", "pasted").await;
        let tenant = Tenant::create(&bed, "team-a", bed.client.clone()).await;
        let (old, new) = (tenant.make_key().await, tenant.make_key().await);

        tenant.apply_for_binding("calm", "plain").await;
        tenant.await_ready("calm", "Unknown", "WaitingForBinding").await;
        tenant.bind("plain", &old).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.rotate_binding("plain", &new).await;
        tenant
            .await_call("the second upload", |call| call["kind"] == "Put" && call["clientid"] == new["uaa"]["clientid"])
            .await;
        tenant.unbind("plain", &new).await;
        tenant.await_ready("calm", "False", "SourceGone").await;
        tenant.apply_for_secret("pasted", "pasted").await;
        tenant.await_ready("pasted", "Unknown", "WaitingForSecret").await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.await_ready("pasted", "True", "Uploaded").await;
        tenant.delete("pasted").await;

        let requests = audited_requests(&bed, Mode::NamespaceScoped);
        let elsewhere = requests.iter().filter(|request| request.told.contains("/namespaces/team-c"));
        assert_eq!(elsewhere.count(), 0, "no request for a namespace that is not served");
        let untouched = unserved.keys().get("calm").await.expect("the object exists");
        assert!(untouched.metadata.finalizers.is_none());
        assert!(untouched.status.is_none_or(|status| status.conditions.is_empty()));
        assert!(unserved.slot_key().await.is_null());
    });
}

#[test]
fn an_older_key_in_a_namespace_no_longer_served_does_not_block() {
    alone(setup(), async |bed| {
        let served = Tenant::create_with(&bed, "team-a", bed.client.clone(), |tenant| {
            tenant["spec"]["allowedNamespaces"] = json!(["*"]);
        })
        .await;
        served.write_secret("pasted", &served.make_key().await).await;
        served.apply_for_secret("proven", "pasted").await;
        let proven = served.await_ready("proven", "True", "Uploaded").await;
        served.delete("proven").await;
        // The unserved object keeps the status from the time when it was served.
        ensure_namespace(&bed.client, "team-c").await;
        let unserved = Tenant { namespace: "team-c".into(), ..Tenant::existing(&bed, "team-a", bed.client.clone()) };
        unserved.apply_for_secret("calm", "pasted").await;
        let mut status = proven.status.expect("a status");
        status.uploaded = None;
        let patch = Patch::Merge(json!({ "status": status }));
        unserved.keys().patch_status("calm", &PatchParams::default(), &patch).await.expect("the write succeeds");

        served.apply_for_secret("calm", "pasted").await;

        served.await_ready("calm", "True", "Uploaded").await;
    });
}

#[test]
fn a_deleted_namespace_cleans_up_although_its_role_binding_went_first() {
    alone(setup(), async |bed| {
        let tenant = Tenant::create(&bed, "team-a", bed.client.clone()).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        tenant.fail("Delete", json!({ "status": 503 })).await;
        bed.kubectl(&["delete", "namespace", "team-a", "--wait=false"]);
        bed.kubectl(&["wait", "--for=delete", ROLE_BINDING, "-n", "team-a", "--timeout=60s"]);
        tenant.await_ready("calm", "Unknown", "Removing").await;
        tenant.heal().await;
        bed.kubectl(&["wait", "--for=delete", "namespace/team-a", "--timeout=60s"]);

        assert_eq!(tenant.slot_key().await, Value::Null);
        assert_eq!(tenant.writes().await.last().map(String::as_str), Some("+Delete"));
    });
}

#[test]
fn objects_in_a_served_namespace_report_a_missing_role_binding() {
    alone(setup(), async |bed| {
        bed.kubectl(&["delete", ROLE_BINDING, "-n", "team-b"]);
        let tenant = Tenant::create(&bed, "team-b", bed.client.clone()).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        let object = tenant.await_ready("calm", "Unknown", "SourceUnreadable").await;
        let message = testkit::bed::key::message(&object, "Ready");
        assert!(message.contains("does not allow it (403)"), "{message}");

        let binding = package().join("deploy/namespaced/namespace").display().to_string();
        bed.kubectl(&["apply", "--server-side", "-n", "team-b", "-k", &binding]);

        tenant.await_ready("calm", "True", "Uploaded").await;
        // The manifests serve the namespaces of this test.
        let deployments: Api<Deployment> = Api::namespaced(bed.client.clone(), NAMESPACE);
        let deployment = deployments.get("alm-key-operator").await.expect("it is installed");
        let pod = deployment.spec.and_then(|spec| spec.template.spec).expect("a pod");
        let flag = format!("--namespaces={}", SERVED.join(","));
        assert!(pod.containers[0].args.iter().flatten().any(|argument| *argument == flag));
    });
}
