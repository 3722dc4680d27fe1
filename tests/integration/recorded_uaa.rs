//! A recording of a real UAA: the simulator answers as it does, and the client reads each of its answers as it must.

use std::collections::BTreeMap;
use std::fs;

use alm_key_operator::domain::plan::Verdict;
use alm_key_operator::domain::reason::Reason;
use alm_key_operator::http::client::Answer;
use alm_key_operator::sign_in::answer::verdict;
use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, HeaderMap};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::bed::cluster::package;
use testkit::bed::simulator::Simulator;

/// Client and secret of the recording, as they stand in its requests.
const CREDENTIALS: &str = "client_id=sb-acme-calm%21b1234%7Csapcloudalm%21b16907&client_secret=a%24b%2Bc%2Fd%3D";
/// The placeholder of the recording for values that differ in every answer.
const LEFT_OUT: &str = "(left out)";
/// Headers of the connection, and those that differ in every answer.
const UNCOMPARED: [&str; 4] = ["connection", "content-length", "date", "transfer-encoding"];

/// A recorded request with its answer.
struct Exchange {
    title: String,
    knows_zone: bool,
    accept: String,
    form: String,
    status: StatusCode,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Exchange {
    fn parse(block: &str) -> Self {
        let (head, body) = block.split_once("\n\n").expect("an empty line before the body");
        let mut lines = head.lines();
        let title = lines.next().expect("a title").to_owned();
        let request = lines.next().expect("a request").to_owned();
        let form = lines.next().and_then(|line| line.strip_prefix("> ")).expect("a form").to_owned();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status");
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
        Self {
            title,
            knows_zone: !request.contains("Host: nozone"),
            accept: request.split_once("Accept: ").expect("an Accept").1.to_owned(),
            form,
            status: status.parse().expect("a status"),
            headers: headers.filter(|(name, _)| !UNCOMPARED.contains(&name.as_str())).collect(),
            body: body.trim_end().to_owned(),
        }
    }

    fn answer(&self) -> Answer {
        Answer { status: self.status, headers: HeaderMap::new(), body: self.body.clone().into() }
    }
}

fn recording() -> Vec<Exchange> {
    let text = fs::read_to_string(package().join("tests/data/uaa.http")).expect("the recording");
    let blocks = text.strip_prefix("### ").expect("a title").split("\n### ");
    blocks.map(Exchange::parse).collect()
}

/// Returns a body in a form that is the same for equal answers: of JSON, the values that are not left out.
fn comparable(body: &str, recorded: &Value) -> Value {
    let Ok(Value::Object(mut fields)) = serde_json::from_str::<Value>(body) else { return json!(body.trim_end()) };
    for (name, value) in &mut fields {
        // The scopes are those of a client of SAP in the one, and of this project's in the other.
        if recorded[name] == LEFT_OUT || name == "scope" {
            *value = json!(LEFT_OUT);
        }
    }
    Value::Object(fields)
}

#[test]
fn the_simulator_answers_each_recorded_request_as_a_real_uaa_did() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().expect("a folder");
    let mut simulator = Simulator::start(folder.path());
    // Some of the recorded requests are none that the operator makes.
    simulator.breaks_contract = true;
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        simulator.admin(Method::POST, "/tenants", Some(json!({ "identityZone": "uaa" }))).await;
        let form = async |revoked: bool| {
            let key = simulator.admin(Method::POST, "/tenants/uaa/keys", Some(json!({}))).await;
            let (id, secret) = (&key["uaa"]["clientid"], &key["uaa"]["clientsecret"]);
            if revoked {
                let credentials = json!({ "clientid": id, "clientsecret": secret });
                simulator.admin(Method::POST, "/tenants/uaa/keys/revoke", Some(credentials)).await;
            }
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs([("client_id", text(id)), ("client_secret", text(secret))])
                .finish()
        };
        let (living, revoked) = (form(false).await, form(true).await);
        let exchanges = recording();
        assert_eq!(exchanges.len(), 17);
        for exchange in exchanges {
            let title = &exchange.title;
            let credentials = if title.contains("deleted") { &revoked } else { &living };
            let (host, form) = if exchange.knows_zone {
                ("uaa.authentication", exchange.form.replace(CREDENTIALS, credentials))
            } else {
                ("nozone.authentication", exchange.form.clone())
            };
            let language = if title.ends_with("German") { "de" } else { "en" };
            let answer = simulator
                .request(Method::POST, &format!("{}/oauth/token", simulator.url(host)))
                .header(ACCEPT, &exchange.accept)
                .header(ACCEPT_LANGUAGE, language)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form)
                .send()
                .await
                .expect("an answer");

            assert_eq!(answer.status(), exchange.status, "{title}");
            let headers = answer.headers().iter().map(|(name, value)| {
                (name.as_str().to_owned(), value.to_str().expect("a printable header").to_owned())
            });
            let headers: BTreeMap<_, _> = headers.filter(|(name, _)| !UNCOMPARED.contains(&name.as_str())).collect();
            assert_eq!(headers, exchange.headers, "{title}");
            let recorded = serde_json::from_str(&exchange.body).unwrap_or_default();
            let body = answer.text().await.expect("a body");
            assert_eq!(comparable(&body, &recorded), comparable(&exchange.body, &recorded), "{title}");
        }
    });
}

#[test]
fn each_recorded_answer_is_the_verdict_that_it_stands_for() {
    let accepted = ["a key that signs in", "a key that signs in, anything accepted"];
    let no_zone = [
        "an unknown subdomain, HTML wanted",
        "an unknown subdomain, HTML wanted, German",
        "an unknown subdomain, anything accepted",
    ];
    let unknown = [
        "a grant that does not exist",
        "an unknown subdomain, JSON wanted",
        "an unknown subdomain, JSON preferred",
        "a wrong secret, HTML wanted",
    ];
    for exchange in recording() {
        let title = exchange.title.as_str();
        match verdict(&exchange.answer()) {
            Verdict::Accepted { .. } => assert!(accepted.contains(&title), "{title}"),
            Verdict::Refused { reason: Reason::IdentityZoneNotFound, .. } => {
                assert!(no_zone.contains(&title), "{title}");
            }
            Verdict::Refused { .. } => {
                assert!(![&accepted[..], &no_zone, &unknown].concat().contains(&title), "{title}");
                assert_eq!(exchange.status, 401, "{title}");
            }
            Verdict::Unknown { .. } => assert!(unknown.contains(&title), "{title}"),
        }
    }
}
