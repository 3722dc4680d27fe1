//! What is said of a file, to people and to machines. Nothing of it is a value of the file.

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::json;

use crate::domain::reason::Reason;
use crate::domain::service_key::{Finding, Findings, ServiceKey};

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Format {
    /// Lines for people.
    Text,
    /// One JSON object.
    Json,
}

/// What became of a file.
pub(in crate::cli) enum Outcome {
    /// It holds a key that keeps the rules.
    Valid(ServiceKey),
    /// It does not.
    Invalid(Findings),
    /// Its key signs in.
    SignsIn(ServiceKey),
    /// Its key does not.
    Refused(ServiceKey, Reason, String),
    /// Nothing is known of its key, why, and what next.
    Unknown(ServiceKey, String, String),
}

/// The report on a file.
pub(in crate::cli) struct Report {
    file: String,
    format: Format,
    zone_was_checked: bool,
    outcome: Outcome,
}

impl Report {
    pub(super) fn new(file: String, format: Format, zone_was_checked: bool, outcome: Outcome) -> Self {
        Self { file, format, zone_was_checked, outcome }
    }

    /// Writes it to standard output; the exit code says the same.
    ///
    /// # Errors
    /// Nobody takes it.
    pub(in crate::cli) fn print(&self) -> io::Result<ExitCode> {
        let text = match self.format {
            Format::Text => self.for_people(),
            Format::Json => format!("{:#}\n", self.for_machines()),
        };
        io::stdout().write_all(text.as_bytes())?;
        Ok(ExitCode::from(match self.outcome {
            Outcome::Valid(_) | Outcome::SignsIn(_) => 0,
            Outcome::Invalid(_) | Outcome::Refused(..) => 1,
            Outcome::Unknown(..) => 3,
        }))
    }

    fn for_people(&self) -> String {
        let file = &self.file;
        let mut lines = match &self.outcome {
            Outcome::Valid(_) => vec![format!("{file}: valid")],
            Outcome::SignsIn(_) => vec![format!("{file}: valid, and signs in")],
            Outcome::Refused(_, _, message) => {
                vec![format!("{file}: refused"), line("why", message), line("next", MAKE_ANOTHER)]
            }
            Outcome::Unknown(_, message, next) => {
                vec![format!("{file}: unknown"), line("why", message), line("next", next)]
            }
            Outcome::Invalid(findings) => {
                let number = findings.iter().count();
                let mut lines =
                    vec![format!("{file}: invalid, {number} finding{}", if number == 1 { "" } else { "s" })];
                lines.extend(findings.iter().flat_map(in_lines));
                lines
            }
        };
        if let Some(key) = self.key() {
            lines.push(line("fingerprint", &key.fingerprint().to_string()));
        }
        if !self.zone_was_checked {
            lines.push(line("not checked", "whether it belongs to your tenant: name that by --identity-zone"));
        }
        lines.join("\n") + "\n"
    }

    fn for_machines(&self) -> serde_json::Value {
        let (result, reason, message, next) = match &self.outcome {
            Outcome::Valid(_) => ("Valid", Some(Reason::Valid), None, None),
            Outcome::Invalid(findings) => ("Invalid", Some(findings.reason()), None, None),
            Outcome::SignsIn(_) => ("SignsIn", Some(Reason::SignedIn), None, None),
            Outcome::Refused(_, reason, message) => ("Refused", Some(*reason), Some(message), Some(MAKE_ANOTHER)),
            Outcome::Unknown(_, message, next) => ("Unknown", None, Some(message), Some(next.as_str())),
        };
        let findings: Vec<_> = match &self.outcome {
            Outcome::Invalid(findings) => findings.iter().map(as_json).collect(),
            Outcome::Valid(_) | Outcome::SignsIn(_) | Outcome::Refused(..) | Outcome::Unknown(..) => Vec::new(),
        };
        json!({
            "file": self.file,
            "result": result,
            "reason": reason.map(Reason::as_str),
            "message": message,
            "next": next,
            "findings": findings,
            "fingerprint": self.key().map(|key| key.fingerprint().to_string()),
            "identityZoneChecked": self.zone_was_checked,
        })
    }

    fn key(&self) -> Option<&ServiceKey> {
        match &self.outcome {
            Outcome::Valid(key) | Outcome::SignsIn(key) | Outcome::Refused(key, ..) | Outcome::Unknown(key, ..) => {
                Some(key)
            }
            Outcome::Invalid(_) => None,
        }
    }
}

const MAKE_ANOTHER: &str = "make a new service key or binding in the BTP cockpit, and test that";

fn line(name: &str, text: &str) -> String {
    format!("  {name:<13}{text}")
}

fn in_lines(finding: &Finding) -> Vec<String> {
    let Finding { reason, path, found, expected, remedy } = finding;
    let mut lines = vec![
        format!("  {path} ({reason})"),
        format!("  {}", line("found", found)),
        format!("  {}", line("expected", expected)),
        format!("  {}", line("next", remedy)),
    ];
    if let Some(option) = option(*reason) {
        lines.push(format!("  {}", line("here", &format!("{option} sets what is expected"))));
    }
    lines
}

fn as_json(finding: &Finding) -> serde_json::Value {
    let Finding { reason, path, found, expected, remedy } = finding;
    json!({
        "reason": reason.as_str(), "path": path, "found": found, "expected": expected, "next": remedy,
        "option": option(*reason),
    })
}

/// The option of the command that stands for what a field of the `ALMTenant` is to the operator.
fn option(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::WrongTenant => Some("--identity-zone"),
        Reason::UnsupportedCredentialType => Some("--accept-credential-type"),
        Reason::TokenHostNotAllowed => Some("--allow-host"),
        Reason::EndpointNotAllowed => Some("--endpoint-host"),
        Reason::ForbiddenScope => Some("--forbid-scope"),
        _ => None,
    }
}
