//! The shipped roles for users of our kinds, which are aggregated into view, edit and admin.

use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::runtime::wait::await_condition;
use kube::{Api, Client};
use serde_json::json;

use crate::scenarios::alone;
use testkit::bed::request::{self, Answer};
use testkit::bed::waiting::wait_for;
use testkit::bed::{Setup, Tenant, TestBed};

const KEYS: &str = "/apis/almkey.dev/v1alpha1/namespaces/people/almservicekeys";
const TENANTS: &str = "/apis/almkey.dev/v1alpha1/almtenants";

/// Waits until our rights are aggregated into a role of the cluster.
async fn await_aggregation(bed: &TestBed, role: &str, verb: &str) {
    let roles: Api<ClusterRole> = Api::all(bed.client.clone());
    let has = |role: Option<&ClusterRole>| {
        role.and_then(|role| role.rules.as_ref()).into_iter().flatten().any(|rule| {
            rule.api_groups.iter().flatten().any(|group| group == "almkey.dev")
                && rule.verbs.iter().any(|allowed| allowed == verb)
        })
    };
    wait_for(role, await_condition(roles, role, has)).await.expect("the watch works");
}

/// Waits until the authorizer of the API server admits a read.
async fn await_access(client: &Client, path: &str) {
    wait_for(path, async {
        while request::read(client, path, "application/json").await.status == 403 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await;
}

fn is_refused(answer: &Answer) -> bool {
    answer.status == 403
}

/// Binds each role to a user, and waits until the bindings are in force.
async fn bind_roles(bed: &TestBed) -> [Client; 4] {
    for (role, person, verb) in [("view", "viewer", "list"), ("edit", "editor", "create"), ("admin", "owner", "create")]
    {
        await_aggregation(bed, role, verb).await;
        let (role, user) = (format!("--clusterrole={role}"), format!("--user={person}"));
        bed.kubectl(&["create", "rolebinding", "-n", "people", person, &role, &user]);
    }
    let role = "--clusterrole=almkey-tenant-viewer";
    bed.kubectl(&["create", "clusterrolebinding", "tenants", role, "--user=tenant-viewer"]);
    let client = async |name| bed.control_plane.client(name).await.expect("a client");
    let clients =
        [client("viewer").await, client("editor").await, client("owner").await, client("tenant-viewer").await];
    for (client, path) in clients.iter().zip([KEYS, KEYS, KEYS, TENANTS]) {
        await_access(client, path).await;
    }
    clients
}

#[test]
fn viewers_and_editors_of_a_namespace_get_these_rights_on_its_keys_only() {
    let people = &["viewer", "editor", "owner", "tenant-viewer"];
    alone(Setup { controller_manager: true, users: people, ..Setup::default() }, async |bed| {
        let tenant = Tenant::create(&bed, "people", bed.client.clone()).await;
        let [viewer, editor, owner, tenant_viewer] = bind_roles(&bed).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        let key = json!({
            "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey", "metadata": { "name": "calm" },
            "spec": { "tenantRef": { "name": "people" }, "source": { "secretRef": { "name": "pasted" } } },
        });
        let calm = format!("{KEYS}/calm");

        assert!(is_refused(&request::create(&viewer, KEYS, &key).await));
        request::create(&editor, KEYS, &key).await.expect("an editor may create");
        tenant.await_ready("calm", "True", "Uploaded").await;
        let change = json!({ "spec": { "interval": "7m" } });
        request::merge(&owner, &calm, &change).await.expect("an admin may change");
        assert!(is_refused(&request::merge(&viewer, &calm, &change).await));
        request::read(&viewer, &calm, "application/json").await.expect("a viewer may get");

        let forged = json!({ "status": { "uploaded": null, "conditions": [] } });
        for client in [&viewer, &editor, &owner, &tenant_viewer] {
            assert!(is_refused(&request::merge(client, &format!("{calm}/status"), &forged).await));
            assert!(is_refused(&request::merge(client, &format!("{TENANTS}/people/status"), &forged).await));
            assert!(is_refused(&request::merge(client, &format!("{TENANTS}/people"), &json!({ "spec": {} })).await));
        }
        for client in [&viewer, &editor, &owner] {
            let answer = request::read(client, TENANTS, "application/json").await;
            assert!(is_refused(&answer), "a RoleBinding grants no access to tenants");
        }
        assert!(is_refused(&request::read(&tenant_viewer, KEYS, "application/json").await));
    });
}
