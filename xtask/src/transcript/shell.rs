//! A shell of one user: it runs commands in a folder, and prints what they print.

use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;
use testkit::bed::operator::program;
use testkit::secret_scan::scan_output;

use crate::console::say;
use crate::demo::session::Session;

/// A user's shell.
pub struct Shell {
    kubeconfig: PathBuf,
    folder: TempDir,
}

impl Shell {
    /// Opens a shell of the user of a kubeconfig, in an empty folder.
    pub fn new(kubeconfig: PathBuf) -> Self {
        Self { kubeconfig, folder: TempDir::new().expect("a folder") }
    }

    /// Opens a shell of the cluster admin.
    pub fn of_admin(session: &Session) -> Self {
        Self::new(session.bed.control_plane.kubeconfig("admin"))
    }

    /// Writes a document into a file of the folder.
    pub fn write(&self, name: &str, document: &Value) {
        std::fs::write(self.folder.path().join(name), document.to_string()).expect("a file");
    }

    /// Reads a document from a file of the folder.
    pub fn read(&self, name: &str) -> Value {
        let text = std::fs::read(self.folder.path().join(name)).expect("a file");
        serde_json::from_slice(&text).expect("JSON")
    }

    /// Runs almkey and prints its output, in which no key material may be, and its exit code, which must be `code`. Returns
    /// standard output.
    pub fn almkey(&self, arguments: &[&str], code: i32) -> String {
        say(format!("\n$ almkey {}", arguments.join(" ")));
        let mut command = program("almkey");
        command.args(arguments).env("KUBECONFIG", &self.kubeconfig).current_dir(self.folder.path());
        let output = command.output().expect("almkey can be started");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        scan_output(&format!("{arguments:?}"), format!("{stdout}{stderr}").as_bytes());
        for line in stdout.lines().chain(stderr.lines()) {
            say(format!("  {line}"));
        }
        say(format!("  (exit code {})", output.status.code().unwrap_or_default()));
        assert_eq!(output.status.code(), Some(code), "the exit code of almkey {}", arguments.join(" "));
        stdout
    }
}
