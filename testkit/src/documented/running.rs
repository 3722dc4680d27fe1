//! A documented command that runs until it is interrupted.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

const POLL: Duration = Duration::from_millis(50);

/// A command in the background. It is interrupted, with all that it has started, when this value is dropped.
pub struct Running {
    child: Child,
    output: NamedTempFile,
}

impl Running {
    pub(super) fn start(command: &mut Command) -> Self {
        let output = NamedTempFile::new().expect("a file");
        let stream = || Stdio::from(File::options().append(true).open(output.path()).expect("the file"));
        command.stdin(Stdio::null()).stdout(stream()).stderr(stream()).process_group(0);
        Self { child: command.spawn().expect("a shell"), output }
    }

    /// Waits until the command has printed a text.
    pub fn await_text(&mut self, text: &str, limit: Duration) {
        let deadline = Instant::now() + limit;
        loop {
            let printed = std::fs::read_to_string(self.output.path()).unwrap_or_default();
            if printed.contains(text) {
                return;
            }
            let status = self.child.try_wait().expect("the command can be waited for");
            assert!(status.is_none(), "the command ended before it printed {text:?}:\n{printed}");
            assert!(Instant::now() < deadline, "the command never printed {text:?}:\n{printed}");
            std::thread::sleep(POLL);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        // A group that has ended already needs no signal.
        let _ = Command::new("kill").args(["-s", "INT", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}
