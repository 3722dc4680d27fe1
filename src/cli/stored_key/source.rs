//! The source of an object, read with the user's rights by the code of the operator.

use crate::api::ALMServiceKey;
use crate::api::service_key::{SecretRef, ServiceBindingRef};
use crate::cli::cluster::{Cluster, Failure, Kind};
use crate::domain::reason::Reason;
use crate::source::observed_deletions::ObservedDeletions;
use crate::source::resolve::{Located, NoDocument, Resolver, SourceObject};

/// The reason why a source has no document.
pub(in crate::cli) struct Absence {
    /// The reason that the conditions of the object would have.
    pub(in crate::cli) reason: Reason,
    /// The message that they would have.
    pub(in crate::cli) message: String,
}

/// Reads the source of an object of the chosen namespace.
pub(in crate::cli) async fn read_source(
    cluster: &Cluster,
    object: &ALMServiceKey,
) -> Result<Result<Located, Absence>, Failure> {
    let server = cluster.api_server();
    let observed_deletions = ObservedDeletions::default();
    let resolver = Resolver {
        cluster: &server,
        namespace: &cluster.namespace,
        observed_deletions: &observed_deletions,
        recorded_uid: None,
    };
    let source = &object.spec.source;
    let found = match (&source.service_binding_ref, &source.secret_ref) {
        (Some(ServiceBindingRef { name }), _) => resolver.binding(name).await,
        (None, Some(SecretRef { name, key })) => resolver.secret(name, key.as_deref()).await,
        (None, None) => {
            let message = "spec.source names neither serviceBindingRef nor secretRef".to_owned();
            Err(NoDocument::Uncertain(Reason::WaitingForSecret, message))
        }
    };
    Ok(match found {
        Ok(located) => Ok(located),
        Err(NoDocument::Uncertain(reason, message)) => Err(Absence { reason, message }),
        Err(NoDocument::Gone(_, message)) => Err(Absence { reason: Reason::SourceGone, message }),
        // The definition is read only if the API server does not know the kind. Users seldom may read definitions.
        Err(NoDocument::Unreadable(SourceObject::BindingDefinition, _)) => {
            let message = "the API server does not know the kind ServiceBinding".to_owned();
            Err(Absence { reason: Reason::WaitingForBinding, message })
        }
        Err(NoDocument::Unreadable(SourceObject::Binding(_), error)) => {
            return Err(cluster.failure(cluster.access_to("get", Kind::Bindings), error));
        }
        Err(NoDocument::Unreadable(SourceObject::Secret(_), error)) => {
            return Err(cluster.failure(cluster.access_to("get", Kind::Secrets), error));
        }
    })
}
