//! The commands that a person with a kubeconfig runs. A test about what such a command shows, changes or needs goes here.

// `almkey check`.
mod check;
// Every command: the flags of the cluster, failures, completion, the plugin of kubectl.
mod cluster;
// `almkey delete`.
mod delete;
// `almkey done`.
mod done;
// `almkey download`.
mod download;
// `almkey explain`.
mod explain;
// `almkey reconcile`.
mod reconcile;
// `almkey show`.
mod show;
// `almkey status`.
mod status;
// `almkey suspend` and `almkey resume`.
mod suspend;
// `almkey test` of an object.
mod test_key;
// `almkey upload`.
mod upload;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rexpect::process::WaitStatus;
use rexpect::session::{PtySession, spawn_command};
use serde_json::Value;
use tempfile::NamedTempFile;
use testkit::bed::Tenant;
use testkit::bed::operator::program;
use testkit::bed::waiting::{WAIT_LIMIT, wait_for};
use testkit::secret_scan;

/// The output of a command, and its exit code.
struct Printed {
    code: i32,
    stdout: String,
    stderr: String,
}

/// Returns a command that runs as the user of a kubeconfig.
fn command(kubeconfig: &Path, arguments: &[&str]) -> Command {
    let mut command = program("almkey");
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

/// Returns the options with which a user who may not read the tenant reaches its token endpoint.
fn token_endpoint_options(tenant: &Tenant<'_>) -> Vec<String> {
    let simulator = &tenant.bed.simulator;
    let host = format!("*.authentication.localhost:{}", simulator.port);
    let bundle = simulator.ca_file.display().to_string();
    ["--allow-host", &host, "--allow-private-networks", "--ca-bundle", &bundle].map(str::to_owned).to_vec()
}

/// Creates a user with one of the shipped roles in the tenant's namespace, or with none, and returns the user's
/// kubeconfig, whose context has that namespace.
async fn create_user(tenant: &Tenant<'_>, name: &str, role: Option<&str>) -> PathBuf {
    let (bed, namespace) = (tenant.bed, tenant.namespace.as_str());
    let kubeconfig = bed.create_user(namespace, name);
    let account = format!("{namespace}:{name}");
    if let Some(role) = role {
        let (role, account) = (format!("--clusterrole={role}"), format!("--serviceaccount={account}"));
        bed.kubectl(&["create", "rolebinding", name, "-n", namespace, &role, &account]);
        await_access(tenant, name).await;
    }
    kubeconfig
}

/// Creates a user with the roles `almkey-view` and `almkey-edit` in the tenant's namespace, and with these rights on
/// Secrets.
async fn create_editor(tenant: &Tenant<'_>, name: &str, secret_verbs: &[&str]) -> PathBuf {
    let namespace = tenant.namespace.as_str();
    let kubeconfig = create_user(tenant, name, Some("almkey-view")).await;
    let (binding, account) = (format!("{name}-edit"), format!("--serviceaccount={namespace}:{name}"));
    let role = "--clusterrole=almkey-edit";
    tenant.bed.kubectl(&["create", "rolebinding", &binding, "-n", namespace, role, &account]);
    await_right(tenant, name, ["delete", "almservicekeys"]).await;
    if !secret_verbs.is_empty() {
        grant_secrets(tenant, name, secret_verbs).await;
    }
    kubeconfig
}

/// Gives a user rights on the Secrets of the tenant's namespace.
async fn grant_secrets(tenant: &Tenant<'_>, name: &str, verbs: &[&str]) {
    let (bed, namespace) = (tenant.bed, tenant.namespace.as_str());
    let binding = format!("{name}-secrets");
    let (role, account) = (format!("--role={binding}"), format!("--serviceaccount={namespace}:{name}"));
    let verb = format!("--verb={}", verbs.join(","));
    bed.kubectl(&["create", "role", &binding, "-n", namespace, &verb, "--resource=secrets"]);
    bed.kubectl(&["create", "rolebinding", &binding, "-n", namespace, &role, &account]);
    await_right(tenant, name, [verbs[0], "secrets"]).await;
}

/// Waits until the authorizer of the API server knows the role of a user.
async fn await_access(tenant: &Tenant<'_>, name: &str) {
    await_right(tenant, name, ["list", "almservicekeys"]).await;
}

/// Waits until the authorizer of the API server lets a user do something with a resource.
async fn await_right(tenant: &Tenant<'_>, name: &str, [verb, resource]: [&str; 2]) {
    let user = format!("--as=system:serviceaccount:{}:{name}", tenant.namespace);
    wait_for("the role to be in force", async {
        loop {
            let mut kubectl = tenant.bed.control_plane.kubectl("admin");
            let question = ["auth", "can-i", verb, resource, "-n", &tenant.namespace, &user];
            if kubectl.args(question).output().expect("kubectl can be started").status.success() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}

/// Writes a key into a file, as a person downloads it in the app.
fn download(key: &Value) -> NamedTempFile {
    let file = NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), key.to_string()).expect("a file");
    file
}

/// Returns the path of a file.
fn path(file: &NamedTempFile) -> &str {
    file.path().to_str().expect("UTF-8")
}

/// Makes a key, and an object `calm` whose key a person is asked to upload. Returns the key, and the ID of the action.
async fn request_upload(tenant: &Tenant<'_>) -> (Value, String) {
    let key = tenant.make_key().await;
    tenant.write_secret("pasted", &key).await;
    tenant.apply_for_secret("calm", "pasted").await;
    let object = tenant.await_ready("calm", "Unknown", "ActionRequired").await;
    let action = object.status.and_then(|status| status.action).expect("an action");
    (key, action.id)
}

/// A command at a terminal.
struct Terminal(PtySession);

impl Terminal {
    /// Starts a command as the cluster admin, in the tenant's namespace and in this folder.
    fn start(tenant: &Tenant<'_>, folder: &Path, arguments: &[&str]) -> Self {
        Self::start_with(tenant, folder, arguments, &[])
    }

    /// Starts a command like `start`, with these environment variables.
    fn start_with(tenant: &Tenant<'_>, folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = program("almkey");
        command.args(arguments).args(["-n", &tenant.namespace]).current_dir(folder);
        command.env("KUBECONFIG", tenant.bed.control_plane.kubeconfig("admin")).env("TERM", "xterm");
        command.envs(variables.iter().copied());
        let limit = WAIT_LIMIT.as_millis().try_into().expect("a number");
        Self(spawn_command(command, Some(limit)).expect("almkey can be started"))
    }

    /// Waits for a text, and returns the output before it.
    fn await_text(&mut self, text: &str) -> String {
        self.0.exp_string(text).unwrap_or_else(|error| panic!("{text:?} is not shown: {error}"))
    }

    /// Answers a question, and returns the rest of the output and the exit code.
    fn answer(mut self, answer: &str) -> (String, i32) {
        self.0.send_line(answer).expect("the terminal is open");
        self.finish()
    }

    /// Waits for the end of the command, and returns the rest of the output and the exit code.
    fn finish(mut self) -> (String, i32) {
        let output = self.0.exp_eof().expect("almkey ends");
        match self.0.process().wait().expect("almkey ends") {
            WaitStatus::Exited(_, code) => (output, code),
            other => panic!("{other:?}: {output}"),
        }
    }

    /// Interrupts the command by Ctrl-C, which ends it by a signal.
    fn interrupt(mut self) {
        self.0.send_control('c').expect("the terminal is open");
        let output = self.0.exp_eof().expect("almkey ends");
        let status = self.0.process().wait().expect("almkey ends");
        assert!(matches!(status, WaitStatus::Signaled(..)), "{status:?}: {output}");
    }
}
