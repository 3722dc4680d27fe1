//! What the operator's client makes of each answer of Landscape Management, over real HTTPS. All that it asks here is held
//! against the contract when the simulator ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use alm_key_operator::domain::policy::{HostList, KeyRules};
use alm_key_operator::domain::reason::Reason;
use alm_key_operator::domain::retry::Retry;
use alm_key_operator::domain::service_key::ServiceKey;
use alm_key_operator::domain::slot::{Owner, Ownership, RemoteTrouble, Revision, Slot, WriteAnswer};
use alm_key_operator::executor::ports::{LandscapeManagement, SignIn};
use alm_key_operator::http::client::{self, MAX_ANSWER};
use alm_key_operator::http::network::Network;
use alm_key_operator::landscape::http::{ClientCredentials, HttpLandscape, TokenSource};
use alm_key_operator::sign_in::TokenEndpoint;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use testkit::bed::WAIT_LIMIT;
use testkit::bed::simulator::Simulator;

const ZONE: &str = "outcomes";

/// The client in front of a simulator of its own.
struct Side {
    landscape: HttpLandscape,
    /// How many writes may still be sent.
    writes_left: Arc<AtomicUsize>,
    simulator: Simulator,
    key: ServiceKey,
    document: Value,
    _folder: tempfile::TempDir,
}

impl Side {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a folder");
        let simulator = Simulator::start(folder.path());
        let made = simulator.admin(Method::POST, "/tenants", Some(json!({ "identityZone": ZONE }))).await;
        let document = simulator.admin(Method::POST, &format!("/tenants/{ZONE}/keys"), Some(json!({}))).await;
        let access = |field: &str| made["landscapeManagement"][field].as_str().expect("a text").to_owned();
        let client = client::build_client(Network::Any, Some(&simulator.ca), WAIT_LIMIT).expect("a client");
        let credentials =
            ClientCredentials { client_id: access("clientId"), client_secret: access("clientSecret").into() };
        let tokens = TokenSource::new(client.clone(), access("tokenUrl").parse().expect("a URL"), credentials);
        let writes_left = Arc::new(AtomicUsize::new(usize::MAX));
        let left = Arc::clone(&writes_left);
        let may_write = move || {
            let one_less = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            one_less.map(|_| ()).map_err(|_| RemoteTrouble {
                reason: Reason::NotLeader,
                message: "not any more".into(),
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
        };
        let key = ServiceKey::parse(document.to_string().as_bytes(), &rules).expect("the simulator's key is valid");
        Self { landscape, writes_left, simulator, key, document, _folder: folder }
    }

    async fn revision(&self) -> Revision {
        self.landscape.read_slot().await.expect("the slot can be read").revision().clone()
    }

    /// Lets the next call of a kind fail.
    async fn fail_once(&self, on: &str, fault: Value) {
        let planned = json!({ "on": on, "times": 1, "fault": fault });
        self.simulator.admin(Method::POST, &format!("/tenants/{ZONE}/faults"), Some(planned)).await;
    }

    async fn put(&self) -> WriteAnswer {
        self.landscape.put(&self.key, &owner("a"), &self.revision().await).await
    }
}

fn owner(name: &str) -> Owner {
    Owner { cluster_id: "c".into(), namespace: "n".into(), name: name.into() }
}

fn done(answer: WriteAnswer) -> Revision {
    match answer {
        WriteAnswer::Done(revision) => revision,
        other => panic!("it must take effect: {other:?}"),
    }
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(test);
}

// proves: path /v1/service-key, path /v1/service-key/content
#[test]
fn a_key_is_put_taken_over_given_up_and_deleted_and_each_write_tells_the_revision_that_is_seen_next() {
    run(async {
        let side = Side::start().await;
        let landscape = &side.landscape;
        assert!(landscape.read_content().await.expect("an answer").is_none());

        let put = done(side.put().await);
        let held = Ownership { owner: owner("a"), adopted: false };
        let slot = landscape.read_slot().await.expect("an answer");
        assert_eq!(slot, Slot::Filled { revision: put.clone(), owner: Some(held) });
        let content = landscape.read_content().await.expect("an answer").expect("a key");
        assert_eq!(serde_json::from_slice::<Value>(content.expose_secret()).expect("JSON"), side.document);

        let taken = Ownership { owner: owner("b"), adopted: true };
        let patched = done(landscape.set_owner(Some(&taken), &put).await);
        let slot = landscape.read_slot().await.expect("an answer");
        assert_eq!(slot, Slot::Filled { revision: patched.clone(), owner: Some(taken) });

        let releases = done(landscape.set_owner(None, &patched).await);
        let slot = landscape.read_slot().await.expect("an answer");
        assert_eq!(slot, Slot::Filled { revision: releases.clone(), owner: None });

        let deleted = done(landscape.delete(&releases).await);
        assert_eq!(landscape.read_slot().await.expect("an answer"), Slot::Empty { revision: deleted.clone() });
        let fenced = done(landscape.delete(&deleted).await);
        assert_eq!(landscape.put(&side.key, &owner("a"), &deleted).await, WriteAnswer::Changed);
        assert_eq!(landscape.set_owner(None, &deleted).await, WriteAnswer::Changed);
        assert_eq!(landscape.delete(&deleted).await, WriteAnswer::Changed);
        assert_eq!(side.revision().await, fenced);
    });
}

#[test]
fn each_status_of_a_write_is_read_as_the_contract_says() {
    /// What becomes of a write.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Kind {
        Changed,
        Rejected,
        Refused,
        Unknown,
    }
    run(async {
        let side = Side::start().await;
        let body = r#"{"code":"Code","message":"CANARY","field":"$.uaa"}"#;
        let table = [
            (Kind::Changed, &[412][..]),
            (Kind::Rejected, &[400, 409, 413, 415, 422, 428]),
            (Kind::Refused, &[403, 404, 405, 429]),
            (Kind::Unknown, &[200, 201, 202, 204, 302, 408, 410, 418, 500, 502, 503, 504]),
        ];
        for (kind, statuses) in table {
            for status in statuses {
                // A body that a 204 must not have would be an answer that breaks off.
                let body = if *status == 204 { "" } else { body };
                let fault = json!({ "status": status, "body": body, "contentType": "application/json" });
                side.fail_once("Put", fault).await;
                let (found, said) = match side.put().await {
                    WriteAnswer::Changed => (Kind::Changed, String::new()),
                    WriteAnswer::Rejected(said) => (Kind::Rejected, said),
                    WriteAnswer::Refused(trouble) => (Kind::Refused, trouble.message),
                    WriteAnswer::Unknown(trouble) => (Kind::Unknown, trouble.message),
                    WriteAnswer::Done(_) => panic!("{status} without an ETag is not done"),
                };
                assert_eq!(found, kind, "{status}: {said}");
                assert!(!said.contains("CANARY"), "{said}");
                assert_eq!(said.contains("(Code at $.uaa)"), kind == Kind::Rejected, "{said}");
            }
        }
    });
}

#[test]
fn a_write_is_not_sent_when_it_must_not_be_any_more_by_the_time_that_its_token_is_there() {
    run(async {
        let side = Side::start().await;
        let revision = side.revision().await;
        for (left, refused_tokens) in [(0, 0), (1, 1)] {
            side.writes_left.store(left, Ordering::SeqCst);
            if refused_tokens > 0 {
                side.fail_once("Put", json!({ "status": 401 })).await;
            }
            let answer = side.put().await;
            assert!(matches!(&answer, WriteAnswer::Refused(why) if why.reason == Reason::NotLeader), "{answer:?}");
            assert_eq!(side.revision().await, revision, "{left} writes may be sent");
        }
    });
}

#[test]
fn trouble_says_what_it_is_and_when_to_try_again() {
    run(async {
        let side = Side::start().await;
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
            // Not the slot's own 404: that one has a revision.
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
            side.fail_once("ReadSlot", fault.clone()).await;
            let trouble = side.landscape.read_slot().await.expect_err("no slot can be read from that");
            assert_eq!((trouble.reason, trouble.retry), (reason, retry), "{fault}");
        }
    });
}

#[test]
fn a_page_of_something_in_between_is_neither_an_answer_to_a_write_nor_a_key_nor_a_token() {
    run(async {
        let side = Side::start().await;
        let page = |body: &str| json!({ "status": 200, "headers": { "etag": "\"page\"" }, "body": body });
        side.fail_once("Put", page("<html>log in</html>")).await;
        assert!(matches!(side.put().await, WriteAnswer::Unknown(_)), "no write is answered with 200");

        done(side.put().await);
        let whole = side.document.to_string();
        for body in ["<html>log in</html>", "[\"a key\"]", &whole[..whole.len() / 2]] {
            side.fail_once("ReadContent", page(body)).await;
            let trouble = side.landscape.read_content().await.expect_err("that is no key, and not known to be none");
            assert_eq!((trouble.reason, trouble.retry), (Reason::LandscapeManagementUnavailable, Retry::Backoff));
        }
        side.fail_once("ReadContent", json!({ "status": 200, "body": whole })).await;
        side.landscape.read_content().await.expect_err("a key without a revision is not what was agreed");

        for body in ["<html>log in</html>", r#"{"access_token":"","expires_in":7}"#] {
            side.simulator.expire_tokens(ZONE).await;
            side.fail_once("LandscapeToken", page(body)).await;
            let trouble = side.landscape.read_slot().await.expect_err("there is no token in that");
            assert_eq!(trouble.reason, Reason::LandscapeManagementUnavailable, "{body}");
        }
    });
}

#[test]
fn an_owner_whose_name_would_turn_a_read_into_another_request_is_no_answer() {
    run(async {
        let side = Side::start().await;
        for (namespace, name) in
            [("../kube-system", "calm"), ("a", "calm?watch=true"), ("a", "calm/status"), ("a", "..")]
        {
            let body = json!({
                "identityzone": ZONE, "clientid": "c", "credential-type": "instance-secret",
                "uploadedAt": "2026-01-01T00:00:00Z",
                "owner": { "clusterID": "this", "namespace": namespace, "name": name, "adopted": false },
            });
            let answer = json!({ "status": 200, "headers": { "etag": "\"r1\"" }, "body": body.to_string() });
            side.fail_once("ReadSlot", answer).await;
            let trouble = side.landscape.read_slot().await.expect_err("no owner has that name");
            assert!(trouble.message.contains("did not answer as agreed"), "{namespace}/{name}: {}", trouble.message);
        }
    });
}

#[test]
fn an_answer_that_goes_on_and_on_is_read_up_to_a_limit_and_one_that_breaks_off_is_none() {
    run(async {
        let side = Side::start().await;
        for (fault, said) in [
            (json!({ "corruption": "huge" }), "larger than 262144 bytes"),
            (json!({ "corruption": "resetInBody" }), "broke off"),
            (json!({ "corruption": "cut" }), "answered 404"),
            (json!({ "reset": true }), "broke off"),
        ] {
            side.fail_once("ReadSlot", fault.clone()).await;
            let trouble = side.landscape.read_slot().await.expect_err("no slot can be read from that");
            assert!(trouble.message.contains(said), "{fault}: {}", trouble.message);
        }
        side.fail_once("Put", json!({ "corruption": "weakRevision" })).await;
        assert!(matches!(side.put().await, WriteAnswer::Unknown(_)), "a revision that cannot be compared is none");
    });
}

#[test]
fn a_write_without_an_answer_may_have_taken_effect_and_one_without_a_token_has_not() {
    run(async {
        let side = Side::start().await;
        let before = side.revision().await;
        side.fail_once("Put", json!({ "swallow": true })).await;
        assert!(matches!(side.put().await, WriteAnswer::Unknown(_)));
        assert_ne!(side.revision().await, before, "it has");

        // The token is refused, and no fresh one is to be had.
        side.simulator.expire_tokens(ZONE).await;
        side.fail_once("LandscapeToken", json!({ "status": 503 })).await;
        let revision = Revision::new("\"r1\"");
        assert!(matches!(side.landscape.delete(&revision).await, WriteAnswer::Refused(_)));
        // With a fresh one it is tried again, once.
        assert_eq!(side.landscape.delete(&revision).await, WriteAnswer::Changed);
    });
}

/// What the client makes of the next answer of this kind.
async fn read(side: &Side, kind: &str, fault: Value) -> String {
    side.fail_once(kind, fault).await;
    match kind {
        "SignIn" => {
            let client = client::build_client(Network::Any, Some(&side.simulator.ca), WAIT_LIMIT).expect("a client");
            format!("{:?}", TokenEndpoint::new(client, Network::Any).sign_in(&side.key).await)
        }
        "LandscapeToken" => {
            side.simulator.expire_tokens(ZONE).await;
            format!("{:?}", side.landscape.read_slot().await)
        }
        "ReadSlot" => format!("{:?}", side.landscape.read_slot().await),
        "ReadContent" => format!("{:?}", side.landscape.read_content().await),
        _ => format!("{:?}", side.put().await),
    }
}

// proves: limit http/client MAX_ANSWER
#[test]
fn an_answer_of_256_kibibytes_is_read_and_a_larger_one_is_not_whoever_gives_it() {
    run(async {
        let side = Side::start().await;
        // So that there is a token to be refused.
        side.revision().await;
        let token = r#"{"access_token":"none","token_type":"bearer","expires_in":3600}"#;
        let slot = r#"{"identityzone":"z","clientid":"c","credential-type":"t","uploadedAt":"2026-11-23T20:17:03Z"}"#;
        for (kind, status, body, as_it_is) in [
            ("SignIn", 200, token, "Accepted"),
            // The token that was read is none that the simulator made.
            ("LandscapeToken", 200, token, "answered 401"),
            ("ReadSlot", 200, slot, "Filled"),
            ("ReadContent", 200, "{}", "Ok(Some("),
            ("Put", 422, r#"{"code":"Code","message":"m"}"#, "(Code)"),
        ] {
            for (length, expected) in [(MAX_ANSWER, as_it_is), (MAX_ANSWER + 1, "is larger than 262144 bytes")] {
                let fault = json!({
                    "status": status, "body": body, "contentType": "application/json",
                    "headers": { "etag": "\"r1\"" }, "padding": length - body.len(),
                });
                let said = read(&side, kind, fault).await;
                assert!(said.contains(expected), "{kind}, {length} bytes: {said}");
            }
        }
    });
}

// proves: limit landscape/http/answer MAX_ETAG_BYTES, limit landscape/http/answer LONGEST_WORD
#[test]
fn a_revision_and_a_word_of_the_longest_kind_are_taken_and_longer_ones_are_not() {
    run(async {
        let side = Side::start().await;
        for (length, is_taken) in [(256, true), (257, false), (3, true), (2, false)] {
            let etag = format!("\"{}\"", "r".repeat(length - 2));
            let body = r#"{"code":"Empty","message":"m"}"#;
            side.fail_once("ReadSlot", json!({ "status": 404, "body": body, "headers": { "etag": etag } })).await;
            let taken = side.landscape.read_slot().await.map(|slot| slot.revision().as_str().len());
            assert_eq!(taken.ok(), is_taken.then_some(length));
        }
        for (length, kept) in [(64, 64), (65, 64)] {
            let body = json!({ "code": "C".repeat(length), "message": "m", "field": "f".repeat(length) }).to_string();
            let said = read(&side, "Put", json!({ "status": 422, "body": body })).await;
            let expected = format!("({} at {})", "C".repeat(kept), "f".repeat(kept));
            assert!(said.contains(&expected), "{said}");
        }
    });
}
