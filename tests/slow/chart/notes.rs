//! The notes that Helm prints after an installation: commands and objects that work as they are printed.

use std::fs;

use testkit::bed::{Setup, TestBed};
use testkit::helm;

use super::run_uninstalled;

/// Returns the documents that the printed commands pass to `kubectl apply`.
fn documents(printed: &str) -> Vec<&str> {
    let after = printed.split("kubectl apply -f - <<EOF\n").skip(1);
    after.map(|rest| rest.split_once("\nEOF\n").expect("the end of the document").0).collect()
}

fn expect_admitted(bed: &TestBed, document: &str) {
    let file = bed.control_plane.directory().join("printed.yaml");
    fs::write(&file, document).expect("a file");
    bed.kubectl(&["apply", "--dry-run=server", "--validate=strict", "-f", &file.display().to_string()]);
}

#[test]
fn the_notes_print_a_tenant_and_a_key_that_can_be_applied_and_how_to_uninstall() {
    run_uninstalled(Setup::default(), async |bed| {
        bed.create_namespaces(&["team-x"]);
        let printed = bed
            .install_chart(&helm::chart(), &["--set", "namespaces={team-x}", "--set", "caBundle.injectTrusted=true"]);

        let documents = documents(&printed);
        let [tenant, key] = documents[..] else { panic!("a tenant and a key: {printed}") };
        assert!(tenant.contains("kind: ALMTenant") && tenant.contains("name: alm-key-operator-ca-bundle"), "{tenant}");
        assert!(tenant.contains("allowedNamespaces: [\"team-x\"]"), "{tenant}");
        assert!(key.contains("kind: ALMServiceKey") && key.contains("namespace: \"team-x\""), "{key}");
        for document in documents {
            expect_admitted(&bed, document);
        }
        for said in [
            "No image is published yet",
            "kubectl create secret generic acme-landscape-management -n alm-key-operator",
            "kubectl delete almservicekeys --all --all-namespaces",
            "helm uninstall alm-key-operator -n alm-key-operator",
            "keeps the CustomResourceDefinitions",
        ] {
            assert!(printed.contains(said), "{said}: {printed}");
        }
    });
}
