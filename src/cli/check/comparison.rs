//! The comparison of the key in the slot with all that is known of an object's keys.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::fields;
use crate::api::action::ActionOperation;
use crate::api::slot::SlotStatus;
use crate::api::status::ALMServiceKeyStatus;
use crate::cli::cluster::UNKNOWN;
use crate::cli::slot_key::SlotKey;
use crate::cli::text::item;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::fingerprint::KeyFingerprint;

/// Exit code of another key.
const NOT_THE_KEY: u8 = 1;

/// The keys that are known of an object.
pub(super) struct KnownKeys {
    /// The key in the source, or why it could not be read.
    pub(super) source: Result<ServiceKey, String>,
    /// The status of the object.
    pub(super) status: ALMServiceKeyStatus,
    /// The slot in the status of the tenant, if the user may read it.
    pub(super) slot: Option<SlotStatus>,
}

/// The key that a key in the slot is compared with.
#[derive(Clone, Copy)]
enum Reference {
    Source,
    ToUpload,
    ToDelete,
    Uploaded,
}

/// The result of a comparison.
pub(super) struct Comparison {
    verdict: Verdict,
    notes: Vec<String>,
}

#[derive(Clone, Copy)]
enum Verdict {
    Same(Reference),
    Another(Reference),
    Unknown,
}

impl Reference {
    fn name(self) -> &'static str {
        match self {
            Self::Source => "Source",
            Self::ToUpload => "ToUpload",
            Self::ToDelete => "ToDelete",
            Self::Uploaded => "Uploaded",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::Source => "the key of the source",
            Self::ToUpload => "the key that a person is asked to upload",
            Self::ToDelete => "the key that a person is asked to delete",
            Self::Uploaded => "the key that the status records as uploaded",
        }
    }
}

impl Comparison {
    /// Returns the result as text: a line, and notes in lines of at most `width` columns.
    pub(super) fn text(&self, width: u16) -> String {
        let summary = match self.verdict {
            Verdict::Same(reference) => format!("the same key as {}", reference.description()),
            Verdict::Another(reference) => format!("another key than {}", reference.description()),
            Verdict::Unknown => "not known: there is no key to compare with".to_owned(),
        };
        let notes = self.notes.iter().map(|note| item(note, width));
        [format!("{summary}\n")].into_iter().chain(notes).collect()
    }

    /// Returns the result for machines.
    pub(super) fn value(&self) -> Value {
        let (result, reference) = match self.verdict {
            Verdict::Same(reference) => ("Same", Some(reference)),
            Verdict::Another(reference) => ("Another", Some(reference)),
            Verdict::Unknown => ("Unknown", None),
        };
        json!({ "result": result, "with": reference.map(Reference::name), "notes": self.notes })
    }

    /// Returns the exit code.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self.verdict {
            Verdict::Same(_) => ExitCode::SUCCESS,
            Verdict::Another(_) => ExitCode::from(NOT_THE_KEY),
            Verdict::Unknown => ExitCode::from(UNKNOWN),
        }
    }
}

/// Compares the key in the slot with the key of the source or, if that is not known, with the one in the status.
pub(super) fn compare(found: &SlotKey, known: &KnownKeys) -> Comparison {
    let verdict = match reference(known) {
        Some((reference, fingerprint)) if fingerprint == *found.fingerprint() => Verdict::Same(reference),
        Some((reference, _)) => Verdict::Another(reference),
        None => Verdict::Unknown,
    };
    let notes = [fields_note(found, known), status_note(found, known, verdict), slot_note(found, known)];
    Comparison { verdict, notes: notes.into_iter().flatten().collect() }
}

/// Returns the key to compare with. A fingerprint of an earlier operator cannot be compared.
fn reference(KnownKeys { source, status, slot: _ }: &KnownKeys) -> Option<(Reference, KeyFingerprint)> {
    if let Ok(key) = source {
        return Some((Reference::Source, key.fingerprint().clone()));
    }
    let requested = status.action.as_ref().and_then(|action| {
        let reference = match action.operation {
            ActionOperation::Upload | ActionOperation::Replace => Reference::ToUpload,
            ActionOperation::Delete => Reference::ToDelete,
        };
        Some((reference, action.fingerprint.as_ref()?))
    });
    let uploaded = status.uploaded.as_ref().map(|uploaded| (Reference::Uploaded, &uploaded.fingerprint));
    let (reference, fingerprint) = requested.or(uploaded)?;
    let fingerprint = KeyFingerprint::recorded(fingerprint);
    fingerprint.is_comparable().then_some((reference, fingerprint))
}

/// Names the fields that differ, or says why they were not compared.
fn fields_note(found: &SlotKey, known: &KnownKeys) -> Option<String> {
    match (found, &known.source) {
        (SlotKey::Known(downloaded), Ok(source)) => {
            let differences = fields::differences(downloaded, source);
            Some(
                differences
                    .map_or("All fields are equal.".to_owned(), |fields| format!("Fields that differ: {fields}")),
            )
        }
        (_, Err(why)) => Some(format!("The key of the source was not compared: {why}.")),
        (SlotKey::Fingerprint(_), Ok(_)) => None,
    }
}

/// Says how the status of the object describes a key that is another one.
fn status_note(found: &SlotKey, known: &KnownKeys, verdict: Verdict) -> Option<String> {
    let is_found = |fingerprint: &String| fingerprint == found.fingerprint().as_str();
    let ALMServiceKeyStatus { uploaded, action, unconfirmed, .. } = &known.status;
    if matches!(verdict, Verdict::Same(_)) {
        return None;
    }
    let is_to_be_deleted = action.as_ref().is_some_and(|action| {
        action.operation == ActionOperation::Delete && action.fingerprint.as_ref().is_some_and(is_found)
    });
    let reference = if is_to_be_deleted {
        Reference::ToDelete
    } else if uploaded.as_ref().is_some_and(|uploaded| is_found(&uploaded.fingerprint)) {
        Reference::Uploaded
    } else if unconfirmed.as_ref().is_some_and(|unconfirmed| unconfirmed.fingerprints.iter().any(is_found)) {
        return Some("It is a key that a person was asked to upload before.".to_owned());
    } else {
        return Some("The ALMServiceKey has no record of it.".to_owned());
    };
    Some(format!("It is {}.", reference.description()))
}

/// Says if the record of the slot names the key.
fn slot_note(found: &SlotKey, known: &KnownKeys) -> Option<String> {
    let recorded = known.slot.as_ref()?.fingerprint.as_ref()?;
    Some(if recorded == found.fingerprint().as_str() {
        "The record of the slot names it.".to_owned()
    } else {
        format!("The record of the slot names another key until now: {recorded}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::service_key::examples::{key, key_with};

    const OTHER: &str = "2:ffeeddccbbaa99887766554433221100";

    fn rotated() -> ServiceKey {
        key_with(|document| document["uaa"]["clientsecret"] = json!("rotated"))
    }

    fn uploaded(key: &ServiceKey) -> Value {
        json!({
            "origin": "Uploaded", "revision": "r", "fingerprint": key.fingerprint().as_str(),
            "identityZone": "acme-calm", "credentialType": "instance-secret", "clientID": "sb-x",
            "uploadedAt": "2026-05-01T10:00:00Z", "provenAt": "2026-05-01T10:00:00Z",
        })
    }

    fn action(operation: &str, key: &ServiceKey) -> Value {
        json!({
            "id": "bcdfg-hjkmn", "operation": operation, "fingerprint": key.fingerprint().as_str(), "revision": "r",
            "requestedAt": "2026-05-01T10:00:00Z",
        })
    }

    fn known(source: Option<ServiceKey>, mut status: Value) -> KnownKeys {
        status["observedGeneration"] = json!(1);
        status["conditions"] = json!([]);
        KnownKeys {
            source: source.ok_or_else(|| "you may not read the Secret \"calm\"".to_owned()),
            status: serde_json::from_value(status).expect("a status"),
            slot: None,
        }
    }

    fn compared(found: &ServiceKey, known: &KnownKeys) -> String {
        compare(&SlotKey::Fingerprint(found.fingerprint().clone()), known).text(200)
    }

    #[test]
    fn a_key_is_compared_with_the_source_or_else_with_the_status() {
        let unread = "  The key of the source was not compared: you may not read the Secret \"calm\".\n";
        for (found, known, expected) in [
            (key(), known(Some(key()), json!({})), "the same key as the key of the source\n".to_owned()),
            (
                rotated(),
                known(Some(key()), json!({ "uploaded": uploaded(&rotated()) })),
                "another key than the key of the source\n  It is the key that the status records as uploaded.\n"
                    .to_owned(),
            ),
            (
                key(),
                known(None, json!({ "uploaded": uploaded(&rotated()), "action": action("Replace", &key()) })),
                format!("the same key as the key that a person is asked to upload\n{unread}"),
            ),
            (
                key(),
                known(None, json!({ "uploaded": uploaded(&key()), "action": action("Delete", &key()) })),
                format!("the same key as the key that a person is asked to delete\n{unread}"),
            ),
            (
                rotated(),
                known(None, json!({ "uploaded": uploaded(&key()) })),
                format!(
                    "another key than the key that the status records as uploaded\n{unread}  The ALMServiceKey has no record \
                     of it.\n"
                ),
            ),
            (
                rotated(),
                known(None, json!({})),
                format!(
                    "not known: there is no key to compare with\n{unread}  The ALMServiceKey has no record of it.\n"
                ),
            ),
        ] {
            assert_eq!(compared(&found, &known), expected);
        }
    }

    #[test]
    fn a_key_that_was_to_be_uploaded_or_deleted_before_is_recognised() {
        let unconfirmed = json!({ "revision": "r", "fingerprints": [OTHER, rotated().fingerprint().as_str()] });
        let before = known(Some(key()), json!({ "unconfirmed": unconfirmed }));
        assert!(compared(&rotated(), &before).contains("a key that a person was asked to upload before"));
        let deletion = known(Some(key()), json!({ "action": action("Delete", &rotated()) }));
        assert!(compared(&rotated(), &deletion).contains("It is the key that a person is asked to delete."));
    }

    #[test]
    fn the_record_of_the_slot_is_named() {
        for (recorded, expected) in [
            (key().fingerprint().as_str(), "The record of the slot names it.\n".to_owned()),
            (OTHER, format!("The record of the slot names another key until now: {OTHER}\n")),
        ] {
            let slot = json!({ "state": "Foreign", "since": "2026-05-01T10:00:00Z", "fingerprint": recorded });
            let slot = Some(serde_json::from_value(slot).expect("a slot"));
            assert!(compared(&key(), &KnownKeys { slot, ..known(Some(key()), json!({})) }).ends_with(&expected));
        }
    }

    #[test]
    fn the_fields_of_a_file_are_compared_if_the_source_can_be_read() {
        let file = |key: ServiceKey, known: &KnownKeys| compare(&SlotKey::Known(Box::new(key)), known).text(200);
        let same = file(key(), &known(Some(key()), json!({})));
        assert!(same.ends_with("  All fields are equal.\n"), "{same}");
        let changed = file(rotated(), &known(Some(key()), json!({})));
        assert!(changed.contains("  Fields that differ: $.uaa.clientsecret\n"), "{changed}");
    }

    #[test]
    fn a_fingerprint_of_an_earlier_operator_is_not_compared() {
        let mut earlier = uploaded(&key());
        earlier["fingerprint"] = json!("00112233445566778899aabbccddeeff");
        assert!(compared(&key(), &known(None, json!({ "uploaded": earlier }))).starts_with("not known"));
    }
}
