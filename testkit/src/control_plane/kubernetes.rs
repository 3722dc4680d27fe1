//! The versions of Kubernetes that the control plane can have.

use super::error::Error;
use super::go_build::{GoModule, Program};

/// The environment variable that chooses the version.
const VARIABLE: &str = "ALMKEY_KUBERNETES";

pub(super) const ETCD: Program = Program { name: "etcd", package: "go.etcd.io/etcd/server/v3" };
const API_SERVER: Program = Program { name: "kube-apiserver", package: "k8s.io/kubernetes/cmd/kube-apiserver" };
const CONTROLLER_MANAGER: Program =
    Program { name: "kube-controller-manager", package: "k8s.io/kubernetes/cmd/kube-controller-manager" };
const KUBECTL: Program = Program { name: "kubectl", package: "k8s.io/kubernetes/cmd/kubectl" };

/// The newest version. Without a version in its flags a server reports v0.0.0, and clients warn.
pub(super) const NEWEST: GoModule = GoModule {
    name: "controlplane",
    programs: &[ETCD, API_SERVER, CONTROLLER_MANAGER, KUBECTL],
    ldflags: "-s -w -X k8s.io/component-base/version.gitVersion=v1.37.2 \
    -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37",
    tags: "",
    duration: "8 to 11 minutes",
};

/// The etcd of the newest version, which serves the oldest one too.
pub(super) const ETCD_ALONE: GoModule = GoModule { programs: &[ETCD], duration: "1 minute", ..NEWEST };

/// The oldest version that the operator supports.
pub(super) const OLDEST: GoModule = GoModule {
    name: "controlplane-oldest",
    programs: &[API_SERVER, CONTROLLER_MANAGER, KUBECTL],
    ldflags: "-s -w -X k8s.io/component-base/version.gitVersion=v1.33.13 \
    -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=33",
    tags: "",
    duration: "5 to 8 minutes",
};

/// A supported version of Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kubernetes {
    /// The newest one, or the one in `KUBEBUILDER_ASSETS`.
    Newest,
    /// The oldest one that the operator supports.
    Oldest,
}

impl Kubernetes {
    /// Returns the version that `ALMKEY_KUBERNETES` chooses; by default the newest one.
    ///
    /// # Errors
    /// The variable has another value than `newest` and `oldest`.
    pub fn chosen() -> Result<Self, Error> {
        Self::read(std::env::var_os(VARIABLE).unwrap_or_default().to_string_lossy().as_ref())
    }

    /// Returns the variable of the environment that chooses this version, and its value.
    #[must_use]
    pub fn variable(self) -> (&'static str, &'static str) {
        let value = match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
        };
        (VARIABLE, value)
    }

    fn read(value: &str) -> Result<Self, Error> {
        match value {
            "" | "newest" => Ok(Self::Newest),
            "oldest" => Ok(Self::Oldest),
            other => Err(Error::Build(format!("{VARIABLE} is {other:?}, but must be `newest` or `oldest`"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_newest_one_unless_the_oldest_is_chosen() {
        assert_eq!(Kubernetes::read("").ok(), Some(Kubernetes::Newest));
        for version in [Kubernetes::Newest, Kubernetes::Oldest] {
            assert_eq!(Kubernetes::read(version.variable().1).ok(), Some(version));
        }
    }

    #[test]
    fn another_choice_of_a_version_is_an_error_that_names_the_two() {
        let error = Kubernetes::read("1.20").expect_err("there is no such choice").to_string();
        assert!(error.contains("ALMKEY_KUBERNETES is \"1.20\", but must be `newest` or `oldest`"), "{error}");
    }
}
