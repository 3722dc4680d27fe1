//! The programs of the control plane, found or built.

use std::path::PathBuf;

use super::error::Error;
use super::go_build::{GoModule, Program};
use super::go_cache::built_program;

/// The module of the programs. Without a version in its flags a server reports v0.0.0, and clients warn.
const MODULE: GoModule = GoModule {
    name: "controlplane",
    programs: &[
        Program { name: "etcd", package: "go.etcd.io/etcd/server/v3" },
        Program { name: "kube-apiserver", package: "k8s.io/kubernetes/cmd/kube-apiserver" },
        Program { name: "kube-controller-manager", package: "k8s.io/kubernetes/cmd/kube-controller-manager" },
        Program { name: "kubectl", package: "k8s.io/kubernetes/cmd/kubectl" },
    ],
    ldflags: "-s -w -X k8s.io/component-base/version.gitVersion=v1.37.2 \
    -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37",
    tags: "",
    duration: "8 to 11 minutes",
};

/// Paths of the programs.
#[derive(Clone, Debug)]
pub(super) struct Binaries {
    pub(super) etcd: PathBuf,
    pub(super) kube_apiserver: PathBuf,
    pub(super) kube_controller_manager: PathBuf,
    pub(super) kubectl: PathBuf,
}

impl Binaries {
    /// Finds each program, and builds those that are missing.
    pub(super) fn find_or_build() -> Result<Self, Error> {
        let cache = MODULE.find_or_build()?;
        let program = |name: &str| built_program(&cache, name);
        Ok(Self {
            etcd: program("etcd")?,
            kube_apiserver: program("kube-apiserver")?,
            kube_controller_manager: program("kube-controller-manager")?,
            kubectl: program("kubectl")?,
        })
    }

    /// Returns true if nothing must be built.
    pub(super) fn are_found() -> bool {
        MODULE.is_built()
    }
}
