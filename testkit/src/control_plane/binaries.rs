//! The programs of the control plane, found or built.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::build::{self, LDFLAGS, Program};
use super::error::Error;

const PROGRAMS: [Program; 4] = [
    Program { name: "etcd", package: "go.etcd.io/etcd/server/v3" },
    Program { name: "kube-apiserver", package: "k8s.io/kubernetes/cmd/kube-apiserver" },
    Program { name: "kube-controller-manager", package: "k8s.io/kubernetes/cmd/kube-controller-manager" },
    Program { name: "kubectl", package: "k8s.io/kubernetes/cmd/kubectl" },
];

/// Paths of the programs.
#[derive(Clone, Debug)]
pub(super) struct Binaries {
    pub(super) etcd: PathBuf,
    pub(super) kube_apiserver: PathBuf,
    pub(super) kube_controller_manager: PathBuf,
    pub(super) kubectl: PathBuf,
}

impl Binaries {
    /// Finds each program in `KUBEBUILDER_ASSETS`, else in the cache; builds what is in neither.
    pub(super) fn find_or_build() -> Result<Self, Error> {
        let cache = cache()?;
        if missing(&cache).is_empty() {
            // A finished program is renamed into place, so that a program that is found is complete and needs no lock.
            return Self::find(&cache);
        }
        fs::create_dir_all(&cache).map_err(|error| Error::file(&cache, error))?;
        let lock_path = cache.join("lock");
        let lock = File::create(&lock_path).map_err(|error| Error::file(&lock_path, error))?;
        // Of two test runs at once the second one waits, and finds the programs built.
        if lock.try_lock().is_err() {
            build::announce_wait(&cache);
            lock.lock().map_err(|error| Error::file(&lock_path, error))?;
        }
        build::all(&missing(&cache), &cache)?;
        Self::find(&cache)
    }

    /// Returns true if nothing must be built.
    pub(super) fn are_found() -> bool {
        cache().is_ok_and(|cache| missing(&cache).is_empty())
    }

    fn find(cache: &Path) -> Result<Self, Error> {
        let program = |name: &str| find(cache, name).ok_or_else(|| Error::Build(format!("{name} is missing")));
        Ok(Self {
            etcd: program("etcd")?,
            kube_apiserver: program("kube-apiserver")?,
            kube_controller_manager: program("kube-controller-manager")?,
            kubectl: program("kubectl")?,
        })
    }
}

fn missing(cache: &Path) -> Vec<Program> {
    PROGRAMS.into_iter().filter(|program| find(cache, program.name).is_none()).collect()
}

fn find(cache: &Path, name: &str) -> Option<PathBuf> {
    let folders = variable("KUBEBUILDER_ASSETS").into_iter().chain([cache.to_owned()]);
    let path = folders.map(|folder| folder.join(name)).find(|path| path.is_file())?;
    // A child process may have another working directory.
    std::path::absolute(path).ok()
}

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Returns the cache folder of exactly these versions, outside the work tree.
fn cache() -> Result<PathBuf, Error> {
    let mut hash = Sha256::new();
    for file in ["go.mod", "go.sum"] {
        let path = build::module().join(file);
        hash.update(fs::read(&path).map_err(|error| Error::file(&path, error))?);
    }
    hash.update(LDFLAGS);
    let version = hash.finalize().iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    let root = variable("ALMKEY_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("alm-key-operator")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/alm-key-operator")))
        .ok_or_else(|| Error::Build("neither ALMKEY_CACHE nor HOME is set".into()))?;
    let cache = root.join("controlplane").join(format!("{version:016x}"));
    // `go build` runs in the folder of its module, where a relative path would mean another folder.
    std::path::absolute(&cache).map_err(|error| Error::file(&cache, error))
}
