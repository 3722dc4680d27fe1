//! Flags that change what the operator owns or where it reads credentials.

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, PostParams};

use crate::scenarios::alone;
use testkit::bed::tenant::ensure_namespace;
use testkit::bed::{Setup, Tenant, TestBed};
use testkit::names::NAMESPACE;

/// Gives the operator the rights on its own objects in another namespace, as docs/rights.md says.
fn bind_own_roles(bed: &TestBed, namespace: &str) {
    let account = format!("--serviceaccount={NAMESPACE}:{NAMESPACE}");
    for (role, resource) in [("alm-key-operator-ca-bundles", "configmaps"), ("alm-key-operator-credentials", "secrets")]
    {
        let resource = format!("--resource={resource}");
        bed.kubectl(&["create", "role", role, "-n", namespace, "--verb=get,list,watch", &resource]);
        bed.kubectl(&["create", "rolebinding", role, "-n", namespace, &format!("--role={role}"), &account]);
    }
}

// proves: flag --cluster-id, flag --cluster-resource-namespace, field ALMTenant spec.landscapeManagement.http.oauth2.tokenUrl
#[test]
fn flags_set_the_cluster_id_and_the_namespace_of_the_credentials() {
    alone(Setup::default(), async |mut bed| {
        bed.operator.take().expect("the operator runs").kill();
        ensure_namespace(&bed.client, "credentials").await;
        bind_own_roles(&bed, "credentials");
        let flags = [("ALMKEY_CLUSTER_ID", "blue"), ("ALMKEY_CLUSTER_RESOURCE_NAMESPACE", "credentials")];
        bed.operator = Some(bed.start_replica_in(bed.kubeconfig(), "blue", &flags));
        let tenant = Tenant::create(&bed, "chosen", bed.client.clone()).await;
        let theirs: Api<Secret> = Api::namespaced(bed.client.clone(), NAMESPACE);
        let ours: Api<Secret> = Api::namespaced(bed.client.clone(), "credentials");
        let mut secret = theirs.get("chosen").await.expect("the object exists");
        theirs.delete("chosen", &DeleteParams::default()).await.expect("the object is deleted");
        secret.metadata.namespace = Some("credentials".into());
        secret.metadata.resource_version = None;
        ours.create(&PostParams::default(), &secret).await.expect("the object is created");
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;

        tenant.await_ready("calm", "True", "Uploaded").await;

        assert_eq!(tenant.slot().await["owner"]["clusterID"], "blue");
        let asked = tenant.calls(&["LandscapeToken"]).await;
        assert!(asked.iter().any(|call| call["status"] == 200), "the token comes from tokenUrl: {asked:#?}");
    });
}
