//! Properties: no value of any document is ever printed.

use proptest::prelude::*;
use serde_json::json;

use super::super::examples::{document, rules};
use super::super::*;
use crate::domain::policy::{HostList, KeyRules};

/// Returns all output about a document.
fn printed(bytes: &[u8], rules: &KeyRules) -> String {
    match ServiceKey::parse(bytes, rules) {
        Ok(key) => format!("{key:?} {key:#?}"),
        Err(findings) => {
            let each: Vec<_> = findings.iter().map(|finding| format!("{finding} {finding:?}")).collect();
            format!("{findings} {findings:?} {findings:#?} {}", each.join(" "))
        }
    }
}

/// Returns values that do not occur in our own messages.
fn planted() -> impl Strategy<Value = String> {
    "zQ9[a-zA-Z0-9+/=$!|<>\\\\\"{}:%@?#. -]{4,40}"
}

/// Returns true if the output shows the planted text, plain or quoted.
fn shows(printed: &str, planted: &str) -> bool {
    let quoted = [planted.to_owned(), format!("{planted:?}"), json!(planted).to_string()];
    let lowercase = printed.to_lowercase();
    quoted.iter().any(|text| printed.contains(text.trim_matches('"'))) || lowercase.contains("zq9")
}

proptest! {
    #[test]
    fn no_value_of_a_document_is_ever_printed(
        values in proptest::collection::vec((planted(), 0..4_u8), 7),
        accepts_anything in any::<bool>(),
        any_tenant in any::<bool>(),
    ) {
        let mut document = document();
        let places = ["clientid", "clientsecret", "identityzone", "credential-type", "url", "verificationkey"];
        for (place, (text, how)) in places.into_iter().zip(&values) {
            match how {
                0 => document["uaa"][place] = text.as_str().into(),
                1 => document["uaa"][place] = json!([text, { text: text }]),
                2 => document["uaa"][place] = format!("https://{text}/").into(),
                _ => {}
            }
        }
        document["endpoints"]["Api"] = values[6].0.as_str().into();
        let mut rules = rules();
        if any_tenant {
            (rules.identity_zone, rules.token_hosts) = (None, None);
        }
        if accepts_anything {
            rules.token_hosts = Some(HostList::new(vec!["*.hana.ondemand.com".into()]));
        }
        let printed = printed(document.to_string().as_bytes(), &rules);
        for (text, _) in &values {
            prop_assert!(!shows(&printed, text), "{printed}");
        }
    }

    #[test]
    fn no_part_of_a_text_that_is_not_json_is_ever_printed(text in planted(), cut in 0..300_usize, other in 0..300_usize) {
        let whole = document().to_string();
        let cut = cut.min(whole.len());
        let broken = format!("{}{text}{}", &whole[..cut], &whole[other.min(whole.len())..]);
        let printed = printed(broken.as_bytes(), &rules());
        prop_assert!(!shows(&printed, &text) && !printed.contains("CANARY"), "{printed}");
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = ServiceKey::parse(&bytes, &rules());
    }
}
