//! Flags that change what the operator owns or where it reads credentials.

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, PostParams};

use crate::scenarios::alone;
use testkit::bed::tenant::ensure_namespace;
use testkit::bed::{Setup, Tenant};
use testkit::names::NAMESPACE;

// proves: flag --cluster-id, flag --cluster-resource-namespace, field ALMTenant spec.landscapeManagement.http.oauth2.tokenUrl
#[test]
fn flags_set_the_cluster_id_and_the_namespace_of_the_credentials() {
    let arguments: &[&str] = &["--leader-elect=false", "--cluster-id=blue", "--cluster-resource-namespace=credentials"];
    alone(Setup { arguments, ..Setup::default() }, async |bed| {
        let tenant = Tenant::create(&bed, "chosen", bed.client.clone()).await;
        ensure_namespace(&bed.client, "credentials").await;
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
