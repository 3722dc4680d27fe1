//! Every string that crosses the wire and means something to somebody else, in one place.

/// API group of this project's kinds.
pub const GROUP: &str = "almkey.dev";
/// API version of this project's kinds.
pub const VERSION: &str = "v1alpha1";

/// Keeps an `ALMServiceKey` until nothing of it is left in Landscape Management.
pub const KEY_FINALIZER: &str = "almkey.dev/landscape-management";

/// Keeps an `ALMTenant` while something of an `ALMServiceKey` that names it stands in Landscape Management.
pub const TENANT_FINALIZER: &str = "almkey.dev/keys";

/// Annotations that people write.
pub mod annotation {
    /// Asks for a pass over an `ALMServiceKey` now: any value that is not `status.lastHandledReconcileAt`.
    pub const RECONCILE_REQUESTED_AT: &str = "almkey.dev/reconcile-requested-at";
    /// The object's own uid: lets its deletion finish without anything being done in Landscape Management.
    pub const ABANDON: &str = "almkey.dev/abandon";
}

/// Field manager of every write to the API server.
pub const FIELD_MANAGER: &str = "alm-key-operator";
/// Name of the Lease that the replicas elect their leader by, in the operator's own namespace.
pub const LEASE: &str = "alm-key-operator";
/// `reportingController` of every Event.
pub const REPORTER: &str = "almkey.dev/alm-key-operator";

/// Names of the `CustomResourceDefinition`s of this project's kinds.
pub mod crd {
    /// Of `ALMServiceKey`.
    pub const SERVICE_KEYS: &str = "almservicekeys.almkey.dev";
}

/// Condition types of an `ALMServiceKey` and an `ALMTenant`.
pub mod condition {
    /// The summary: read this one.
    pub const READY: &str = "Ready";
    /// The key keeps the four rules of the upload.
    pub const VALID: &str = "Valid";
    /// The key signs in.
    pub const SIGNED_IN: &str = "SignedIn";
    /// The key stands in Landscape Management.
    pub const UPLOADED: &str = "Uploaded";
    /// kstatus: work is under way. Present only while True.
    pub const RECONCILING: &str = "Reconciling";
    /// kstatus: nothing moves until somebody acts. Present only while True.
    pub const STALLED: &str = "Stalled";
}

/// What the SAP BTP service operator writes. Read only, never written by us.
pub mod btp {
    /// API group of `ServiceBinding`.
    pub const GROUP: &str = "services.cloud.sap.com";
    /// Storage version of `ServiceBinding`.
    pub const VERSION: &str = "v1";
    /// Kind of a binding.
    pub const BINDING_KIND: &str = "ServiceBinding";
    /// Plural of a binding.
    pub const BINDING_PLURAL: &str = "servicebindings";
    /// Name of the `CustomResourceDefinition` of `ServiceBinding`.
    pub const BINDING_CRD: &str = "servicebindings.services.cloud.sap.com";
    /// Label of the copy that keeps the old credentials during a rotation.
    pub const STALE_LABEL: &str = "services.cloud.sap.com/stale";
    /// Reason of `Ready=False` when BTP does not know the binding any more.
    pub const NOT_FOUND_REASON: &str = "NotFound";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_condition_types_share_a_name() {
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
    fn a_finalizer_or_annotation_belongs_to_our_group() {
        for name in [KEY_FINALIZER, TENANT_FINALIZER, annotation::ABANDON, annotation::RECONCILE_REQUESTED_AT] {
            assert_eq!(name.split('/').next(), Some(GROUP));
        }
    }
}
