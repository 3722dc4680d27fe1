//! Loading of the facts that a reconciliation begins with.

use super::context::ReconcileContext;
use super::siblings;
use crate::api::annotations::{is_abandoned, unhandled_request};
use crate::api::resolve::{admits, policy};
use crate::api::service_key::{SecretRef, ServiceBindingRef};
use crate::api::status::ALMServiceKeyStatus;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::CallError;
use crate::cluster::identity::{KeyId, Uid};
use crate::controller::duplicates;
use crate::domain::conditions::{Condition, Conditions, Progress, Status};
use crate::domain::plan::{Answers, Facts, SOURCE_NOT_READ, Source, Subject, Tenant};
use crate::domain::policy::{DeletionPolicy, KeyRules};
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::slot::Owner;
use crate::names::{condition, crd};
use crate::source::resolve::{Resolver, source as checked};

/// Loads all facts about one object.
pub(super) async fn facts(
    context: &ReconcileContext<'_>,
    object: &ALMServiceKey,
    tenant: Option<&ALMTenant>,
) -> Result<Facts, CallError> {
    let KeyId { namespace, name, uid } = KeyId::new(object);
    let mut policy = policy(&object.spec, tenant.map(|tenant| &tenant.spec));
    let status = object.status.clone().unwrap_or_default();
    let deleting = object.metadata.deletion_timestamp.is_some();
    if deleting && kind_is_being_removed(context).await? {
        policy.deletion = DeletionPolicy::Retain;
    }
    let not_read = |reason, text: &str| Source::Unknown { reason, message: text.into(), retry: Retry::Never };
    let source = match tenant {
        // A user who may create such objects there need not be allowed to read Secrets, and no admin has admitted them.
        Some(tenant) if !admits(&tenant.spec, &namespace) && !status.may_hold() => {
            not_read(Reason::NamespaceNotAllowed, SOURCE_NOT_READ)
        }
        Some(_) if !deleting => source(context, object, &status, &policy.rules).await,
        _ => not_read(Reason::Progressing, "the source is not read now"),
    };
    let generation = object.metadata.generation.unwrap_or_default();
    let is_kept = status.observed_generation == generation || (policy.suspend && !deleting);
    let mut siblings = tenant.map(|tenant| siblings::find_siblings(context, object, tenant)).unwrap_or_default();
    if deleting || matches!(source, Source::Gone { .. }) {
        siblings.heir = match siblings.heir {
            Some(heir) => siblings::confirm_heir(context, heir).await,
            None => None,
        };
    }
    if matches!(source, Source::Gone { .. }) {
        siblings.requested = siblings::confirm_requested(context, object, tenant).await?;
    }
    Ok(Facts {
        subject: Subject {
            owner: Owner { cluster_id: context.cluster_id.to_owned(), namespace: namespace.clone(), name },
            generation,
            deleting,
            abandoned: deleting && is_abandoned(object),
            has_read_slot: status.has_looked(),
            requested: unhandled_request(object),
        },
        tenant: tenant_state(context, object, tenant, &namespace),
        policy,
        source,
        siblings,
        ledger: status.ledger(),
        previous: is_kept.then(|| conditions(&status)).flatten(),
        observations: context.caches.observations.get(&uid),
        answers: Answers::default(),
        jitter: context.jitter,
        action_id: context.ids.id().to_owned(),
    })
}

fn tenant_state(
    context: &ReconcileContext<'_>,
    object: &ALMServiceKey,
    tenant: Option<&ALMTenant>,
    namespace: &str,
) -> Tenant {
    let name = &object.spec.tenant_ref.name;
    let Some(tenant) = tenant else { return Tenant::Missing { name: name.clone() } };
    let version = format!(
        "{} {} {}",
        Uid::new(tenant),
        tenant.metadata.generation.unwrap_or_default(),
        context.caches.references.summary(&tenant.spec)
    );
    // In manual mode, a confirmation changes what the slot holds.
    let slot = tenant.status.as_ref().and_then(|status| status.slot.as_ref());
    let record = slot.map(|slot| (slot.revision.as_deref().unwrap_or_default(), slot.evidence));
    let version = format!("{version} {record:?}");
    // This check comes first: an object that is not admitted must learn nothing else about the tenant.
    if !admits(&tenant.spec, namespace) {
        let message = format!(
            "ALMTenant \"{name}\" does not admit namespace \"{namespace}\": nothing is uploaded from here; ask the cluster \
             admin to add it to spec.allowedNamespaces"
        );
        return Tenant::Closed { reason: Reason::NamespaceNotAllowed, message, version };
    }
    if tenant.metadata.deletion_timestamp.is_some() {
        let message = format!("ALMTenant \"{name}\" is being deleted: nothing is uploaded");
        return Tenant::Closed { reason: Reason::TenantTerminating, message, version };
    }
    if let Some(older) = duplicates::find_older(context.tenants, tenant) {
        return Tenant::Closed { reason: Reason::DuplicateTenant, message: duplicates::message(name, &older), version };
    }
    Tenant::Open { version }
}

/// Returns true if the kind `ALMServiceKey` itself is being removed: no user meant to delete this object then. An error
/// ends the reconciliation, because an unknown state must not lead to a deletion.
async fn kind_is_being_removed(context: &ReconcileContext<'_>) -> Result<bool, CallError> {
    let definition = context.cluster.definition(crd::SERVICE_KEYS).await?;
    Ok(definition.is_some_and(|definition| definition.deletion_timestamp.is_some()))
}

async fn source(
    context: &ReconcileContext<'_>,
    object: &ALMServiceKey,
    status: &ALMServiceKeyStatus,
    rules: &KeyRules,
) -> Source {
    let source = &object.spec.source;
    let KeyId { namespace, .. } = KeyId::new(object);
    let resolver = |kind: &str, name: &str| {
        let recorded = status.source.as_ref().filter(|seen| seen.kind == kind && seen.name == name);
        Resolver {
            cluster: context.cluster,
            namespace: &namespace,
            observed_deletions: &context.caches.observed_deletions,
            recorded_uid: recorded.map(|seen| seen.uid.as_str()),
        }
    };
    match (&source.service_binding_ref, &source.secret_ref) {
        (Some(ServiceBindingRef { name }), _) => checked(resolver("ServiceBinding", name).binding(name).await, rules),
        (None, Some(SecretRef { name, key })) => {
            checked(resolver("Secret", name).secret(name, key.as_deref()).await, rules)
        }
        // A rule of the CRD refuses an object without a source, but an older CRD may have admitted it.
        (None, None) => Source::Unknown {
            reason: Reason::WaitingForSecret,
            message: "spec.source names neither serviceBindingRef nor secretRef".into(),
            retry: Retry::Never,
        },
    }
}

/// Returns the conditions of a status; none if one is missing.
fn conditions(status: &ALMServiceKeyStatus) -> Option<Conditions> {
    let find = |kind: &str| {
        let found = status.conditions.iter().find(|found| found.type_ == kind)?;
        Some(Condition {
            status: match found.status.as_str() {
                "True" => Status::True,
                "False" => Status::False,
                _ => Status::Unknown,
            },
            reason: Reason::parse(&found.reason)?,
            message: found.message.clone(),
        })
    };
    Some(Conditions {
        ready: find(condition::READY)?,
        valid: find(condition::VALID)?,
        signed_in: find(condition::SIGNED_IN)?,
        uploaded: find(condition::UPLOADED)?,
        progress: if find(condition::STALLED).is_some() {
            Progress::Stalled
        } else if find(condition::RECONCILING).is_some() {
            Progress::Reconciling
        } else {
            Progress::Done
        },
        ready_only: false,
    })
}
