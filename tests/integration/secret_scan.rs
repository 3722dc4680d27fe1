//! The search for key material knows every encoding of a secret, and the endpoints that may receive it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};

use almkey_simulator::canary::find;
use testkit::bed::simulator::Simulator;

/// A secret in the format of the simulator.
const SECRET: &str = "CANARY-0a1b2c3d$+/=\"\\rAnD0m/+x-CANARY";

#[test]
fn a_secret_is_found_in_every_encoding() {
    let base64 = |by: usize, text: &str| STANDARD.encode(format!("{}{text}", "x".repeat(by)));
    let bytes: Vec<String> = SECRET.bytes().map(|byte| byte.to_string()).collect();
    let each = |form: fn(u8) -> String| SECRET.bytes().map(form).collect::<Vec<_>>().concat();
    let hexadecimal = each(|byte| format!("{byte:02x}"));
    let percent = each(|byte| format!("%{byte:02X}"));
    let escaped = each(|byte| format!("\\u{byte:04x}"));
    let form: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let wrapped =
        base64(1, &SECRET.repeat(4)).as_bytes().chunks(5).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n");
    let mut written = vec![
        SECRET.to_owned(),
        format!("{SECRET:?}"),
        json!(SECRET).to_string(),
        json!(json!({ "uaa": SECRET }).to_string()).to_string(),
        format!("{:?}", SECRET.as_bytes()),
        format!("{:#?}", SECRET.as_bytes()),
        bytes.join(","),
        hexadecimal.to_uppercase(),
        hexadecimal,
        percent,
        escaped,
        form,
        wrapped,
        URL_SAFE_NO_PAD.encode(SECRET),
        SECRET[10..].to_owned(),
        SECRET[..SECRET.len() - 10].to_owned(),
    ];
    for by in 0..3 {
        written.push(base64(by, SECRET));
        written.extend((0..3).map(|again| base64(again, &base64(by, SECRET))));
    }
    for text in written {
        assert!(find(&text).is_some(), "{text}");
        assert!(find(&format!("before {text} after")).is_some(), "{text}");
    }
    assert_eq!(find("nothing of a canary, nor its fingerprint c0ffee43414e41"), None);
}

#[test]
fn a_simulated_secret_begins_and_ends_with_the_canary_and_needs_escaping() {
    run(async {
        let folder = tempfile::tempdir().expect("a folder");
        let simulator = Simulator::start(folder.path());
        let (key, _) = create(&simulator, "forms").await;
        let secret = text(&key["uaa"]["clientsecret"]);
        assert!(secret.starts_with("CANARY") && secret.ends_with("CANARY"), "{secret}");
        for character in ['$', '+', '/', '=', '"', '\\'] {
            assert!(secret.contains(character), "{character} in {secret}");
        }
    });
}

#[test]
fn credentials_are_reported_when_they_are_sent_to_a_foreign_endpoint() {
    run(async {
        let folder = tempfile::tempdir().expect("a folder");
        let mut simulator = Simulator::start(folder.path());
        let (key, client) = create(&simulator, "mine").await;
        let (others, _) = create(&simulator, "other").await;
        let form = |id: &Value, secret: &Value| [("client_id", text(id)), ("client_secret", text(secret))];
        let of_key = form(&key["uaa"]["clientid"], &key["uaa"]["clientsecret"]);
        let of_other = form(&others["uaa"]["clientid"], &others["uaa"]["clientsecret"]);
        let of_client = form(&client["clientId"], &client["clientSecret"]);
        let sign_in = format!("{}/oauth/token", simulator.url("mine.authentication"));
        let access = format!("{}/oauth/token", simulator.url("mine.landscape"));
        let send = async |url: &str, form: &[(&str, String); 2]| {
            let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
            simulator.send(url, &form).await;
        };
        send(&sign_in, &of_key).await;
        send(&access, &of_client).await;
        assert_eq!(simulator.violations(None).await, Vec::<String>::new());

        let elsewhere = simulator.url("elsewhere");
        let nowhere = format!("{}/oauth/token", simulator.url("nobody.authentication"));
        let in_query = format!("{sign_in}?secret={}", text(&key["uaa"]["clientsecret"]).replace('"', "%22"));
        for (url, form, what) in [
            (&sign_in, &of_other, "credentials of another host"),
            (&sign_in, &of_client, "credentials of another host"),
            (&access, &of_key, "credentials of another host"),
            (&elsewhere, &of_key, "in its body"),
            (&nowhere, &of_key, "credentials of another host"),
            (&in_query, &of_key, "in its query"),
        ] {
            let before = simulator.violations(None).await.len();
            send(url.as_str(), form).await;
            let after = simulator.violations(None).await;
            assert_eq!(after.len(), before + 1, "{url}: {after:#?}");
            assert!(after[before].contains(what), "{url}: {after:#?}");
        }
        // The violations are intended.
        simulator.breaks_contract = true;
    });
}

#[test]
fn a_secret_is_found_next_to_a_legitimate_one_and_in_place_of_a_token() {
    run(async {
        let folder = tempfile::tempdir().expect("a folder");
        let mut simulator = Simulator::start(folder.path());
        let ((key, client), (others, _)) = (create(&simulator, "mine").await, create(&simulator, "other").await);
        let (id, secret) = (text(&key["uaa"]["clientid"]), text(&key["uaa"]["clientsecret"]));
        let (other, own) = (text(&others["uaa"]["clientsecret"]), text(&client["clientSecret"]));
        let sign_in = format!("{}/oauth/token", simulator.url("mine.authentication"));
        let slot = format!("{}/v1/service-key", simulator.url("mine.landscape"));
        let post = |form: &[(&str, &str)]| simulator.request(Method::POST, &sign_in).form(form);
        let put = |key: &Value| simulator.request(Method::PUT, &slot).json(&json!({ "key": key }));
        let read = |token: &str| simulator.request(Method::GET, &slot).bearer_auth(token);
        let (mut twice, mut swapped) = (key.clone(), key.clone());
        twice["copy"] = json!(secret);
        swapped["uaa"]["clientsecret"] = json!(other);
        for (request, what) in [
            (post(&[("client_id", &id), ("client_secret", &secret)]), None),
            (post(&[("client_id", &id), ("client_secret", "wrong")]), None),
            (put(&key), None),
            (read("CANARY-0123456789abcdef0123456789abcdef"), None),
            (post(&[("client_id", &id), ("client_secret", &other)]), Some("credentials of another host in its body")),
            (post(&[("client_id", &secret), ("client_secret", &secret)]), Some("in plain text in its body")),
            (post(&[("secret", &secret)]), Some("in plain text in its body")),
            (put(&swapped), Some("credentials of another host in its body")),
            (put(&twice), Some("in plain text in its body")),
            (simulator.request(Method::PUT, &slot).body(format!("{{{key}")), Some("in plain text in its body")),
            (read(&secret), Some("in plain text in its authorization")),
            (read(&own), Some("credentials of another host in its Authorization header")),
        ] {
            let before = leaks(&simulator).await;
            request.send().await.expect("it is answered");
            let found = leaks(&simulator).await.split_off(before.len());
            assert_eq!(found.len(), usize::from(what.is_some()), "{what:?}: {found:#?}");
            assert!(found.iter().all(|leak| what.is_some_and(|what| leak.contains(what))), "{what:?}: {found:#?}");
        }
        // The violations are intended.
        simulator.breaks_contract = true;
    });
}

/// Returns the leaks among the violations: secrets that an endpoint received and should not have.
async fn leaks(simulator: &Simulator) -> Vec<String> {
    let is_leak = |violation: &String| {
        ["key material", "credentials of another host"].iter().any(|word| violation.contains(word))
    };
    simulator.violations(None).await.into_iter().filter(is_leak).collect()
}

/// Creates a tenant with a key; returns the key and the operator's credentials.
async fn create(simulator: &Simulator, zone: &str) -> (Value, Value) {
    let tenant = simulator.admin(Method::POST, "/tenants", Some(json!({ "identityZone": zone }))).await;
    let key = simulator.admin(Method::POST, &format!("/tenants/{zone}/keys"), Some(json!({}))).await;
    (key, tenant["landscapeManagement"].clone())
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn run(test: impl Future<Output = ()>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Runtime::new().expect("a runtime").block_on(test);
}
