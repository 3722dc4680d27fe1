//! The explanation as text.

use jiff::{Timestamp, Unit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;

use super::next;
use crate::api::confirmation::{ConfirmationRequest, ConfirmationStatus, digest};
use crate::api::slot::{Evidence as SlotEvidence, SlotStatus};
use crate::api::status::ALMServiceKeyStatus;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::cli::cluster::{Tenant, current_ready, qualified};
use crate::cli::evidence::{Evidence, Siblings};
use crate::cli::status::describe_slot;
use crate::cli::text::{age, item, paragraph_of, table};
use crate::domain::reason::Reason;
use crate::domain::record::Confirmation;
use crate::domain::untrusted::sanitize;
use crate::names::annotation::CONFIRMATION;
use crate::names::condition::{READY, SIGNED_IN, UPLOADED, VALID};

/// Maximum length of a condition in one line, in characters.
const MAX_SUMMARY_CHARS: usize = 128;
/// Maximum number of other keys that are named.
const MAX_SIBLINGS: usize = 10;

/// Returns the explanation in lines of at most `width` columns.
pub(super) fn text(evidence: &Evidence, now: Timestamp, width: u16) -> String {
    let Evidence { key, tenant, .. } = evidence;
    let status = key.status.clone().unwrap_or_default();
    let ready = &current_ready(key);
    let namespace = key.namespace().unwrap_or_default();
    let summary = format!("{} -n {namespace}: Ready is {}", qualified(&key.name_any()), described(ready, now));
    let message = ready.message.as_str();
    let parts = [
        format!("{summary}\n{}", paragraph_of(message, width)),
        section("Meaning", &meaning(ready), width),
        conditions(&status, message, now, width),
        facts(evidence, &status, now, width),
        section("Next", &next::next(key, tenant, now), width),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn find<'a>(status: &'a ALMServiceKeyStatus, name: &str) -> Option<&'a Condition> {
    status.conditions.iter().find(|condition| condition.type_ == name)
}

/// Describes status and reason of a condition, and for how long it has had the status.
pub(super) fn described(condition: &Condition, now: Timestamp) -> String {
    let Condition { status, reason, last_transition_time, .. } = condition;
    sanitize(&format!("{status} ({reason}), for {}", age(last_transition_time.0, now)), MAX_SUMMARY_CHARS)
}

/// Returns a paragraph below a title; nothing without a text.
pub(super) fn section(title: &str, text: &str, width: u16) -> String {
    if text.is_empty() { String::new() } else { format!("{title}:\n{}", paragraph_of(text, width)) }
}

/// Explains the reason of `Ready`.
pub(super) fn meaning(ready: &Condition) -> String {
    Reason::parse(&ready.reason).map(|reason| reason.description().replace('`', "")).unwrap_or_default()
}

/// Returns the table of the conditions behind `Ready`, and those of their messages that say something else.
fn conditions(status: &ALMServiceKeyStatus, summary: &str, now: Timestamp, width: u16) -> String {
    let found: Vec<_> = [VALID, SIGNED_IN, UPLOADED].into_iter().filter_map(|name| find(status, name)).collect();
    if found.is_empty() {
        return String::new();
    }
    let row = |condition: &&Condition| {
        let Condition { type_, status, reason, last_transition_time, .. } = condition;
        vec![type_.clone(), status.clone(), reason.clone(), age(last_transition_time.0, now)]
    };
    let rows = table(&["CONDITION", "STATUS", "REASON", "FOR"], found.iter().map(row), Some(width));
    let others = found.iter().filter(|condition| condition.status != "True" && condition.message != summary);
    let messages = others.map(|condition| item(&format!("{}: {}", condition.type_, condition.message), width));
    [rows].into_iter().chain(messages).collect()
}

/// Returns what is known of source, slot and the other keys of the tenant.
fn facts(evidence: &Evidence, status: &ALMServiceKeyStatus, now: Timestamp, width: u16) -> String {
    let tenant = &evidence.key.spec.tenant_ref.name;
    let lines = [
        source(&evidence.key, status),
        uploaded(status, now),
        status.pending.as_ref().map(|pending| {
            format!(
                "Pending: a write ({:?}) whose outcome is not known yet, begun {}",
                pending.operation, pending.started_at.0
            )
        }),
        confirmation(&evidence.key, status),
        other_key_in_app(evidence),
        Some(slot(&evidence.tenant, tenant, now)),
        Some(siblings(evidence, tenant)),
    ];
    ["Evidence:\n".to_owned()].into_iter().chain(lines.into_iter().flatten().map(|line| item(&line, width))).collect()
}

fn source(key: &ALMServiceKey, status: &ALMServiceKeyStatus) -> Option<String> {
    let source = &key.spec.source;
    let named = source.service_binding_ref.as_ref().map(|binding| format!("ServiceBinding \"{}\"", binding.name));
    let named = named.or_else(|| source.secret_ref.as_ref().map(|secret| format!("Secret \"{}\"", secret.name)))?;
    let is_admitted = find(status, READY).is_none_or(|ready| ready.reason != Reason::NamespaceNotAllowed.as_str());
    Some(match &status.source {
        None if !is_admitted => format!("Source: {named}, which is not read"),
        None => format!("Source: {named}, in which no key was found so far"),
        Some(found) if source.service_binding_ref.is_some() => {
            format!("Source: {named}, whose Secret is \"{}\"", found.secret_name)
        }
        Some(_) => format!("Source: {named}"),
    })
}

fn uploaded(status: &ALMServiceKeyStatus, now: Timestamp) -> Option<String> {
    let uploaded = status.uploaded.as_ref()?;
    let (since, ago) = (uploaded.uploaded_at.0, age(uploaded.uploaded_at.0, now));
    Some(format!(
        "{:?}: {since} ({ago} ago), client {}, fingerprint {}",
        uploaded.origin, uploaded.client_id, uploaded.fingerprint
    ))
}

/// Describes the last confirmation of a person in manual mode.
fn confirmation(key: &ALMServiceKey, status: &ALMServiceKeyStatus) -> Option<String> {
    let ConfirmationStatus { digest: handled, result, message, confirmed_by } = status.last_confirmation.as_ref()?;
    let by = confirmed_by.as_ref().map(|by| format!(" by \"{by}\"")).unwrap_or_default();
    let value = key.annotations().get(CONFIRMATION).filter(|value| digest(value) == *handled);
    let said = value.and_then(|value| ConfirmationRequest::parse(value).ok()).and_then(|request| {
        let at = request.at.parse::<Timestamp>().and_then(|at| at.round(Unit::Second));
        let at = at.map(|at| format!(" at {at}")).unwrap_or_default();
        Some(format!("{at}, {}", statement(&request.statement().ok()?)))
    });
    let said = said.unwrap_or_default();
    Some(format!("Last confirmation{by}{said}: {result:?}, {message}"))
}

/// Says what a person has confirmed.
fn statement(confirmation: &Confirmation) -> String {
    match confirmation {
        Confirmation::Done(id) => format!("that the action {id} was carried out"),
        Confirmation::DoneWith(key) => format!("that an action was carried out and the app holds {key}"),
        Confirmation::Holds(key) => format!("that the app holds {key}"),
        Confirmation::HoldsNothing => "that the app holds no key".into(),
    }
}

/// Names the key in the app, if it is one of this object and not the one that was uploaded with its present source.
fn other_key_in_app(evidence: &Evidence) -> Option<String> {
    let key = evidence.other_key_in_app()?;
    Some(format!("In the app: another key of this object, {key}, as a person has reported"))
}

fn slot(tenant: &Tenant, name: &str, now: Timestamp) -> String {
    match tenant {
        Tenant::Missing => format!("Tenant: the ALMTenant \"{name}\" does not exist"),
        Tenant::Forbidden => {
            format!("Tenant: \"{name}\", which you may not read (role almkey-tenant-viewer)")
        }
        Tenant::Undecodable => format!("Tenant: \"{name}\", which this version of almkey cannot decode"),
        Tenant::Found(tenant) => {
            let ALMTenant { status, .. } = &**tenant;
            let ready = status.iter().flat_map(|status| &status.conditions).find(|it| it.type_ == READY);
            let ready = ready
                .map_or("not seen by the operator yet".into(), |ready| format!("Ready is {}", described(ready, now)));
            let slot = status.as_ref().and_then(|status| status.slot.as_ref());
            let recorded = slot.and_then(recorded_key).unwrap_or_default();
            let slot = slot.map_or("not read yet".into(), |slot| describe_slot(slot, now));
            format!("Tenant: \"{name}\", {ready}; its slot: {slot}{recorded}")
        }
    }
}

/// Describes what is recorded of the key in a slot in manual mode, and the basis of that.
fn recorded_key(slot: &SlotStatus) -> Option<String> {
    let basis = match slot.evidence? {
        SlotEvidence::Compared => "compared",
        SlotEvidence::Confirmed => "by the word of a person",
    };
    Some(format!(" ({basis}: {})", slot.fingerprint.as_ref()?))
}

fn siblings(evidence: &Evidence, tenant: &str) -> String {
    let (scope, siblings) = match &evidence.siblings {
        Siblings::All(siblings) => ("", siblings),
        Siblings::OfNamespace(siblings) => (" in this namespace (you may not list those of others)", siblings),
        Siblings::Forbidden => {
            return format!("Other keys of ALMTenant \"{tenant}\": you may not list keys (role almkey-view)");
        }
    };
    if siblings.is_empty() {
        return format!("Other keys of ALMTenant \"{tenant}\"{scope}: none");
    }
    let named = siblings.iter().take(MAX_SIBLINGS).map(|sibling| {
        let ready = sibling.status.as_ref().and_then(|status| find(status, READY));
        let reason = ready.map_or("not seen yet", |ready| ready.reason.as_str());
        format!("{}/{} ({reason})", sibling.namespace().unwrap_or_default(), sibling.name_any())
    });
    let named = named.collect::<Vec<_>>().join(", ");
    let more = siblings.len().saturating_sub(MAX_SIBLINGS);
    let more = if more == 0 { String::new() } else { format!(", and {more} more") };
    format!("Other keys of ALMTenant \"{tenant}\"{scope}: {named}{more}")
}
