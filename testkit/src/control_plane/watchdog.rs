//! Sees to it that no process and no folder outlives this one, however it ends: return, panic, Ctrl-C or SIGKILL.
//!
//! One `sh` reads a pipe that only this process holds open. It is told of each process and folder; when the pipe ends,
//! it ends those that are left. It has a process group of its own, so that Ctrl-C does not reach it first.

use std::io::{Error, ErrorKind, Result, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

/// `+ PID` and `- PID` for process groups, `d PATH` for files and folders.
///
/// Paths are kept in `"$@"`, the one list of `sh` whose entries may hold white space: a split path would delete
/// somebody else's folder. What a leader leaves of its group when it ends is killed at once. Ended processes are awaited
/// before their folder is deleted, lest they write into it again; not for long, as who inherited them may be slow to
/// reap them, and until then they seem to be there.
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
tell() { for pid in $pids; do kill -s "$1" -- "-$pid" 2>/dev/null; done; }
await() {
  for try in $1; do
    left=""; for pid in $pids; do kill -s 0 -- "-$pid" 2>/dev/null && left=1; done
    [ -n "$left" ] || return
    sleep 0.1
  done
}
tell TERM; tell CONT; await "1 2 3 4 5 6 7 8 9 10"
tell KILL; await "1 2 3 4 5"
for try in 1 2 3 4 5; do rm -rf -- "$@" && break; sleep 0.1; done
"#;

struct Watchdog {
    input: ChildStdin,
    _process: Child,
}

/// Tells the watchdog of a process that leads a group of its own.
pub(super) fn watch(pid: u32) -> Result<()> {
    tell(&format!("+ {pid}"))
}

/// Tells the watchdog that a process has ended.
pub(super) fn unwatch(pid: u32) {
    // Without a watchdog there is nothing left to tell.
    let _ = tell(&format!("- {pid}"));
}

/// Hands a file or folder over: it is deleted at the end, if it is still there.
pub(super) fn delete_at_end(path: &Path) -> Result<()> {
    match path.to_str() {
        Some(text) if path.is_absolute() && !text.contains('\n') => tell(&format!("d {text}")),
        _ => Err(Error::new(ErrorKind::InvalidInput, "not an absolute path in one line of UTF-8")),
    }
}

fn tell(line: &str) -> Result<()> {
    static WATCHDOG: OnceLock<Result<Mutex<Watchdog>>> = OnceLock::new();
    match WATCHDOG.get_or_init(start) {
        Ok(watchdog) => {
            let mut watchdog = watchdog.lock().unwrap_or_else(PoisonError::into_inner);
            // One write, so that a line is there as a whole or not at all.
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
