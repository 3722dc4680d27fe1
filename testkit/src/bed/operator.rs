//! The operator as a process.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use crate::control_plane::Supervised;

const POLL: Duration = Duration::from_millis(20);

/// A running operator.
pub struct Operator {
    process: Supervised,
    /// Where it logs to.
    pub log: PathBuf,
}

impl Operator {
    /// Starts one with the rights of its service account.
    pub fn start(kubeconfig: &Path, directory: &Path, name: &str, arguments: &[&str]) -> Self {
        let log = directory.join(format!("{name}.log"));
        let mut command = Command::new(binary("almkey"));
        command.arg("operator").args(arguments);
        command.env("KUBECONFIG", kubeconfig);
        let process = Supervised::spawn(name, &mut command, log.clone()).expect("the operator can be started");
        Self { process, log }
    }

    /// What its admin server answers: status and body.
    pub async fn admin(&self, path: &str) -> (u16, String) {
        let line = self.await_lines("admin server listens", 1).remove(0);
        let address = crate::secret_scan::admin_address(&line).expect("it says where");
        let answer = reqwest::get(format!("http://{address}{path}")).await.expect("it answers");
        (answer.status().as_u16(), answer.text().await.expect("a body"))
    }

    /// Kills it as a crash would.
    pub fn kill(mut self) {
        self.process.kill_and_wait();
    }

    /// Asks it to stop; whether it went by itself, and with success.
    pub fn stop(mut self) -> bool {
        self.signal("TERM");
        self.ended().is_some_and(|status| status.success())
    }

    /// Sends it a signal, such as TERM, STOP or CONT.
    pub fn signal(&mut self, signal: &str) {
        self.process.signal(signal);
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// Waits until it has ended by itself; none if it does not.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.wait_exit(super::WAIT_LIMIT)
    }

    /// Waits until so many lines of its log hold `text`, and returns them.
    pub fn await_lines(&self, text: &str, count: usize) -> Vec<String> {
        let deadline = Instant::now() + super::WAIT_LIMIT;
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

/// A program of this package, built beside the running one.
pub fn binary(name: &str) -> PathBuf {
    let mut directory = std::env::current_exe().expect("this program has a path");
    directory.pop();
    if directory.ends_with("deps") || directory.ends_with("examples") {
        directory.pop();
    }
    let path = directory.join(name);
    assert!(path.exists(), "{} is built by `cargo build --bins`", path.display());
    path
}
