//! The operator is removed: before its objects, with its definitions, or in the documented order.

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde_json::{Value, json};

use crate::scenarios::{alone, scenario, upload};
use testkit::bed::key::message;
use testkit::bed::waiting::wait_until_served;
use testkit::bed::{Setup, Tenant, TestBed};
use testkit::documented::{self, Shell};
use testkit::names::NAMESPACE;

/// The kinds of the two definitions, as kubectl names them.
const DEFINITIONS: [&str; 2] = ["crd/almservicekeys.almkey.dev", "crd/almtenants.almkey.dev"];

fn with_controller_manager() -> Setup {
    // It deletes namespaces.
    Setup { controller_manager: true, ..Setup::default() }
}

/// Returns the option that names the manifests of this bed, which may be those of single namespaces.
fn manifests(bed: &TestBed) -> String {
    format!("-k {}", bed.manifests().display())
}

/// Applies the manifests as documented.
fn install_again(bed: &TestBed) {
    let apply = documented::one("docs/upgrading.md#install-it-again-and-let-it-finish", "kubectl apply");
    apply.must_run(&Shell::of_admin(bed), &[("-k deploy", &manifests(bed))]);
}

/// Waits until no object of this name exists, such as `crd/NAME`.
fn await_deleted(bed: &TestBed, object: &str) {
    bed.kubectl(&["wait", "--for=delete", "--timeout=60s", object]);
}

fn is_being_deleted(bed: &TestBed, object: &[&str]) -> bool {
    !bed.kubectl(&[object, &["-o", "jsonpath={.metadata.deletionTimestamp}"]].concat()).is_empty()
}

#[test]
fn the_documented_order_of_removal_leaves_nothing_behind() {
    alone(with_controller_manager(), async |mut bed| {
        upload(&Tenant::create(&bed, "in-order", bed.client.clone()).await).await;
        let shell = Shell::of_admin(&bed);
        let mut commands = documented::all("docs/upgrading.md#uninstall");
        let last = commands.pop().expect("the documented commands");
        assert_eq!(commands.len(), 2);

        for command in commands {
            command.must_run(&shell, &[]);
        }
        // No kubelet stops the operator when its Deployment is deleted.
        assert!(bed.operator.take().expect("the operator runs").stop());
        last.must_run(&shell, &[("-k deploy", &manifests(&bed))]);

        let tenant = Tenant::existing(&bed, "in-order", bed.client.clone());
        assert_eq!(tenant.slot_key().await, Value::Null);
        assert_eq!(tenant.writes().await, ["+Put", "+Delete"]);
        for object in [DEFINITIONS[0], DEFINITIONS[1], "ns/alm-key-operator"] {
            await_deleted(&bed, object);
        }
    });
}

#[test]
fn an_operator_that_is_installed_again_finishes_deletions_that_began_without_it() {
    alone(with_controller_manager(), async |mut bed| {
        let client = bed.client.clone();
        let key = {
            let tenant = Tenant::create(&bed, "unattended", client.clone()).await;
            upload(&tenant).await
        };
        bed.operator.take().expect("the operator runs").kill();
        bed.kubectl(&["delete", "--wait=false", "almtenant/unattended"]);
        bed.kubectl(&["delete", "--wait=false", "namespace/unattended"]);
        bed.kubectl(&["wait", "--for=delete", "--timeout=60s", "-n", "unattended", "secret/pasted"]);
        // The namespace's controller deletes the kinds in no particular order.
        let is_deleting = "--for=jsonpath={.metadata.deletionTimestamp}";
        bed.kubectl(&["wait", is_deleting, "--timeout=60s", "-n", "unattended", "almkey/calm"]);
        {
            let tenant = Tenant::existing(&bed, "unattended", client.clone());
            assert!(is_being_deleted(&bed, &["get", "almtenant", "unattended"]));
            assert_eq!(tenant.slot_key().await, key, "nothing happens without the operator");
        }

        install_again(&bed);
        bed.start_operator("operator-again");

        let tenant = Tenant::existing(&bed, "unattended", client);
        tenant.await_tenant_gone("unattended").await;
        await_deleted(&bed, "namespace/unattended");
        assert_eq!(tenant.slot_key().await, Value::Null);
        assert_eq!(tenant.writes().await, ["+Put", "+Delete"]);
    });
}

#[test]
fn an_operator_that_is_installed_while_its_definitions_are_deleted_finishes_that() {
    alone(with_controller_manager(), async |mut bed| {
        let client = bed.client.clone();
        let (key, mut document, mut credentials) = {
            let tenant = Tenant::create(&bed, "all-at-once", client.clone()).await;
            let key = upload(&tenant).await;
            let document = tenant.tenants().get("all-at-once").await.expect("the object exists");
            let secrets: Api<Secret> = Api::namespaced(client.clone(), NAMESPACE);
            (key, document, secrets.get("all-at-once").await.expect("the object exists"))
        };
        bed.operator.take().expect("the operator runs").kill();
        bed.kubectl(&["delete", "-k", &bed.manifests().display().to_string(), "--wait=false"]);
        await_deleted(&bed, "ns/alm-key-operator");
        for definition in DEFINITIONS {
            assert!(is_being_deleted(&bed, &["get", definition]), "{definition} waits for its objects");
        }

        install_again(&bed);
        bed.start_operator("operator-again");
        let tenant = Tenant::existing(&bed, "all-at-once", client.clone());
        let object = tenant.await_ready("calm", "Unknown", "Removing").await;
        let said = message(&object, "Ready");
        assert!(said.contains("Secret \"all-at-once\" in namespace \"alm-key-operator\""), "{said}");
        credentials.metadata = named("all-at-once");
        let secrets: Api<Secret> = Api::namespaced(client.clone(), NAMESPACE);
        secrets.create(&PostParams::default(), &credentials).await.expect("the object is created again");
        for definition in DEFINITIONS {
            await_deleted(&bed, definition);
        }
        let slot = tenant.slot().await;
        assert_eq!((&slot["key"], &slot["owner"]), (&key, &Value::Null), "the key stays, and has no owner");

        let operator = bed.operator.as_ref().expect("the operator runs");
        operator.await_lines("the API server does not define this kind", 2);
        install_again(&bed);
        document.metadata = named("all-at-once");
        document.status = None;
        wait_until_served(tenant.tenants()).await;
        wait_until_served(tenant.keys()).await;
        tenant.tenants().create(&PostParams::default(), &document).await.expect("the object is created again");
        tenant.apply_for_secret("again", "pasted").await;
        tenant.await_ready("again", "True", "Uploaded").await;
        assert_eq!(tenant.writes().await, ["+Put", "+Patch", "+Patch"], "released, then adopted");
    });
}

fn named(name: &str) -> ObjectMeta {
    ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() }
}

#[test]
fn a_key_whose_finalizer_was_removed_by_hand_stays_in_the_slot_as_nobodys() {
    alone(Setup::default(), async |mut bed| {
        let client = bed.client.clone();
        let (key, before, mut document) = {
            let tenant = Tenant::create(&bed, "by-hand", client.clone()).await;
            let key = upload(&tenant).await;
            (key, tenant.slot().await, tenant.tenants().get("by-hand").await.expect("the object exists"))
        };
        bed.operator.take().expect("the operator runs").kill();
        remove_by_hand(&Tenant::existing(&bed, "by-hand", client.clone())).await;

        bed.start_operator("operator-again");
        let tenant = Tenant::existing(&bed, "by-hand", client);
        assert_eq!(tenant.slot().await, before, "key and owner stay");
        document.metadata = named("by-hand");
        document.status = None;
        tenant.tenants().create(&PostParams::default(), &document).await.expect("the object is created again");
        tenant.write_secret("other", &tenant.make_key().await).await;
        tenant.apply_for_secret("other", "other").await;
        let object = tenant.await_ready("other", "False", "SlotOccupied").await;
        let said = message(&object, "Ready");
        assert!(said.contains("its ALMServiceKey no longer exists"), "{said}");
        tenant.delete("other").await;
        assert_eq!(tenant.slot().await, before);

        tenant.apply_for_secret("renamed", "pasted").await;
        tenant.await_ready("renamed", "True", "Uploaded").await;
        let slot = tenant.slot().await;
        assert_eq!((&slot["key"], &slot["owner"]["name"]), (&key, &json!("renamed")));
        assert_eq!(tenant.writes().await, ["+Put", "+Patch"], "the identical key is adopted");
    });
}

/// Deletes the object and its tenant without an operator, as documented. Another client's finalizer stays.
async fn remove_by_hand(tenant: &Tenant<'_>) {
    let (bed, name) = (tenant.bed, tenant.name.as_str());
    let both = ["almkey.dev/landscape-management", "example.org/other"];
    tenant.patch("calm", json!({ "metadata": { "finalizers": both } })).await;
    tenant.begin_deletion("calm").await;
    tenant.begin_tenant_deletion().await;
    let shell = Shell::of_admin(bed);
    let from_key = documented::one("docs/upgrading.md#remove-the-finalizers-by-hand", "almkey ");
    let place = [("NAMESPACE", name), ("NAME", "calm")];
    from_key.must_run(&shell, &place);
    let left = tenant.keys().get("calm").await.expect("the other finalizer keeps it").metadata.finalizers;
    assert_eq!(left, Some(vec!["example.org/other".to_owned()]));
    from_key.run(&shell, &place).expect_err("the finalizer of another client is not removed");
    tenant.patch("calm", json!({ "metadata": { "finalizers": null } })).await;
    tenant.await_gone("calm").await;
    let from_tenant = documented::one("docs/upgrading.md#remove-the-finalizers-by-hand", "almtenant ");
    from_tenant.must_run(&shell, &[("TENANT", name)]);
    tenant.await_tenant_gone(name).await;
}

// proves: annotation almkey.dev/abandon
#[test]
fn an_object_whose_credentials_are_lost_can_be_abandoned() {
    scenario("lost-credentials", async |tenant| {
        upload(&tenant).await;
        let before = tenant.slot().await;
        let secrets: Api<Secret> = Api::namespaced(tenant.client.clone(), NAMESPACE);
        let mut credentials = secrets.get("lost-credentials").await.expect("the object exists");
        secrets.delete("lost-credentials", &DeleteParams::default()).await.expect("the object is deleted");
        tenant.begin_deletion("calm").await;
        let object = tenant.await_ready("calm", "Unknown", "Removing").await;
        let said = message(&object, "Ready");
        assert!(said.contains("Secret \"lost-credentials\"") && said.contains("does not exist"), "{said}");

        let placeholders = [("NAMESPACE", "lost-credentials"), ("NAME", "calm")];
        let abandon = documented::one("docs/upgrading.md#install-it-again-and-let-it-finish", "almkey.dev/abandon");
        abandon.must_run(&Shell::of_admin(tenant.bed), &placeholders);

        tenant.await_gone("calm").await;
        assert_eq!(tenant.slot().await, before, "key and owner stay");
        credentials.metadata = named("lost-credentials");
        secrets.create(&PostParams::default(), &credentials).await.expect("the object is created again");
        let new = tenant.make_key().await;
        tenant.write_secret("pasted", &new).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, new, "an object of the same name is the owner");
    });
}
