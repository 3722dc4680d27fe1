//! The closed list of reasons that a condition can give. The doc comments say meaning, cause and remedy.

use std::fmt;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// Why a condition is what it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason { $($(#[doc = $doc])+ $name,)+ }

        impl Reason {
            /// All of them, in the order of their documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word as it stands in a condition.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }
        }
    };
}

reasons! {
    /// The key stands in Landscape Management and signs in. Nothing to do.
    Uploaded,
    /// The key keeps the four rules of the upload. Nothing to do.
    Valid,
    /// The token endpoint accepted the key. Nothing to do.
    SignedIn,
    /// `spec.mode` is `Observe`, and `Enforce` would change nothing in Landscape Management. Nothing to do.
    Observed,
    /// `spec.mode` is `Observe`, and `Enforce` would change what Landscape Management holds; the message says how. Set the mode to `Enforce` if that is right.
    WouldChange,
    /// `spec.suspend` is set: nothing is asked and nothing is written, but a deletion. Set it to false to go on.
    Suspended,
    /// Landscape Management of the tenant answers and accepts the operator's credentials. Nothing to do.
    Connected,
    /// Work is under way and has not shown a result yet. Wait; if it stays, the operator is not running.
    Progressing,
    /// No `ALMTenant` of the name in `spec.tenantRef` exists. Ask the cluster admin for it, or mend the name.
    WaitingForTenant,
    /// The `ServiceBinding` does not exist yet, or has no credentials yet. Apply it, or look at its own conditions.
    WaitingForBinding,
    /// The Secret does not exist. If it belongs to a `ServiceBinding`, touch that binding (an annotation will do): the SAP BTP service operator does not notice by itself that its Secret is gone.
    WaitingForSecret,
    /// The Secret that the binding names is not controlled by that binding, or is labelled stale, and so does not count. Give the binding a Secret name of its own.
    SourceNotOwned,
    /// The API server did not answer for the source, or the operator may not read it. Grant the role; it is tried again.
    SourceUnreadable,
    /// The `ALMTenant` does not admit this namespace: nothing is uploaded, and what stands there stays. Ask the cluster admin to add it to `spec.allowedNamespaces`.
    NamespaceNotAllowed,
    /// The `ALMTenant` is being deleted: nothing is uploaded any more, and what stands there can still be removed. Delete this object too.
    TenantTerminating,
    /// An older `ALMTenant` has the same `spec.identityZone`: this one is not used. Delete one of the two.
    DuplicateTenant,
    /// The source is gone, and nothing of ours is left in Landscape Management. Delete this object, or apply the source again.
    SourceGone,
    /// The source is gone, and the key will be removed from Landscape Management when `spec.gracePeriod` or the proof allows. Apply the source again to keep the key.
    RemovalPending,
    /// The source holds no JSON object. Use the key exactly as it was downloaded.
    InvalidJSON,
    /// `uaa.identityzone` is not that of the `ALMTenant`. Use a key of this tenant or name the tenant of this key.
    WrongTenant,
    /// `uaa.clientid` or `uaa.clientsecret` is missing, as in x509 and hide-secret keys. Make a key with a client secret.
    MissingCredentials,
    /// `uaa.credential-type` is not accepted by the `ALMTenant`. Make another key or extend `spec.acceptedCredentialTypes`.
    UnsupportedCredentialType,
    /// `uaa.url` is not an https URL of a host that the `ALMTenant` allows. Use an unchanged key or extend `spec.signIn.hosts`.
    TokenHostNotAllowed,
    /// A field of `endpoints` does not point at a host that the `ALMTenant` allows: it would lead managed systems astray. Use an unchanged key or extend `spec.endpointHosts`.
    EndpointNotAllowed,
    /// The key has a scope that keys for Landscape Management must not have: it was made for API calls. Make another key or change the `ALMTenant`'s `spec.forbiddenScopes`.
    ForbiddenScope,
    /// The token endpoint refused the key: it is dead or not alive yet. Make a new key or binding in BTP.
    CredentialsRefused,
    /// The token endpoint does not know the tenant of this key: the key is dead. Check that the tenant still exists.
    IdentityZoneNotFound,
    /// The token endpoint gave no clear answer (outage, rate limit, network): nothing is concluded from it. It is tried again.
    SignInUnknown,
    /// What was well could not be looked at for three intervals (outage, rate limit, network). It is tried again; look at the token endpoint and at the service of Landscape Management.
    NotVerifiedLately,
    /// No key of this object stands in Landscape Management. The other conditions say why.
    NotUploaded,
    /// The key was refused long enough to be dead and was deleted from Landscape Management. Make a new key or binding in BTP.
    DeadKeyRemoved,
    /// Landscape Management holds a key that is not ours, and the `ALMTenant`'s `spec.adoptionPolicy` does not let it be replaced. Delete it in the app if it is not needed, or change the policy.
    SlotOccupied,
    /// Somebody put another key over ours. It is not put over theirs again by itself, so that two clusters cannot fight. Find out who it was; then delete their key, or ask for another try with the annotation `reconcile-requested-at`.
    SlotOverwritten,
    /// Another `ALMServiceKey` of this cluster holds the slot: a tenant has only one. Delete one of the two.
    NotSlotOwner,
    /// The slot may be filled, and an older `ALMServiceKey` of this tenant comes first. Wait, or suspend that one.
    WaitingForSibling,
    /// What Landscape Management holds is not known at present. It is looked at again.
    SlotUnknown,
    /// Landscape Management did not answer as agreed. It is tried again; look at its service.
    LandscapeManagementUnavailable,
    /// Landscape Management refused the operator's own credentials. Mend the Secret that the `ALMTenant` names.
    LandscapeManagementUnauthorized,
    /// The `ALMTenant`'s connection cannot be used as it is written, or its Secret is missing. The message says which field.
    TenantMisconfigured,
    /// Landscape Management refused the key by its own format check. The message names the field.
    UploadRejected,
    /// The other side asked to be called less often. It is called again when it said.
    RateLimited,
    /// This replica may cease to lead before a write to Landscape Management would be answered, so it was not begun. It is tried again; if it stays, the API server is too slow for the Lease.
    NotLeader,
    /// The object is being deleted, and its key with it from Landscape Management. Wait.
    Removing,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Reason {
    /// The reason of this name, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.as_str() == name)
    }
}
