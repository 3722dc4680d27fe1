//! The steps that a person must take in Landscape Management, as a message to that person.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;

use super::action::{left, verb};
use super::cluster::{current_ready, qualified, qualified_as};
use super::text::{age, numbered, paragraph_of};
use crate::api::action::ActionStatus;
use crate::api::slot::PendingRemoval;
use crate::api::{ALMServiceKey, ALMTenant};

/// The message about an object for which nothing is to be done.
const NOTHING: &str = "no person is asked for anything now";

/// Returns the message about the action of a key, in lines of at most `width` columns.
pub(super) fn of_action(key: &ALMServiceKey, now: Timestamp, width: u16) -> String {
    let object = format!("{} -n {}", qualified(&key.name_any()), key.namespace().unwrap_or_default());
    let Some(action) = key.status.as_ref().and_then(|status| status.action.as_ref()) else {
        let Condition { status, reason, .. } = current_ready(key);
        let command = format!("almkey explain {} -n {}", key.name_any(), key.namespace().unwrap_or_default());
        let state = format!("  Ready is {status} ({reason}): {command} says why.\n");
        return format!("{object}: {NOTHING}\n{}", if status == "True" { String::new() } else { state });
    };
    let ActionStatus { id, operation, deadline, steps, .. } = action;
    let task = format!("{} the key in Landscape Management", verb(*operation));
    let by = match deadline.as_ref().map(|deadline| deadline.0) {
        None => "By: no deadline is known".to_owned(),
        Some(deadline) if deadline <= now => format!(
            "By: now. Since {deadline} ({} ago), managed systems cannot sign in with the key that is there.",
            age(deadline, now)
        ),
        Some(deadline) => format!(
            "By: {deadline} ({}). From then on, managed systems cannot sign in with the key that is there.",
            left(deadline, now)
        ),
    };
    message(&object, &task, Some(&by), id, steps, width)
}

/// Returns the message about the removal that a tenant waits for, in lines of at most `width` columns.
pub(super) fn of_removal(tenant: &ALMTenant, width: u16) -> String {
    let object = qualified_as::<ALMTenant>(&tenant.name_any());
    let Some(removal) = tenant.status.as_ref().and_then(|status| status.pending_removals.first()) else {
        return format!("{object}: {NOTHING}\n");
    };
    let PendingRemoval { id, key_ref, steps, .. } = removal;
    let task = format!("delete the key of {}/{} in Landscape Management", key_ref.namespace, key_ref.name);
    message(&object, &task, None, id, steps, width)
}

fn message(object: &str, task: &str, by: Option<&str>, id: &str, steps: &[String], width: u16) -> String {
    let by = by.map(|by| paragraph_of(by, width)).unwrap_or_default();
    let id = paragraph_of(&format!("ID: {id}"), width);
    format!("{object}: {task}\n{by}{id}\n{}", numbered(steps, width))
}
