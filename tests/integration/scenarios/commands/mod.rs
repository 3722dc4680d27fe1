//! The commands that a person with a kubeconfig runs. A test about what such a command shows, changes or needs goes here.

// Every command: the flags of the cluster, failures, completion, the plugin of kubectl.
mod cluster;
// `almkey explain`.
mod explain;
// `almkey reconcile`.
mod reconcile;
// `almkey status`.
mod status;
// `almkey suspend` and `almkey resume`.
mod suspend;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::bed::Tenant;
use testkit::bed::operator::binary;
use testkit::bed::waiting::wait_for;
use testkit::secret_scan;

/// The output of a command, and its exit code.
struct Printed {
    code: i32,
    stdout: String,
    stderr: String,
}

/// Returns a command that runs as the user of a kubeconfig.
fn command(kubeconfig: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary("almkey"));
    command.args(arguments).env("KUBECONFIG", kubeconfig).stdin(Stdio::null());
    command
}

/// Runs a command as the user of a kubeconfig. Fails if it prints key material.
fn run(kubeconfig: &Path, arguments: &[&str]) -> Printed {
    printed(arguments, command(kubeconfig, arguments).output().expect("almkey can be started"))
}

fn printed(arguments: &[&str], Output { status, stdout, stderr }: Output) -> Printed {
    secret_scan::scan_output(&format!("{arguments:?}"), &[stdout.as_slice(), &stderr].concat());
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Printed { code: status.code().expect("no signal ended it"), stdout: text(stdout), stderr: text(stderr) }
}

/// Runs a command as the cluster admin, in the tenant's namespace.
fn run_in(tenant: &Tenant<'_>, arguments: &[&str]) -> Printed {
    let kubeconfig = tenant.bed.control_plane.kubeconfig("admin");
    run(&kubeconfig, &[arguments, &["-n", &tenant.namespace]].concat())
}

/// Creates a user with one of the shipped roles in the tenant's namespace, or with none, and returns the user's
/// kubeconfig, whose context has that namespace.
async fn create_user(tenant: &Tenant<'_>, name: &str, role: Option<&str>) -> PathBuf {
    let (bed, namespace) = (tenant.bed, tenant.namespace.as_str());
    bed.kubectl(&["create", "serviceaccount", name, "-n", namespace]);
    let account = format!("{namespace}:{name}");
    if let Some(role) = role {
        let (role, account) = (format!("--clusterrole={role}"), format!("--serviceaccount={account}"));
        bed.kubectl(&["create", "rolebinding", name, "-n", namespace, &role, &account]);
        await_access(tenant, name).await;
    }
    let token = bed.kubectl(&["create", "token", name, "-n", namespace]);
    let path = bed.write_kubeconfig(&format!("{namespace}-{name}"), |_, user| *user = json!({ "token": token.trim() }));
    let text = std::fs::read_to_string(&path).expect("the kubeconfig");
    let mut kubeconfig: Value = serde_yaml_ng::from_str(&text).expect("YAML");
    kubeconfig["contexts"][0]["context"]["namespace"] = json!(namespace);
    std::fs::write(&path, kubeconfig.to_string()).expect("a file");
    path
}

/// Waits until the authorizer of the API server knows the role of a user.
async fn await_access(tenant: &Tenant<'_>, name: &str) {
    let user = format!("--as=system:serviceaccount:{}:{name}", tenant.namespace);
    wait_for("the role to be in force", async {
        loop {
            let mut kubectl = tenant.bed.control_plane.kubectl("admin");
            let question = ["auth", "can-i", "list", "almservicekeys", "-n", &tenant.namespace, &user];
            if kubectl.args(question).output().expect("kubectl can be started").status.success() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}
