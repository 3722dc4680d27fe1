//! Child processes that leave nothing behind.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::watchdog;

/// How long a process may take to end by itself.
pub(super) const GRACE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(20);

/// A child in a process group of its own, ended when this value is dropped, and by the watchdog if it never is.
pub struct Supervised {
    name: String,
    child: Child,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

impl Supervised {
    /// Starts `command` with its output in `log`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn spawn(name: &str, command: &mut Command, log: PathBuf) -> std::io::Result<Self> {
        let file = File::create(&log)?;
        command.stdout(file.try_clone()?).stderr(file);
        Self::start(name, command, log)
    }

    /// Starts `command` with its errors in `log` and its output for the caller to read.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn spawn_piped(name: &str, command: &mut Command, log: PathBuf) -> std::io::Result<(Self, ChildStdout)> {
        command.stdout(Stdio::piped()).stderr(File::create(&log)?);
        let mut process = Self::start(name, command, log)?;
        let output = process.child.stdout.take().ok_or_else(|| std::io::Error::other("no output"))?;
        Ok((process, output))
    }

    fn start(name: &str, command: &mut Command, log: PathBuf) -> std::io::Result<Self> {
        let child = command.stdin(Stdio::null()).process_group(0).spawn()?;
        // Nobody but this value ends it if the watchdog cannot be told.
        let process = Self { name: name.into(), child, log, ended: None };
        watchdog::watch(process.pid())?;
        Ok(process)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it is called in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The last lines of its log.
    #[must_use]
    pub fn log_end(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// Sends it and its children a signal, such as TERM, KILL, STOP or CONT; none once it has ended, as its id may be
    /// somebody else's by then.
    pub fn signal(&mut self, signal: &str) {
        if self.is_running() {
            let group = format!("-{}", self.child.id());
            let _ = Command::new("kill").args(["-s", signal, "--", &group]).status();
        }
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
            if self.ended.is_some() {
                watchdog::unwatch(self.child.id());
            }
        }
        self.ended.is_none()
    }

    /// Waits until it ends by itself; none if it has not after `patience`.
    pub fn wait_exit(&mut self, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        while self.is_running() && Instant::now() < deadline {
            std::thread::sleep(POLL);
        }
        self.ended
    }

    /// Ends it at once, as a crash would.
    pub fn kill_and_wait(&mut self) {
        self.signal("KILL");
        self.wait_exit(GRACE);
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.signal("TERM");
        // A stopped process would not hear it.
        self.signal("CONT");
        if self.wait_exit(GRACE).is_none() {
            self.kill_and_wait();
        }
    }
}
