//! The report on a file, for people and for machines. It contains no value of the file.

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::json;

use crate::domain::reason::Reason;
use crate::domain::service_key::{Finding, Findings, ServiceKey};

/// The format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Format {
    /// Text for people.
    Text,
    /// One JSON object for machines.
    Json,
}

/// The result of checking a file.
pub(in crate::cli) enum Outcome {
    /// The file holds a key that meets the rules.
    Valid(ServiceKey),
    /// The file holds no key, or a key that violates the rules.
    Invalid(Findings),
    /// The key signs in.
    SignsIn(ServiceKey),
    /// The token endpoint refused the key: reason and message.
    Refused(ServiceKey, Reason, String),
    /// The token endpoint gave no clear answer: message and next step.
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

    /// Prints the report to standard output and returns the exit code for it.
    ///
    /// # Errors
    /// Standard output cannot be written to.
    pub(in crate::cli) fn print(&self) -> io::Result<ExitCode> {
        let text = match self.format {
            Format::Text => self.to_text(),
            Format::Json => format!("{:#}\n", self.to_json()),
        };
        io::stdout().write_all(text.as_bytes())?;
        Ok(ExitCode::from(match self.outcome {
            Outcome::Valid(_) | Outcome::SignsIn(_) => 0,
            Outcome::Invalid(_) | Outcome::Refused(..) => 1,
            Outcome::Unknown(..) => 3,
        }))
    }

    fn to_text(&self) -> String {
        let file = &self.file;
        let mut lines = match &self.outcome {
            Outcome::Valid(_) => vec![format!("{file}: valid")],
            Outcome::SignsIn(_) => vec![format!("{file}: valid, and signs in")],
            Outcome::Refused(_, _, message) => {
                vec![format!("{file}: refused"), line("why", message), line("next", CREATE_ANOTHER)]
            }
            Outcome::Unknown(_, message, next) => {
                vec![format!("{file}: unknown"), line("why", message), line("next", next)]
            }
            Outcome::Invalid(findings) => {
                let number = findings.iter().count();
                let mut lines =
                    vec![format!("{file}: invalid, {number} finding{}", if number == 1 { "" } else { "s" })];
                lines.extend(findings.iter().flat_map(finding_lines));
                lines
            }
        };
        if let Some(key) = self.key() {
            lines.push(line("fingerprint", &key.fingerprint().to_string()));
            if !key.has_api_endpoint() {
                lines.push(line(
                    "note",
                    "it has no endpoints.Api: managed systems find no address of SAP Cloud ALM in it",
                ));
            }
        }
        if !self.zone_was_checked {
            lines.push(line("not checked", "the tenant of the key: pass --identity-zone to check it"));
        }
        lines.join("\n") + "\n"
    }

    fn to_json(&self) -> serde_json::Value {
        let (result, reason, message, next) = match &self.outcome {
            Outcome::Valid(_) => ("Valid", Some(Reason::Valid), None, None),
            Outcome::Invalid(findings) => ("Invalid", Some(findings.reason()), None, None),
            Outcome::SignsIn(_) => ("SignsIn", Some(Reason::SignedIn), None, None),
            Outcome::Refused(_, reason, message) => ("Refused", Some(*reason), Some(message), Some(CREATE_ANOTHER)),
            Outcome::Unknown(_, message, next) => ("Unknown", None, Some(message), Some(next.as_str())),
        };
        let findings: Vec<_> = match &self.outcome {
            Outcome::Invalid(findings) => findings.iter().map(finding_json).collect(),
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
            "hasAPIEndpoint": self.key().map(ServiceKey::has_api_endpoint),
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

const CREATE_ANOTHER: &str = "create a new service key or binding in the BTP cockpit, and test that one";

fn line(name: &str, text: &str) -> String {
    format!("  {name:<13}{text}")
}

fn finding_lines(finding: &Finding) -> Vec<String> {
    let Finding { reason, path, found, expected, remedy } = finding;
    let mut lines = vec![
        format!("  {path} ({reason})"),
        format!("  {}", line("found", found)),
        format!("  {}", line("expected", expected)),
        format!("  {}", line("next", remedy)),
    ];
    if let Some(option) = option(*reason) {
        lines.push(format!("  {}", line("option", &format!("{option} changes what is expected"))));
    }
    lines
}

fn finding_json(finding: &Finding) -> serde_json::Value {
    let Finding { reason, path, found, expected, remedy } = finding;
    json!({
        "reason": reason.as_str(), "path": path, "found": found, "expected": expected, "next": remedy,
        "option": option(*reason),
    })
}

/// Returns the option that corresponds to the field of the `ALMTenant` behind this reason.
fn option(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::WrongTenant => Some("--identity-zone"),
        Reason::UnsupportedCredentialType => Some("--accept-credential-type"),
        Reason::TokenHostNotAllowed => Some("--allow-host"),
        Reason::EndpointNotAllowed => Some("--endpoint-host"),
        Reason::WrongService => Some("--accept-service"),
        Reason::ForbiddenScope => Some("--forbid-scope"),
        _ => None,
    }
}
