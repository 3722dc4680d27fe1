//! The object's status: computed whole, compared, and written on the very version that was decided on.

use async_trait::async_trait;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use serde_json::{Value, json};

use crate::api::ALMServiceKey;
use crate::api::annotations::requested;
use crate::api::status::{ALMServiceKeyStatus, SourceStatus};
use crate::cluster::CallError;
use crate::cluster::objects::Objects;
use crate::controller::conditions;
use crate::controller::tenant::finalizer::TenantFinalizer;
use crate::domain::conditions::Conditions;
use crate::domain::ledger;
use crate::domain::plan::{Settlement, Source, SourceIdentity};
use crate::executor::ports::{LedgerError, LedgerStore};
use crate::names::{KEY_FINALIZER, condition};

/// One object, as it was last written or read.
pub(crate) struct StatusWriter<'a> {
    cluster: &'a dyn Objects,
    object: ALMServiceKey,
    seen: Option<SourceStatus>,
    tenant: Option<TenantFinalizer<'a>>,
}

impl<'a> StatusWriter<'a> {
    pub(crate) fn new(cluster: &'a dyn Objects, object: ALMServiceKey) -> Self {
        Self { cluster, object, seen: None, tenant: None }
    }

    /// Before anything of the object is said to stand there or to be under way, the tenant is kept from going.
    pub(crate) fn holds(&mut self, tenant: TenantFinalizer<'a>) {
        self.tenant = Some(tenant);
    }

    /// The object as it is known now.
    pub(crate) fn object(&self) -> &ALMServiceKey {
        &self.object
    }

    /// Ensures that the object cannot go before its key has gone, if it may have one there, and that a first verdict
    /// stands.
    pub(crate) async fn prepare(&mut self, may_upload: bool) -> Result<(), LedgerError> {
        if self.object.metadata.deletion_timestamp.is_some() {
            return Ok(());
        }
        let is_held = may_upload || self.status().ledger().is_open();
        if is_held && !self.object.finalizers().iter().any(|finalizer| finalizer == KEY_FINALIZER) {
            let mut finalizers = self.object.finalizers().to_vec();
            finalizers.push(KEY_FINALIZER.into());
            self.set_finalizers(&finalizers).await?;
        }
        let status = self.status();
        if status.conditions.is_empty() {
            let conditions = Some(&Conditions::progressing());
            self.write(Settled { conditions, ledger: &status.ledger(), ends_the_pass: false }).await?;
        }
        Ok(())
    }

    /// Notes where the key was found: written with the next status.
    pub(crate) fn saw(&mut self, source: &Source) {
        if let Source::Present { identity, .. } = source {
            self.seen = Some(SourceStatus::from(identity as &SourceIdentity));
        }
    }

    async fn keep_tenant(&mut self) -> Result<(), LedgerError> {
        let Some(tenant) = self.tenant.take() else { return Ok(()) };
        // What was decided for a tenant is void without it.
        if tenant.ensure_present().await.map_err(ledger_error)? { Ok(()) } else { Err(LedgerError::Conflict) }
    }

    fn status(&self) -> ALMServiceKeyStatus {
        self.object.status.clone().unwrap_or_default()
    }

    fn generation(&self) -> i64 {
        self.object.metadata.generation.unwrap_or_default()
    }

    async fn write(&mut self, settled: Settled<'_>) -> Result<(), LedgerError> {
        let before = self.status();
        let mut after = before.clone();
        if settled.ends_the_pass
            && let Some(word) = requested(&self.object)
        {
            after.last_handled_reconcile_at = Some(word);
        }
        if let Some(conditions) = settled.conditions {
            after.observed_generation = self.generation();
            after.conditions = merged(&before.conditions, conditions, self.generation());
        }
        after.set_ledger(settled.ledger);
        if let Some(seen) = &self.seen {
            after.source = Some(seen.clone());
        }
        if after == before {
            return Ok(());
        }
        self.object = self.cluster.write_status(&self.object, &after).await.map_err(ledger_error)?;
        self.take_away_what_is_left(&after).await
    }

    /// What somebody else has written, as who restores a backup does, is not taken away by applying what is ours without
    /// it: a ledger that no longer holds would stand for ever, and keep its tenant. It is merged away then.
    async fn take_away_what_is_left(&mut self, wanted: &ALMServiceKeyStatus) -> Result<(), LedgerError> {
        let found = self.status();
        if found.ledger() == wanted.ledger() {
            return Ok(());
        }
        let of = |status: &ALMServiceKeyStatus| json!({ "uploaded": status.uploaded, "pending": status.pending, "overwritten": status.overwritten });
        let change = merge(&of(&found), &of(wanted));
        self.object = self.cluster.merge_status(&self.object, &change).await.map_err(ledger_error)?;
        Ok(())
    }

    async fn set_finalizers(&mut self, finalizers: &[String]) -> Result<(), LedgerError> {
        self.object = self.cluster.write_finalizers(&self.object, finalizers).await.map_err(ledger_error)?;
        Ok(())
    }
}

/// What is to stand in the status.
struct Settled<'a> {
    conditions: Option<&'a Conditions>,
    ledger: &'a ledger::Ledger,
    ends_the_pass: bool,
}

#[async_trait]
impl LedgerStore for StatusWriter<'_> {
    async fn record(&mut self, ledger: &ledger::Ledger) -> Result<(), LedgerError> {
        self.keep_tenant().await?;
        self.write(Settled { conditions: None, ledger, ends_the_pass: false }).await
    }

    async fn settle(&mut self, settlement: &Settlement) -> Result<(), LedgerError> {
        if !settlement.release {
            let Settlement { conditions, ledger, .. } = settlement;
            // What stands there may have been found and not put: handed over, or forgotten.
            if ledger.is_open() {
                self.keep_tenant().await?;
            }
            return self.write(Settled { conditions: conditions.as_ref(), ledger, ends_the_pass: true }).await;
        }
        let mut finalizers = self.object.finalizers().to_vec();
        finalizers.retain(|finalizer| finalizer != KEY_FINALIZER);
        if finalizers.len() == self.object.finalizers().len() {
            return Ok(());
        }
        self.set_finalizers(&finalizers).await
    }
}

/// The merge (RFC 7386) that makes `wanted` of `found`.
fn merge(found: &Value, wanted: &Value) -> Value {
    let (Value::Object(found), Value::Object(wanted)) = (found, wanted) else { return wanted.clone() };
    let gone = found.keys().filter(|name| !wanted.contains_key(*name)).map(|name| (name.clone(), Value::Null));
    let kept = wanted.iter().map(|(name, value)| {
        let merged = found.get(name).map_or_else(|| value.clone(), |old| merge(old, value));
        (name.clone(), merged)
    });
    Value::Object(gone.chain(kept).collect())
}

/// 404 is a conflict too: the object that was decided on is no more.
fn ledger_error(error: CallError) -> LedgerError {
    match error.status() {
        Some(404 | 409) => LedgerError::Conflict,
        _ => LedgerError::Failed(Box::new(error)),
    }
}

/// All conditions by their types.
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
