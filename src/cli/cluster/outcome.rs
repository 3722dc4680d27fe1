//! The outcome of a command that waited for the operator: what it found, and the exit code.

use std::io;
use std::process::ExitCode;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::{Object, qualified_as};
use crate::cli::{output, text};
use crate::domain::reason::Reason;
use crate::domain::untrusted::sanitize;
use crate::names::condition::READY;

/// Exit code of an object that is not ready.
const NOT_READY: u8 = 1;
/// Maximum length of the outcome in the first line, in characters.
const MAX_OUTCOME_CHARS: usize = 128;
/// Message about an object that the operator has not seen as it is now.
pub(in crate::cli) const UNSEEN: &str = "the operator has not seen the last change of the object yet: if this stays, check that it runs (its log, and \
                                         /readyz)";
/// Message about an operator that did not act in time.
pub(in crate::cli) const NO_ANSWER: &str = "the operator has not acted in time: check that it runs and leads (its log, and /readyz), or wait longer with \
                                            --timeout";
/// Exit code of an object whose state is not known.
pub(in crate::cli) const UNKNOWN: u8 = 3;

/// Exit code of a command after which a person must act in Landscape Management.
pub(in crate::cli) const ACTION_REQUIRED: u8 = 4;

/// Prints the condition `Ready` of an object, and returns the exit code for it. None stands for an operator that did not
/// act in time.
pub(in crate::cli) fn print_outcome<K: Object>(name: &str, object: Option<&K>) -> io::Result<ExitCode> {
    let Some(object) = object else {
        print_result::<K>(name, "no answer", NO_ANSWER)?;
        return Ok(ExitCode::from(UNKNOWN));
    };
    let Condition { status, reason, message, .. } = &current_ready(object);
    print_result::<K>(name, &format!("Ready is {status} ({reason})"), message)?;
    Ok(exit_code(object))
}

/// Returns the exit code for the condition `Ready` of an object.
pub(in crate::cli) fn exit_code(object: &impl Object) -> ExitCode {
    ExitCode::from(match current_ready(object).status.as_str() {
        "True" => 0,
        "False" => NOT_READY,
        _ => UNKNOWN,
    })
}

/// Returns the condition `Ready` of an object, in a sentence.
pub(in crate::cli) fn ready_text<K: Object>(object: &K) -> String {
    let Condition { status, reason, message, .. } = current_ready(object);
    format!("Ready is {status} ({reason}): {message}")
}

/// Returns the condition `Ready` of an object. It is unknown if the operator has not seen the last change of the object.
pub(in crate::cli) fn current_ready(object: &impl Object) -> Condition {
    let metadata = object.meta();
    let status = object.conditions().filter(|(observed, _)| Some(*observed) == metadata.generation);
    let found = status.and_then(|(_, conditions)| conditions.iter().find(|condition| condition.type_ == READY));
    found.cloned().unwrap_or_else(|| Condition {
        type_: READY.into(),
        status: "Unknown".into(),
        reason: Reason::Progressing.to_string(),
        message: UNSEEN.into(),
        last_transition_time: metadata.creation_timestamp.clone().unwrap_or(Time(Timestamp::UNIX_EPOCH)),
        observed_generation: None,
    })
}

/// Prints the result of a command for an object, and a message about it.
pub(in crate::cli) fn print_result<K: Object>(name: &str, result: &str, message: &str) -> io::Result<()> {
    output::print(&result_text::<K>(name, result, message))
}

/// Returns the result of a command for an object as text, and a message about it.
pub(in crate::cli) fn result_text<K: Object>(name: &str, result: &str, message: &str) -> String {
    let result = sanitize(result, MAX_OUTCOME_CHARS);
    format!("{}: {result}\n{}", qualified_as::<K>(name), text::paragraph(message))
}
