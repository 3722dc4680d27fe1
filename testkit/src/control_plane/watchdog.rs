//! A watchdog that ends our processes and deletes our folders, however this process ends: return, panic, Ctrl-C or
//! SIGKILL.
//!
//! It is an `sh` that reads a pipe. Only this process holds the other end open, and announces each process and folder on
//! it. When the pipe ends, the watchdog cleans up. It has a process group of its own, so that Ctrl-C does not reach it.

use std::io::{Error, ErrorKind, Result, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The script of the watchdog. It reads `+ PID` and `- PID` for process groups, `d PATH` for files and folders.
///
/// Paths are kept in `"$@"`, the one list of `sh` whose entries may hold white space: a path that is split would delete
/// another folder. If the leader of a group exits, the rest of the group is killed at once. Folders are deleted after
/// the exit of the processes that write into them. That wait is short: a process that its new parent does not reap
/// seems to run.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
pids=""
set --
while read -r what value; do
  case "$what" in
    +) pids="$pids $value" ;;
    -) kill -s KILL -- "-$value" 2>/dev/null
       kept=""; for pid in $pids; do [ "$pid" = "$value" ] || kept="$kept $pid"; done; pids="$kept" ;;
    d) set -- "$@" "$value" ;;
  esac
done
send() { for pid in $pids; do kill -s "$1" -- "-$pid" 2>/dev/null; done; }
await() {
  for try in $1; do
    left=""; for pid in $pids; do kill -s 0 -- "-$pid" 2>/dev/null && left=1; done
    [ -n "$left" ] || return
    sleep 0.1
  done
}
send TERM; send CONT; await "1 2 3 4 5 6 7 8 9 10"
send KILL; await "1 2 3 4 5"
for try in 1 2 3 4 5; do rm -rf -- "$@" && break; sleep 0.1; done
"#;

struct Watchdog {
    input: ChildStdin,
    _process: Child,
}

/// Announces a process that leads a group of its own.
pub(super) fn watch(pid: u32) -> Result<()> {
    announce(&format!("+ {pid}"))
}

/// Announces that a process has exited.
pub(super) fn unwatch(pid: u32) {
    // Without a watchdog nothing has to be announced.
    let _ = announce(&format!("- {pid}"));
}

/// Announces a file or folder, which is deleted when this process ends.
pub(super) fn delete_at_end(path: &Path) -> Result<()> {
    match path.to_str() {
        Some(text) if path.is_absolute() && !text.contains('\n') => announce(&format!("d {text}")),
        _ => Err(Error::new(ErrorKind::InvalidInput, "not an absolute path in one line of UTF-8")),
    }
}

fn announce(line: &str) -> Result<()> {
    static WATCHDOG: OnceLock<Result<Mutex<Watchdog>>> = OnceLock::new();
    match WATCHDOG.get_or_init(start) {
        Ok(watchdog) => {
            let mut watchdog = watchdog.lock().unwrap_or_else(PoisonError::into_inner);
            // A single write, so that the line arrives as a whole or not at all.
            watchdog.input.write_all(format!("{line}\n").as_bytes())
        }
        Err(error) => Err(Error::new(error.kind(), format!("no watchdog: {error}"))),
    }
}

fn start() -> Result<Mutex<Watchdog>> {
    let mut process = Command::new("sh")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    let input = process.stdin.take().ok_or_else(|| Error::other("the watchdog has no input"))?;
    Ok(Mutex::new(Watchdog { input, _process: process }))
}
