//! etcd, kube-apiserver and, if wanted, kube-controller-manager on free loopback ports.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use super::binaries::Binaries;
use super::kubeconfig::{self, Token, admin};
use super::process::Supervised;
use super::watchdog;

pub use super::kubeconfig::{User, service_account_user};

/// A start takes about 4 s.
const PATIENCE: Duration = Duration::from_mins(1);
/// Somebody else may take a port between finding it free and using it.
const TRIES: usize = 5;

/// Why there is no control plane.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program could not be built.
    #[error("could not build the control plane: {0}")]
    Build(String),
    /// A file could not be used.
    #[error("could not use {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A process ended, or did not come up.
    #[error("{name} did not come up; its last words:\n{last_words}")]
    NotUp {
        /// Which.
        name: String,
        /// The end of its log.
        last_words: String,
    },
    /// A command failed.
    #[error("{0}")]
    Command(String),
    /// The API server refused us.
    #[error(transparent)]
    Kube(#[from] Box<kube::Error>),
}

impl Error {
    pub(super) fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }
}

/// What is wanted of it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Namespaces can be deleted, and owned objects are collected.
    pub controller_manager: bool,
    /// Who may talk to it besides `admin`, who may do everything.
    pub users: Vec<User>,
}

/// A running control plane. Nothing of it is left when this value, or this process, has gone.
pub struct ControlPlane {
    // In this order they are ended.
    _controller_manager: Option<Supervised>,
    _api_server: Supervised,
    _etcd: Supervised,
    binaries: Binaries,
    directory: PathBuf,
    server: String,
}

impl ControlPlane {
    /// Starts one.
    ///
    /// # Errors
    /// It could not be built, or did not come up.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let start = move || {
            let binaries = Binaries::find_or_build()?;
            let mut last = None;
            for _ in 0..TRIES {
                match start_once(&binaries, &options) {
                    Err(Error::NotUp { name, last_words }) if last_words.contains("address already in use") => {
                        last = Some(Error::NotUp { name, last_words });
                    }
                    done => return done,
                }
            }
            Err(last.unwrap_or_else(|| Error::Command("no port was free".into())))
        };
        tokio::task::spawn_blocking(start).await.map_err(|error| Error::Command(error.to_string()))?
    }

    /// Where its files and logs are; deleted with it.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The kubeconfig of a user.
    #[must_use]
    pub fn kubeconfig(&self, user: &str) -> PathBuf {
        kubeconfig::path(&self.directory, user)
    }

    /// A client for a user.
    ///
    /// # Errors
    /// There is no such user.
    pub async fn client(&self, user: &str) -> Result<Client, Error> {
        let path = self.kubeconfig(user);
        let command = |error: &dyn std::fmt::Display| Error::Command(format!("{}: {error}", path.display()));
        let kubeconfig = Kubeconfig::read_from(&path).map_err(|error| command(&error))?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .map_err(|error| command(&error))?;
        Client::try_from(config).map_err(|error| Error::Kube(Box::new(error)))
    }

    /// kubectl as a user.
    #[must_use]
    pub fn kubectl(&self, user: &str) -> Command {
        let mut command = Command::new(&self.binaries.kubectl);
        // Its cache of what the server serves must not outlive the server.
        command.env("KUBECONFIG", self.kubeconfig(user)).env("HOME", &self.directory);
        command
    }

    /// Applies a text as `admin`.
    ///
    /// # Errors
    /// It was refused.
    pub fn apply(&self, yaml: &str) -> Result<(), Error> {
        self.apply_with(&["-f", "-"], yaml)
    }

    /// Applies a kustomization as `admin`.
    ///
    /// # Errors
    /// It was refused.
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

    /// URL of the API server.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }
}

fn start_once(binaries: &Binaries, options: &Options) -> Result<ControlPlane, Error> {
    let temporary = tempfile::Builder::new().prefix("almkey-").tempdir();
    let directory = temporary.map_err(|error| Error::file(Path::new("the temporary directory"), error))?.keep();
    watchdog::delete_at_end(&directory).map_err(|error| Error::file(&directory, error))?;
    let users: Vec<(User, Token)> =
        std::iter::once(admin()).chain(options.users.iter().cloned()).map(|user| (user, Token::random())).collect();
    kubeconfig::write_tokens(&directory.join("tokens.csv"), &users)?;
    service_account_key(&directory)?;
    let [client_port, peer_port, api_port] = free_ports()?;
    let mut etcd = spawn("etcd", &mut etcd_command(binaries, &directory, client_port, peer_port), &directory)?;
    let mut api_server =
        spawn("kube-apiserver", &mut api_server_command(binaries, &directory, client_port, api_port), &directory)?;
    let server = format!("https://127.0.0.1:{api_port}");
    let ca = directory.join("certificates/apiserver.crt");
    for (user, token) in &users {
        kubeconfig::write(&directory, &server, &ca, user, token)?;
    }
    await_ready(binaries, &directory, &mut [&mut etcd, &mut api_server])?;
    let controller_manager = options
        .controller_manager
        .then(|| spawn("kube-controller-manager", &mut controller_manager_command(binaries, &directory), &directory))
        .transpose()?;
    Ok(ControlPlane {
        _controller_manager: controller_manager,
        _api_server: api_server,
        _etcd: etcd,
        binaries: binaries.clone(),
        directory,
        server,
    })
}

fn spawn(name: &str, command: &mut Command, directory: &Path) -> Result<Supervised, Error> {
    let log = directory.join(format!("{name}.log"));
    Supervised::spawn(name, command, log.clone()).map_err(|error| Error::file(&log, error))
}

fn etcd_command(binaries: &Binaries, directory: &Path, client_port: u16, peer_port: u16) -> Command {
    let (client, peer) = (format!("http://127.0.0.1:{client_port}"), format!("http://127.0.0.1:{peer_port}"));
    let mut command = Command::new(&binaries.etcd);
    command
        .arg(format!("--data-dir={}", directory.join("etcd").display()))
        .arg(format!("--listen-client-urls={client}"))
        .arg(format!("--advertise-client-urls={client}"))
        .arg(format!("--listen-peer-urls={peer}"))
        .arg(format!("--initial-advertise-peer-urls={peer}"))
        .arg(format!("--initial-cluster=default={peer}"))
        .args(["--unsafe-no-fsync", "--log-level=warn"]);
    command
}

fn api_server_command(binaries: &Binaries, directory: &Path, etcd_port: u16, port: u16) -> Command {
    let key = directory.join("service-account.key");
    let mut command = Command::new(&binaries.kube_apiserver);
    command
        .arg(format!("--etcd-servers=http://127.0.0.1:{etcd_port}"))
        .arg(format!("--cert-dir={}", directory.join("certificates").display()))
        .arg(format!("--secure-port={port}"))
        .arg(format!("--token-auth-file={}", directory.join("tokens.csv").display()))
        .arg(format!("--service-account-key-file={}", key.display()))
        .arg(format!("--service-account-signing-key-file={}", key.display()))
        .args([
            "--bind-address=127.0.0.1",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--authorization-mode=RBAC",
            "--disable-admission-plugins=ServiceAccount",
        ]);
    command
}

fn controller_manager_command(binaries: &Binaries, directory: &Path) -> Command {
    let mut command = Command::new(&binaries.kube_controller_manager);
    command.arg(format!("--kubeconfig={}", kubeconfig::path(directory, "admin").display())).args([
        "--controllers=namespace-controller,garbage-collector-controller",
        "--leader-elect=false",
        "--secure-port=0",
    ]);
    command
}

fn service_account_key(directory: &Path) -> Result<(), Error> {
    let path = directory.join("service-account.key");
    let output = Command::new("openssl").args(["genrsa", "-out"]).arg(&path).arg("2048").output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(Error::Command(format!("openssl: {}", String::from_utf8_lossy(&output.stderr)))),
        Err(error) => Err(Error::Command(format!("openssl cannot be started ({error}): install it"))),
    }
}

/// Three different ports that are free just now.
fn free_ports() -> Result<[u16; 3], Error> {
    let failed = |error: std::io::Error| Error::Command(format!("no free port: {error}"));
    let bind = || TcpListener::bind(("127.0.0.1", 0)).map_err(failed);
    let listeners = [bind()?, bind()?, bind()?];
    let port = |listener: &TcpListener| listener.local_addr().map(|address| address.port()).map_err(failed);
    Ok([port(&listeners[0])?, port(&listeners[1])?, port(&listeners[2])?])
}

/// Waits until the API server says that it is ready and `kube-system` is there.
fn await_ready(binaries: &Binaries, directory: &Path, processes: &mut [&mut Supervised]) -> Result<(), Error> {
    let deadline = Instant::now() + PATIENCE;
    let ask = |arguments: &[&str]| {
        let mut command = Command::new(&binaries.kubectl);
        command.env("KUBECONFIG", kubeconfig::path(directory, "admin")).env("HOME", directory);
        command.args(arguments).output().is_ok_and(|output| output.status.success())
    };
    loop {
        for process in processes.iter_mut() {
            if !process.is_running() || Instant::now() > deadline {
                return Err(Error::NotUp { name: process.name().into(), last_words: process.last_words() });
            }
        }
        let certificate = directory.join("certificates/apiserver.crt");
        if fs::exists(&certificate).unwrap_or(false)
            && ask(&["get", "--raw", "/readyz"])
            && ask(&["get", "namespace", "kube-system", "default"])
        {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
