//! What people may do with our kinds, by the roles that are shipped. A world of its own: roles are aggregated in it.

use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::runtime::wait::await_condition;
use kube::{Api, Client};
use serde_json::json;

use super::alone;
use crate::world::cluster::patiently;
use crate::world::request::{self, Answer};
use crate::world::{Setup, Tenant, World};

const KEYS: &str = "/apis/almkey.dev/v1alpha1/namespaces/people/almservicekeys";
const TENANTS: &str = "/apis/almkey.dev/v1alpha1/almtenants";

/// The rights of our own kinds have become part of the role that every cluster has.
async fn aggregated(world: &World, role: &str, verb: &str) {
    let roles: Api<ClusterRole> = Api::all(world.client.clone());
    let has = |role: Option<&ClusterRole>| {
        role.and_then(|role| role.rules.as_ref()).into_iter().flatten().any(|rule| {
            rule.api_groups.iter().flatten().any(|group| group == "almkey.dev")
                && rule.verbs.iter().any(|allowed| allowed == verb)
        })
    };
    patiently(role, await_condition(roles, role, has)).await.expect("it can be watched");
}

/// The API server's authorizer has seen what was bound.
async fn may(client: &Client, path: &str) {
    patiently(path, async {
        while request::read(client, path, "application/json").await.status == 403 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await;
}

fn refused(answer: &Answer) -> bool {
    answer.status == 403
}

#[test]
fn who_may_view_or_edit_a_namespace_may_view_or_edit_its_keys_and_nobody_may_write_a_status_or_a_tenant() {
    let people = &["viewer", "editor", "owner", "tenant-viewer"];
    alone(Setup { controller_manager: true, people, ..Setup::default() }, async |world| {
        let tenant = Tenant::create(&world, "people", world.client.clone()).await;
        for (role, person, verb) in
            [("view", "viewer", "list"), ("edit", "editor", "create"), ("admin", "owner", "create")]
        {
            aggregated(&world, role, verb).await;
            world.kubectl(&[
                "create",
                "rolebinding",
                "-n",
                "people",
                role,
                &format!("--clusterrole={role}"),
                &format!("--user={person}"),
            ]);
        }
        world.kubectl(&[
            "create",
            "clusterrolebinding",
            "tenants",
            "--clusterrole=almkey-tenant-viewer",
            "--user=tenant-viewer",
        ]);
        let [viewer, editor, owner, tenant_viewer] = people.map(|name| world.control_plane.client(name));
        let (viewer, editor) = (viewer.await.expect("a client"), editor.await.expect("a client"));
        let (owner, tenant_viewer) = (owner.await.expect("a client"), tenant_viewer.await.expect("a client"));
        for client in [&viewer, &editor, &owner] {
            may(client, KEYS).await;
        }
        may(&tenant_viewer, TENANTS).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        let key = |name: &str| {
            json!({
                "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey", "metadata": { "name": name },
                "spec": { "tenantRef": { "name": "people" }, "source": { "secretRef": { "name": "pasted" } } },
            })
        };

        assert!(refused(&request::create(&viewer, KEYS, &key("calm")).await));
        request::create(&editor, KEYS, &key("calm")).await.expect("who edits may create");
        tenant.await_ready("calm", "True", "Uploaded").await;
        request::merge(&owner, &format!("{KEYS}/calm"), &json!({ "spec": { "interval": "7m" } })).await.expect("may");
        request::read(&viewer, &format!("{KEYS}/calm"), "application/json").await.expect("who views may get");

        let forged = json!({ "status": { "uploaded": null, "conditions": [] } });
        for client in [&viewer, &editor, &owner, &tenant_viewer] {
            assert!(refused(&request::merge(client, &format!("{KEYS}/calm/status"), &forged).await));
            assert!(refused(&request::merge(client, &format!("{TENANTS}/people/status"), &forged).await));
            assert!(refused(&request::merge(client, &format!("{TENANTS}/people"), &json!({ "spec": {} })).await));
        }
        for client in [&viewer, &editor, &owner] {
            assert!(
                refused(&request::read(client, TENANTS, "application/json").await),
                "no RoleBinding reaches a tenant"
            );
        }
        assert!(refused(&request::read(&tenant_viewer, KEYS, "application/json").await));
        assert!(refused(
            &request::merge(&viewer, &format!("{KEYS}/calm"), &json!({ "spec": { "suspend": true } })).await
        ));
    });
}
