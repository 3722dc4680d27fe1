//! How a Secret holds a key.
//!
//! The layouts are those of the SAP BTP service operator and of a downloaded file.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use secrecy::SecretSlice;
use serde_json::value::RawValue;

use crate::domain::reason::Reason;
use crate::domain::service_key::Finding;

const WHAT_IS_TAKEN: &str = "the entries uaa and endpoints, or one entry with the whole key";

/// The key's JSON out of the Secret's entries.
///
/// # Errors
/// Which entry is missing or ambiguous. Names of entries are told, values never.
pub fn key_json(data: &BTreeMap<String, ByteString>, entry: Option<&str>) -> Result<SecretSlice<u8>, Finding> {
    if let Some(entry) = entry {
        return match data.get(entry) {
            Some(bytes) => Ok(SecretSlice::from(bytes.0.clone())),
            None => Err(finding(format!("no entry \"{entry}\""), format!("the entry \"{entry}\""))),
        };
    }
    if let Some(uaa) = data.get("uaa") {
        return by_field(uaa, data.get("endpoints"));
    }
    let mut entries = data.values();
    match (entries.next(), entries.next()) {
        (Some(only), None) => Ok(SecretSlice::from(only.0.clone())),
        (None, _) => Err(finding("no entry at all".into(), WHAT_IS_TAKEN.into())),
        (Some(_), Some(_)) => {
            Err(finding(format!("{} entries and no \"uaa\" among them", data.len()), WHAT_IS_TAKEN.into()))
        }
    }
}

/// The default layout of the SAP BTP service operator: an entry for each top-level field, objects as JSON text.
fn by_field(uaa: &ByteString, endpoints: Option<&ByteString>) -> Result<SecretSlice<u8>, Finding> {
    let mut json = Vec::from(b"{\"uaa\":");
    json.extend_from_slice(raw(uaa, "uaa")?.get().as_bytes());
    if let Some(endpoints) = endpoints {
        json.extend_from_slice(b",\"endpoints\":");
        json.extend_from_slice(raw(endpoints, "endpoints")?.get().as_bytes());
    }
    json.push(b'}');
    Ok(SecretSlice::from(json))
}

/// Checks that an entry is one JSON value by itself, so that pasting it cannot change what stands around it.
fn raw<'a>(bytes: &'a ByteString, entry: &str) -> Result<&'a RawValue, Finding> {
    serde_json::from_slice(&bytes.0)
        .map_err(|_| finding(format!("no JSON in the entry \"{entry}\""), format!("JSON in the entry \"{entry}\"")))
}

fn finding(found: String, expected: String) -> Finding {
    Finding {
        reason: Reason::InvalidJSON,
        path: "Secret",
        found,
        expected,
        remedy: "name the entry in spec.source.secretRef.key, or use the Secret as its maker writes it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn data(entries: &[(&str, &str)]) -> BTreeMap<String, ByteString> {
        entries.iter().map(|(name, value)| ((*name).to_owned(), ByteString(value.as_bytes().to_vec()))).collect()
    }

    fn read(entries: &[(&str, &str)], entry: Option<&str>) -> Result<String, String> {
        key_json(&data(entries), entry)
            .map(|json| String::from_utf8(json.expose_secret().to_vec()).expect("text"))
            .map_err(|finding| finding.to_string())
    }

    #[test]
    fn the_default_layout_puts_the_fields_together_and_leaves_the_instance_out() {
        let entries = [("uaa", r#"{"clientid":"a"}"#), ("endpoints", r#"{"Api":"b"}"#), ("plan", "standard")];
        assert_eq!(read(&entries, None).expect("readable"), r#"{"uaa":{"clientid":"a"},"endpoints":{"Api":"b"}}"#);
    }

    #[test]
    fn a_named_entry_is_taken_whatever_else_is_there() {
        assert_eq!(read(&[("uaa", "{}"), ("mine", "{1}")], Some("mine")), Ok("{1}".into()));
    }

    #[test]
    fn a_single_entry_needs_no_name() {
        assert_eq!(read(&[("key.txt", "{}")], None), Ok("{}".into()));
    }

    #[test]
    fn an_entry_cannot_smuggle_a_field_beside_it() {
        let error = read(&[("uaa", r#"{"a":1},"endpoints":{}"#)], None).expect_err("not one JSON value");
        assert!(error.contains("\"uaa\""), "{error}");
    }

    #[test]
    fn several_entries_without_a_name_are_ambiguous_and_said_to_be_so() {
        let error = read(&[("a", "CANARY-1"), ("b", "CANARY-2")], None).expect_err("ambiguous");
        assert!(error.contains("2 entries") && error.contains("spec.source.secretRef.key"), "{error}");
        assert!(!error.contains("CANARY"), "{error}");
    }
}
