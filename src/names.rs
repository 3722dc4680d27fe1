//! The strings that are part of an interface: names of APIs, annotations, finalizers, conditions.

/// API group of this project's kinds.
pub const GROUP: &str = "almkey.dev";
/// API version of this project's kinds.
pub const VERSION: &str = "v1alpha1";

/// Finalizer of an `ALMServiceKey`, present until no key of it is left in Landscape Management.
pub const KEY_FINALIZER: &str = "almkey.dev/landscape-management";

/// Finalizer of an `ALMTenant`, present while Landscape Management holds a key of an `ALMServiceKey` that names it.
pub const TENANT_FINALIZER: &str = "almkey.dev/keys";

/// Annotations that users set.
pub mod annotation {
    /// Requests a reconciliation of an `ALMServiceKey`. Any value other than `status.lastHandledReconcileAt` does.
    pub const RECONCILE_REQUESTED_AT: &str = "almkey.dev/reconcile-requested-at";
    /// Confirms an action in manual mode. The value is JSON, as the commands `done` and `check` write it.
    pub const CONFIRMATION: &str = "almkey.dev/confirmation";
    /// Lets the deletion of an object finish without any change in Landscape Management. The value is the object's own
    /// uid.
    pub const ABANDON: &str = "almkey.dev/abandon";
}

/// Labels that commands set.
pub mod label {
    /// Names the command that has made a Secret.
    pub const CREATED_BY: &str = "almkey.dev/created-by";
    /// Value of [`CREATED_BY`] for a Secret of `almkey upload`, which `almkey delete` deletes with its object.
    pub const UPLOAD: &str = "upload";
}

/// Field manager of every write to the API server.
pub const FIELD_MANAGER: &str = "alm-key-operator";
/// Name of the Lease of the leader election, in the operator's own namespace.
pub const LEASE: &str = "alm-key-operator";
/// The `reportingController` of every Event.
pub const REPORTER: &str = "almkey.dev/alm-key-operator";

/// Names of the `CustomResourceDefinition`s of this project.
pub mod crd {
    /// The definition of `ALMServiceKey`.
    pub const SERVICE_KEYS: &str = "almservicekeys.almkey.dev";
}

/// Condition types of an `ALMServiceKey` and an `ALMTenant`.
pub mod condition {
    /// The summary of all conditions.
    pub const READY: &str = "Ready";
    /// The key meets the upload rules.
    pub const VALID: &str = "Valid";
    /// The key signs in.
    pub const SIGNED_IN: &str = "SignedIn";
    /// The key is in Landscape Management.
    pub const UPLOADED: &str = "Uploaded";
    /// Work is in progress (kstatus). Present only while True.
    pub const RECONCILING: &str = "Reconciling";
    /// A person must act (kstatus). Present only while True.
    pub const STALLED: &str = "Stalled";
}

/// Names of the SAP BTP service operator, whose objects are read and never written.
pub mod btp {
    /// API group of `ServiceBinding`.
    pub const GROUP: &str = "services.cloud.sap.com";
    /// Storage version of `ServiceBinding`.
    pub const VERSION: &str = "v1";
    /// Kind of `ServiceBinding`.
    pub const BINDING_KIND: &str = "ServiceBinding";
    /// Plural of `ServiceBinding`.
    pub const BINDING_PLURAL: &str = "servicebindings";
    /// Name of the `CustomResourceDefinition` of `ServiceBinding`.
    pub const BINDING_CRD: &str = "servicebindings.services.cloud.sap.com";
    /// Label of the copy that keeps the old credentials during a rotation.
    pub const STALE_LABEL: &str = "services.cloud.sap.com/stale";
    /// Label of that copy with the name of the binding that was rotated.
    pub const ROTATION_OF_LABEL: &str = "services.cloud.sap.com/rotationOf";
    /// Reason of `Ready=False` of a binding that BTP no longer knows.
    pub const NOT_FOUND_REASON: &str = "NotFound";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn condition_types_are_distinct() {
        let all = [
            condition::READY,
            condition::VALID,
            condition::SIGNED_IN,
            condition::UPLOADED,
            condition::RECONCILING,
            condition::STALLED,
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn finalizers_annotations_and_labels_have_the_prefix_of_the_api_group() {
        for name in [
            KEY_FINALIZER,
            TENANT_FINALIZER,
            annotation::ABANDON,
            annotation::CONFIRMATION,
            annotation::RECONCILE_REQUESTED_AT,
            label::CREATED_BY,
        ] {
            assert_eq!(name.split('/').next(), Some(GROUP));
        }
    }
}
