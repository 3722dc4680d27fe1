//! The programs of the control plane: found, or built from their Go modules.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::control_plane::Error;

const LDFLAGS: &str = "-s -w -X k8s.io/component-base/version.gitVersion=v1.37.2 \
    -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37";

/// Name and Go package of each program.
const PROGRAMS: [(&str, &str); 4] = [
    ("etcd", "go.etcd.io/etcd/server/v3"),
    ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
    ("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"),
    ("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
];

/// How often a long build says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Where the programs are.
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
        fs::create_dir_all(&cache).map_err(|error| Error::file(&cache, error))?;
        let lock_path = cache.join("lock");
        let lock = File::create(&lock_path).map_err(|error| Error::file(&lock_path, error))?;
        // Two test runs must not build the same thing at once; the second then finds it done.
        lock.lock().map_err(|error| Error::file(&lock_path, error))?;
        let missing: Vec<_> = PROGRAMS.iter().filter(|(name, _)| find(&cache, name).is_none()).collect();
        if !missing.is_empty() {
            announce(&missing, &cache);
        }
        for (number, (name, package)) in missing.iter().enumerate() {
            build(&cache, name, package, &format!("[{}/{}]", number + 1, missing.len()))?;
        }
        let found = |name: &str| find(&cache, name).ok_or_else(|| Error::Build(format!("{name} is missing")));
        Ok(Self {
            etcd: found("etcd")?,
            kube_apiserver: found("kube-apiserver")?,
            kube_controller_manager: found("kube-controller-manager")?,
            kubectl: found("kubectl")?,
        })
    }
}

fn find(cache: &Path, name: &str) -> Option<PathBuf> {
    let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    assets.into_iter().chain([cache.to_owned()]).map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn module() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/controlplane")
}

/// A folder for exactly these versions, outside the work tree.
fn cache() -> Result<PathBuf, Error> {
    let mut hash = Sha256::new();
    for file in ["go.mod", "go.sum"] {
        let path = module().join(file);
        hash.update(fs::read(&path).map_err(|error| Error::file(&path, error))?);
    }
    hash.update(LDFLAGS);
    let version = hash.finalize().iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let root = variable("ALMKEY_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("alm-key-operator")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/alm-key-operator")))
        .ok_or_else(|| Error::Build("neither ALMKEY_CACHE nor HOME is set".into()))?;
    Ok(root.join("controlplane").join(format!("{version:016x}")))
}

#[expect(clippy::print_stderr, reason = "a build of minutes must not be silent")]
fn announce(missing: &[&(&str, &str)], cache: &Path) {
    let names: Vec<_> = missing.iter().map(|(name, _)| *name).collect();
    eprintln!(
        "Building {} from Go modules: once, 8 to 11 minutes on two cores when nothing is cached.\n\
         They are kept in {}; KUBEBUILDER_ASSETS can name a folder that has them already.",
        names.join(", "),
        cache.display()
    );
}

#[expect(clippy::print_stderr, reason = "a build of minutes must not be silent")]
fn build(cache: &Path, name: &str, package: &str, progress: &str) -> Result<(), Error> {
    let started = Instant::now();
    let unfinished = cache.join(format!("{name}.unfinished"));
    let log = cache.join(format!("{name}.log"));
    eprintln!("{progress} {name}: building");
    let errors = File::create(&log).map_err(|error| Error::file(&log, error))?;
    let mut child = Command::new("go")
        .args(["build", "-trimpath", "-ldflags", LDFLAGS, "-o"])
        .arg(&unfinished)
        .arg(package)
        .current_dir(module())
        .env("CGO_ENABLED", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn()
        .map_err(|error| Error::Build(format!("go cannot be started ({error}): install Go 1.26 or newer")))?;
    let mut told = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|error| Error::Build(error.to_string()))? {
            break status;
        }
        if told.elapsed() >= HEARTBEAT {
            told = Instant::now();
            eprintln!("{progress} {name}: {} s so far", started.elapsed().as_secs());
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    if !status.success() {
        let errors = fs::read_to_string(&log).unwrap_or_default();
        return Err(Error::Build(format!("go build of {name} failed:\n{errors}")));
    }
    let finished = cache.join(name);
    fs::rename(&unfinished, &finished).map_err(|error| Error::file(&finished, error))?;
    eprintln!("{progress} {name}: built in {} s", started.elapsed().as_secs());
    Ok(())
}
