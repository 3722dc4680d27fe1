//! Tests of the rules that make a document a key, and of the findings about other documents.

mod hosts;
mod printed;
mod service;

use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::examples::{document, key, rules};
use super::*;
use crate::domain::policy::KeyRules;
use crate::domain::reason::Reason;

/// Returns the findings about these bytes.
fn findings_in(bytes: &[u8]) -> Findings {
    ServiceKey::parse(bytes, &rules()).expect_err("the bytes are not a valid key")
}

/// Returns the findings about the example after `change`.
fn findings_after(change: impl FnOnce(&mut Value)) -> Findings {
    let mut document = document();
    change(&mut document);
    findings_in(document.to_string().as_bytes())
}

/// Returns reason and path of the only finding about the example after `change`.
fn only_finding(change: impl FnOnce(&mut Value)) -> (Reason, &'static str) {
    let findings = findings_after(change);
    let all: Vec<_> = findings.iter().map(|finding| (finding.reason, finding.path)).collect();
    let [one] = all[..] else { panic!("expected one finding, not {findings}") };
    one
}

fn uaa(document: &mut Value) -> &mut Map<String, Value> {
    document["uaa"].as_object_mut().expect("the example has this object")
}

#[test]
fn a_key_that_complies_with_all_rules_is_parsed() {
    let key = key();
    assert_eq!(key.identity_zone(), "acme-calm");
    assert_eq!(key.client_id(), "sb-acme-calm!b1234|sapcloudalm!b16907");
    assert_eq!(key.client_secret().expose_secret(), "CANARY+with/special=characters$");
    assert_eq!(key.url().as_str(), "https://acme-calm.authentication.eu10.hana.ondemand.com/");
    assert_eq!(key.credential_type(), "instance-secret");
}

#[test]
fn unknown_fields_are_uploaded_too() {
    let mut with_more = document();
    with_more["unknown"] = json!({ "nested": [1, "two", null] });
    let key = ServiceKey::parse(with_more.to_string().as_bytes(), &rules()).expect("unknown fields are allowed");
    let uploaded: Value = serde_json::from_str(key.document().expose_secret()).expect("JSON");
    assert_eq!(uploaded, with_more);
}

#[test]
fn rule_1_text_that_is_not_json_is_refused() {
    let found = findings_in(br#"{"uaa": {"clientsecret": "s3cr3t"#);
    assert_eq!(found.reason(), Reason::InvalidJSON);
    let whole = document().to_string();
    for broken in [whole.trim_end_matches('}').to_owned(), format!("{whole},"), whole.replace(':', "=")] {
        let findings = findings_in(broken.as_bytes());
        let finding = findings.iter().next().expect("at least one");
        assert_eq!((finding.reason, finding.path), (Reason::InvalidJSON, "$"));
    }
}

#[test]
fn rule_1_json_that_is_not_an_object_is_refused() {
    for text in ["null", "true", "1", "\"text\"", "[]"] {
        assert_eq!(findings_in(text.as_bytes()).reason(), Reason::InvalidJSON, "{text}");
    }
}

#[test]
fn a_byte_order_mark_and_a_trailing_newline_are_accepted() {
    let marked = [b"\xEF\xBB\xBF", document().to_string().as_bytes(), b"\r\n"].concat();
    assert!(ServiceKey::parse(&marked, &rules()).is_ok());
}

#[test]
fn rule_1_a_duplicate_field_is_refused_at_any_depth() {
    let whole = document().to_string();
    let nested = whole.replacen("\"clientid\"", "\"clientid\":\"CANARY\",\"clientid\"", 1);
    let at_the_top = whole.replacen('{', "{\"uaa\":{},", 1);
    for text in [nested, at_the_top] {
        let findings = findings_in(text.as_bytes());
        assert_eq!(findings.reason(), Reason::InvalidJSON);
        assert!(findings.to_string().contains("a duplicate field"), "{findings}");
        assert!(!findings.to_string().contains("CANARY"), "{findings}");
    }
}

#[test]
fn rule_1_empty_input_and_bytes_that_are_not_text_are_refused() {
    for bytes in [&b""[..], b" \n", b"\xEF\xBB\xBF", b"\xFF\xFE{\0}\0", b"{\"uaa\":\"\xC3\x28\"}"] {
        let findings = findings_in(bytes);
        assert_eq!(findings.reason(), Reason::InvalidJSON, "{bytes:?}");
    }
}

#[test]
fn rule_2_a_key_of_another_tenant_is_refused() {
    let expected = (Reason::WrongTenant, "$.uaa.identityzone");
    assert_eq!(only_finding(|d| d["uaa"]["identityzone"] = "other-calm".into()), expected);
    assert_eq!(only_finding(|d| d["uaa"]["identityzone"] = "acme-calm ".into()), expected);
    assert_eq!(only_finding(|d| drop(uaa(d).remove("identityzone"))), expected);
}

#[test]
fn rule_2_letter_case_does_not_make_another_tenant() {
    let mut document = document();
    document["uaa"]["identityzone"] = "ACME-Calm".into();
    let key = ServiceKey::parse(document.to_string().as_bytes(), &rules()).expect("the same zone");
    assert_eq!(key.identity_zone(), "ACME-Calm");
}

#[test]
fn without_a_tenant_a_key_must_name_one_and_sign_in_at_its_host() {
    let any = KeyRules { identity_zone: None, token_hosts: None, ..rules() };
    let paths = |change: &dyn Fn(&mut Value)| {
        let mut document = document();
        change(&mut document);
        let result = ServiceKey::parse(document.to_string().as_bytes(), &any);
        result.err().map(|findings| findings.iter().map(|finding| finding.path).collect::<Vec<_>>()).unwrap_or_default()
    };
    let (zone, url) = ("$.uaa.identityzone", "$.uaa.url");
    assert_eq!(paths(&|_| {}), [""; 0]);
    assert_eq!(paths(&|d| drop(uaa(d).remove("identityzone"))), [zone]);
    assert_eq!(paths(&|d| d["uaa"]["identityzone"] = "".into()), [zone]);
    // A zone is not a pattern for hosts.
    for other in ["other-calm", "*", "<landscape>", "acme-calm.evil"] {
        assert_eq!(paths(&|d| d["uaa"]["identityzone"] = other.into()), [url], "{other}");
    }
    assert_eq!(paths(&|d| d["uaa"]["url"] = "https://acme-calm.authentication.evil.example".into()), [url]);
}

#[test]
fn rule_3_a_key_without_a_client_id_is_refused() {
    let expected = (Reason::MissingCredentials, "$.uaa.clientid");
    assert_eq!(only_finding(|d| drop(uaa(d).remove("clientid"))), expected);
    assert_eq!(only_finding(|d| d["uaa"]["clientid"] = "".into()), expected);
}

#[test]
fn rule_3_a_key_without_a_client_secret_is_refused() {
    let expected = (Reason::MissingCredentials, "$.uaa.clientsecret");
    assert_eq!(only_finding(|d| drop(uaa(d).remove("clientsecret"))), expected);
    assert_eq!(only_finding(|d| d["uaa"]["clientsecret"] = "".into()), expected);
}

#[test]
fn rule_3_the_remedy_for_a_hide_secret_key_names_the_cause() {
    let findings = findings_after(|d| drop(uaa(d).remove("clientsecret")));
    assert!(findings.to_string().contains("hide-secret"), "{findings}");
}

#[test]
fn rules_3_and_4_an_x509_key_violates_both() {
    let findings = findings_after(|d| {
        uaa(d).remove("clientsecret");
        d["uaa"]["credential-type"] = "x509".into();
        d["uaa"]["certificate"] = "-----BEGIN CERTIFICATE-----".into();
        d["uaa"]["key"] = "-----BEGIN RSA PRIVATE KEY-----".into();
        d["uaa"]["certurl"] = "https://acme-calm.authentication.cert.eu10.hana.ondemand.com".into();
    });
    let found: Vec<_> = findings.iter().map(|finding| (finding.reason, finding.path)).collect();
    let secret = (Reason::MissingCredentials, "$.uaa.clientsecret");
    assert_eq!(found, [secret, (Reason::UnsupportedCredentialType, "$.uaa.credential-type")]);
    assert!(findings.to_string().contains("x509"), "{findings}");
    assert!(!findings.to_string().contains("BEGIN"), "{findings}");
}

#[test]
fn rule_4_an_unaccepted_type_is_refused_and_the_remedy_names_the_field() {
    let expected = (Reason::UnsupportedCredentialType, "$.uaa.credential-type");
    assert_eq!(only_finding(|d| d["uaa"]["credential-type"] = "binding-secret".into()), expected);
    assert_eq!(only_finding(|d| drop(uaa(d).remove("credential-type"))), expected);
    let findings = findings_after(|d| d["uaa"]["credential-type"] = "binding-secret".into());
    assert!(findings.to_string().contains("spec.acceptedCredentialTypes"), "{findings}");
}

#[test]
fn rule_4_the_tenant_sets_the_accepted_types() {
    let mut both = rules();
    both.accepted_credential_types.push("binding-secret".into());
    let mut document = document();
    document["uaa"]["credential-type"] = "binding-secret".into();
    let key = ServiceKey::parse(document.to_string().as_bytes(), &both).expect("an accepted type");
    assert_eq!(key.credential_type(), "binding-secret");
}

#[test]
fn a_field_that_differs_only_in_letter_case_is_refused() {
    let evil = json!({ "Api": "https://api.evil.example", "clientid": "CANARY" });
    for (name, reason) in [("Endpoints", Reason::EndpointNotAllowed), ("UAA", Reason::MissingCredentials)] {
        let findings = findings_after(|document| document[name] = evil.clone());
        assert_eq!(findings.reason(), reason, "{findings}");
        assert!(findings.to_string().contains("other letter case"), "{findings}");
    }
    let findings = findings_after(|document| document["uaa"]["URL"] = "https://evil.example".into());
    assert_eq!(findings.reason(), Reason::TokenHostNotAllowed);
}

#[test]
fn three_defects_are_reported_at_once_and_in_order() {
    let findings = findings_after(|document| {
        document["uaa"]["identityzone"] = "other".into();
        document["uaa"]["credential-type"] = "binding-secret".into();
        uaa(document).remove("clientid");
    });
    let paths: Vec<_> = findings.iter().map(|finding| finding.path).collect();
    assert_eq!(paths, ["$.uaa.identityzone", "$.uaa.clientid", "$.uaa.credential-type"]);
    assert_eq!(findings.reason(), Reason::WrongTenant);
    for path in paths {
        assert!(findings.to_string().contains(path), "{findings}");
    }
}

#[test]
fn a_value_of_a_wrong_type_is_described_by_its_type() {
    let fields = ["identityzone", "clientid", "clientsecret", "credential-type", "url"];
    let kinds = [
        (Value::Null, "null"),
        (json!(true), "a boolean"),
        (json!(4711), "a number"),
        (json!(["x"]), "an array"),
        (json!({}), "an object"),
    ];
    for field in fields {
        for (value, kind) in &kinds {
            let findings = findings_after(|document| document["uaa"][field] = value.clone());
            let finding = findings.iter().next().expect("at least one");
            let path = format!("$.uaa.{field}");
            assert_eq!((finding.path, finding.found.as_str()), (path.as_str(), *kind));
            assert_eq!(findings.iter().count(), 1, "{findings}");
        }
    }
}

#[test]
fn a_uaa_that_is_not_an_object_is_described_by_its_type() {
    for (value, kind) in [(json!("{\"clientid\":\"x\"}"), "a string"), (json!([]), "an array"), (json!(null), "null")] {
        let findings = findings_after(|document| document["uaa"] = value);
        let finding = findings.iter().next().expect("at least one");
        assert_eq!((finding.path, finding.found.as_str()), ("$.uaa", kind));
    }
    assert_eq!(only_finding(|d| *d = json!({ "endpoints": {} })), (Reason::MissingCredentials, "$.uaa"));
}

// proves: limit domain/service_key/json MAX_BYTES
#[test]
fn a_document_of_more_than_64_kibibytes_is_refused() {
    let padded = |length: usize| {
        let text = document().to_string();
        let padding = " ".repeat(length - text.len());
        text + &padding
    };
    assert!(ServiceKey::parse(padded(MAX_BYTES).as_bytes(), &rules()).is_ok());
    let findings = findings_in(padded(MAX_BYTES + 1).as_bytes());
    assert_eq!(findings.reason(), Reason::InvalidJSON);
    assert!(findings.to_string().contains("65536"), "{findings}");
    assert_eq!(MAX_BYTES, 65_536);
}

// proves: limit domain/service_key/json MAX_DEPTH
#[test]
fn a_document_of_more_than_sixteen_levels_is_refused() {
    let nested = |levels: usize| {
        // The document itself is the first level.
        let inner = (1..levels)
            .fold(json!(1), |inner, level| if level % 2 == 0 { json!([inner]) } else { json!({ "in": inner }) });
        let mut document = document();
        document["deep"] = inner;
        ServiceKey::parse(document.to_string().as_bytes(), &rules())
    };
    assert!(nested(MAX_DEPTH).is_ok());
    assert_eq!(nested(MAX_DEPTH + 1).expect_err("the document is too deep").reason(), Reason::InvalidJSON);
}

#[test]
fn a_document_that_exceeds_the_bounds_once_serialized_is_refused() {
    let mut deep = document();
    deep["deep"] = (0..MAX_DEPTH).fold(json!(1), |inner, _| json!([inner]));
    let Value::Object(deep) = deep else { panic!("an object") };
    let found = ServiceKey::from_document(deep, &rules()).expect_err("the document is too deep");
    assert!(found.to_string().contains("nesting deeper than 16"), "{found}");
    // A number of four characters is serialized with eighteen.
    let growing = document().to_string().replacen('{', &format!("{{\"n\":[{}0],", "1e15,".repeat(5000)), 1);
    assert!(growing.len() < MAX_BYTES / 2);
    assert!(findings_in(growing.as_bytes()).to_string().contains("at most 65536 bytes"));
}

#[test]
fn thousands_of_wrong_endpoints_give_one_finding_for_each_kind() {
    let findings = findings_after(|document| {
        document["endpoints"] = (0..4000).map(|number| (format!("e{number}"), json!(number % 2 == 0))).collect();
        document["endpoints"]["Api"] = json!(1);
        document["endpoints"]["other"] = json!("https://evil.example");
    });
    let found: Vec<_> = findings.iter().map(|finding| (finding.path, finding.found.as_str())).collect();
    let (api, other) = ("$.endpoints.Api", "$.endpoints.*");
    assert_eq!(found, [(api, "a number"), (other, "a boolean"), (other, "a host that is not allowed")]);
}

#[test]
fn endless_nesting_does_not_exhaust_the_stack() {
    for text in ["[".repeat(100_000), "{\"a\":".repeat(20_000), format!("{}{}", "[".repeat(30_000), "]".repeat(30_000))]
    {
        assert_eq!(findings_in(text.as_bytes()).reason(), Reason::InvalidJSON);
    }
    let within_the_size = format!("{{\"uaa\":{}{}}}", "[".repeat(30_000), "]".repeat(30_000));
    assert_eq!(findings_in(within_the_size.as_bytes()).reason(), Reason::InvalidJSON);
}

#[test]
fn a_key_shows_its_fingerprint_and_nothing_else() {
    let key = key();
    let shown = format!("{key:?} {key:#?}");
    assert!(shown.contains(key.fingerprint().as_str()));
    for value in ["CANARY", "sb-acme", "https://"] {
        assert!(!shown.contains(value), "{shown}");
    }
}
