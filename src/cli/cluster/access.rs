//! The accesses to the API server that commands need, and what to do if one is refused.

use std::fmt;

use k8s_openapi::api::core::v1::Secret;
use kube::api::ApiResource;

use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::CallError;
use crate::cluster::objects::service_binding;
use crate::process::connection;

/// A kind that commands read or change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Kind {
    /// `ALMServiceKey`.
    Keys,
    /// `ALMTenant`.
    Tenants,
    /// `ServiceBinding`.
    Bindings,
    /// Secret.
    Secrets,
}

impl Kind {
    /// Returns the resource of the API.
    pub(in crate::cli) fn resource(self) -> ApiResource {
        match self {
            Self::Keys => ApiResource::erase::<ALMServiceKey>(&()),
            Self::Tenants => ApiResource::erase::<ALMTenant>(&()),
            Self::Bindings => service_binding(),
            Self::Secrets => ApiResource::erase::<Secret>(&()),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.resource().plural)
    }
}

/// An access to objects of a kind.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Access {
    /// Verb of the API.
    pub(in crate::cli) verb: &'static str,
    /// Kind of the objects.
    pub(in crate::cli) kind: Kind,
    /// Their namespace. None means all namespaces.
    pub(in crate::cli) namespace: Option<String>,
}

impl Access {
    /// Returns what to do about a failed call.
    pub(super) fn remedy(&self, error: &CallError) -> String {
        match (error.status(), error) {
            (Some(404), _) if self.verb == "create" => {
                "the namespace does not exist, or alm-key-operator is not installed in this cluster".into()
            }
            (Some(404), _) if matches!(self.kind, Kind::Keys | Kind::Tenants) => {
                "alm-key-operator is not installed in this cluster, or this is another cluster".into()
            }
            (Some(400 | 409 | 422), _) => "the API server refused the request for the cause below".into(),
            (None, CallError::Api(kube::Error::SerdeError(_))) => {
                "this version of almkey cannot decode the answer: use the version of the operator".into()
            }
            (None, CallError::Api(kube::Error::Auth(_))) => "check the login of the kubeconfig's user".into(),
            _ => connection::remedy(error, &format!("{self} ({})", self.role())),
        }
    }

    /// Names the role with this right. None of the shipped ones has a right on Secrets, so that a user who may manage keys
    /// cannot read them; and none may change tenants.
    pub(in crate::cli) fn role(&self) -> &'static str {
        match (self.kind, self.verb) {
            (Kind::Tenants, "get" | "list" | "watch") => "role almkey-tenant-viewer",
            (Kind::Tenants, _) => "role cluster-admin",
            (Kind::Keys, "get" | "list" | "watch") => "role almkey-view",
            (Kind::Keys, _) => "role almkey-edit",
            (Kind::Bindings, _) => "no role of alm-key-operator has it",
            (Kind::Secrets, _) => "no role of alm-key-operator has it; Kubernetes' own role edit does",
        }
    }
}

/// Returns true if the API server refused a call and will refuse the next one, too.
pub(super) fn is_refused(error: &CallError) -> bool {
    matches!(error.status(), Some(400 | 401 | 403 | 404))
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, kind, namespace } = self;
        write!(f, "{verb} {kind}")?;
        match (kind, namespace) {
            (Kind::Tenants, _) => Ok(()),
            (_, Some(namespace)) => write!(f, " in namespace \"{namespace}\""),
            (_, None) => f.write_str(" in all namespaces"),
        }
    }
}
