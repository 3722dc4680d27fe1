//! Rights that are taken away and given back.

use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::alone;
use crate::world::{Setup, Tenant};

const ROLE: &str = "alm-key-operator";

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
