//! The console while a command runs: on a terminal cargo's own progress, in a log a line now and then.

use std::io::{self, IsTerminal as _, Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The longest silence in a log.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Prints a line.
pub fn say(line: impl AsRef<str>) {
    // A closed pipe must not break what runs.
    let _ = writeln!(io::stdout().lock(), "{}", line.as_ref());
}

/// Prints a line to standard error.
pub fn complain(line: impl AsRef<str>) {
    let _ = writeln!(io::stderr().lock(), "{}", line.as_ref());
}

/// Returns true if a person watches: then cargo draws its own progress.
pub fn is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// The output of one command, and how long it has been silent.
pub struct Output {
    state: Mutex<State>,
}

struct State {
    started: Instant,
    last: Instant,
    /// Nothing was printed since the last line break.
    is_at_line_start: bool,
    collected: Vec<u8>,
}

impl Output {
    /// Returns the output of a command that begins now.
    pub fn new() -> Self {
        let now = Instant::now();
        let state = State { started: now, last: now, is_at_line_start: true, collected: Vec::new() };
        Self { state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Copies a stream of the command until its end. What is collected can be read when the command has ended.
    pub fn copy(&self, mut from: impl Read, mut to: Option<impl Write>, collects: bool) {
        let mut buffer = [0; 8192];
        while let Ok(length) = from.read(&mut buffer) {
            let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else { return };
            let mut state = self.state();
            if let Some(to) = &mut to {
                let _ = to.write_all(bytes).and_then(|()| to.flush());
                state.last = Instant::now();
                state.is_at_line_start = bytes.ends_with(b"\n");
            }
            if collects {
                state.collected.extend_from_slice(bytes);
            }
        }
    }

    /// Prints, after a long silence, that the command is still running.
    pub fn beat(&self, activity: &str, command: &str) {
        let mut state = self.state();
        if state.last.elapsed() < HEARTBEAT {
            return;
        }
        if !state.is_at_line_start {
            complain("");
        }
        complain(format!("still {activity}, {} s so far: {command}", state.started.elapsed().as_secs()));
        (state.last, state.is_at_line_start) = (Instant::now(), true);
    }

    /// Returns what was collected.
    pub fn collected(&self) -> String {
        String::from_utf8_lossy(&self.state().collected).into_owned()
    }
}
