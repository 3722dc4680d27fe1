//! The outcome of a command that waited for the operator: what it found, and the exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;

use super::qualified;
use crate::api::ALMServiceKey;
use crate::cli::text;
use crate::names::condition::READY;

/// Exit code of a key that is not ready.
const NOT_READY: u8 = 1;
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
    let (status, reason, message) =
        ready(key).map_or(("Unknown", "", ""), |ready| (&ready.status, &ready.reason, &ready.message));
    print(&qualified(&key.name_any()), &format!("Ready is {status} ({reason})"), message)?;
    Ok(exit_code(key))
}

/// Returns the exit code for the condition `Ready` of a key. That of an earlier state of the object is not known.
pub(in crate::cli) fn exit_code(key: &ALMServiceKey) -> ExitCode {
    let observed = key.status.as_ref().map(|status| status.observed_generation);
    let ready = ready(key).filter(|_| observed == key.metadata.generation);
    ExitCode::from(match ready.map(|ready| ready.status.as_str()) {
        Some("True") => 0,
        Some("False") => NOT_READY,
        Some(_) | None => UNKNOWN,
    })
}

fn ready(key: &ALMServiceKey) -> Option<&Condition> {
    let conditions = key.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    conditions.iter().find(|condition| condition.type_ == READY)
}

fn print(object: &str, outcome: &str, message: &str) -> io::Result<()> {
    let text = format!("{object}: {outcome}\n{}", text::paragraph(message));
    io::stdout().write_all(text.as_bytes())
}
