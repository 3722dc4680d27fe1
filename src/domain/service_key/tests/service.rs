//! The service that a key belongs to, and the address that managed systems find in it.

use serde_json::json;

use crate::domain::reason::Reason;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::examples::{document, key_with, rules};

#[test]
fn a_key_of_another_service_is_refused_unless_an_endpoint_is_one_of_cloud_alm() {
    let with_client = |client: &str, endpoint: Option<&str>| {
        let mut document = document();
        document["uaa"]["clientid"] = client.into();
        document["endpoints"] = endpoint.map_or_else(|| json!({}), |endpoint| json!({ "Api": endpoint }));
        let mut rules = rules();
        rules.accepted_services = Some(vec!["alm-ts-backend".into()]);
        rules.endpoint_hosts = None;
        let result = ServiceKey::parse(document.to_string().as_bytes(), &rules);
        result.err().map(|findings| findings.reason())
    };
    let elsewhere = Some("https://transport.example");
    for refused in ["sb-a!b1|other-app!b2", "sb-a!b1|alm-ts-backend2!b2", "a|notsapcloudalm!b2"] {
        assert_eq!(with_client(refused, elsewhere), Some(Reason::WrongService), "{refused}");
        assert_eq!(with_client(refused, None), Some(Reason::WrongService), "{refused}");
        assert_eq!(with_client(refused, Some("https://eu10.alm.cloud.sap/api")), None, "{refused}");
    }
    for accepted in
        ["sb-a!b1|sapcloudalm!b2", "sb-a!b1|sapcloudalm-dev!b2", "sb-a!b1|alm-ts-backend!b88", "sb-a", "a|b"]
    {
        assert_eq!(with_client(accepted, elsewhere), None, "{accepted}");
    }
}

#[test]
fn a_key_of_another_service_in_the_slot_can_still_be_tested() {
    let mut document = document();
    document["uaa"]["clientid"] = "sb-a!b1|other-app!b2".into();
    document["endpoints"] = json!({});
    let text = document.to_string();
    assert!(ServiceKey::parse(text.as_bytes(), &rules()).is_err());
    assert!(ServiceKey::parse(text.as_bytes(), &rules().for_slot()).is_ok());
}

#[test]
fn a_key_says_whether_managed_systems_find_an_address_in_it() {
    assert!(key_with(|_| {}).has_api_endpoint());
    assert!(!key_with(|document| document["endpoints"] = json!({})).has_api_endpoint());
    assert!(
        !key_with(|document| drop(document.as_object_mut().expect("an object").remove("endpoints"))).has_api_endpoint()
    );
}
