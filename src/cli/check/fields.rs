//! The fields in which two keys differ. No value is shown.

use json_patch::{PatchOperation, diff, jsonptr::Pointer};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::domain::service_key::ServiceKey;
use crate::domain::untrusted::sanitize;

/// Maximum number of fields that are named.
const MAX_FIELDS: usize = 20;
/// Maximum length of the name of a field, in characters.
const MAX_NAME_CHARS: usize = 64;

/// Names the fields in which a downloaded key differs from that of the source; none if the documents are equal.
pub(super) fn differences(downloaded: &ServiceKey, source: &ServiceKey) -> Option<String> {
    let document = |key: &ServiceKey| serde_json::from_str::<Value>(key.document().expose_secret()).unwrap_or_default();
    let mut fields: Vec<_> = diff(&document(source), &document(downloaded)).0.iter().map(field).collect();
    fields.sort();
    let more = fields.len().saturating_sub(MAX_FIELDS);
    let more = if more == 0 { String::new() } else { format!(", and {more} more") };
    fields.truncate(MAX_FIELDS);
    (!fields.is_empty()).then(|| format!("{}{more}", fields.join(", ")))
}

/// Names the field of a change, and its side if it is on one side only.
fn field(change: &PatchOperation) -> String {
    let path = json_path(change.path());
    match change {
        PatchOperation::Add(_) => format!("{path} (only in the file)"),
        PatchOperation::Remove(_) => format!("{path} (only in the source)"),
        _ => path,
    }
}

/// Returns the JSON path of a field, such as `$.uaa.clientid`. A name of unusual characters is in brackets.
fn json_path(pointer: &Pointer) -> String {
    let step = |name: &str| {
        let is_simple = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if !name.is_empty() && name.bytes().all(is_simple) && name.len() <= MAX_NAME_CHARS {
            format!(".{name}")
        } else {
            format!("[{:?}]", sanitize(name, MAX_NAME_CHARS))
        }
    };
    let steps: String = pointer.tokens().map(|token| step(&token.decoded())).collect();
    format!("${steps}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::service_key::examples::{key, key_with};

    fn found(change: impl FnOnce(&mut Value)) -> Option<String> {
        differences(&key_with(change), &key())
    }

    #[test]
    fn fields_that_differ_are_named_by_path_and_never_by_value() {
        assert_eq!(found(|_| ()), None);
        assert_eq!(found(|it| it["uaa"]["clientsecret"] = json!("CANARY")).as_deref(), Some("$.uaa.clientsecret"));
        let changed = found(|it| {
            it["uaa"]["clientsecret"] = json!("CANARY");
            it["uaa"]["added"] = json!({ "CANARY": "CANARY" });
            it.as_object_mut().expect("an object").remove("endpoints");
        });
        let expected = "$.endpoints (only in the source), $.uaa.added (only in the file), $.uaa.clientsecret";
        assert_eq!(changed.as_deref(), Some(expected));
    }

    #[test]
    fn names_of_others_are_bounded_and_move_no_cursor() {
        let changed = found(|it| {
            it["a.b\u{1b}[2J/~"] = json!({});
            it[&"n".repeat(MAX_NAME_CHARS + 1)] = json!({});
            it[""] = json!({});
        });
        let long = "n".repeat(MAX_NAME_CHARS);
        let side = "(only in the file)";
        let expected = format!("$[\"\"] {side}, $[\"a.b\u{fffd}[2J/~\"] {side}, $[\"{long}…\"] {side}");
        assert_eq!(changed, Some(expected));
        let many = found(|it| (0..=MAX_FIELDS).for_each(|field| it[format!("f{field:02}")] = json!(0)));
        assert!(many.is_some_and(|many| many.ends_with("$.f19 (only in the file), and 1 more")));
    }
}
