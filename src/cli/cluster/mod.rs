//! The connection of a command to a cluster. Its flags are those of kubectl.

mod access;
mod managed_by;
mod object;
mod outcome;
mod tenant;
mod wait;

use std::fmt::Debug;
use std::path::PathBuf;

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::{DeleteParams, DynamicObject, ObjectMeta, Patch, PatchParams, PostParams, Preconditions};
use kube::config::KubeconfigError;
use kube::core::NamespaceResourceScope;
use kube::{Api, Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::api::ALMServiceKey;
use crate::cluster::objects::ApiServer;
use crate::cluster::{CallError, call, find};
use crate::domain::slot::is_object_name;
use crate::process::connection::{self, Server};

use access::is_refused;
pub(super) use access::{Access, Kind};
pub(super) use managed_by::managed_by;
pub(super) use object::Object;
pub(super) use outcome::{
    ACTION_REQUIRED, NO_ANSWER, UNKNOWN, UNSEEN, current_ready, exit_code, print_outcome, print_result, ready_text,
    result_text,
};
pub(super) use tenant::Tenant;
pub(super) use wait::{WaitFlags, call_error};

/// Field manager of what a person changes by a command.
const FIELD_MANAGER: &str = "almkey";

#[derive(clap::Args)]
pub(super) struct ClusterFlags {
    /// Kubeconfig file to use. Default: the files of KUBECONFIG, or else ~/.kube/config.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig to use. Default: its current context.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,

    /// Namespace of the keys. Default: that of the context.
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<String>,
}

/// A cluster, with the rights of the user.
pub(super) struct Cluster {
    client: Client,
    server: Server,
    /// The chosen namespace.
    pub(super) namespace: String,
}

/// The failure of a command that asks a cluster.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the kubeconfig cannot be used: --kubeconfig names another file, --context another context in it")]
    Kubeconfig(#[source] KubeconfigError),
    #[error("the kubeconfig cannot be used")]
    Client(#[source] kube::Error),
    #[error("could not {access} at {server}: {}", access.remedy(.source))]
    Call { access: Access, server: Server, source: CallError },
    #[error("could not {access} at {server}: this version of almkey cannot decode the answer")]
    UndecodableSecret { access: Access, server: Server },
    #[error("the ALMServiceKey \"{name}\" does not exist in namespace \"{namespace}\": almkey status -A shows all")]
    NotFound { name: String, namespace: String },
    #[error("the ALMTenant \"{name}\" does not exist: almkey status shows all")]
    NoTenant { name: String },
    #[error("could not write to standard output")]
    Output(#[from] std::io::Error),
}

impl Failure {
    /// Returns true if the API server denied a right.
    pub(super) fn is_forbidden(&self) -> bool {
        matches!(self, Self::Call { source, .. } if source.status() == Some(403))
    }

    /// Returns true if the API server has an object of this name already.
    pub(super) fn is_conflict(&self) -> bool {
        matches!(self, Self::Call { source, .. } if source.status() == Some(409))
    }

    /// Returns true if the API server refused the call and will refuse the next one, too.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Call { source, .. } if is_refused(source))
    }
}

impl ClusterFlags {
    /// Connects to the cluster. No call is made yet.
    pub(super) async fn connect(self) -> Result<Cluster, Failure> {
        let Self { kubeconfig, context, namespace } = self;
        let config = connection::kubeconfig(kubeconfig.as_deref(), context.as_deref());
        let config = config.await.map_err(Failure::Kubeconfig)?;
        let server = Server::new(&config);
        let namespace = namespace.unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).map_err(Failure::Client)?;
        Ok(Cluster { client, server, namespace })
    }
}

impl Cluster {
    /// Returns the API of a kind in the chosen namespace.
    pub(super) fn namespaced<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Returns the port by which the operator reads the cluster, with the rights of the user.
    pub(super) fn api_server(&self) -> ApiServer {
        ApiServer::new(self.client.clone())
    }

    /// Returns the API of a kind: in one namespace, or everywhere. Objects are read as they are, because a newer or a
    /// damaged one may not fit the types of this program.
    pub(super) fn objects(&self, kind: Kind, namespace: Option<&str>) -> Api<DynamicObject> {
        let resource = kind.resource();
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }

    /// Makes a call.
    pub(super) async fn call<T>(
        &self,
        access: Access,
        request: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, Failure> {
        call(request).await.map_err(|source| self.failure(access, source))
    }

    /// Makes a call for one object. Returns none if it does not exist.
    pub(super) async fn find<T>(
        &self,
        access: Access,
        request: impl Future<Output = kube::Result<T>>,
    ) -> Result<Option<T>, Failure> {
        find(request).await.map_err(|source| self.failure(access, source))
    }

    /// Reads a key.
    pub(super) async fn key(&self, name: &str) -> Result<ALMServiceKey, Failure> {
        self.object(name).await
    }

    /// Reads an object.
    pub(super) async fn object<K: Object>(&self, name: &str) -> Result<K, Failure> {
        let found = self.find(K::access(self, "get"), K::api(self).get(name)).await?;
        found.ok_or_else(|| K::not_found(self, name))
    }

    /// Changes a key by a merge patch.
    pub(super) async fn patch(&self, name: &str, change: &Value) -> Result<ALMServiceKey, Failure> {
        self.patch_object(name, change).await
    }

    /// Changes an object by a merge patch.
    pub(super) async fn patch_object<K: Object>(&self, name: &str, change: &Value) -> Result<K, Failure> {
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
        let (objects, change) = (K::api(self), Patch::Merge(change));
        let patched = self.find(K::access(self, "patch"), objects.patch(name, &params, &change)).await?;
        patched.ok_or_else(|| K::not_found(self, name))
    }

    /// Creates an object. No object is ever replaced.
    pub(super) async fn create<K>(&self, kind: Kind, object: &K) -> Result<K, Failure>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
    {
        let params = PostParams { field_manager: Some(FIELD_MANAGER.into()), ..PostParams::default() };
        self.call(self.access_to("create", kind), self.namespaced().create(&params, object)).await
    }

    /// Begins to delete exactly this object, and no later one of the same name. An object that does not exist any more is
    /// no failure.
    pub(super) async fn delete<K>(&self, kind: Kind, metadata: &ObjectMeta) -> Result<(), Failure>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
    {
        let preconditions = Preconditions { uid: metadata.uid.clone(), resource_version: None };
        let params = DeleteParams::default().preconditions(preconditions);
        let api: Api<K> = self.namespaced();
        let name = metadata.name.as_deref().unwrap_or_default();
        self.find(self.access_to("delete", kind), api.delete(name, &params)).await.map(drop)
    }

    /// Returns the name of the user as the API server knows it; none if it does not say.
    pub(super) async fn user(&self) -> Option<String> {
        let reviews: Api<SelfSubjectReview> = Api::all(self.client.clone());
        let review = call(reviews.create(&PostParams::default(), &SelfSubjectReview::default())).await.ok()?;
        review.status?.user_info?.username
    }

    /// Returns the access to objects of the chosen namespace.
    pub(super) fn access_to(&self, verb: &'static str, kind: Kind) -> Access {
        Access { verb, kind, namespace: Some(self.namespace.clone()) }
    }

    /// Returns the failure of a call.
    pub(super) fn failure(&self, access: Access, source: CallError) -> Failure {
        let server = self.server.clone();
        match (access.kind, source) {
            // The decoder's message quotes values.
            (Kind::Secrets, CallError::Api(kube::Error::SerdeError(_))) => {
                Failure::UndecodableSecret { access, server }
            }
            (_, source) => Failure::Call { access, server, source },
        }
    }
}

/// Parses the name of an object. A name of another form could lead to another path of the API.
pub(super) fn object_name(text: &str) -> Result<String, String> {
    let expected = "expected the name of an object: small letters, digits, '-' and '.'";
    if is_object_name(text) { Ok(text.to_owned()) } else { Err(expected.to_owned()) }
}

/// Returns a key as kubectl writes it.
pub(super) fn qualified(name: &str) -> String {
    qualified_as::<ALMServiceKey>(name)
}

/// Returns an object as kubectl writes it.
pub(super) fn qualified_as<K: Object>(name: &str) -> String {
    format!("{}/{name}", K::kind(&()).to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::iter::successors;

    use hyper::{Request, Response};
    use k8s_openapi::api::core::v1::Secret;
    use kube::Config;
    use kube::client::Body;

    use super::*;

    #[tokio::test]
    async fn a_secret_that_cannot_be_decoded_is_reported_without_its_values() {
        let server = tower::service_fn(|_: Request<Body>| async {
            let secret = br#"{"metadata":{"name":"calm"},"data":"CANARY"}"#;
            Response::builder().body(Body::from(secret.to_vec()))
        });
        let cluster = Cluster {
            client: Client::new(server, "default"),
            server: Server::new(&Config::new("https://api.example".parse().expect("a URL"))),
            namespace: "team-a".into(),
        };
        let access = cluster.access_to("get", Kind::Secrets);
        let read = cluster.find(access, cluster.namespaced::<Secret>().get("calm")).await;
        let failure: Box<dyn Error> = read.expect_err("no Secret").into();
        let causes = successors(Some(failure.as_ref()), |cause| (*cause).source()).map(ToString::to_string);
        let text = causes.collect::<Vec<_>>().join("\n");
        assert!(text.starts_with("could not get secrets in namespace \"team-a\" at https://api.example"), "{text}");
        assert!(!text.contains("CANARY"), "{text}");
    }
}
