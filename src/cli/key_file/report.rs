//! The report on a key, for people and for machines. It contains no value of the key.

use std::io;
use std::process::ExitCode;

use serde_json::json;

use crate::cli::output::Format;
use crate::domain::policy::KeyRules;
use crate::domain::reason::Reason;
use crate::domain::service_key::fingerprint::KeyFingerprint;
use crate::domain::service_key::{Finding, Findings, ServiceKey};
use crate::domain::untrusted::sanitize;

/// Maximum length of a line, in characters.
const MAX_LINE_CHARS: usize = 4096;

/// The result of checking a file or the source of an object.
pub(in crate::cli) enum Outcome {
    /// The source of the object has no key at present: reason, message and next step.
    Absent(Reason, String, String),
    /// The key meets the rules.
    Valid(ServiceKey),
    /// There is no key in the file, or one that violates the rules: the findings, and the fingerprint if its credentials
    /// are complete.
    Invalid(Findings, Option<KeyFingerprint>),
    /// The key signs in.
    SignsIn(ServiceKey),
    /// The token endpoint refused the key: reason and message.
    Refused(ServiceKey, Reason, String),
    /// The token endpoint gave no clear answer: message and next step.
    Unknown(ServiceKey, String, String),
}

impl Outcome {
    /// Returns the exit code.
    pub(in crate::cli) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Valid(_) | Self::SignsIn(_) => 0,
            Self::Invalid(..) | Self::Refused(..) => 1,
            Self::Unknown(..) | Self::Absent(..) => 3,
        })
    }
}

/// The report on a file or an object.
pub(in crate::cli) struct Report {
    subject: String,
    zone_was_checked: bool,
    /// Rules besides the tenant of the key that were not checked, and what to do about it.
    unchecked: Vec<String>,
    /// False if the options of the command do not set the rules.
    has_options: bool,
    outcome: Outcome,
}

impl Report {
    /// Returns the report on a key that was checked against `rules`. `unchecked` are rules that are not known.
    pub(in crate::cli) fn new(subject: String, rules: &KeyRules, unchecked: Vec<String>, outcome: Outcome) -> Self {
        Self { subject, zone_was_checked: rules.identity_zone.is_some(), unchecked, has_options: true, outcome }
    }

    /// Names no options that change the rules, because the command has none, or those of a tenant count.
    pub(in crate::cli) fn without_options(self) -> Self {
        Self { has_options: false, ..self }
    }

    /// Prints the report to standard output and returns the exit code for it.
    ///
    /// # Errors
    /// Standard output cannot be written to.
    pub(in crate::cli) fn print(&self, format: Format) -> io::Result<ExitCode> {
        format.print(|| self.to_text(), || self.to_json())?;
        Ok(self.outcome.exit_code())
    }

    fn to_text(&self) -> String {
        let subject = &self.subject;
        let mut lines = match &self.outcome {
            Outcome::Absent(reason, message, next) => {
                vec![format!("{subject}: no key ({reason})"), line("why", message), line("next", next)]
            }
            Outcome::Valid(_) => vec![format!("{subject}: valid")],
            Outcome::SignsIn(_) => vec![format!("{subject}: valid, and signs in")],
            Outcome::Refused(_, _, message) => {
                vec![format!("{subject}: refused"), line("why", message), line("next", CREATE_ANOTHER)]
            }
            Outcome::Unknown(_, message, next) => {
                vec![format!("{subject}: unknown"), line("why", message), line("next", next)]
            }
            Outcome::Invalid(findings, _) => {
                let number = findings.iter().count();
                let mut lines =
                    vec![format!("{subject}: invalid, {number} finding{}", if number == 1 { "" } else { "s" })];
                lines.extend(findings.iter().flat_map(|finding| self.finding_lines(finding)));
                lines
            }
        };
        lines.extend(self.fingerprint().map(|fingerprint| line("fingerprint", fingerprint.as_str())));
        if self.key().is_some_and(|key| !key.has_api_endpoint()) {
            lines.push(line("note", "it has no endpoints.Api: managed systems find no address of SAP Cloud ALM in it"));
        }
        lines.extend(self.unchecked().map(|unchecked| line("not checked", unchecked)));
        lines.join("\n") + "\n"
    }

    fn to_json(&self) -> serde_json::Value {
        let (result, reason, message, next) = match &self.outcome {
            Outcome::Absent(reason, message, next) => ("Unknown", Some(*reason), Some(message), Some(next.as_str())),
            Outcome::Valid(_) => ("Valid", Some(Reason::Valid), None, None),
            Outcome::Invalid(findings, _) => ("Invalid", Some(findings.reason()), None, None),
            Outcome::SignsIn(_) => ("SignsIn", Some(Reason::SignedIn), None, None),
            Outcome::Refused(_, reason, message) => ("Refused", Some(*reason), Some(message), Some(CREATE_ANOTHER)),
            Outcome::Unknown(_, message, next) => ("Unknown", None, Some(message), Some(next.as_str())),
        };
        let findings: Vec<_> = match &self.outcome {
            Outcome::Invalid(findings, _) => findings.iter().map(|finding| self.finding_json(finding)).collect(),
            _ => Vec::new(),
        };
        json!({
            "file": self.subject,
            "result": result,
            "reason": reason.map(Reason::as_str),
            "message": message,
            "next": next,
            "findings": findings,
            "fingerprint": self.fingerprint().map(KeyFingerprint::as_str),
            "hasAPIEndpoint": self.key().map(ServiceKey::has_api_endpoint),
            "identityZoneChecked": self.zone_was_checked,
            "notChecked": self.unchecked().collect::<Vec<_>>(),
        })
    }

    fn finding_lines(&self, finding: &Finding) -> Vec<String> {
        let Finding { reason, path, found, expected, remedy } = finding;
        let mut lines = vec![
            format!("  {path} ({reason})"),
            format!("  {}", line("found", found)),
            format!("  {}", line("expected", expected)),
            format!("  {}", line("next", remedy)),
        ];
        if let Some(option) = self.option(*reason) {
            lines.push(format!("  {}", line("option", &format!("{option} changes what is expected"))));
        }
        lines
    }

    fn finding_json(&self, finding: &Finding) -> serde_json::Value {
        let Finding { reason, path, found, expected, remedy } = finding;
        json!({
            "reason": reason.as_str(), "path": path, "found": found, "expected": expected, "next": remedy,
            "option": self.option(*reason),
        })
    }

    fn option(&self, reason: Reason) -> Option<&'static str> {
        option(reason).filter(|_| self.has_options)
    }

    /// Returns the rules that were not checked.
    fn unchecked(&self) -> impl Iterator<Item = &str> {
        let zone = (!self.zone_was_checked && self.has_options).then_some(UNCHECKED_ZONE);
        self.unchecked.iter().map(String::as_str).chain(zone)
    }

    fn key(&self) -> Option<&ServiceKey> {
        match &self.outcome {
            Outcome::Valid(key) | Outcome::SignsIn(key) | Outcome::Refused(key, ..) | Outcome::Unknown(key, ..) => {
                Some(key)
            }
            Outcome::Invalid(..) | Outcome::Absent(..) => None,
        }
    }

    /// Returns the fingerprint of the key, whether or not it meets the rules.
    fn fingerprint(&self) -> Option<&KeyFingerprint> {
        match &self.outcome {
            Outcome::Invalid(_, fingerprint) => fingerprint.as_ref(),
            _ => self.key().map(ServiceKey::fingerprint),
        }
    }
}

const UNCHECKED_ZONE: &str = "the tenant of the key: pass --identity-zone to check it";
const CREATE_ANOTHER: &str = "create a new service key or binding in the BTP cockpit, and test that one";

/// Returns a line of the report. Messages may quote names from the cluster.
fn line(name: &str, text: &str) -> String {
    format!("  {name:<13}{}", sanitize(text, MAX_LINE_CHARS))
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
