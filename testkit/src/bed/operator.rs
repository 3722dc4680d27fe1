//! The operator as a process.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::waiting::{WAIT_LIMIT, wait_for};
use crate::control_plane::Supervised;
use crate::secret_scan::{admin_address, plain_client};

const POLL: Duration = Duration::from_millis(20);

/// A running operator.
pub struct Operator {
    process: Supervised,
    /// Path of its log.
    pub log: PathBuf,
    /// Address of its admin server, once it is known. The log that has it may be long.
    admin_address: OnceLock<String>,
}

impl Operator {
    /// Starts an operator with the rights of its service account.
    pub fn start(
        build: Build,
        kubeconfig: &Path,
        directory: &Path,
        name: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let mut command = program_of(build, "almkey");
        command.arg("operator").args(arguments);
        command.env("KUBECONFIG", kubeconfig).envs(environment.iter().copied());
        Self::spawn(&mut command, directory, name)
    }

    /// Starts an operator by any command, such as one that enters an image.
    pub fn spawn(command: &mut Command, directory: &Path, name: &str) -> Self {
        let log = directory.join(format!("{name}.log"));
        let process = Supervised::spawn(name, command, log.clone()).expect("the operator can be started");
        Self { process, log, admin_address: OnceLock::new() }
    }

    /// Returns the address of its admin server.
    pub fn admin_address(&self) -> &str {
        self.admin_address.get_or_init(|| {
            let line = self.await_lines("admin server listens", 1).remove(0);
            admin_address(&line).expect("the line holds the address")
        })
    }

    /// Returns status and body of an answer of its admin server.
    pub async fn admin(&self, path: &str) -> (u16, String) {
        let address = self.admin_address();
        let answer =
            plain_client().get(format!("http://{address}{path}")).send().await.expect("the admin server answers");
        (answer.status().as_u16(), answer.text().await.expect("a body"))
    }

    /// Waits until it reports that it is ready.
    pub async fn await_ready(&self) {
        wait_for(&format!("/readyz of {}", self.process.name()), async {
            while self.admin("/readyz").await.0 != 200 {
                tokio::time::sleep(POLL).await;
            }
        })
        .await;
    }

    /// Kills the process, as a crash would.
    pub fn kill(mut self) {
        self.process.kill_and_wait();
    }

    /// Asks the process to stop. Returns true if it exited by itself and with success.
    pub fn stop(mut self) -> bool {
        self.signal("TERM");
        self.wait_exit().is_some_and(|status| status.success())
    }

    /// Sends the process a signal, such as TERM, STOP or CONT.
    pub fn signal(&mut self, signal: &str) {
        self.process.signal(signal);
    }

    /// Returns the process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Returns true if the process has not exited.
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// Waits until the process has exited by itself. Returns none if it does not.
    pub fn wait_exit(&mut self) -> Option<ExitStatus> {
        self.process.wait_exit(WAIT_LIMIT)
    }

    /// Waits until `count` lines of its log contain `text`, and returns them.
    pub fn await_lines(&self, text: &str, count: usize) -> Vec<String> {
        let deadline = Instant::now() + WAIT_LIMIT;
        loop {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            // A line without its end may still be growing.
            let complete = log.rsplit_once('\n').map_or("", |(complete, _)| complete);
            let lines: Vec<_> = complete.lines().filter(|line| line.contains(text)).map(str::to_owned).collect();
            if lines.len() >= count {
                return lines;
            }
            assert!(Instant::now() < deadline, "{} never logged {text:?} {count} times:\n{log}", self.process.name());
            std::thread::sleep(POLL);
        }
    }
}

/// Variables that a program of ours gets from the environment of the tests: where other programs and files are.
pub(crate) const INHERITED: [&str; 4] = ["HOME", "PATH", "RUST_BACKTRACE", "TMPDIR"];

/// A build of the programs of this workspace: one of cargo's profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// The build beside the running program.
    Debug,
    /// The build that is released.
    Release,
}

/// Returns a command that runs a program of this workspace. Of the environment it gets these variables only: a test must
/// not depend on a proxy, on colours, or on `CI`, which decides over colours too.
pub fn program(name: &str) -> Command {
    program_of(Build::Debug, name)
}

/// Returns a command like [`program`], for a program of a build.
pub(super) fn program_of(build: Build, name: &str) -> Command {
    let mut command = Command::new(binary_of(build, name));
    command.env_clear().envs(INHERITED.iter().filter_map(|variable| Some((variable, std::env::var_os(variable)?))));
    command
}

/// Returns the path of a program of this workspace, built beside the running one.
pub fn binary(name: &str) -> PathBuf {
    binary_of(Build::Debug, name)
}

/// Returns the path of a program of a build.
fn binary_of(build: Build, name: &str) -> PathBuf {
    let mut directory = std::env::current_exe().expect("this program has a path");
    directory.pop();
    if directory.ends_with("deps") || directory.ends_with("examples") {
        directory.pop();
    }
    if build == Build::Release {
        directory = directory.with_file_name("release");
    }
    let path = directory.join(name);
    assert!(path.exists(), "{} does not exist: `cargo build --workspace --bins` builds it", path.display());
    path
}
