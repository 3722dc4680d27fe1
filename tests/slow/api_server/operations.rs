//! Operations of the operator that a fault interrupts.

use alm_key_operator::api::ALMServiceKey;
use serde_json::{Value, json};

use testkit::bed::{Tenant, TestBed};

/// Value of the annotation that requests the reconciliation of a settled key.
const REQUEST: &str = "during-the-fault";

/// An operation that is under way when the fault begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The sign-in with a new key. Nothing is recorded yet.
    SignIn,
    /// The first upload: recorded as pending, its outcome unknown.
    FirstUpload,
    /// The upload of a rotated key.
    Rotation,
    /// The deletion of the key of a deleted binding.
    Removal,
    /// The deletion of the key of a deleted object.
    Deletion,
    /// The check of a living key in the slot, from a binding.
    SettledBinding,
    /// The check of a living key in the slot, from a plain Secret. If the Secret were absent, the key would be deleted at once.
    SettledSecret,
}

impl Operation {
    /// All operations.
    pub const ALL: [Self; 7] = [
        Self::SignIn,
        Self::FirstUpload,
        Self::Rotation,
        Self::Removal,
        Self::Deletion,
        Self::SettledBinding,
        Self::SettledSecret,
    ];

    /// Returns the name as a part of the names of tenants.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::FirstUpload => "first-upload",
            Self::Rotation => "rotation",
            Self::Removal => "removal",
            Self::Deletion => "deletion",
            Self::SettledBinding => "settled-binding",
            Self::SettledSecret => "settled-secret",
        }
    }

    /// Returns the kind of the remote call that is held while the fault begins.
    fn call(self) -> &'static str {
        match self {
            Self::SignIn | Self::SettledBinding | Self::SettledSecret => "SignIn",
            Self::FirstUpload | Self::Rotation => "Put",
            Self::Removal | Self::Deletion => "Delete",
        }
    }

    /// Returns true if the key is settled: there is nothing to do.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::SettledBinding | Self::SettledSecret)
    }

    /// Returns the writes that take effect, from the beginning to the end.
    fn expected_writes(self) -> &'static [&'static str] {
        match self {
            Self::SignIn | Self::FirstUpload | Self::SettledBinding | Self::SettledSecret => &["+Put"],
            Self::Rotation => &["+Put", "+Put"],
            Self::Removal | Self::Deletion => &["+Put", "+Delete"],
        }
    }

    /// Creates a tenant in which the operation can begin, and returns its key.
    pub async fn prepare(self, bed: &TestBed, name: &str) -> Value {
        let tenant = Tenant::create_with(bed, name, bed.client.clone(), |tenant| {
            // Longer than any fault, so a held call does not time out.
            tenant["spec"]["landscapeManagement"]["http"]["timeout"] = json!("1m");
        })
        .await;
        let key = tenant.make_key().await;
        match self {
            Self::SignIn | Self::FirstUpload => drop(tenant.bind("plain", &key).await),
            Self::SettledSecret => {
                tenant.write_secret("pasted", &key).await;
                let spec = json!({ "source": { "secretRef": { "name": "pasted" } }, "gracePeriod": "0s" });
                tenant.apply("calm", spec).await;
                tenant.await_ready("calm", "True", "Uploaded").await;
            }
            Self::Rotation | Self::Removal | Self::Deletion | Self::SettledBinding => {
                tenant.bind("plain", &key).await;
                tenant.apply_for_binding("calm", "plain").await;
                tenant.await_ready("calm", "True", "Uploaded").await;
            }
        }
        key
    }

    /// Begins the operation, waits until its call is held, and returns the key that must be in the slot at the end.
    pub async fn begin(self, tenant: &Tenant<'_>, key: Value) -> Value {
        tenant.fail_once(self.call(), json!({ "hold": true })).await;
        let end = match self {
            Self::Rotation => {
                let new = tenant.make_key().await;
                tenant.rotate_binding("plain", &new).await;
                new
            }
            Self::Removal => {
                tenant.unbind("plain", &key).await;
                Value::Null
            }
            Self::Deletion => {
                tenant.begin_deletion("calm").await;
                Value::Null
            }
            Self::SettledBinding | Self::SettledSecret => {
                tenant.annotate("calm", "almkey.dev/reconcile-requested-at", REQUEST).await;
                key
            }
            Self::SignIn | Self::FirstUpload => {
                tenant.apply_for_binding("calm", "plain").await;
                key
            }
        };
        tenant.await_held().await;
        end
    }

    /// Asserts that the operation has completed as if nothing had happened.
    pub async fn assert_completed(self, tenant: &Tenant<'_>, key: &Value) {
        match self {
            Self::Removal => drop(tenant.await_ready("calm", "False", "SourceGone").await),
            Self::Deletion => tenant.await_gone("calm").await,
            _ => {
                if self.is_settled() {
                    tenant.await_key("calm", "reconciled after all", was_reconciled).await;
                }
                tenant.await_uploaded("calm", key).await;
                tenant.await_ready("calm", "True", "Uploaded").await;
            }
        }
        assert_eq!(tenant.slot_key().await, *key, "{}", tenant.name);
        assert_eq!(effective_writes(tenant).await, self.expected_writes(), "{}", tenant.name);
    }

    /// Asserts that a settled key still follows the next rotation.
    pub async fn assert_next_rotation(self, tenant: &Tenant<'_>) {
        let new = tenant.make_key().await;
        match self {
            Self::SettledSecret => tenant.write_secret("pasted", &new).await,
            Self::SettledBinding => tenant.rotate_binding("plain", &new).await,
            _ => return,
        }
        tenant.await_uploaded("calm", &new).await;
        assert_eq!(tenant.slot_key().await, new, "{}", tenant.name);
        assert_eq!(effective_writes(tenant).await, ["+Put", "+Put"], "{}", tenant.name);
    }
}

fn was_reconciled(key: &ALMServiceKey) -> bool {
    key.status.as_ref().is_some_and(|status| status.last_handled_reconcile_at.as_deref() == Some(REQUEST))
}

/// Returns the writes that took effect, in order.
pub async fn effective_writes(tenant: &Tenant<'_>) -> Vec<String> {
    tenant.writes().await.into_iter().filter(|write| write.starts_with('+')).collect()
}
