//! No process and no file of the tests or the demo outlives them, however they end.

use std::io::{BufRead, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::OWN_CONTROL_PLANES;
use testkit::bed::WAIT_LIMIT;
use testkit::control_plane::Supervised;

/// Returns the command of `make demo`.
fn demo() -> Command {
    let mut command = Command::new(testkit::bed::operator::binary("xtask"));
    command.arg("demo");
    command
}

/// Returns the running processes that name this folder in their command line or environment.
fn processes_of(folder: &Path) -> Vec<String> {
    let output = Command::new("ps").args(["axeww", "-o", "args="]).output().expect("ps runs");
    let folder = folder.display().to_string();
    String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.contains(&folder)).map(str::to_owned).collect()
}

/// Sends `signal` to a running demo; fails if the demo does not end at once with this exit code (none after a kill), or
/// leaves processes or files behind.
fn assert_demo_cleans_up_after(signal: &str, code: Option<i32>) {
    let _place = futures::executor::block_on(OWN_CONTROL_PLANES.acquire()).expect("never closed");
    let folder = tempfile::tempdir().expect("a folder");
    let errors = tempfile::NamedTempFile::new().expect("a file");
    let mut child = demo()
        .env("TMPDIR", folder.path())
        .stdout(Stdio::piped())
        .stderr(errors.reopen().expect("another handle"))
        .spawn()
        .expect("the demo can be started");
    // Kept open to the end: a closed pipe would make the demo panic, and end its processes early.
    let mut output = BufReader::new(child.stdout.take().expect("its output")).lines().map_while(Result::ok);
    let running = output.any(|line| line.contains("operator run"));
    let errors = || std::fs::read_to_string(errors.path()).expect("its standard error");
    assert!(running, "the demo never reported that everything runs: {}", errors());
    assert!(processes_of(folder.path()).len() >= 5, "etcd, kube-apiserver, simulator, operator and the demo run");

    let kill = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().expect("kill runs");
    assert!(kill.success());
    assert_eq!(child.wait().expect("the demo exits").code(), code, "the demo went on after {signal}");

    let deadline = Instant::now() + WAIT_LIMIT;
    loop {
        let left = processes_of(folder.path());
        let files = std::fs::read_dir(folder.path()).expect("the folder").count();
        if left.is_empty() && files == 0 {
            return;
        }
        assert!(Instant::now() < deadline, "{signal} left {files} files and {left:#?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_demo_runs_to_its_end() {
    let _place = futures::executor::block_on(OWN_CONTROL_PLANES.acquire()).expect("never closed");
    let output = demo().output().expect("the demo can be started");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.contains("operator run"), "{printed}");
}

#[test]
fn ctrl_c_leaves_no_process_and_no_file_behind() {
    assert_demo_cleans_up_after("INT", Some(130));
}

#[test]
fn a_termination_leaves_no_process_and_no_file_behind() {
    assert_demo_cleans_up_after("TERM", Some(130));
}

#[test]
fn a_kill_leaves_no_process_and_no_file_behind() {
    assert_demo_cleans_up_after("KILL", None);
}

#[test]
fn a_panic_leaves_no_process_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let mark = folder.path().join("sleeper").display().to_string();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600; true", &mark]);
        let _sleeper = Supervised::spawn("sleeper", &mut command, folder.path().join("log")).expect("sh runs");
        assert_eq!(processes_of(folder.path()).len(), 1);
        panic!("on purpose");
    }));

    assert!(panicked.is_err());
    assert_eq!(processes_of(folder.path()), Vec::<String>::new());
}
