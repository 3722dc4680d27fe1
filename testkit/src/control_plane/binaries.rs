//! The programs of the control plane, found or built.

use std::path::PathBuf;

use super::error::Error;
use super::go_build::Places;
use super::go_cache::{built_program, cached_program};
use super::kubernetes::{ETCD, ETCD_ALONE, Kubernetes, NEWEST, OLDEST};

/// Paths of the programs.
#[derive(Clone, Debug)]
pub(super) struct Binaries {
    pub(super) etcd: PathBuf,
    pub(super) kube_apiserver: PathBuf,
    pub(super) kube_controller_manager: PathBuf,
    pub(super) kubectl: PathBuf,
}

impl Binaries {
    /// Finds each program of a version, and builds those that are missing.
    pub(super) fn find_or_build(version: Kubernetes) -> Result<Self, Error> {
        match version {
            Kubernetes::Newest => {
                let cache = NEWEST.find_or_build()?;
                Self::from(built_program(&cache, ETCD.name)?, |name| built_program(&cache, name))
            }
            Kubernetes::Oldest => {
                let etcd = ETCD_ALONE.program(ETCD.name)?;
                let cache = OLDEST.find_in_cache_or_build()?;
                Self::from(etcd, |name| cached_program(&cache, name))
            }
        }
    }

    fn from(etcd: PathBuf, program: impl Fn(&str) -> Result<PathBuf, Error>) -> Result<Self, Error> {
        Ok(Self {
            etcd,
            kube_apiserver: program("kube-apiserver")?,
            kube_controller_manager: program("kube-controller-manager")?,
            kubectl: program("kubectl")?,
        })
    }

    /// Returns true if nothing must be built for a version.
    pub(super) fn are_found(version: Kubernetes) -> bool {
        match version {
            Kubernetes::Newest => NEWEST.is_built(Places::AssetsAndCache),
            Kubernetes::Oldest => ETCD_ALONE.is_built(Places::AssetsAndCache) && OLDEST.is_built(Places::Cache),
        }
    }
}
