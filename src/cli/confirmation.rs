//! Confirmations of persons in manual mode: an annotation, and the answer of the operator.

use std::io;
use std::process::ExitCode;

use jiff::Timestamp;
use kube::ResourceExt;
use serde_json::json;

use super::cluster::{Cluster, Failure, NO_ANSWER, Object, UNKNOWN, WaitFlags, print_result};
use crate::api::confirmation::{ConfirmationRequest, ConfirmationResult, ConfirmationStatus, digest};
use crate::cluster::identity::Uid;
use crate::domain::record::Confirmation;
use crate::names::annotation::CONFIRMATION;

/// Exit code of a confirmation that changes nothing.
const IGNORED: u8 = 1;

/// The reason why a confirmation was not recorded.
pub(super) enum NotRecorded {
    /// The operator ignored it, for the reason in this message.
    Ignored(String),
    /// Another confirmation has taken its place before the operator acted.
    Replaced,
    /// The operator did not act in time.
    NoAnswer,
}

impl NotRecorded {
    /// Returns the reason in a word.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Ignored(_) => "ignored",
            Self::Replaced => "replaced",
            Self::NoAnswer => "no answer",
        }
    }

    /// Returns the exit code.
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Ignored(_) => IGNORED,
            Self::Replaced | Self::NoAnswer => UNKNOWN,
        })
    }

    /// Returns the reason, and what to do.
    pub(super) fn message(&self) -> &str {
        match self {
            Self::Ignored(message) => message,
            Self::Replaced => {
                "another confirmation has taken its place before the operator acted: look at the state, and confirm again \
                 if that is needed"
            }
            Self::NoAnswer => NO_ANSWER,
        }
    }
}

/// Confirms something for an object, and waits until the operator has recorded it. Returns the object as it is then.
pub(super) async fn confirm<K: Object>(
    cluster: &Cluster,
    name: &str,
    statement: &Confirmation,
    wait: WaitFlags,
) -> Result<Result<K, NotRecorded>, Failure> {
    let uid = Uid::new(&cluster.object::<K>(name).await?);
    let value = value(statement, &uid, Timestamp::now(), cluster.user().await);
    let change = json!({ "metadata": { "annotations": { CONFIRMATION: value } } });
    cluster.patch_object::<K>(name, &change).await?;
    let digest = digest(&value);
    let answer = |object: &K| object.last_confirmation().filter(|answer| answer.digest == digest).cloned();
    let is_replaced = |object: &K| object.annotations().get(CONFIRMATION) != Some(&value);
    let found = cluster.await_object(name, wait, |object| answer(object).is_some() || is_replaced(object)).await?;
    Ok(match found.map(|object| (answer(&object), object)) {
        None => Err(NotRecorded::NoAnswer),
        Some((None, _)) => Err(NotRecorded::Replaced),
        Some((Some(ConfirmationStatus { result: ConfirmationResult::Recorded, .. }), object)) => Ok(object),
        Some((Some(ConfirmationStatus { message, .. }), _)) => Err(NotRecorded::Ignored(message)),
    })
}

/// Prints why a confirmation was not recorded, and returns the exit code for it.
pub(super) fn print_reason<K: Object>(name: &str, reason: &NotRecorded) -> io::Result<ExitCode> {
    print_result::<K>(name, reason.name(), reason.message())?;
    Ok(reason.exit_code())
}

/// Returns the value of the annotation.
fn value(statement: &Confirmation, uid: &Uid, at: Timestamp, by: Option<String>) -> String {
    let (uid, at) = (uid.to_string(), at.to_string());
    let request = ConfirmationRequest { uid, at, by, ..ConfirmationRequest::default() };
    // The operator keeps so much of the name, and refuses a value that is too long.
    let request = ConfirmationRequest { by: request.confirmed_by(), ..request };
    let request = match statement {
        Confirmation::Done(id) => ConfirmationRequest { done: Some(id.clone()), ..request },
        Confirmation::DoneWith(key) => ConfirmationRequest { done_with: Some(key.to_string()), ..request },
        Confirmation::Holds(key) => ConfirmationRequest { holds: Some(key.to_string()), ..request },
        Confirmation::HoldsNothing => ConfirmationRequest { holds_nothing: true, ..request },
    };
    json!(request).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ALMTenant;
    use crate::domain::service_key::fingerprint::KeyFingerprint;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use kube::core::PartialObjectMetaExt;

    #[test]
    fn a_confirmation_says_what_is_confirmed_and_by_whom() {
        let key = KeyFingerprint::recorded("2:00112233445566778899aabbccddeeff");
        let uid = Uid::new(
            &ObjectMeta { uid: Some("u".into()), ..ObjectMeta::default() }.into_request_partial::<ALMTenant>(),
        );
        let at: Timestamp = "2026-05-01T12:00:00.123456Z".parse().expect("a time");
        for statement in [
            Confirmation::Done("bcdfg-hjkmn".into()),
            Confirmation::DoneWith(key.clone()),
            Confirmation::Holds(key),
            Confirmation::HoldsNothing,
        ] {
            for by in [None, Some("alice".to_owned()), Some("\u{6771}".repeat(4096))] {
                let value = value(&statement, &uid, at, by.clone());
                let request = ConfirmationRequest::parse(&value).expect("a confirmation");
                assert_eq!(ConfirmationRequest::statement_of(&value, "u"), Ok(statement.clone()), "{value}");
                assert_eq!(request.at, "2026-05-01T12:00:00.123456Z");
                let named = |name: &String| by.as_ref().is_some_and(|by| by.starts_with(name.trim_end_matches('…')));
                assert_eq!(request.by.as_ref().map(named), by.as_ref().map(|_| true), "{value}");
            }
        }
    }
}
