//! The confirmation of an action in manual mode: the value of an annotation, and the result in the status.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::record::{Confirmation, Ignored};
use crate::domain::service_key::fingerprint::KeyFingerprint;
use crate::domain::untrusted::sanitize;

/// Maximum length of the annotation's value, in bytes.
const MAX_VALUE: usize = 1024;
/// Maximum length of the name of the person, in characters.
const MAX_NAME: usize = 128;

/// The value of the annotation `almkey.dev/confirmation`, as JSON. Exactly one of `done`, `doneWith`, `holds` and
/// `holdsNothing` is set.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfirmationRequest {
    /// The uid of the object that bears the annotation. A copy of the object has another uid, so the confirmation says nothing
    /// of it.
    pub uid: String,
    /// Time of the confirmation. It makes the value of each confirmation another one.
    pub at: String,
    /// The user who confirms, as the command knows that user. This is a note: the audit log of the API server is the proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The ID of the action that was carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<String>,
    /// The fingerprint of the key that the slot holds after an action was carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_with: Option<String>,
    /// The fingerprint of the key that the slot holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<String>,
    /// True if the slot holds no key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub holds_nothing: bool,
}

/// The result of a confirmation.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ConfirmationStatus {
    /// Identifies the value of the annotation: the first 32 hexadecimal digits of its SHA-256.
    pub digest: String,
    /// Recorded: the record of the slot says so now. Ignored: the confirmation changed nothing.
    pub result: ConfirmationResult,
    /// The consequence of the confirmation, or the reason why it changed nothing.
    pub message: String,
    /// The user who confirmed, as the command named that user. The audit log of the API server is the proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<String>,
}

/// The kinds of results of a confirmation.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfirmationResult {
    /// The record of the slot says so now.
    Recorded,
    /// The confirmation changed nothing.
    Ignored,
}

/// A value of the annotation that is no confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the value is no confirmation of this object: expected JSON with its \"uid\", \"at\", and exactly one of \
             \"done\", \"doneWith\", \"holds\" and \"holdsNothing\", as the commands almkey done and almkey check write it",
        )
    }
}

/// Returns the digest that identifies a value of the annotation. The value is not copied into the status: a person may have
/// put anything there.
#[must_use]
pub fn digest(value: &str) -> String {
    let hash = Sha256::digest(value.as_bytes());
    let high = hash.iter().take(16).fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
    format!("{high:032x}")
}

impl ConfirmationRequest {
    /// Parses a value of the annotation.
    ///
    /// # Errors
    /// The value is too long, or no confirmation.
    pub fn parse(value: &str) -> Result<Self, Malformed> {
        if value.len() > MAX_VALUE {
            return Err(Malformed);
        }
        serde_json::from_str(value).map_err(|_| Malformed)
    }

    /// Returns what the person says.
    ///
    /// # Errors
    /// Not exactly one statement is made, or a fingerprint is none.
    pub fn statement(&self) -> Result<Confirmation, Malformed> {
        let fingerprint = |text: &str| KeyFingerprint::parse(text).ok_or(Malformed);
        match (&self.done, &self.done_with, &self.holds, self.holds_nothing) {
            (Some(id), None, None, false) => Ok(Confirmation::Done(id.clone())),
            (None, Some(key), None, false) => fingerprint(key).map(Confirmation::DoneWith),
            (None, None, Some(key), false) => fingerprint(key).map(Confirmation::Holds),
            (None, None, None, true) => Ok(Confirmation::HoldsNothing),
            _ => Err(Malformed),
        }
    }

    /// Parses what a person says of the object with this uid.
    ///
    /// # Errors
    /// The value is no confirmation, or one of another object.
    pub fn statement_of(value: &str, uid: &str) -> Result<Confirmation, Malformed> {
        let request = Self::parse(value)?;
        if request.uid == uid { request.statement() } else { Err(Malformed) }
    }

    /// Returns the name of the person, in printable characters and of bounded length.
    #[must_use]
    pub fn confirmed_by(&self) -> Option<String> {
        self.by.as_deref().map(|by| sanitize(by, MAX_NAME))
    }
}

impl ConfirmationStatus {
    /// Returns the result of a confirmation with this value of the annotation.
    #[must_use]
    pub fn new(value: &str, outcome: Result<(), String>) -> Self {
        let (result, message) = match outcome {
            Ok(()) => (ConfirmationResult::Recorded, "the record of the slot says so now".to_owned()),
            Err(message) => (ConfirmationResult::Ignored, message),
        };
        let confirmed_by = ConfirmationRequest::parse(value).ok().and_then(|request| request.confirmed_by());
        Self { digest: digest(value), result, message, confirmed_by }
    }
}

/// Returns the message about a confirmation that changes nothing. `object` names its object as the commands do.
#[must_use]
pub fn explain(ignored: Ignored, object: &str) -> String {
    match ignored {
        Ignored::NotCurrent => format!(
            "the ID is not that of the current action: it is mistyped, it was confirmed before, or another action has taken its \
             place; almkey explain {object} --steps shows the current one. If you changed the slot, say what it holds now: \
             almkey check {object} --fingerprint FINGERPRINT, or --empty"
        ),
        Ignored::OfAnother => {
            "the slot holds the key of another ALMServiceKey: confirm it for that object, which almkey status shows".to_owned()
        }
        Ignored::StillThere => {
            "this is the key that is to be deleted, and the slot still holds it: delete it in the app, then confirm that"
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINGERPRINT: &str = "2:00112233445566778899aabbccddeeff";

    // proves: limit api/confirmation MAX_VALUE
    #[test]
    fn a_confirmation_of_more_than_a_kibibyte_is_malformed() {
        let with_padding = |length: usize| {
            let value = format!("{{\"uid\":\"u\",\"at\":\"now\",\"done\":\"id\"{}}}", " ".repeat(length));
            (value.len(), ConfirmationRequest::parse(&value).is_ok())
        };
        let (shortest, _) = with_padding(0);
        assert_eq!(with_padding(MAX_VALUE - shortest), (MAX_VALUE, true));
        assert_eq!(with_padding(MAX_VALUE - shortest + 1), (MAX_VALUE + 1, false));
    }

    // proves: limit api/confirmation MAX_NAME
    #[test]
    fn a_name_of_more_than_128_characters_is_truncated() {
        let named = |length: usize| {
            let request = ConfirmationRequest { by: Some("n".repeat(length)), ..ConfirmationRequest::default() };
            request.confirmed_by().expect("a name")
        };
        assert_eq!(named(MAX_NAME), "n".repeat(MAX_NAME));
        assert_eq!(named(MAX_NAME + 1), format!("{}…", "n".repeat(MAX_NAME)));
    }

    #[test]
    fn a_confirmation_makes_exactly_one_statement() {
        let statement = |value: &str| ConfirmationRequest::statement_of(value, "u");
        let key = KeyFingerprint::recorded(FINGERPRINT);
        for (value, expected) in [
            ("{\"uid\":\"u\",\"at\":\"now\",\"done\":\"id\"}".to_owned(), Confirmation::Done("id".into())),
            ("{\"uid\":\"u\",\"at\":\"now\",\"holdsNothing\":true}".to_owned(), Confirmation::HoldsNothing),
            (
                format!("{{\"uid\":\"u\",\"at\":\"now\",\"doneWith\":\"{FINGERPRINT}\"}}"),
                Confirmation::DoneWith(key.clone()),
            ),
            (
                format!("{{\"uid\":\"u\",\"at\":\"now\",\"holds\":\"{FINGERPRINT}\",\"by\":\"me\"}}"),
                Confirmation::Holds(key.clone()),
            ),
        ] {
            assert_eq!(statement(&value), Ok(expected), "{value}");
        }
        for value in [
            "",
            "now",
            "{}",
            "{\"uid\":\"u\",\"at\":\"now\"}",
            "{\"done\":\"id\"}",
            "{\"uid\":\"another\",\"at\":\"now\",\"done\":\"id\"}",
            "{\"uid\":\"u\",\"at\":\"now\",\"holds\":\"no fingerprint\"}",
            "{\"uid\":\"u\",\"at\":\"now\",\"done\":\"id\",\"holds\":\"2:00112233445566778899aabbccddeeff\"}",
            "{\"uid\":\"u\",\"at\":\"now\",\"done\":\"id\",\"other\":1}",
        ] {
            assert_eq!(statement(value), Err(Malformed), "{value}");
        }
    }
}
