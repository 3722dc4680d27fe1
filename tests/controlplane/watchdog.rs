//! Sees to it that no process and no folder outlives this one, however it ends: return, panic, Ctrl-C or SIGKILL.
//!
//! One `sh` reads a pipe that only this process holds open. It is told of each process and folder; when the pipe ends,
//! it ends those that are left. It has a process group of its own, so that Ctrl-C does not reach it first.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

/// `+ PID` and `- PID` for process groups, `d PATH` for folders.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
pids=""; folders=""
while read -r what value; do
  case "$what" in
    +) pids="$pids $value" ;;
    -) kept=""; for pid in $pids; do [ "$pid" = "$value" ] || kept="$kept $pid"; done; pids="$kept" ;;
    d) folders="$folders $value" ;;
  esac
done
for pid in $pids; do kill -s TERM -- "-$pid" 2>/dev/null; done
for try in 1 2 3 4 5 6 7 8 9 10; do
  left=""; for pid in $pids; do kill -s 0 -- "-$pid" 2>/dev/null && left="$left $pid"; done
  [ -n "$left" ] || break
  sleep 0.1
done
for pid in $pids; do kill -s KILL -- "-$pid" 2>/dev/null; done
for folder in $folders; do rm -rf -- "$folder"; done
"#;

struct Watchdog {
    input: ChildStdin,
    _process: Child,
}

/// Tells the watchdog of a process that leads a group of its own.
pub(super) fn watch(pid: u32) -> std::io::Result<()> {
    tell(&format!("+ {pid}"))
}

/// Tells the watchdog that a process has ended.
pub(super) fn unwatch(pid: u32) {
    // Without a watchdog there is nothing left to tell.
    let _ = tell(&format!("- {pid}"));
}

/// Hands a folder over: it is deleted at the end. Its path must hold no white space.
pub(super) fn delete_at_end(folder: &Path) -> std::io::Result<()> {
    tell(&format!("d {}", folder.display()))
}

fn tell(line: &str) -> std::io::Result<()> {
    static WATCHDOG: OnceLock<std::io::Result<Mutex<Watchdog>>> = OnceLock::new();
    match WATCHDOG.get_or_init(start) {
        Ok(watchdog) => {
            let mut watchdog = watchdog.lock().unwrap_or_else(PoisonError::into_inner);
            writeln!(watchdog.input, "{line}")
        }
        Err(error) => Err(std::io::Error::new(error.kind(), error.to_string())),
    }
}

fn start() -> std::io::Result<Mutex<Watchdog>> {
    let mut process = Command::new("sh")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    let input = process.stdin.take().ok_or_else(|| std::io::Error::other("the watchdog has no input"))?;
    Ok(Mutex::new(Watchdog { input, _process: process }))
}
