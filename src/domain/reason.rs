//! The closed list of condition reasons. Each doc comment gives meaning, cause and remedy in one sentence each.

use std::fmt;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// The reason of a condition.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason { $($(#[doc = $doc])+ $name,)+ }

        impl Reason {
            /// All reasons in the order of their documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Returns the word that is used in a condition.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// Returns the meaning, the cause and the remedy, as the documentation of the reason gives them.
            #[must_use]
            pub fn description(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

reasons! {
    /// The key is in Landscape Management and signs in. The upload or adoption succeeded. Nothing to do.
    Uploaded,
    /// The key is valid. It complies with the four rules of the upload. Nothing to do.
    Valid,
    /// The key signs in. The token endpoint accepted it. Nothing to do.
    SignedIn,
    /// The key is in order, but the operator only observes. `spec.mode` is `Observe`, and `Enforce` would change nothing. Nothing to do.
    Observed,
    /// The operator would upload or adopt the key, which signs in. `spec.mode` is `Observe`. Set it to `Enforce` if the change is right.
    WouldChange,
    /// Nothing is checked outside the cluster and nothing is written, except for a deletion. `spec.suspend` is set. Set it to false to resume; if the object is not ready, read in its message why.
    Suspended,
    /// Landscape Management of the tenant is reachable. It accepts the operator's credentials. Nothing to do.
    Connected,
    /// A person changes the key in Landscape Management. The `ALMTenant` is in manual mode, and no removal is pending. Nothing is to be done for the tenant itself; `almkey status` shows what its keys need.
    ManualMode,
    /// No result is known yet. The first reconciliation is under way. Wait; if the reason stays, check that the operator is running.
    Progressing,
    /// The object has no tenant. No `ALMTenant` has the name in `spec.tenantRef`. Ask the cluster admin to create it, or correct the name.
    WaitingForTenant,
    /// The key is not available yet. The `ServiceBinding` does not exist or has no credentials yet. Apply it, or check its own conditions.
    WaitingForBinding,
    /// The key is not available. The Secret does not exist, or has no content yet. Create it, or wait for the tool that fills it; if it belongs to a `ServiceBinding`, change an annotation of that binding, because the SAP BTP service operator does not notice the loss of its Secret.
    WaitingForSecret,
    /// The Secret of the binding is not used. It is not controlled by that binding, or it is labelled stale. Give the binding a Secret name of its own.
    SourceNotOwned,
    /// The source could not be read. The API server did not answer, or the operator has no permission. Grant the role; the operator tries again.
    SourceUnreadable,
    /// Nothing is uploaded, and a key in Landscape Management stays there. The `ALMTenant` does not admit this namespace. Ask the cluster admin to add it to `spec.allowedNamespaces`.
    NamespaceNotAllowed,
    /// Nothing is uploaded, but a key in Landscape Management can still be removed. The `ALMTenant` is being deleted. Delete this object, too.
    TenantTerminating,
    /// This `ALMTenant` is not used. An older one has the same `spec.identityZone`. Delete one of the two.
    DuplicateTenant,
    /// No key of this object is left in Landscape Management, or only an adopted one. The source is gone. Delete this object, or apply the source again.
    SourceGone,
    /// The key will be removed from Landscape Management. The source is gone, and `spec.gracePeriod` or the confirmation of the loss is pending. Apply the source again to keep the key.
    RemovalPending,
    /// The key is not valid. The source does not contain a JSON object. Use the key exactly as it was downloaded.
    InvalidJSON,
    /// The key is not valid. Its `uaa.identityzone` is not that of the `ALMTenant`. Use a key of this tenant, or refer to the tenant of this key.
    WrongTenant,
    /// The key is not valid. Its client belongs to another application of the same subaccount, and none of its endpoints is one of SAP Cloud ALM. Use a key of the offering `SAPCloudALMAPIs`, or extend the `ALMTenant`'s `spec.acceptedServices`.
    WrongService,
    /// The key is not valid. Its `uaa.clientid` or `uaa.clientsecret` is missing, as in x509 and hide-secret keys. Create a key with a client secret.
    MissingCredentials,
    /// The key is not valid. The `ALMTenant` does not accept its `uaa.credential-type`. Create another key, or extend `spec.acceptedCredentialTypes`.
    UnsupportedCredentialType,
    /// The key is not valid. Its `uaa.url` is not an https URL of a host that the `ALMTenant` allows. Use the key exactly as BTP issued it, or extend `spec.signIn.hosts`.
    TokenHostNotAllowed,
    /// The key is not valid, because it would misdirect managed systems. A field of `endpoints` does not name a host that the `ALMTenant` allows. Use the key exactly as BTP issued it, or extend `spec.endpointHosts`.
    EndpointNotAllowed,
    /// The key is not uploaded. It has a scope that keys for Landscape Management must not have, because it was created for API calls. Create another key, or change the `ALMTenant`'s `spec.forbiddenScopes`.
    ForbiddenScope,
    /// The key does not sign in. The token endpoint refused it: it is dead or not active yet. Create a new key or binding in BTP.
    CredentialsRefused,
    /// The key does not sign in. The token endpoint does not know the tenant of this key. Check that the tenant still exists.
    IdentityZoneNotFound,
    /// The result of signing in is not known. The token endpoint gave no clear answer (outage, rate limit, network). Wait; the operator tries again.
    SignInUnknown,
    /// The key was in order, but could not be verified for three intervals. An outage, a rate limit or the network is the cause. Check the token endpoint and the service of Landscape Management; the operator tries again.
    NotVerifiedLately,
    /// No key of this object is in Landscape Management. The other conditions name the cause. Follow their messages.
    NotUploaded,
    /// The key was deleted from Landscape Management. It was refused long enough to count as dead. Create a new key or binding in BTP.
    DeadKeyRemoved,
    /// Landscape Management holds a key that is not ours. The `ALMTenant`'s `spec.adoptionPolicy` does not allow to replace it. Delete it in the app if it is not needed, or change the policy.
    SlotOccupied,
    /// Another client overwrote our key. The operator does not replace that client's key without a change, so that two clusters do not overwrite each other forever. Identify the client (an operator with the same cluster ID is one, too); then delete its key, or request another upload with the annotation `almkey.dev/reconcile-requested-at`; a key of another owner needs `adoptionPolicy: Replace` besides.
    SlotOverwritten,
    /// The key is not uploaded. Another `ALMServiceKey` of this cluster owns the slot, and a tenant has only one key. Delete one of the two objects.
    NotSlotOwner,
    /// The key is not uploaded yet. An older `ALMServiceKey` of this tenant uploads first. Wait, or suspend that object.
    WaitingForSibling,
    /// The content of Landscape Management is not known at present. It could not be read or kept changing. Wait; the operator tries again.
    SlotUnknown,
    /// Landscape Management could not be used. It did not answer as specified. Check its service; the operator tries again.
    LandscapeManagementUnavailable,
    /// Landscape Management refused the operator. Its own credentials are not accepted. Correct the Secret that the `ALMTenant` refers to.
    LandscapeManagementUnauthorized,
    /// The `ALMTenant` cannot be used. Its connection settings are wrong, or its Secret is missing. Correct the field that the message names.
    TenantMisconfigured,
    /// The key was not uploaded. Landscape Management refused it by its own format check. Correct the field that the message names.
    UploadRejected,
    /// The operator waits. The server asked for less frequent calls. Wait; the operator calls again at the time that the server gave.
    RateLimited,
    /// A write to Landscape Management was not started. This replica might lose the leadership before the answer. Wait; if the reason stays, the API server is too slow for the Lease.
    NotLeader,
    /// A person must change the key in Landscape Management. The `ALMTenant` is in manual mode, in which a person alone can do that. Follow the steps that `almkey explain --steps` prints, then confirm them.
    ActionRequired,
    /// A person confirmed that the key is in Landscape Management. The operator cannot read it in manual mode. Nothing to do; the fingerprint of a file that was downloaded there would prove it.
    Confirmed,
    /// The key is being removed from Landscape Management. The object is being deleted. Wait.
    Removing,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Reason {
    /// Returns the reason with this name, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.as_str() == name)
    }
}
