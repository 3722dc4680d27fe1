//! `deploy/samples`, installed as the README says, and the commands of the pages on them.

use std::fs;
use std::path::Path;

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{Patch, PatchParams};
use reqwest::Method;
use serde_json::json;

use crate::scenarios::alone;
use testkit::bed::{Setup, Tenant, TestBed};
use testkit::documented::{self, Shell};
use testkit::names::NAMESPACE;

/// The namespace of the samples.
const TEAM_A: &str = "team-a";

/// Installs the operator and the samples as the README says, with the addresses of the simulator.
async fn install(bed: &TestBed) -> Tenant<'_> {
    let shell = Shell::of_admin(bed);
    let manifests = format!("-k {}", bed.manifests().display());
    let operator = documented::one("README.md#installation", "--server-side -k deploy");
    operator.must_run(&shell, &[("-k deploy", &manifests)]);
    documented::one("README.md#installation", "credentials.yaml").must_run(&shell, &[]);
    documented::one("README.md#installation", "-k deploy/samples").must_run(&shell, &[]);

    let zone = "acme-calm";
    let made = bed.simulator.admin(Method::POST, "/tenants", Some(json!({ "identityZone": zone }))).await;
    let landscape = &made["landscapeManagement"];
    let secrets: Api<Secret> = Api::namespaced(bed.client.clone(), NAMESPACE);
    let credentials = json!({ "clientId": landscape["clientId"], "clientSecret": landscape["clientSecret"] });
    let credentials = Patch::Merge(json!({ "stringData": credentials }));
    let edited = secrets.patch("acme-landscape-management", &PatchParams::default(), &credentials).await;
    edited.expect("the credentials are edited");
    let acme = Tenant { bed, name: "acme".into(), namespace: TEAM_A.into(), client: bed.client.clone() };
    let http = json!({
        "url": landscape["url"], "oauth2": { "tokenUrl": landscape["tokenUrl"] }, "caBundle": bed.simulator.ca,
    });
    acme.patch_tenant(json!({ "spec": { "landscapeManagement": { "http": http }, "signIn": sign_in(bed) } })).await;
    Tenant { name: zone.into(), ..acme }
}

/// Returns the settings that lead to the token endpoints of the simulator.
fn sign_in(bed: &TestBed) -> serde_json::Value {
    let hosts = [format!("*.authentication.localhost:{}", bed.simulator.port)];
    json!({ "hosts": hosts, "caBundle": bed.simulator.ca, "allowPrivateNetworks": true })
}

/// Returns a shell of the admin in the namespace of the samples, and in a folder with the key.
fn shell(bed: &TestBed, folder: &Path) -> Shell {
    let shell = Shell::of_admin(bed).in_folder(folder).in_namespace(bed, TEAM_A, folder);
    let hosts = format!("*.authentication.localhost:{}", bed.simulator.port);
    shell.with_variable("ALMKEY_ALLOW_HOSTS", hosts).with_variable("ALMKEY_CA_BUNDLE", &bed.simulator.ca_file)
}

#[test]
fn the_samples_lead_to_an_uploaded_key_and_the_documented_commands_show_it() {
    alone(Setup::default(), async |bed| {
        let tenant = install(&bed).await;
        let key = tenant.make_key().await;
        let binding = tenant.accept_binding("calm-key").await;
        tenant.write_binding_secret(&binding, &key, &json!({})).await;
        tenant.mark_binding_ready("calm-key", "44444444-4444-4444-4444-444444444444").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, key);

        let folder = tempfile::tempdir().expect("a folder");
        for file in ["key.txt", "key.json", "downloaded.txt"] {
            fs::write(folder.path().join(file), key.to_string()).expect("a file");
        }
        let shell = shell(&bed, folder.path());
        show(&shell);
        check_key(&shell);
        install_plugin(&shell, folder.path());
        grant(&shell);
        upgrade(&bed);
        tenant.reconcile_now("calm", "upgraded").await;
        assert_eq!(tenant.writes().await, ["+Put"], "none of these commands changes the slot");
    });
}

/// Runs the commands that show the key.
fn show(shell: &Shell) {
    let table = documented::one("README.md#quick-example", "get almkey").must_run(shell, &[]);
    let shown: Vec<_> = table.split_whitespace().collect();
    assert_eq!(shown[..8], ["NAME", "READY", "STATUS", "TENANT", "SIGNED", "IN", "UPLOADED", "AGE"]);
    assert_eq!(shown[8..13], ["calm", "True", "Uploaded", "acme", "True"]);
    for command in [
        documented::one("README.md#see-what-it-does", "status -A"),
        documented::one("README.md#see-what-it-does", "explain calm  "),
        documented::one("README.md#see-what-it-does", "reconcile calm"),
        documented::one("README.md#see-what-it-does", "test calm"),
        documented::one("README.md#see-what-it-does", "show calm"),
        documented::one("docs/adopting.md#3-let-it-work", "status -A"),
        documented::one("docs/adopting.md#which-key-is-it", "check calm"),
        documented::one("docs/install.md#then-a-tenant-and-a-key", "kubectl wait"),
    ] {
        command.must_run(shell, &[]);
    }
    documented::one("docs/commands.md#a-key-in-the-cluster", "almkey test calm").must_run(shell, &[]);
    documented::one("docs/reasons.md#reasons-and-remedies", "almkey explain").must_run(shell, &[]);
}

/// Runs the commands that check a key without an object.
fn check_key(shell: &Shell) {
    let commands = documented::all("README.md#check-a-key-before-you-use-it");
    // The token endpoint of the simulator has a private address.
    let private = ("almkey test -", "almkey test --allow-private-networks -");
    let printed = documented::must_run_together(&commands, shell, &[private]);
    assert!(printed.contains("valid, and signs in"), "{printed}");
    documented::must_run_together(&documented::all("docs/sources.md#a-file"), shell, &[]);
}

/// Installs the plugin of kubectl and the completion of shells, for a user whose home is `home`.
fn install_plugin(shell: &Shell, home: &Path) {
    for folder in [".local/bin", ".config/fish"] {
        fs::create_dir_all(home.join(folder)).expect("a folder");
    }
    let commands = documented::all("docs/kubectl.md#commands-for-a-cluster");
    let (folder, plugin) =
        (format!("{}/", home.display()), format!("PATH={}/.local/bin:$PATH kubectl almkey", home.display()));
    let at_home = [("~/", folder.as_str()), ("kubectl almkey", plugin.as_str())];
    let printed = documented::must_run_together(&commands, shell, &at_home);
    assert_eq!(printed.matches("Connected").count(), 2, "almkey and kubectl almkey print the same: {printed}");
    shell.run("source .bashrc && complete -p almkey").expect("bash completes almkey");
}

/// Runs the commands that grant rights to users.
fn grant(shell: &Shell) {
    documented::must_run_together(&documented::all("docs/rights.md#what-users-may-do"), shell, &[]);
    let subject = shell.run("kubectl get rolebinding -n team-a alm-key-reader -o jsonpath={.subjects[0].name}");
    assert_eq!(subject.as_deref(), Ok("jane"));
    let rights = documented::one("docs/rights.md#see-for-yourself", "can-i --list").must_run(shell, &[]);
    assert!(rights.contains("almservicekeys.almkey.dev"), "{rights}");
}

/// Applies the manifests again, as for another version.
fn upgrade(bed: &TestBed) {
    let (shell, manifests) = (Shell::of_admin(bed), format!("-k {}", bed.manifests().display()));
    for apply in [
        documented::one("docs/upgrading.md#upgrade", "kubectl apply"),
        documented::one("docs/install.md#with-kubectl", "kubectl apply"),
    ] {
        apply.must_run(&shell, &[("-k deploy", &manifests)]);
    }
    documented::one("docs/install.md#with-kubectl", "get deployment").must_run(&shell, &[]);
}
