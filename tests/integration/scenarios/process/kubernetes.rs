//! The version of Kubernetes that the scenarios run on.

use serde_json::Value;
use testkit::control_plane::Kubernetes;

use crate::kubernetes_versions::version;
use crate::scenarios::scenario;

#[test]
fn the_api_server_and_kubectl_have_the_version_that_was_chosen() {
    scenario("version", async |tenant| {
        let printed = tenant.bed.kubectl(&["version", "--output=json"]);
        let printed: Value = serde_json::from_str(&printed).expect("JSON");

        assert_eq!(printed["serverVersion"]["gitVersion"], printed["clientVersion"]["gitVersion"]);
        if Kubernetes::chosen().expect("a choice") == Kubernetes::Oldest {
            let oldest = format!("v{}", version("controlplane-oldest"));
            assert_eq!(printed["serverVersion"]["gitVersion"], oldest);
        }
    });
}
