//! The hosts that a key names: of its token endpoint, and of the endpoints of SAP Cloud ALM.

use serde_json::json;

use super::{findings_after, only_finding, uaa};
use crate::domain::reason::Reason;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::examples::{document, rules};

#[test]
fn a_token_host_of_another_tenant_is_refused() {
    for url in [
        "https://evil.example",
        "http://acme-calm.authentication.eu10.hana.ondemand.com",
        "http://acme-calm.authentication.eu10.hana.ondemand.com:443",
        "https://acme-calm.authentication.eu10.hana.ondemand.com@evil.example",
        "https://user:pass@acme-calm.authentication.eu10.hana.ondemand.com",
        "https://acme-calm.authentication.eu10.hana.ondemand.com?to=evil.example",
        "https://acme-calm.authentication.eu10.hana.ondemand.com#fragment",
        "not a url",
        "",
    ] {
        let found = only_finding(|document| document["uaa"]["url"] = url.into());
        assert_eq!(found, (Reason::TokenHostNotAllowed, "$.uaa.url"), "{url}");
    }
    assert_eq!(only_finding(|d| drop(uaa(d).remove("url"))), (Reason::TokenHostNotAllowed, "$.uaa.url"));
}

#[test]
fn a_foreign_endpoint_is_refused_and_the_remedy_names_the_field() {
    for endpoint in [
        "https://api.evil.example",
        "https://alm.cloud.sap.evil.example/api",
        "https://evilalm.cloud.sap",
        "http://eu10.alm.cloud.sap/api",
        "https://user@eu10.alm.cloud.sap/api",
        "https://eu10.alm.cloud.sap@evil.example/api",
        "https://eu10.alm.cloud.sap:8443/api",
        "eu10.alm.cloud.sap",
        "",
    ] {
        let found = only_finding(|document| document["endpoints"]["Api"] = endpoint.into());
        assert_eq!(found, (Reason::EndpointNotAllowed, "$.endpoints.Api"), "{endpoint}");
    }
    let findings = findings_after(|document| document["endpoints"]["Api"] = "https://api.evil.example".into());
    assert!(findings.to_string().contains("*.alm.cloud.sap"), "the message names the allowed hosts: {findings}");
    assert!(findings.to_string().contains("spec.endpointHosts"), "{findings}");
}

#[test]
fn a_url_whose_host_depends_on_the_parser_is_refused() {
    let found = only_finding(|d| d["endpoints"]["Api"] = "https://eu10.alm.cloud.sap\\@evil.example/api".into());
    assert_eq!(found, (Reason::EndpointNotAllowed, "$.endpoints.Api"));
    let host = "https://acme-calm.authentication.eu10.hana.ondemand.com";
    for end in ["\\@evil.example", "\t", "%2f@evil.example", "."] {
        let found = only_finding(|d| d["uaa"]["url"] = format!("{host}{end}").into());
        assert_eq!(found, (Reason::TokenHostNotAllowed, "$.uaa.url"), "{end}");
    }
}

#[test]
fn a_key_in_the_slot_is_checked_against_the_hosts_of_its_tenant() {
    let mut planted = document();
    planted["uaa"]["url"] = "https://evil.example".into();
    let findings = ServiceKey::parse(planted.to_string().as_bytes(), &rules().for_slot()).expect_err("a foreign host");
    assert_eq!(findings.reason(), Reason::TokenHostNotAllowed);
}

#[test]
fn every_endpoint_is_checked_and_none_is_required() {
    let beside = only_finding(|document| document["endpoints"]["CANARY"] = "https://api.evil.example".into());
    assert_eq!(beside, (Reason::EndpointNotAllowed, "$.endpoints.*"), "an unknown name is not repeated");
    for wrong in [json!(null), json!("https://eu10.alm.cloud.sap"), json!(["https://eu10.alm.cloud.sap"])] {
        let found = only_finding(|document| document["endpoints"] = wrong.clone());
        assert_eq!(found, (Reason::EndpointNotAllowed, "$.endpoints"), "{wrong}");
    }
    for right in [json!({}), json!({ "Api": "https://acme-calm.eu10-004.alm.cloud.sap/api" })] {
        let mut document = document();
        document["endpoints"] = right;
        assert!(ServiceKey::parse(document.to_string().as_bytes(), &rules()).is_ok());
    }
}

#[test]
fn a_host_whose_port_is_not_in_the_list_is_found_together_with_its_port() {
    let findings = findings_after(|document| document["uaa"]["url"] = json!("https://acme-calm.example:8443"));
    let found: Vec<_> = findings.iter().map(|finding| (finding.path, finding.found.as_str())).collect();
    assert_eq!(found, [("$.uaa.url", "a host and a port that are not allowed together")]);
}
