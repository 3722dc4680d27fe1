//! In the midst of which operation something goes wrong.

use alm_key_operator::api::ALMServiceKey;
use serde_json::{Value, json};

use testkit::bed::{Tenant, TestBed};

/// The word by which somebody asks for a look at a key that is settled.
const LOOK: &str = "in-the-midst";

/// What the operator is doing when it goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It signs in with a new key: nothing is recorded yet.
    SignIn,
    /// Its first upload is on its way: recorded, and its end is not.
    FirstUpload,
    /// The upload of a rotated key is on its way.
    Rotation,
    /// The key of a deleted binding is being deleted.
    Removal,
    /// The key of a deleted object is being deleted.
    Deletion,
    /// It looks at a binding's key that stands there, and lives.
    SettledBinding,
    /// The same with a plain Secret's key, which would be deleted at once if the Secret were not found.
    SettledSecret,
}

impl Moment {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::SignIn,
        Self::FirstUpload,
        Self::Rotation,
        Self::Removal,
        Self::Deletion,
        Self::SettledBinding,
        Self::SettledSecret,
    ];

    /// For names of tenants.
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

    /// The call in whose midst it goes wrong.
    fn call(self) -> &'static str {
        match self {
            Self::SignIn | Self::SettledBinding | Self::SettledSecret => "SignIn",
            Self::FirstUpload | Self::Rotation => "Put",
            Self::Removal | Self::Deletion => "Delete",
        }
    }

    /// Whether all is well, and nothing is to be done.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::SettledBinding | Self::SettledSecret)
    }

    /// The writes that take effect, from the beginning to the end.
    fn effects(self) -> &'static [&'static str] {
        match self {
            Self::SignIn | Self::FirstUpload | Self::SettledBinding | Self::SettledSecret => &["+Put"],
            Self::Rotation => &["+Put", "+Put"],
            Self::Removal | Self::Deletion => &["+Put", "+Delete"],
        }
    }

    /// A tenant in which it is about to happen, with the key that is there.
    pub async fn prepared(self, bed: &TestBed, name: &str) -> Value {
        let tenant = Tenant::create_with(bed, name, bed.client.clone(), |tenant| {
            // Longer than any fault: what is held is not given up.
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

    /// It begins, and is held. Answers with the key that the slot is to hold in the end.
    pub async fn begun(self, tenant: &Tenant<'_>, key: Value) -> Value {
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
                tenant.annotate("calm", "almkey.dev/reconcile-requested-at", LOOK).await;
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

    /// It has come to its end as if nothing had happened.
    pub async fn ended(self, tenant: &Tenant<'_>, key: &Value) {
        match self {
            Self::Removal => drop(tenant.await_ready("calm", "False", "SourceGone").await),
            Self::Deletion => tenant.await_gone("calm").await,
            _ => {
                if self.is_settled() {
                    tenant.await_key("calm", "looked at after all", was_looked_at).await;
                }
                tenant.await_uploaded("calm", key).await;
                tenant.await_ready("calm", "True", "Uploaded").await;
            }
        }
        assert_eq!(tenant.slot_key().await, *key, "{}", tenant.name);
        assert_eq!(effects(tenant).await, self.effects(), "{}", tenant.name);
    }

    /// What lives goes on living: the next rotation is followed.
    pub async fn followed(self, tenant: &Tenant<'_>) {
        let new = tenant.make_key().await;
        match self {
            Self::SettledSecret => tenant.write_secret("pasted", &new).await,
            Self::SettledBinding => tenant.rotate_binding("plain", &new).await,
            _ => return,
        }
        tenant.await_uploaded("calm", &new).await;
        assert_eq!(tenant.slot_key().await, new, "{}", tenant.name);
        assert_eq!(effects(tenant).await, ["+Put", "+Put"], "{}", tenant.name);
    }
}

fn was_looked_at(key: &ALMServiceKey) -> bool {
    key.status.as_ref().is_some_and(|status| status.last_handled_reconcile_at.as_deref() == Some(LOOK))
}

/// The writes that took effect, in order.
pub async fn effects(tenant: &Tenant<'_>) -> Vec<String> {
    tenant.writes().await.into_iter().filter(|write| write.starts_with('+')).collect()
}
