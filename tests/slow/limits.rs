//! Limits that take their time to be reached.

use std::sync::Arc;
use std::time::Duration;

use alm_key_operator::cluster::{CallError, DEADLINE, call};
use alm_key_operator::http::client;
use alm_key_operator::http::network::Network;
use alm_key_operator::process::admin::{self, Admin};
use alm_key_operator::process::leadership::Leadership;
use alm_key_operator::process::metrics::Metrics;
use alm_key_operator::process::readiness::Readiness;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::PostParams;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use testkit::bed::key::{condition, message};
use testkit::bed::simulator::Simulator;
use testkit::bed::tenant::from_json;
use testkit::bed::{Setup, Tenant, TestBed};

const SECOND: Duration = Duration::from_secs(1);

// proves: limit cluster DEADLINE
#[tokio::test]
async fn a_call_that_the_api_server_answers_in_its_last_second_is_answered_and_later_it_is_given_up() {
    let answered = async |after: Duration| {
        call(async {
            tokio::time::sleep(after).await;
            Ok(())
        })
        .await
    };
    let (in_time, late) = tokio::join!(answered(DEADLINE.saturating_sub(SECOND)), answered(DEADLINE + SECOND));
    assert!(in_time.is_ok());
    assert!(matches!(late, Err(CallError::Deadline)));
}

/// A tenant whose requests to Landscape Management may take a minute.
async fn patient<'a>(bed: &'a TestBed, name: &str) -> Tenant<'a> {
    let change = |tenant: &mut Value| tenant["spec"]["landscapeManagement"]["http"]["timeout"] = json!("60s");
    Tenant::create_with(bed, name, bed.client.clone(), change).await
}

/// How many calls of a tenant are held.
async fn held(tenant: &Tenant<'_>) -> u64 {
    tenant.admin(Method::GET, "/holds", None).await["held"].as_u64().unwrap_or_default()
}

async fn all_held(tenants: &[Tenant<'_>]) -> u64 {
    let mut sum = 0;
    for tenant in tenants {
        sum += held(tenant).await;
    }
    sum
}

// proves: limit controller/service_key/reconcile CONCURRENCY
#[tokio::test(flavor = "multi_thread")]
async fn sixteen_passes_run_at_a_time_and_the_seventeenth_once_one_of_them_has_ended() {
    let bed = TestBed::start(Setup::default()).await;
    let mut tenants = Vec::new();
    for number in 0..17 {
        let tenant = patient(&bed, &format!("crowd-{number}")).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.await_tenant(&tenant.name, "True", "Connected").await;
        tenant.fail("Put", json!({ "hold": true })).await;
        tenants.push(tenant);
    }
    for tenant in &tenants {
        tenant.apply_for_secret("calm", "pasted").await;
    }
    while all_held(&tenants).await < 16 {
        tokio::time::sleep(SECOND / 20).await;
    }
    // Nothing tells of a pass that does not begin.
    for _ in 0..20 {
        assert_eq!(all_held(&tenants).await, 16);
        tokio::time::sleep(SECOND / 20).await;
    }
    let mut waits = None;
    for tenant in &tenants {
        if held(tenant).await == 0 {
            waits = Some(tenant);
        }
    }
    let waits = waits.expect("one waits");
    let runs = tenants.iter().find(|tenant| tenant.name != waits.name).expect("the others run");
    runs.heal().await;
    runs.release_held_calls().await;
    runs.await_ready("calm", "True", "Uploaded").await;
    waits.await_held().await;
    for tenant in &tenants {
        tenant.heal().await;
        tenant.release_held_calls().await;
    }
    waits.await_ready("calm", "True", "Uploaded").await;
}

// proves: limit controller/events MAX_NOTE
#[tokio::test(flavor = "multi_thread")]
async fn a_note_of_a_kibibyte_is_the_longest_that_the_api_server_takes_and_a_longer_message_is_cut_to_it() {
    let bed = TestBed::start(Setup::default()).await;
    let long = |tenant: &mut Value| {
        let hosts = (0..8).map(|host| format!("{}.example", format!("{host}-").repeat(30)));
        tenant["spec"]["endpointHosts"] = hosts.map(|host| json!(host.replace("-.", "."))).collect();
    };
    let tenant = Tenant::create_with(&bed, "notes", bed.client.clone(), long).await;
    let mut key = tenant.make_key().await;
    key["endpoints"]["Other"] = json!("https://elsewhere.example");
    tenant.write_secret("pasted", &key).await;
    tenant.apply_for_secret("calm", "pasted").await;
    let object = tenant.await_ready("calm", "False", "EndpointNotAllowed").await;
    assert!(message(&object, "Ready").len() > 1024, "{}", message(&object, "Ready"));
    let event = tenant.await_event("calm", "EndpointNotAllowed").await;
    let note = event.note.clone().expect("a note");
    assert!(note.len() == 1024 && note.ends_with("..."), "{} bytes: {note}", note.len());

    let events: Api<Event> = Api::namespaced(tenant.client.clone(), &tenant.namespace);
    for (length, is_taken) in [(1024, true), (1025, false)] {
        let event: Event = from_json(json!({
            "metadata": { "name": format!("note-{length}") }, "eventTime": "2026-11-23T20:17:03.000000Z",
            "action": "Note", "reason": "Note", "type": "Normal", "note": "n".repeat(length),
            "reportingController": "example.com/note", "reportingInstance": "note",
            "regarding": { "kind": "Namespace", "name": "notes", "namespace": "notes" },
        }));
        assert_eq!(events.create(&PostParams::default(), &event).await.is_ok(), is_taken, "{length} bytes");
    }
}

// proves: limit controller/connections TIMEOUT
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_is_waited_for_ten_seconds() {
    let bed = TestBed::start(Setup::default()).await;
    let tenant = Tenant::create(&bed, "slow", bed.client.clone()).await;
    tenant.await_tenant("slow", "True", "Connected").await;
    tenant.write_secret("pasted", &tenant.make_key().await).await;
    tenant.admin(Method::PUT, "/latency", Some(json!({ "ms": 11_000 }))).await;
    tenant.apply_for_secret("calm", "pasted").await;
    let object = tenant.await_ready("calm", "Unknown", "SignInUnknown").await;
    let said = message(&object, "SignedIn");
    assert!(said.contains("did not answer in time"), "{said}");
    assert_eq!(condition(&object, "Valid").0, "True");

    // Landscape Management of this tenant is waited for 3 s, and so must not be as slow.
    let other = patient(&bed, "less-slow").await;
    other.await_tenant("less-slow", "True", "Connected").await;
    other.write_secret("pasted", &other.make_key().await).await;
    other.admin(Method::PUT, "/latency", Some(json!({ "ms": 9_000 }))).await;
    other.apply_for_secret("calm", "pasted").await;
    other.await_call("a sign-in after nine seconds", |call| call["kind"] == "SignIn" && call["status"] == 200).await;
    other.await_call("the look that follows it", |call| call["kind"] == "ReadSlot").await;
}

/// A pass over a key of this tenant is held in the midst of its upload.
async fn held_at_its_upload<'a>(bed: &'a TestBed, name: &str) -> Tenant<'a> {
    let tenant = patient(bed, name).await;
    tenant.await_tenant(name, "True", "Connected").await;
    tenant.write_secret("pasted", &tenant.make_key().await).await;
    tenant.fail("Put", json!({ "hold": true })).await;
    tenant.apply_for_secret("calm", "pasted").await;
    tenant.await_held().await;
    tenant
}

// proves: limit controller LAST_PASSES
#[tokio::test(flavor = "multi_thread")]
async fn a_pass_that_does_not_end_is_waited_for_45_seconds_after_the_process_was_asked_to_stop() {
    let mut bed = TestBed::start(Setup::default()).await;
    held_at_its_upload(&bed, "endless").await;
    let mut operator = bed.operator.take().expect("it runs");
    operator.signal("TERM");
    let status = operator.wait_exit().expect("it ends by itself");
    assert_eq!(status.code(), Some(1));
    operator.await_lines("some passes did not end within 45 s", 1);
    let tenant = Tenant::existing(&bed, "endless", bed.client.clone());
    tenant.release_held_calls().await;
}

// proves: limit controller LAST_PASSES
#[tokio::test(flavor = "multi_thread")]
async fn a_pass_that_ends_forty_seconds_after_the_process_was_asked_to_stop_is_waited_for() {
    let mut bed = TestBed::start(Setup::default()).await;
    held_at_its_upload(&bed, "slow").await;
    let mut operator = bed.operator.take().expect("it runs");
    operator.signal("TERM");
    tokio::time::sleep(40 * SECOND).await;
    assert!(operator.is_running(), "it waits");
    let tenant = Tenant::existing(&bed, "slow", bed.client.clone());
    tenant.heal().await;
    tenant.release_held_calls().await;
    assert_eq!(operator.wait_exit().expect("it ends by itself").code(), Some(0));
    tenant.await_ready("calm", "True", "Uploaded").await;
}

// proves: limit http/client CONNECT_TIMEOUT
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_stands_within_five_seconds_is_used_and_one_that_does_not_is_given_up() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().expect("a folder");
    let simulator = Simulator::start(folder.path());
    let client = client::build_client(Network::Any, Some(&simulator.ca), 60 * SECOND).expect("a client");
    // Whoever is answered late has a connection, and no TLS on it.
    let behind = async |pause: Duration| {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let relay = tokio::spawn(relay(listener, pause, simulator.port));
        let answer = client::send(client.get(format!("https://admin.localhost:{port}/journal"))).await;
        relay.abort();
        answer
    };
    let (in_time, late) = tokio::join!(behind(4 * SECOND), behind(6 * SECOND));
    assert!(in_time.is_ok_and(|answer| answer.status == 200));
    let late = late.err().expect("it is given up");
    assert!(late.message.starts_with("it could not be connected to") && !late.may_have_arrived, "{late:?}");
}

/// Passes one connection on, after a pause.
async fn relay(listener: TcpListener, pause: Duration, port: u16) {
    let (mut from, _) = listener.accept().await.expect("a connection");
    tokio::time::sleep(pause).await;
    let mut to = TcpStream::connect(("127.0.0.1", port)).await.expect("it listens");
    // Whoever has given up has gone.
    let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
}

/// More than fits between a process and one that does not read.
const MUCH: usize = 16 * 1024 * 1024;

/// A metric whose description is that long.
#[derive(Debug)]
struct Lengthy;

impl Collector for Lengthy {
    fn encode(&self, mut encoder: DescriptorEncoder) -> std::fmt::Result {
        encoder.encode_descriptor("lengthy", &"x".repeat(MUCH), None, MetricType::Gauge)?;
        Ok(())
    }
}

// proves: limit process/admin WAIT_LIMIT
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_the_admin_server_is_kept_for_five_seconds_for_who_reads_it_late() {
    let metrics = Arc::new(Metrics::new(Leadership::alone()));
    metrics.show(Lengthy);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(admin::serve(listener, Arc::new(Admin { readiness: Readiness::default(), metrics })));
    let read_after = async |pause: Duration| {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").await.expect("it is sent");
        tokio::time::sleep(pause).await;
        let mut answer = Vec::new();
        // An answer that is given up may end in a reset.
        let _ = stream.read_to_end(&mut answer).await;
        answer.len()
    };
    let (in_time, late) = tokio::join!(read_after(3 * SECOND), read_after(6 * SECOND));
    assert!(in_time > MUCH, "{in_time} bytes");
    assert!(late < MUCH, "{late} bytes");
    server.abort();
}
