//! Child processes that never outlive their parent.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::watchdog;

/// Time that a process gets to exit by itself.
pub(super) const GRACE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(20);

/// A child in a process group of its own. It is ended when this value is dropped, or else by the watchdog.
pub struct Supervised {
    name: String,
    child: Child,
    log: PathBuf,
    exit: Option<ExitStatus>,
}

impl Supervised {
    /// Starts `command` with stdout and stderr in `log`.
    ///
    /// # Errors
    /// The command cannot be started.
    pub fn spawn(name: &str, command: &mut Command, log: PathBuf) -> std::io::Result<Self> {
        let file = File::create(&log)?;
        command.stdout(file.try_clone()?).stderr(file);
        Self::start(name, command, log)
    }

    /// Starts `command` with stderr in `log`, and returns its stdout.
    ///
    /// # Errors
    /// The command cannot be started.
    pub fn spawn_piped(name: &str, command: &mut Command, log: PathBuf) -> std::io::Result<(Self, ChildStdout)> {
        command.stdout(Stdio::piped()).stderr(File::create(&log)?);
        let mut process = Self::start(name, command, log)?;
        let output = process.child.stdout.take().ok_or_else(|| std::io::Error::other("no output"))?;
        Ok((process, output))
    }

    fn start(name: &str, command: &mut Command, log: PathBuf) -> std::io::Result<Self> {
        let child = command.stdin(Stdio::null()).process_group(0).spawn()?;
        // If the watchdog cannot be reached, dropping this value ends the child.
        let process = Self { name: name.into(), child, log, exit: None };
        watchdog::watch(process.pid())?;
        Ok(process)
    }

    /// Returns the process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns the name of the process in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the last lines of the log.
    #[must_use]
    pub fn log_end(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// Sends the process group a signal, such as TERM, KILL, STOP or CONT. Does nothing once the process has exited, as the
    /// id may belong to another process by then.
    pub fn signal(&mut self, signal: &str) {
        if self.is_running() {
            let group = format!("-{}", self.child.id());
            let _ = Command::new("kill").args(["-s", signal, "--", &group]).status();
        }
    }

    /// Returns true if the process has not exited.
    pub fn is_running(&mut self) -> bool {
        if self.exit.is_none() {
            self.exit = self.child.try_wait().ok().flatten();
            if self.exit.is_some() {
                watchdog::unwatch(self.child.id());
            }
        }
        self.exit.is_none()
    }

    /// Waits until the process exits by itself. Returns none if it has not done so after `limit`.
    pub fn wait_exit(&mut self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        while self.is_running() && Instant::now() < deadline {
            std::thread::sleep(POLL);
        }
        self.exit
    }

    /// Kills the process group, as a crash would.
    pub fn kill_and_wait(&mut self) {
        self.signal("KILL");
        self.wait_exit(GRACE);
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.signal("TERM");
        // A suspended process handles no signal before it is resumed.
        self.signal("CONT");
        if self.wait_exit(GRACE).is_none() {
            self.kill_and_wait();
        }
    }
}
