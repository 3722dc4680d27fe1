//! The optional policy of `deploy/admission`: a user may only name a source that they may read.

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::scenarios::alone;
use testkit::bed::request::{self, Answer};
use testkit::bed::waiting::wait_for;
use testkit::bed::{Setup, Tenant, TestBed};
use testkit::documented::{self, Shell};

const KEYS: &str = "/apis/almkey.dev/v1alpha1/namespaces/sources/almservicekeys";

/// Roles for two users: both have all rights on `ALMServiceKey`s, and `reader` may also read some of the sources.
const ROLES: &str = r"
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: writes-keys, namespace: sources}
rules:
  - {apiGroups: [almkey.dev], resources: [almservicekeys], verbs: ['*']}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: writes-keys, namespace: sources}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: writes-keys}
subjects:
  - {apiGroup: rbac.authorization.k8s.io, kind: User, name: reader}
  - {apiGroup: rbac.authorization.k8s.io, kind: User, name: stranger}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reads-sources, namespace: sources}
rules:
  - {apiGroups: [''], resources: [secrets], resourceNames: [pasted, second], verbs: [get]}
  - {apiGroups: [services.cloud.sap.com], resources: [servicebindings], resourceNames: [plain], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reads-sources, namespace: sources}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reads-sources}
subjects:
  - {apiGroup: rbac.authorization.k8s.io, kind: User, name: reader}
";

fn key(name: &str, source: &Value) -> Value {
    json!({
        "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey",
        "metadata": { "name": name },
        "spec": { "tenantRef": { "name": "sources" }, "source": source },
    })
}

fn secret(name: &str) -> Value {
    json!({ "secretRef": { "name": name } })
}

fn binding(name: &str) -> Value {
    json!({ "serviceBindingRef": { "name": name } })
}

/// Asserts that the policy refused a request, and that the message says what to do.
#[track_caller]
fn assert_refused(answer: &Answer, field: &str, source: &str) {
    let message = answer.body["message"].as_str().unwrap_or_default();
    assert_eq!(answer.status, 403, "{message}");
    let (finding, right) = (format!("{field}: the author"), format!("stranger may not get {source}"));
    assert!(message.contains(&finding) && message.contains(&right) && message.contains("ask for a Role"), "{message}");
}

/// Installs the policy as the documentation says, and waits until it is in force.
async fn install_policy(bed: &TestBed, stranger: &Client, reader: &Client) {
    bed.control_plane.apply(ROLES).expect("the roles are created");
    let apply = documented::one("docs/admission.md#refuse-sources-that-their-author-may-not-read", "deploy/admission");
    let strictly = [
        ("--server-side", "--server-side --validate=strict"),
        ("-k deploy/admission", "-k deploy/admission 2>&1 >/dev/null"),
    ];
    assert_eq!(apply.must_run(&Shell::of_admin(bed), &strictly), "", "no warnings");
    let tried = async |client: &Client, source: &Value| {
        request::create(client, &format!("{KEYS}?dryRun=All"), &key("tried", source)).await
    };
    wait_for("the policy to be in force", async {
        let is_policy =
            |answer: &Answer| answer.body["message"].as_str().is_some_and(|message| message.contains("the author"));
        while !is_policy(&tried(stranger, &secret("pasted")).await)
            || tried(reader, &secret("pasted")).await.status != 201
            || tried(reader, &binding("plain")).await.status != 201
        {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    })
    .await;
}

#[test]
fn the_admission_policy_lets_users_name_only_sources_that_they_may_read() {
    alone(Setup { users: &["reader", "stranger"], ..Setup::default() }, async |bed| {
        let tenant = Tenant::create(&bed, "sources", bed.client.clone()).await;
        let good = tenant.make_key().await;
        tenant.write_secret("pasted", &good).await;
        tenant.write_secret("second", &good).await;
        tenant.bind("plain", &tenant.make_key().await).await;
        let reader = bed.control_plane.client("reader").await.expect("a client");
        let stranger = bed.control_plane.client("stranger").await.expect("a client");
        install_policy(&bed, &stranger, &reader).await;

        check_creation(&stranger, &reader).await;
        // The policy lets the operator add its finalizer and write the status.
        let object = tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(object.metadata.finalizers.map(|finalizers| finalizers.len()), Some(1));
        check_change_of_source(&stranger, &reader).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        check_other_changes(&stranger).await;

        let answer = request::delete(&stranger, &format!("{KEYS}/calm")).await;
        answer.expect("the policy admits a deletion");
        tenant.await_gone("calm").await;
        assert!(tenant.slot_key().await.is_null(), "the key is deleted with its object");
        check_no_oracle(&tenant, &stranger).await;
    });
}

async fn check_creation(stranger: &Client, reader: &Client) {
    let answer = request::create(stranger, KEYS, &key("calm", &secret("pasted"))).await;
    assert_refused(&answer, "spec.source.secretRef.name", "Secret \"pasted\" in namespace \"sources\"");
    let answer = request::create(stranger, KEYS, &key("calm", &binding("plain"))).await;
    assert_refused(&answer, "spec.source.serviceBindingRef.name", "ServiceBinding \"plain\" in namespace \"sources\"");
    let applied = format!("{KEYS}/calm?fieldManager=test");
    let answer = request::apply(stranger, &applied, &key("calm", &secret("pasted"))).await;
    assert_refused(&answer, "spec.source.secretRef.name", "Secret \"pasted\"");

    request::apply(reader, &applied, &key("calm", &secret("pasted")))
        .await
        .expect("a reader of the source may name it");
    let dry = format!("{KEYS}?dryRun=All");
    request::create(reader, &dry, &key("other", &binding("plain"))).await.expect("a reader of the source may name it");
    let answer = request::create(reader, &dry, &key("other", &secret("elses"))).await;
    assert_eq!(answer.status, 403, "the right to read one Secret admits another: {}", answer.body["message"]);
}

async fn check_change_of_source(stranger: &Client, reader: &Client) {
    let calm = format!("{KEYS}/calm");
    let change = |source: &Value| json!({ "spec": { "source": source } });
    let answer = request::merge(stranger, &calm, &change(&secret("second"))).await;
    assert_refused(&answer, "spec.source.secretRef.name", "Secret \"second\"");
    let entry = json!({ "secretRef": { "name": "pasted", "key": "another" } });
    let answer = request::merge(stranger, &calm, &change(&entry)).await;
    assert_refused(&answer, "spec.source.secretRef.name", "Secret \"pasted\"");
    let bound = json!({ "secretRef": null, "serviceBindingRef": { "name": "plain" } });
    let answer = request::merge(stranger, &calm, &change(&bound)).await;
    assert_refused(&answer, "spec.source.serviceBindingRef.name", "ServiceBinding \"plain\"");

    request::merge(reader, &calm, &change(&secret("second"))).await.expect("a reader of the source may change to it");
}

async fn check_other_changes(stranger: &Client) {
    let calm = format!("{KEYS}/calm");
    let changes = [
        json!({ "spec": { "interval": "7m" } }),
        json!({ "spec": { "deletionPolicy": "Delete" } }),
        json!({ "metadata": { "labels": { "team": "a" }, "annotations": { "almkey.dev/reconcile-requested-at": "now" } } }),
        json!({ "metadata": { "finalizers": ["almkey.dev/landscape-management", "example.com/theirs"] } }),
        json!({ "metadata": { "finalizers": ["almkey.dev/landscape-management"] } }),
    ];
    for change in &changes {
        request::merge(stranger, &calm, change).await.expect("the policy admits changes of other fields");
    }
    let same = key("calm", &secret("second"));
    let applied = format!("{calm}?fieldManager=theirs");
    for _ in 0..2 {
        request::apply(stranger, &applied, &same).await.expect("the policy admits an unchanged source");
    }
}

/// Checks that the answer does not reveal the existence or the content of a Secret.
async fn check_no_oracle(tenant: &Tenant<'_>, stranger: &Client) {
    let answer = async || request::create(stranger, KEYS, &key("calm", &secret("elses"))).await.body["message"].clone();
    let absent = answer().await;
    let secrets: Api<Secret> = tenant.secrets();
    tenant.write_data("elses", json!({ "any": "thing" })).await;
    assert_eq!(answer().await, absent);
    let stale = Patch::Merge(json!({ "metadata": { "labels": { "services.cloud.sap.com/stale": "id" } } }));
    secrets.patch("elses", &PatchParams::default(), &stale).await.expect("the label is set");
    assert_eq!(answer().await, absent);
}
