//! A container without a container engine: the unpacked image as the read-only root of a process, by its user.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use testkit::bed::TestBed;

use super::unpack;

/// Folder in which a kubelet mounts the token of a service account.
const SERVICE_ACCOUNT: &str = "var/run/secrets/kubernetes.io/serviceaccount";

/// Script that makes `$1` read-only, and runs the other arguments in it. Root can become any user; another user only in a
/// user namespace.
const ENTER_AS_ROOT: &str = r#"mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"
root=$1; shift; exec chroot --userspec=65532:65532 --groups= "$root" "$@""#;
const ENTER_AS_USER: &str = r#"mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"
root=$1; shift; exec unshare --user --map-user=65532 --map-group=65532 --root="$root" --wd=/ -- "$@""#;

/// The unpacked image for this machine, and what a kubelet adds to it.
pub struct Container {
    root: TempDir,
}

impl Container {
    /// Unpacks the image.
    pub fn unpack() -> Self {
        let root = unpack(if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" });
        // The user of the image must be able to enter.
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).expect("the root is ours");
        Self { root }
    }

    /// Returns the path of a file of the container on this machine.
    pub fn path(&self, file: &str) -> PathBuf {
        self.root.path().join(file)
    }

    /// Writes a file that the user of the image may read.
    pub fn write(&self, file: &str, contents: &str) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, contents).expect("a file");
    }

    /// Mounts the service account of the operator, as a kubelet does.
    pub fn mount_service_account(&self, bed: &TestBed) {
        let kubeconfig = fs::read_to_string(bed.kubeconfig()).expect("the kubeconfig");
        let kubeconfig: serde_json::Value = serde_yaml_ng::from_str(&kubeconfig).expect("YAML");
        let token = kubeconfig["users"][0]["user"]["token"].as_str().expect("a token");
        self.write(&format!("{SERVICE_ACCOUNT}/token"), token);
        self.write(&format!("{SERVICE_ACCOUNT}/ca.crt"), &bed.api_server_ca());
        self.write(&format!("{SERVICE_ACCOUNT}/namespace"), testkit::names::NAMESPACE);
    }

    /// Returns a command that runs the program of the image, with an environment of these variables only.
    pub fn command(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
        let mut command = Command::new("unshare");
        let is_root = is_root();
        if !is_root {
            command.args(["--user", "--map-root-user"]);
        }
        let script = if is_root { ENTER_AS_ROOT } else { ENTER_AS_USER };
        command
            .args(["--mount", "--", "sh", "-euc", script, "sh"])
            .arg(self.root.path())
            .arg("/almkey")
            .args(arguments);
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).envs(environment.iter().copied());
        command
    }
}

/// A process, as the kernel shows it.
pub struct Process(u32);

impl Process {
    /// Returns a process by its id.
    pub fn of(id: u32) -> Self {
        Self(id)
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(Path::new("/proc").join(self.0.to_string()).join(file)).expect("the process runs")
    }

    /// Returns true if it runs as the user of the image, on this machine or in its user namespace.
    pub fn has_user_of_image(&self) -> bool {
        let first = |text: &str, word: usize| text.split_whitespace().nth(word).map(str::to_owned);
        let status = self.read("status");
        let line = status.lines().find(|line| line.starts_with("Uid:")).expect("a user");
        first(line, 1).is_some_and(|user| user == "65532")
            || first(&self.read("uid_map"), 0).is_some_and(|user| user == "65532")
    }

    /// Returns the capabilities that it may use, in hexadecimal.
    pub fn capabilities(&self) -> u64 {
        let status = self.read("status");
        let line = status.lines().find_map(|line| line.strip_prefix("CapEff:")).expect("capabilities");
        u64::from_str_radix(line.trim(), 16).expect("a number")
    }

    /// Returns true if its root is mounted read-only.
    pub fn has_read_only_root(&self) -> bool {
        let mounts = self.read("mountinfo");
        let root = mounts.lines().rfind(|line| line.split(' ').nth(4) == Some("/")).expect("a root");
        root.split(' ').nth(5).is_some_and(|options| options.split(',').any(|option| option == "ro"))
    }
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("id can be started");
    output.stdout.trim_ascii() == b"0"
}
