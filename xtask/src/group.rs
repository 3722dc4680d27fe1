//! Child processes in process groups of their own: when xtask ends, whole groups end with it.

use std::collections::BTreeSet;
use std::os::unix::process::CommandExt as _;
use std::process::{self, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Error;

/// Time that processes get to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(20);

/// All groups that are running.
struct Groups {
    leaders: BTreeSet<u32>,
    /// True from the first signal on: nothing is started any more.
    are_ending: bool,
}

static GROUPS: Mutex<Groups> = Mutex::new(Groups { leaders: BTreeSet::new(), are_ending: false });

fn groups() -> MutexGuard<'static, Groups> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running child, the leader of its group.
pub struct Child {
    process: process::Child,
    status: Option<ExitStatus>,
}

impl Child {
    /// Starts a command without input.
    pub fn spawn(command: &mut Command) -> Result<Self, Error> {
        // Locked until the child is noted, so that `end_all` misses none.
        let mut groups = groups();
        if groups.are_ending {
            return Err(Error::Interrupted);
        }
        command.stdin(Stdio::null()).process_group(0);
        let process = command.spawn().map_err(Error::not_started(command))?;
        groups.leaders.insert(process.id());
        Ok(Self { process, status: None })
    }

    /// Takes its standard output, if that is piped.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.process.stdout.take()
    }

    /// Takes its standard error, if that is piped.
    pub fn stderr(&mut self) -> Option<ChildStderr> {
        self.process.stderr.take()
    }

    /// Waits until it has ended. `on_poll` is called now and then meanwhile.
    pub fn wait(&mut self, mut on_poll: impl FnMut()) -> std::io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.process.try_wait()? {
                self.status = Some(status);
                return Ok(status);
            }
            on_poll();
            std::thread::sleep(POLL);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let id = self.process.id();
        // Of a child that succeeded nothing is left. Of one that failed, its own children may be.
        if !self.status.is_some_and(|status| status.success()) {
            signal(id, "KILL");
        }
        if self.status.is_none() {
            let _ = self.process.wait();
        }
        groups().leaders.remove(&id);
    }
}

/// Returns true if xtask is being interrupted.
pub fn are_ending() -> bool {
    groups().are_ending
}

/// Ends all groups, and sees to it that none is started any more.
pub fn end_all() {
    let leaders = {
        let mut groups = groups();
        groups.are_ending = true;
        groups.leaders.clone()
    };
    for id in &leaders {
        signal(*id, "TERM");
    }
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline && !groups().leaders.is_empty() {
        std::thread::sleep(POLL);
    }
    for id in groups().leaders.clone() {
        signal(id, "KILL");
    }
}

fn signal(leader: u32, signal: &str) {
    let group = format!("-{leader}");
    // A group that has ended already is what is wanted.
    let _ = Command::new("kill").args(["-s", signal, "--", &group]).stderr(Stdio::null()).status();
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};

    use super::*;

    #[test]
    fn a_dropped_child_takes_its_own_children_along() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & echo $!; wait"]).stdout(Stdio::piped());
        let mut child = Child::spawn(&mut command).expect("a shell");
        let mut pid = String::new();
        BufReader::new(child.stdout().expect("a pipe")).read_line(&mut pid).expect("a line");

        drop(child);

        let is_alive = || {
            let signalled = Command::new("kill").args(["-s", "0", pid.trim()]).stderr(Stdio::null()).status();
            // A zombie that init has not reaped yet can be signalled, too.
            let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
            signalled.expect("kill").success() && !state.contains(") Z ")
        };
        let deadline = Instant::now() + GRACE;
        while is_alive() && Instant::now() < deadline {
            std::thread::sleep(POLL);
        }
        assert!(!is_alive(), "the sleep outlives its shell");
    }
}
