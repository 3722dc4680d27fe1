//! A life from `helm install` to `helm uninstall`, with the operator run as the chart says.

use std::env;
use std::fs;
use std::iter;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::bed::operator::binary;
use testkit::bed::{Setup, Tenant, TestBed};
use testkit::helm;
use testkit::names::NAMESPACE;
use testkit::secret_scan::scan_output;
use xtask::workspace::root;

use super::scene::{TEAM_A, other_tenants_key};
use crate::console::say;
use crate::demo::life::give_credentials;
use crate::demo::samples;
use crate::demo::session::Session;

/// A shell of the cluster admin in the root of the repository, in which kubectl, its plugin and Helm are found.
struct Terminal<'a> {
    bed: &'a TestBed,
    /// Folder of the programs, and of the files that the commands read.
    folder: TempDir,
}

impl<'a> Terminal<'a> {
    fn open(bed: &'a TestBed) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let link = |name: &str, program: &Path| symlink(program, folder.path().join(name)).expect("a link");
        link("kubectl", Path::new(bed.control_plane.kubectl("admin").get_program()));
        link("kubectl-almkey", &binary("almkey"));
        link("helm", &helm::find_or_build().expect("Helm"));
        Self { bed, folder }
    }

    /// Writes a file of `deploy/samples` with the address and the credentials of the simulator.
    fn adapt(&self, file: &str, landscape: &Value) {
        let items = samples::documents(self.bed, file, landscape);
        self.write(file, &json!({ "apiVersion": "v1", "kind": "List", "items": items }));
    }

    fn write(&self, file: &str, document: &Value) {
        fs::write(self.folder.path().join(file), document.to_string()).expect("a file");
    }

    /// Runs a command, and prints it with its output, in which no key material may be, and its exit code, which must be
    /// `code`. `$FILES` is the folder of the adapted samples.
    fn run(&self, command: &str, code: i32) {
        say(format!("\n$ {command}"));
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(iter::once(self.folder.path().to_owned()).chain(env::split_paths(&path)));
        let output = Command::new("sh")
            .args(["-c", command])
            .env_clear()
            .env("PATH", path.expect("a search path"))
            .env("HOME", self.bed.control_plane.directory())
            .env("KUBECONFIG", self.bed.control_plane.kubeconfig("admin"))
            .env("FILES", self.folder.path())
            .current_dir(root())
            .output()
            .expect("a shell");
        let printed = [output.stdout, output.stderr].concat();
        scan_output(command, &printed);
        for line in String::from_utf8_lossy(&printed).lines() {
            say(format!("  {line}"));
        }
        say(format!("  (exit code {})", output.status.code().unwrap_or_default()));
        assert_eq!(output.status.code(), Some(code), "the exit code of {command}");
    }
}

/// Shows the whole life. There is no kubelet: the pods of the Deployment are processes that the test bed starts, with the
/// arguments, the environment and the token that the chart gives them.
pub async fn show() {
    let bed = TestBed::start(Setup { uninstalled: true, ..Setup::default() }).await;
    let terminal = Terminal::open(&bed);
    let tenant = Tenant { bed: &bed, name: "acme-calm".into(), namespace: TEAM_A.into(), client: bed.client.clone() };

    Session::headline("Install");
    terminal.run("helm install alm-key-operator charts/alm-key-operator -n alm-key-operator --create-namespace", 0);
    let operator = bed.start_pod("alm-key-operator-1");
    operator.await_ready().await;
    say("\n(A pod of the Deployment runs.)");

    Session::headline("Tenant and key of deploy/samples, with the address of the simulator");
    let zone = json!({ "identityZone": tenant.name });
    let made = bed.simulator.admin(Method::POST, "/tenants", Some(zone)).await;
    for file in ["credentials.yaml", "tenant.yaml", "key.yaml"] {
        terminal.adapt(file, &made["landscapeManagement"]);
    }
    terminal.run("kubectl apply -f $FILES/credentials.yaml -f $FILES/tenant.yaml", 0);
    terminal.run("kubectl wait almtenant/acme --for=condition=Ready --timeout=60s", 0);
    terminal.run("kubectl apply -f $FILES/key.yaml", 0);
    say("\n(The SAP BTP service operator writes the credentials of the binding.)");
    give_credentials(&tenant, &tenant.make_key().await).await;
    terminal.run("kubectl wait almkey/calm -n team-a --for=condition=Ready --timeout=60s", 0);
    terminal.run("kubectl get almtenant,almkey -A", 0);
    terminal.run("kubectl almkey status -A", 0);

    Session::headline("A key of another tenant");
    tenant.write_secret("broken", &other_tenants_key(&tenant.make_key().await)).await;
    terminal.write("broken.json", &broken_key());
    terminal.run("kubectl apply -f $FILES/broken.json", 0);
    tenant.await_ready("broken", "False", "WrongTenant").await;
    terminal.run("kubectl almkey explain broken -n team-a", 1);
    terminal.run("kubectl delete almkey broken -n team-a", 0);

    Session::headline("Rotation");
    let rotated = tenant.make_key().await;
    say("\n(The SAP BTP service operator rotates the binding.)");
    tenant.rotate_binding("calm-key", &rotated).await;
    tenant.await_uploaded("calm", &rotated).await;
    terminal.run("kubectl almkey show calm -n team-a", 0);

    Session::headline("Upgrade");
    terminal.run("helm upgrade alm-key-operator charts/alm-key-operator -n alm-key-operator --set replicas=3", 0);
    assert!(operator.stop(), "the operator ends by itself");
    let operator = bed.start_pod("alm-key-operator-2");
    operator.await_ready().await;
    say("\n(A pod of the new Deployment runs.)");
    terminal.run("helm history alm-key-operator -n alm-key-operator", 0);
    terminal.run("kubectl almkey reconcile calm -n team-a", 0);

    Session::headline("Deletion");
    terminal.run("kubectl delete almservicekeys --all --all-namespaces", 0);
    assert_eq!(tenant.slot_key().await, Value::Null, "the slot is empty");
    terminal.run("kubectl delete almtenants --all", 0);

    Session::headline("Uninstall");
    terminal.run(&format!("helm uninstall alm-key-operator -n {NAMESPACE}"), 0);
    assert!(operator.stop(), "the operator ends by itself");
    terminal.run("kubectl get crd almtenants.almkey.dev almservicekeys.almkey.dev", 0);
    assert_eq!(tenant.writes().await, ["+Put", "+Put", "+Delete"], "the writes to the slot");
    bed.expect_no_key_material();
}

/// Returns an object for the Secret `broken`.
fn broken_key() -> Value {
    json!({
        "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey",
        "metadata": { "name": "broken", "namespace": TEAM_A },
        "spec": { "tenantRef": { "name": "acme" }, "source": { "secretRef": { "name": "broken" } } },
    })
}
