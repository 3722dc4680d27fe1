//! A control plane: etcd, kube-apiserver and optionally kube-controller-manager, on free loopback ports.

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kube::{Client, Config};

use super::binaries::Binaries;
use super::commands::{self, Ports};
use super::directory::Directory;
use super::error::Error;
use super::kubeconfig::{self, Token, User, admin};
use super::kubernetes::Kubernetes;
use super::process::Supervised;
use super::{certificates, readiness};

/// Upper bound of starts. Another process may take a port between our finding it free and our using it.
const MAX_STARTS: usize = 5;

/// Settings of a control plane.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Run kube-controller-manager: it deletes namespaces, collects owned objects, and aggregates roles.
    pub controller_manager: bool,
    /// Destination of the audit log, which holds users, verbs and objects, but no content.
    pub audit: Audit,
    /// Users besides `admin`, who may do everything.
    pub users: Vec<User>,
}

/// Destination of the audit log.
#[derive(Clone, Debug, Default)]
pub enum Audit {
    /// No audit log.
    #[default]
    Off,
    /// A file beside the control plane's other files, deleted with them.
    Beside,
    /// A file that is kept.
    In(PathBuf),
}

impl Audit {
    fn log(&self, directory: &Path) -> Option<PathBuf> {
        match self {
            Self::Off => None,
            Self::Beside => Some(directory.join("audit.log")),
            Self::In(file) => Some(file.clone()),
        }
    }
}

/// A running control plane. No process and no file of it outlives this value or this process.
pub struct ControlPlane {
    // Dropped in this order: the processes end before the folder is deleted.
    _controller_manager: Option<Supervised>,
    pub(super) api_server: Supervised,
    pub(super) etcd: Supervised,
    directory: Directory,
    pub(super) binaries: Binaries,
    pub(super) ports: Ports,
    audit_log: Option<PathBuf>,
    /// CA certificate of the API server, in PEM.
    ca: String,
}

impl ControlPlane {
    /// Builds the programs of a version that are missing, and reports the progress. A start does so too.
    ///
    /// # Errors
    /// A program could not be built.
    pub fn build(version: Kubernetes) -> Result<(), Error> {
        Binaries::find_or_build(version).map(drop)
    }

    /// Returns true if every program is there, so that a start takes seconds.
    #[must_use]
    pub fn is_built() -> bool {
        Kubernetes::chosen().is_ok_and(Binaries::are_found)
    }

    /// Starts a control plane and waits until it is ready.
    ///
    /// # Errors
    /// A program could not be built, or a process did not come up.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let binaries = find_or_build().await?;
        let mut tries = 1;
        loop {
            match start_once(&binaries, &options).await {
                Err(error) if error.is_taken_port() && tries < MAX_STARTS => tries += 1,
                done => return done,
            }
        }
    }

    /// Returns the folder of files and logs, which is deleted with this value unless `ALMKEY_KEEP_LOGS` is set.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Returns the path of the audit log, a JSON object in each line, if there is one.
    #[must_use]
    pub fn audit_log(&self) -> Option<&Path> {
        self.audit_log.as_deref()
    }

    /// Returns the URL of the API server.
    #[must_use]
    pub fn server(&self) -> String {
        server(self.ports)
    }

    /// Returns the URL of etcd, which has no access control.
    #[must_use]
    pub fn etcd(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.etcd)
    }

    /// Returns the path of a user's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self, user: &str) -> PathBuf {
        kubeconfig::path(self.directory(), user)
    }

    /// Returns the configuration of a user's client, for clients with timeouts or layers of their own.
    ///
    /// # Errors
    /// There is no such user.
    pub async fn client_config(&self, user: &str) -> Result<Config, Error> {
        readiness::client_config(self.directory(), user).await
    }

    /// Returns a client of a user.
    ///
    /// # Errors
    /// There is no such user.
    pub async fn client(&self, user: &str) -> Result<Client, Error> {
        readiness::client(self.directory(), user).await
    }

    /// Returns a command that runs kubectl as a user.
    #[must_use]
    pub fn kubectl(&self, user: &str) -> Command {
        let mut command = Command::new(&self.binaries.kubectl);
        // The discovery cache is in HOME, and must not outlive the server.
        command.env("KUBECONFIG", self.kubeconfig(user)).env("HOME", self.directory());
        command
    }

    /// Applies YAML as `admin`.
    ///
    /// # Errors
    /// kubectl failed.
    pub fn apply(&self, yaml: &str) -> Result<(), Error> {
        self.apply_with(&["-f", "-"], yaml)
    }

    /// Applies a kustomization as `admin`.
    ///
    /// # Errors
    /// kubectl failed.
    pub fn apply_path(&self, folder: &Path) -> Result<(), Error> {
        self.apply_with(&["-k", &folder.display().to_string()], "")
    }

    fn apply_with(&self, source: &[&str], input: &str) -> Result<(), Error> {
        let failed = |error: std::io::Error| Error::Command(format!("kubectl apply: {error}"));
        let mut child = self
            .kubectl("admin")
            .args(["apply", "--server-side", "--validate=strict"])
            .args(source)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).map_err(failed)?;
        }
        let output = child.wait_with_output().map_err(failed)?;
        if output.status.success() {
            return Ok(());
        }
        Err(Error::Command(format!("kubectl apply {source:?}: {}", String::from_utf8_lossy(&output.stderr))))
    }

    /// Writes a kubeconfig with this name and this token, and returns its path.
    ///
    /// # Errors
    /// The file could not be written.
    pub fn kubeconfig_with(&self, name: &str, token: &str) -> Result<PathBuf, Error> {
        let user = User { name: name.into(), groups: Vec::new() };
        kubeconfig::write(self.directory(), &self.server(), &self.ca, &user, &Token(token.into()))?;
        Ok(kubeconfig::path(self.directory(), name))
    }

    /// Returns the command that starts the API server, each time on the same port and the same data.
    pub(super) fn api_server_command(&self) -> Result<Command, Error> {
        commands::api_server(&self.binaries, self.directory(), self.ports, self.audit_log.as_deref())
    }
}

/// Finds or builds the programs on a thread that no runtime waits for, so that Ctrl-C during a build ends the program at
/// once.
async fn find_or_build() -> Result<Binaries, Error> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    // The receiver may be gone by then.
    std::thread::spawn(move || drop(sender.send(Kubernetes::chosen().and_then(Binaries::find_or_build))));
    receiver.await.unwrap_or_else(|_| Err(Error::Build("the build panicked".into())))
}

async fn start_once(binaries: &Binaries, options: &Options) -> Result<ControlPlane, Error> {
    let folder = Directory::create()?;
    let directory = folder.path();
    let users: Vec<(User, Token)> =
        std::iter::once(admin()).chain(options.users.iter().cloned()).map(|user| (user, Token::random())).collect();
    kubeconfig::write_tokens(&commands::tokens(directory), &users)?;
    let ports = free_ports()?;
    let ca = certificates::create(directory)?;
    for (user, token) in &users {
        kubeconfig::write(directory, &server(ports), &ca, user, token)?;
    }
    let mut etcd = spawn("etcd", &mut commands::etcd(binaries, directory, ports), directory)?;
    let audit_log = options.audit.log(directory);
    let mut command = commands::api_server(binaries, directory, ports, audit_log.as_deref())?;
    let mut api_server = spawn("kube-apiserver", &mut command, directory)?;
    readiness::api_server(directory, &mut etcd, &mut api_server).await?;
    let controller_manager = options
        .controller_manager
        .then(|| spawn("kube-controller-manager", &mut commands::controller_manager(binaries, directory), directory))
        .transpose()?;
    Ok(ControlPlane {
        _controller_manager: controller_manager,
        api_server,
        etcd,
        directory: folder,
        binaries: binaries.clone(),
        ports,
        audit_log,
        ca,
    })
}

fn server(ports: Ports) -> String {
    format!("https://127.0.0.1:{}", ports.api)
}

pub(super) fn spawn(name: &str, command: &mut Command, directory: &Path) -> Result<Supervised, Error> {
    let mut log = directory.join(format!("{name}.log"));
    let mut number = 2;
    // The logs of earlier starts stay readable.
    while log.exists() {
        log = directory.join(format!("{name}-{number}.log"));
        number += 1;
    }
    Supervised::spawn(name, command, log.clone()).map_err(|error| Error::file(&log, error))
}

/// Returns three different ports that are free at this moment.
fn free_ports() -> Result<Ports, Error> {
    let failed = |error: std::io::Error| Error::Command(format!("no free port: {error}"));
    let bind = || TcpListener::bind(("127.0.0.1", 0)).map_err(failed);
    let listeners = [bind()?, bind()?, bind()?];
    let port = |listener: &TcpListener| listener.local_addr().map(|address| address.port()).map_err(failed);
    Ok(Ports { etcd: port(&listeners[0])?, etcd_peers: port(&listeners[1])?, api: port(&listeners[2])? })
}
