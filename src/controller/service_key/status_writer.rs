//! The writer of an object's status: computes the whole status, and writes it if it has changed and the object has not.

use async_trait::async_trait;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use serde_json::{Value, json};

use crate::api::ALMServiceKey;
use crate::api::annotations::unhandled_request;
use crate::api::confirmation::ConfirmationStatus;
use crate::api::status::{ALMServiceKeyStatus, SourceStatus};
use crate::cluster::CallError;
use crate::cluster::objects::Objects;
use crate::controller::conditions;
use crate::controller::tenant_finalizer::TenantFinalizer;
use crate::domain::conditions::Conditions;
use crate::domain::ledger;
use crate::domain::plan::{Settlement, Source, SourceIdentity};
use crate::executor::ports::{LedgerError, LedgerStore};
use crate::names::{KEY_FINALIZER, condition};

/// The writer of one object's status.
pub(crate) struct StatusWriter<'a> {
    cluster: &'a dyn Objects,
    /// The object as it was last read or written.
    object: ALMServiceKey,
    source: Option<SourceStatus>,
    confirmation: Option<ConfirmationStatus>,
    tenant: Option<TenantFinalizer<'a>>,
}

impl<'a> StatusWriter<'a> {
    /// Starts with the object as it was read.
    pub(crate) fn new(cluster: &'a dyn Objects, object: ALMServiceKey) -> Self {
        Self { cluster, object, source: None, confirmation: None, tenant: None }
    }

    /// Sets the tenant whose finalizer must be present before the ledger records a key or a write.
    pub(crate) fn set_tenant(&mut self, tenant: TenantFinalizer<'a>) {
        self.tenant = Some(tenant);
    }

    /// Returns the object as it was last read or written.
    pub(crate) fn object(&self) -> &ALMServiceKey {
        &self.object
    }

    /// Ensures that the object carries the finalizer, if it may have a key in the slot, and that it has conditions.
    pub(crate) async fn prepare(&mut self, may_upload: bool) -> Result<(), LedgerError> {
        if self.object.metadata.deletion_timestamp.is_some() {
            return Ok(());
        }
        let needs_finalizer = may_upload || self.status().ledger().is_open();
        if needs_finalizer && !self.object.finalizers().iter().any(|finalizer| finalizer == KEY_FINALIZER) {
            let mut finalizers = self.object.finalizers().to_vec();
            finalizers.push(KEY_FINALIZER.into());
            self.set_finalizers(&finalizers).await?;
        }
        let status = self.status();
        if status.conditions.is_empty() {
            let conditions = Some(&Conditions::progressing());
            self.write(NewStatus { conditions, ledger: &status.ledger(), is_final: false }).await?;
        }
        Ok(())
    }

    /// Sets the source of the key, which is written with the next status.
    pub(crate) fn set_source(&mut self, source: &Source) {
        if let Source::Present { identity, .. } = source {
            self.source = Some(SourceStatus::from(identity as &SourceIdentity));
        }
    }

    /// Sets the result of a confirmation, which is written with the status that ends the reconciliation.
    pub(crate) fn set_confirmation(&mut self, confirmation: Option<ConfirmationStatus>) {
        self.confirmation = confirmation;
    }

    async fn ensure_tenant_finalizer(&mut self) -> Result<(), LedgerError> {
        let Some(tenant) = self.tenant.take() else { return Ok(()) };
        // The plan was made for a tenant that exists.
        if tenant.ensure_present().await? { Ok(()) } else { Err(LedgerError::Conflict) }
    }

    fn status(&self) -> ALMServiceKeyStatus {
        self.object.status.clone().unwrap_or_default()
    }

    fn generation(&self) -> i64 {
        self.object.metadata.generation.unwrap_or_default()
    }

    async fn write(&mut self, new: NewStatus<'_>) -> Result<(), LedgerError> {
        let before = self.status();
        let mut after = before.clone();
        if new.is_final
            && let Some(word) = unhandled_request(&self.object)
        {
            after.last_handled_reconcile_at = Some(word);
        }
        if new.is_final && self.confirmation.is_some() {
            after.last_confirmation.clone_from(&self.confirmation);
        }
        if let Some(conditions) = new.conditions {
            after.observed_generation = self.generation();
            after.conditions = merged(&before.conditions, conditions, self.generation());
        }
        after.set_ledger(new.ledger);
        if let Some(source) = &self.source {
            after.source = Some(source.clone());
        }
        if after == before {
            return Ok(());
        }
        self.object = self.cluster.write_status(&self.object, &after).await?;
        self.remove_foreign_ledger(&after).await
    }

    /// Removes ledger fields that another field manager owns, by a merge patch. Server-side apply does not remove them, and
    /// a client that restores a backup writes such: an outdated ledger would stay for ever and keep its tenant.
    async fn remove_foreign_ledger(&mut self, wanted: &ALMServiceKeyStatus) -> Result<(), LedgerError> {
        let found = self.status();
        if found.ledger() == wanted.ledger() {
            return Ok(());
        }
        let ledger = |status: &ALMServiceKeyStatus| {
            let ALMServiceKeyStatus { uploaded, pending, overwritten, action, unconfirmed, .. } = status;
            json!({
                "uploaded": uploaded, "pending": pending, "overwritten": overwritten, "action": action,
                "unconfirmed": unconfirmed,
            })
        };
        let change = merge_patch(&ledger(&found), &ledger(wanted));
        self.object = self.cluster.merge_status(&self.object, &change).await?;
        Ok(())
    }

    async fn set_finalizers(&mut self, finalizers: &[String]) -> Result<(), LedgerError> {
        self.object = self.cluster.write_finalizers(&self.object, finalizers).await?;
        Ok(())
    }
}

/// The parts of a status that change.
struct NewStatus<'a> {
    conditions: Option<&'a Conditions>,
    ledger: &'a ledger::Ledger,
    /// The status ends the reconciliation, which answers the request for it.
    is_final: bool,
}

#[async_trait]
impl LedgerStore for StatusWriter<'_> {
    async fn record(&mut self, ledger: &ledger::Ledger) -> Result<(), LedgerError> {
        self.ensure_tenant_finalizer().await?;
        self.write(NewStatus { conditions: None, ledger, is_final: false }).await
    }

    async fn settle(&mut self, settlement: &Settlement) -> Result<(), LedgerError> {
        if !settlement.release {
            let Settlement { conditions, ledger, .. } = settlement;
            // The ledger may be open although this reconciliation recorded no write: the key was handed over, or found.
            if ledger.is_open() {
                self.ensure_tenant_finalizer().await?;
            }
            return self.write(NewStatus { conditions: conditions.as_ref(), ledger, is_final: true }).await;
        }
        let mut finalizers = self.object.finalizers().to_vec();
        finalizers.retain(|finalizer| finalizer != KEY_FINALIZER);
        if finalizers.len() == self.object.finalizers().len() {
            return Ok(());
        }
        self.set_finalizers(&finalizers).await
    }
}

/// Returns the merge patch (RFC 7386) that turns `found` into `wanted`.
fn merge_patch(found: &Value, wanted: &Value) -> Value {
    let (Value::Object(found), Value::Object(wanted)) = (found, wanted) else { return wanted.clone() };
    let gone = found.keys().filter(|name| !wanted.contains_key(*name)).map(|name| (name.clone(), Value::Null));
    let kept = wanted.iter().map(|(name, value)| {
        let merged = found.get(name).map_or_else(|| value.clone(), |old| merge_patch(old, value));
        (name.clone(), merged)
    });
    Value::Object(gone.chain(kept).collect())
}

/// A 404 is a conflict, too: the object that the plan was made for does not exist any more.
impl From<CallError> for LedgerError {
    fn from(error: CallError) -> Self {
        match error.status() {
            Some(404 | 409) => Self::Conflict,
            _ => Self::Failed(Box::new(error)),
        }
    }
}

/// Returns the conditions of the new status.
fn merged(before: &[Condition], conditions: &Conditions, generation: i64) -> Vec<Condition> {
    let Conditions { ready, valid, signed_in, uploaded, progress, ready_only } = conditions;
    let all = [
        (condition::READY, ready),
        (condition::VALID, valid),
        (condition::SIGNED_IN, signed_in),
        (condition::UPLOADED, uploaded),
    ];
    let mut merged = conditions::merged(before, &all, *progress, generation);
    if *ready_only {
        for condition in merged.iter_mut().skip(1) {
            if let Some(state) = before.iter().find(|old| old.type_ == condition.type_) {
                *condition = state.clone();
            }
        }
    }
    merged
}
