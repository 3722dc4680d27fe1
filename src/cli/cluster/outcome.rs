//! The outcome of a command that waited for the operator: what it found, and the exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::ResourceExt;

use super::qualified;
use crate::api::ALMServiceKey;
use crate::cli::text;
use crate::domain::reason::Reason;
use crate::domain::untrusted::sanitize;
use crate::names::condition::READY;

/// Exit code of a key that is not ready.
const NOT_READY: u8 = 1;
/// Maximum length of the outcome in the first line, in characters.
const MAX_OUTCOME_CHARS: usize = 128;
/// Message about an object that the operator has not seen as it is now.
pub(in crate::cli) const UNSEEN: &str = "the operator has not seen the last change of the object yet: if this stays, check that it runs (its log, and \
                                         /readyz)";
/// Exit code of a key whose state is not known.
const UNKNOWN: u8 = 3;

/// Prints the condition `Ready` of a key, and returns the exit code for it. None stands for an operator that did not
/// act in time.
pub(in crate::cli) fn print_outcome(name: &str, key: Option<&ALMServiceKey>) -> io::Result<ExitCode> {
    let Some(key) = key else {
        let message = "the operator has not acted in time: check that it runs and leads (its log, and /readyz), or wait \
                       longer with --timeout";
        print(&qualified(name), "no answer", message)?;
        return Ok(ExitCode::from(UNKNOWN));
    };
    let Condition { status, reason, message, .. } = &current_ready(key);
    let outcome = format!("Ready is {status} ({reason})");
    print(&qualified(&key.name_any()), &sanitize(&outcome, MAX_OUTCOME_CHARS), message)?;
    Ok(exit_code(key))
}

/// Returns the exit code for the condition `Ready` of a key.
pub(in crate::cli) fn exit_code(key: &ALMServiceKey) -> ExitCode {
    ExitCode::from(match current_ready(key).status.as_str() {
        "True" => 0,
        "False" => NOT_READY,
        _ => UNKNOWN,
    })
}

/// Returns the condition `Ready` of a key. It is unknown if the operator has not seen the last change of the object.
pub(in crate::cli) fn current_ready(key: &ALMServiceKey) -> Condition {
    let status = key.status.as_ref().filter(|status| Some(status.observed_generation) == key.metadata.generation);
    let found = status.and_then(|status| status.conditions.iter().find(|condition| condition.type_ == READY));
    found.cloned().unwrap_or_else(|| Condition {
        type_: READY.into(),
        status: "Unknown".into(),
        reason: Reason::Progressing.to_string(),
        message: UNSEEN.into(),
        last_transition_time: key.metadata.creation_timestamp.clone().unwrap_or(Time(Timestamp::UNIX_EPOCH)),
        observed_generation: None,
    })
}

fn print(object: &str, outcome: &str, message: &str) -> io::Result<()> {
    let text = format!("{object}: {outcome}\n{}", text::paragraph(message));
    io::stdout().write_all(text.as_bytes())
}
