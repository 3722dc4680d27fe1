//! The kinds of this project, as commands read and change their objects.

use std::fmt::Debug;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

use super::access::Kind;
use super::{Access, Cluster, Failure};
use crate::api::confirmation::ConfirmationStatus;
use crate::api::{ALMServiceKey, ALMTenant};

/// A kind of this project.
pub(in crate::cli) trait Object:
    Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static
{
    /// The kind in an access.
    const KIND: Kind;

    /// Returns the API of the objects: those of the chosen namespace, if the kind has namespaces.
    fn api(cluster: &Cluster) -> Api<Self>;

    /// Returns the failure of a command whose object does not exist.
    fn not_found(cluster: &Cluster, name: &str) -> Failure;

    /// Returns the generation that the operator has seen, and the conditions; none if there is no status yet.
    fn conditions(&self) -> Option<(i64, &[Condition])>;

    /// Returns the result of the last confirmation that was made for the object.
    fn last_confirmation(&self) -> Option<&ConfirmationStatus>;

    /// Returns the access to the objects.
    fn access(cluster: &Cluster, verb: &'static str) -> Access {
        let namespace = (Self::KIND == Kind::Keys).then(|| cluster.namespace.clone());
        Access { verb, kind: Self::KIND, namespace }
    }
}

impl Object for ALMServiceKey {
    const KIND: Kind = Kind::Keys;

    fn api(cluster: &Cluster) -> Api<Self> {
        Api::namespaced(cluster.client.clone(), &cluster.namespace)
    }

    fn not_found(cluster: &Cluster, name: &str) -> Failure {
        Failure::NotFound { name: name.to_owned(), namespace: cluster.namespace.clone() }
    }

    fn conditions(&self) -> Option<(i64, &[Condition])> {
        self.status.as_ref().map(|status| (status.observed_generation, status.conditions.as_slice()))
    }

    fn last_confirmation(&self) -> Option<&ConfirmationStatus> {
        self.status.as_ref()?.last_confirmation.as_ref()
    }
}

impl Object for ALMTenant {
    const KIND: Kind = Kind::Tenants;

    fn api(cluster: &Cluster) -> Api<Self> {
        Api::all(cluster.client.clone())
    }

    fn not_found(_: &Cluster, name: &str) -> Failure {
        Failure::NoTenant { name: name.to_owned() }
    }

    fn conditions(&self) -> Option<(i64, &[Condition])> {
        self.status.as_ref().map(|status| (status.observed_generation, status.conditions.as_slice()))
    }

    fn last_confirmation(&self) -> Option<&ConfirmationStatus> {
        self.status.as_ref()?.last_confirmation.as_ref()
    }
}
