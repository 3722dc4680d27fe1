//! A reader's shell.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::running::Running;
use crate::bed::TestBed;
use crate::bed::cluster::package;
use crate::bed::operator::{INHERITED, binary};

/// A shell in a folder, with the programs of this project and kubectl in its `PATH`.
pub struct Shell {
    folder: PathBuf,
    programs: Vec<PathBuf>,
    variables: Vec<(OsString, OsString)>,
}

impl Shell {
    /// Opens a shell of a user without a cluster, in the root of the repository.
    pub fn without_cluster() -> Self {
        Self { folder: package(), programs: Vec::new(), variables: Vec::new() }
    }

    /// Opens a shell of the cluster admin, in the root of the repository.
    pub fn of_admin(bed: &TestBed) -> Self {
        let kubectl = bed.control_plane.kubectl("admin");
        let folder_of = |program: &Path| program.parent().map(PathBuf::from).unwrap_or_default();
        let variables = kubectl.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
        Self {
            folder: package(),
            programs: vec![folder_of(Path::new(kubectl.get_program())), folder_of(&binary("almkey"))],
            variables: variables.collect(),
        }
    }

    /// Changes to another folder.
    #[must_use]
    pub fn in_folder(mut self, folder: &Path) -> Self {
        folder.clone_into(&mut self.folder);
        self
    }

    /// Finds the programs of a folder, too, before all others.
    #[must_use]
    pub fn with_programs(mut self, folder: &Path) -> Self {
        self.programs.insert(0, folder.to_owned());
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Chooses the namespace of the admin's context, by a kubeconfig of the shell's own in `folder`.
    #[must_use]
    pub fn in_namespace(self, bed: &TestBed, namespace: &str, folder: &Path) -> Self {
        let kubeconfig = folder.join("kubeconfig");
        std::fs::copy(bed.control_plane.kubeconfig("admin"), &kubeconfig).expect("a copy of the kubeconfig");
        let shell = self.with_variable("KUBECONFIG", kubeconfig);
        let set = format!("kubectl config set-context --current --namespace={namespace}");
        shell.run(&set).expect("the namespace can be set");
        shell
    }

    /// Runs a command line. Returns its standard output, or all of its output if it failed.
    ///
    /// # Errors
    /// The command fails.
    pub fn run(&self, line: &str) -> Result<String, String> {
        let output = self.command(line).output().expect("a shell");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            return Ok(text(&output.stdout));
        }
        Err(format!("{}{}", text(&output.stdout), text(&output.stderr)))
    }

    /// Starts a command line, which runs until it is interrupted.
    pub(super) fn start(&self, line: &str) -> Running {
        Running::start(&mut self.command(line))
    }

    fn command(&self, line: &str) -> Command {
        let path = env::var_os("PATH").unwrap_or_default();
        let path =
            env::join_paths(self.programs.iter().cloned().chain(env::split_paths(&path))).expect("a search path");
        let inherited = INHERITED.iter().filter_map(|name| Some((OsString::from(name), env::var_os(name)?)));
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c", line]).env_clear().envs(inherited);
        command.envs(self.variables.iter().cloned()).env("PATH", path).current_dir(&self.folder);
        command
    }
}
