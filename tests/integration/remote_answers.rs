//! The client of Landscape Management against each possible answer, over real HTTPS. The simulator checks every request
//! against the contract when it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use alm_key_operator::domain::policy::{HostList, KeyRules};
use alm_key_operator::domain::reason::Reason;
use alm_key_operator::domain::retry::Retry;
use alm_key_operator::domain::service_key::ServiceKey;
use alm_key_operator::domain::slot::{Basis, Owner, Ownership, RemoteTrouble, Revision, Slot, WriteAnswer};
use alm_key_operator::executor::ports::{LandscapeManagement, SignIn, SlotContent};
use alm_key_operator::http::client::{self, MAX_ANSWER};
use alm_key_operator::http::egress::Route;
use alm_key_operator::http::network::Network;
use alm_key_operator::landscape::http::{ClientCredentials, HttpLandscape, TokenSource};
use alm_key_operator::sign_in::TokenEndpoint;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use testkit::bed::WAIT_LIMIT;
use testkit::bed::simulator::Simulator;

const ZONE: &str = "outcomes";

/// A client with a simulator of its own.
struct Fixture {
    landscape: HttpLandscape,
    /// Number of writes that leadership still allows.
    writes_left: Arc<AtomicUsize>,
    simulator: Simulator,
    key: ServiceKey,
    document: Value,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a folder");
        let simulator = Simulator::start(folder.path());
        let made = simulator.admin(Method::POST, "/tenants", Some(json!({ "identityZone": ZONE }))).await;
        let document = simulator.admin(Method::POST, &format!("/tenants/{ZONE}/keys"), Some(json!({}))).await;
        let access = |field: &str| made["landscapeManagement"][field].as_str().expect("a text").to_owned();
        let client =
            client::build_client(Network::Any, &Route::DIRECT, Some(&simulator.ca), WAIT_LIMIT).expect("a client");
        let credentials =
            ClientCredentials { client_id: access("clientId"), client_secret: access("clientSecret").into() };
        let tokens =
            TokenSource::new(client.clone(), access("tokenUrl").parse().expect("a URL"), credentials, Vec::new());
        let writes_left = Arc::new(AtomicUsize::new(usize::MAX));
        let left = Arc::clone(&writes_left);
        let may_write = move || {
            let one_less = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            one_less.map(|_| ()).map_err(|_| RemoteTrouble {
                reason: Reason::NotLeader,
                message: "the Lease was lost".into(),
                retry: Retry::Backoff,
            })
        };
        let url = access("url").parse().expect("a URL");
        let landscape = HttpLandscape::new(client, url, Arc::new(tokens), Arc::new(may_write));
        let rules = KeyRules {
            identity_zone: Some(ZONE.into()),
            accepted_credential_types: vec!["instance-secret".into()],
            token_hosts: Some(HostList::new(vec![format!("*.authentication.localhost:{}", simulator.port)])),
            endpoint_hosts: None,
            accepted_services: Some(Vec::new()),
        };
        let key = ServiceKey::parse(document.to_string().as_bytes(), &rules).expect("the simulator's key is valid");
        Self { landscape, writes_left, simulator, key, document, _folder: folder }
    }

    async fn revision(&self) -> Revision {
        self.landscape.read_slot().await.expect("the slot can be read").revision().clone()
    }

    /// Injects a fault into the next call of a kind.
    async fn fail_once(&self, on: &str, fault: Value) {
        let planned = json!({ "on": on, "times": 1, "fault": fault });
        self.simulator.admin(Method::POST, &format!("/tenants/{ZONE}/faults"), Some(planned)).await;
    }

    async fn put(&self) -> WriteAnswer {
        self.landscape.put(&self.key, &ours("a"), &self.revision().await).await
    }
}

fn ours(name: &str) -> Ownership {
    Ownership { owner: owner(name), adopted: false }
}

fn owner(name: &str) -> Owner {
    Owner { cluster_id: "c".into(), namespace: "n".into(), name: name.into() }
}

fn expect_done(answer: WriteAnswer) -> Revision {
    match answer {
        WriteAnswer::Done(revision) => revision,
        other => panic!("the write did not take effect: {other:?}"),
    }
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(test);
}

// proves: path /v1/service-key, path /v1/service-key/content
#[test]
fn every_write_returns_the_revision_that_the_next_read_sees() {
    run(async {
        let fixture = Fixture::start().await;
        let landscape = &fixture.landscape;
        assert!(landscape.read_content().await.expect("an answer").is_none());

        let put = expect_done(fixture.put().await);
        let ours = ours("a");
        let slot = landscape.read_slot().await.expect("an answer");
        assert_eq!(slot, Slot::Filled { revision: put.clone(), owner: Some(ours.clone()), basis: Basis::Content });
        let Some(SlotContent::Document(content)) = landscape.read_content().await.expect("an answer") else {
            panic!("the slot holds a document");
        };
        assert_eq!(serde_json::from_slice::<Value>(content.expose_secret()).expect("JSON"), fixture.document);

        let adopted = Ownership { owner: owner("b"), adopted: true };
        let patched = expect_done(landscape.set_owner(Some(&adopted), &put).await);
        let slot = landscape.read_slot().await.expect("an answer");
        assert_eq!(slot, Slot::Filled { revision: patched.clone(), owner: Some(adopted), basis: Basis::Content });

        let released = expect_done(landscape.set_owner(None, &patched).await);
        let slot = landscape.read_slot().await.expect("an answer");
        assert_eq!(slot, Slot::Filled { revision: released.clone(), owner: None, basis: Basis::Content });

        let deleted = expect_done(landscape.delete(&released).await);
        assert_eq!(landscape.read_slot().await.expect("an answer"), Slot::Empty { revision: deleted.clone() });
        let fenced = expect_done(landscape.delete(&deleted).await);
        assert_eq!(landscape.put(&fixture.key, &ours, &deleted).await, WriteAnswer::Changed);
        assert_eq!(landscape.set_owner(None, &deleted).await, WriteAnswer::Changed);
        assert_eq!(landscape.delete(&deleted).await, WriteAnswer::Changed);
        assert_eq!(fixture.revision().await, fenced);
    });
}

#[test]
fn each_status_code_of_a_write_has_the_meaning_of_the_contract() {
    /// The outcome of a write.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Kind {
        Changed,
        Rejected,
        Refused,
        Unknown,
    }
    run(async {
        let fixture = Fixture::start().await;
        let body = r#"{"code":"Code","message":"CANARY","field":"$.uaa"}"#;
        let table = [
            (Kind::Changed, &[412][..]),
            (Kind::Rejected, &[400, 409, 413, 415, 422, 428]),
            (Kind::Refused, &[403, 404, 405, 429]),
            (Kind::Unknown, &[200, 201, 202, 204, 302, 408, 410, 418, 500, 502, 503, 504]),
        ];
        for (kind, statuses) in table {
            for status in statuses {
                // A 204 with a body would be a truncated answer.
                let body = if *status == 204 { "" } else { body };
                let fault = json!({ "status": status, "body": body, "contentType": "application/json" });
                fixture.fail_once("Put", fault).await;
                let (found, message) = match fixture.put().await {
                    WriteAnswer::Changed => (Kind::Changed, String::new()),
                    WriteAnswer::Rejected(message) => (Kind::Rejected, message),
                    WriteAnswer::Refused(trouble) => (Kind::Refused, trouble.message),
                    WriteAnswer::Unknown(trouble) => (Kind::Unknown, trouble.message),
                    WriteAnswer::Done(_) | WriteAnswer::HandedOver(_) => panic!("{status} without an ETag is not done"),
                };
                assert_eq!(found, kind, "{status}: {message}");
                assert!(!message.contains("CANARY"), "{message}");
                assert_eq!(message.contains("(Code at $.uaa)"), kind == Kind::Rejected, "{message}");
            }
        }
    });
}

#[test]
fn no_write_is_sent_if_leadership_ends_while_its_token_is_fetched() {
    run(async {
        let fixture = Fixture::start().await;
        let revision = fixture.revision().await;
        for (left, refused_tokens) in [(0, 0), (1, 1)] {
            fixture.writes_left.store(left, Ordering::SeqCst);
            if refused_tokens > 0 {
                fixture.fail_once("Put", json!({ "status": 401 })).await;
            }
            let answer = fixture.put().await;
            assert!(matches!(&answer, WriteAnswer::Refused(why) if why.reason == Reason::NotLeader), "{answer:?}");
            assert_eq!(fixture.revision().await, revision, "with {left} allowed writes");
        }
    });
}

#[test]
fn an_error_has_a_reason_and_says_when_to_retry() {
    run(async {
        let fixture = Fixture::start().await;
        let (unauthorized, unavailable) =
            (Reason::LandscapeManagementUnauthorized, Reason::LandscapeManagementUnavailable);
        let table = [
            (json!({ "status": 403 }), unauthorized, Retry::Never),
            (
                json!({ "status": 429, "headers": { "retry-after": "7" } }),
                Reason::RateLimited,
                Retry::After(Duration::from_secs(7)),
            ),
            (json!({ "status": 500 }), unavailable, Retry::Backoff),
            // A 404 without a strong ETag is not the answer for an empty slot.
            (json!({ "status": 404 }), unavailable, Retry::Backoff),
            (json!({ "status": 404, "headers": { "etag": "W/\"r1\"" } }), unavailable, Retry::Backoff),
            (
                json!({ "status": 404, "headers": { "etag": "\"page\"" }, "body": "not here" }),
                unavailable,
                Retry::Backoff,
            ),
            (json!({ "status": 200, "headers": { "etag": "\"r1\"" }, "body": "no JSON" }), unavailable, Retry::Backoff),
            (json!({ "drop": true }), unavailable, Retry::Backoff),
        ];
        for (fault, reason, retry) in table {
            fixture.fail_once("ReadSlot", fault.clone()).await;
            let trouble = fixture.landscape.read_slot().await.expect_err("this answer has no slot");
            assert_eq!((trouble.reason, trouble.retry), (reason, retry), "{fault}");
        }
    });
}

#[test]
fn a_page_of_a_proxy_is_taken_for_no_write_no_key_and_no_token() {
    run(async {
        let fixture = Fixture::start().await;
        let page = |body: &str| json!({ "status": 200, "headers": { "etag": "\"page\"" }, "body": body });
        fixture.fail_once("Put", page("<html>log in</html>")).await;
        assert!(matches!(fixture.put().await, WriteAnswer::Unknown(_)), "no write has a success with 200");

        expect_done(fixture.put().await);
        let whole = fixture.document.to_string();
        for body in ["<html>log in</html>", "[\"a key\"]", &whole[..whole.len() / 2]] {
            fixture.fail_once("ReadContent", page(body)).await;
            let trouble = fixture.landscape.read_content().await.expect_err("neither a key nor an empty slot");
            assert_eq!((trouble.reason, trouble.retry), (Reason::LandscapeManagementUnavailable, Retry::Backoff));
        }
        fixture.fail_once("ReadContent", json!({ "status": 200, "body": whole })).await;
        fixture.landscape.read_content().await.expect_err("a key needs a revision");

        for body in ["<html>log in</html>", r#"{"access_token":"","expires_in":7}"#] {
            fixture.simulator.expire_tokens(ZONE).await;
            fixture.fail_once("LandscapeToken", page(body)).await;
            let trouble = fixture.landscape.read_slot().await.expect_err("this answer has no token");
            assert_eq!(trouble.reason, Reason::LandscapeManagementUnavailable, "{body}");
        }
    });
}

#[test]
fn an_owner_whose_name_is_a_path_makes_the_answer_invalid() {
    run(async {
        let fixture = Fixture::start().await;
        for (namespace, name) in
            [("../kube-system", "calm"), ("a", "calm?watch=true"), ("a", "calm/status"), ("a", "..")]
        {
            let body = json!({
                "identityzone": ZONE, "clientid": "c", "credential-type": "instance-secret",
                "uploadedAt": "2026-01-01T00:00:00Z",
                "owner": { "clusterID": "this", "namespace": namespace, "name": name, "adopted": false },
            });
            let answer = json!({ "status": 200, "headers": { "etag": "\"r1\"" }, "body": body.to_string() });
            fixture.fail_once("ReadSlot", answer).await;
            let trouble = fixture.landscape.read_slot().await.expect_err("no owner can have that name");
            assert!(
                trouble.message.contains("did not answer as the contract requires"),
                "{namespace}/{name}: {}",
                trouble.message
            );
        }
    });
}

#[test]
fn an_endless_or_truncated_answer_is_an_error() {
    run(async {
        let fixture = Fixture::start().await;
        for (fault, expected) in [
            (json!({ "corruption": "huge" }), "larger than 262144 bytes"),
            (json!({ "corruption": "resetInBody" }), "broke off"),
            (json!({ "corruption": "cut" }), "answered 404"),
            (json!({ "reset": true }), "broke off"),
        ] {
            fixture.fail_once("ReadSlot", fault.clone()).await;
            let trouble = fixture.landscape.read_slot().await.expect_err("this answer has no slot");
            assert!(trouble.message.contains(expected), "{fault}: {}", trouble.message);
        }
        fixture.fail_once("Put", json!({ "corruption": "weakRevision" })).await;
        assert!(matches!(fixture.put().await, WriteAnswer::Unknown(_)), "a weak ETag is no revision");
    });
}

#[test]
fn a_write_without_an_answer_is_unknown_and_one_without_a_token_was_not_sent() {
    run(async {
        let fixture = Fixture::start().await;
        let before = fixture.revision().await;
        fixture.fail_once("Put", json!({ "swallow": true })).await;
        assert!(matches!(fixture.put().await, WriteAnswer::Unknown(_)));
        assert_ne!(fixture.revision().await, before, "the upload took effect");

        // The token is refused, and the token endpoint is down.
        fixture.simulator.expire_tokens(ZONE).await;
        fixture.fail_once("LandscapeToken", json!({ "status": 503 })).await;
        let revision = Revision::new("\"r1\"");
        assert!(matches!(fixture.landscape.delete(&revision).await, WriteAnswer::Refused(_)));
        // Once it is up, the delete is sent again with a fresh token.
        assert_eq!(fixture.landscape.delete(&revision).await, WriteAnswer::Changed);
    });
}

/// Makes a call of this kind with a fault injected, and returns the result as text.
async fn answer_to(fixture: &Fixture, kind: &str, fault: Value) -> String {
    fixture.fail_once(kind, fault).await;
    match kind {
        "SignIn" => {
            let client = client::build_client(Network::Any, &Route::DIRECT, Some(&fixture.simulator.ca), WAIT_LIMIT);
            format!("{:?}", TokenEndpoint::new(client.expect("a client")).sign_in(&fixture.key).await)
        }
        "LandscapeToken" => {
            fixture.simulator.expire_tokens(ZONE).await;
            format!("{:?}", fixture.landscape.read_slot().await)
        }
        "ReadSlot" => format!("{:?}", fixture.landscape.read_slot().await),
        "ReadContent" => format!("{:?}", fixture.landscape.read_content().await),
        _ => format!("{:?}", fixture.put().await),
    }
}

// proves: limit http/client MAX_ANSWER
#[test]
fn no_endpoint_may_answer_with_more_than_256_kibibytes() {
    run(async {
        let fixture = Fixture::start().await;
        // Fetches the token that is used below.
        fixture.revision().await;
        let token = r#"{"access_token":"none","token_type":"bearer","expires_in":3600}"#;
        let slot = r#"{"identityzone":"z","clientid":"c","credential-type":"t","uploadedAt":"2026-11-23T20:17:03Z"}"#;
        for (kind, status, body, accepted) in [
            ("SignIn", 200, token, "Accepted"),
            // The token is read, and then refused: the simulator did not issue it.
            ("LandscapeToken", 200, token, "answered 401"),
            ("ReadSlot", 200, slot, "Filled"),
            ("ReadContent", 200, "{}", "Ok(Some("),
            ("Put", 422, r#"{"code":"Code","message":"m"}"#, "(Code)"),
        ] {
            for (length, expected) in [(MAX_ANSWER, accepted), (MAX_ANSWER + 1, "is larger than 262144 bytes")] {
                let fault = json!({
                    "status": status, "body": body, "contentType": "application/json",
                    "headers": { "etag": "\"r1\"" }, "padding": length - body.len(),
                });
                let result = answer_to(&fixture, kind, fault).await;
                assert!(result.contains(expected), "{kind}, {length} bytes: {result}");
            }
        }
    });
}

// proves: limit landscape/http/answer MAX_ETAG_BYTES, limit landscape/http/answer MAX_QUOTE
#[test]
fn a_longer_etag_is_refused_and_a_longer_error_code_is_cut() {
    run(async {
        let fixture = Fixture::start().await;
        for (length, is_valid) in [(256, true), (257, false), (3, true), (2, false)] {
            let etag = format!("\"{}\"", "r".repeat(length - 2));
            let body = r#"{"code":"Empty","message":"m"}"#;
            fixture.fail_once("ReadSlot", json!({ "status": 404, "body": body, "headers": { "etag": etag } })).await;
            let revision = fixture.landscape.read_slot().await.map(|slot| slot.revision().as_str().len());
            assert_eq!(revision.ok(), is_valid.then_some(length));
        }
        for (length, kept) in [(64, 64), (65, 64)] {
            let body = json!({ "code": "C".repeat(length), "message": "m", "field": "f".repeat(length) }).to_string();
            let result = answer_to(&fixture, "Put", json!({ "status": 422, "body": body })).await;
            let expected = format!("({} at {})", "C".repeat(kept), "f".repeat(kept));
            assert!(result.contains(&expected), "{result}");
        }
    });
}
