//! Panics with a key in hand, in the ways in which Rust quotes values. A test reads what is left of it.

use alm_key_operator::domain::policy::KeyRules;
use alm_key_operator::domain::service_key::ServiceKey;
use alm_key_operator::process::{logging, panics};
use secrecy::ExposeSecret;
use serde_json::json;

fn key() -> ServiceKey {
    let rules = KeyRules {
        identity_zone: None,
        accepted_credential_types: vec!["instance-secret".into()],
        token_hosts: None,
        endpoint_hosts: None,
    };
    let document = json!({ "uaa": {
        "clientid": "sb-CANARY!b1234|sapcloudalm!b16907", "clientsecret": "CANARY-é",
        "url": "https://acme-calm.authentication.eu10.hana.ondemand.com", "identityzone": "acme-calm",
        "credential-type": "instance-secret",
    }});
    ServiceKey::parse(document.to_string().as_bytes(), &rules).unwrap_or_else(|_| std::process::exit(3))
}

#[tokio::main]
async fn main() {
    panics::install();
    let mut arguments = std::env::args().skip(1);
    let way = arguments.next().unwrap_or_default();
    if arguments.next().as_deref() == Some("logging") {
        logging::start("trace", logging::Format::Json).expect("a filter");
    }
    let key = key();
    let secret = key.client_secret().expose_secret().to_owned();
    match way.as_str() {
        "expect" => assert_eq!(serde_json::from_value::<u64>(json!(secret)).expect("a number"), 0),
        "cut" => drop(secret["CANARY-".len() + 1..].to_owned()),
        "format" => panic!("{secret}"),
        "key" => panic!("{key:?} {key:#?}"),
        "task" => tokio::spawn(async move { assert!(secret.is_empty(), "{secret}") }).await.expect("the task ends"),
        _ => panic!("a text without a value"),
    }
}
