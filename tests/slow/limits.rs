//! Limits that take time to reach.

use std::sync::Arc;
use std::time::Duration;

use alm_key_operator::cluster::{CallError, DEADLINE, call};
use alm_key_operator::http::client;
use alm_key_operator::http::egress::Route;
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
async fn a_call_to_the_api_server_ends_at_its_deadline() {
    let respond = async |after: Duration| {
        call(async {
            tokio::time::sleep(after).await;
            Ok(())
        })
        .await
    };
    let (in_time, late) = tokio::join!(respond(DEADLINE.saturating_sub(SECOND)), respond(DEADLINE + SECOND));
    assert!(in_time.is_ok());
    assert!(matches!(late, Err(CallError::Deadline)));
}

/// Creates a tenant whose requests to Landscape Management may take a minute.
async fn create_patient<'a>(bed: &'a TestBed, name: &str) -> Tenant<'a> {
    let change = |tenant: &mut Value| tenant["spec"]["landscapeManagement"]["http"]["timeout"] = json!("60s");
    Tenant::create_with(bed, name, bed.client.clone(), change).await
}

/// Returns the number of held calls of a tenant.
async fn count_held(tenant: &Tenant<'_>) -> u64 {
    tenant.admin(Method::GET, "/holds", None).await["held"].as_u64().unwrap_or_default()
}

async fn count_all_held(tenants: &[Tenant<'_>]) -> u64 {
    let mut sum = 0;
    for tenant in tenants {
        sum += count_held(tenant).await;
    }
    sum
}

// proves: limit controller/context CONCURRENCY
#[tokio::test(flavor = "multi_thread")]
async fn sixteen_reconciliations_run_at_once_and_the_seventeenth_waits() {
    let bed = TestBed::start(Setup::default()).await;
    let mut tenants = Vec::new();
    for number in 0..17 {
        let tenant = create_patient(&bed, &format!("crowd-{number}")).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.await_tenant(&tenant.name, "True", "Connected").await;
        tenant.fail("Put", json!({ "hold": true })).await;
        tenants.push(tenant);
    }
    for tenant in &tenants {
        tenant.apply_for_secret("calm", "pasted").await;
    }
    while count_all_held(&tenants).await < 16 {
        tokio::time::sleep(SECOND / 20).await;
    }
    // Nothing reports a reconciliation that does not begin, so the number is observed for a second.
    for _ in 0..20 {
        assert_eq!(count_all_held(&tenants).await, 16);
        tokio::time::sleep(SECOND / 20).await;
    }
    let mut waiting = None;
    for tenant in &tenants {
        if count_held(tenant).await == 0 {
            waiting = Some(tenant);
        }
    }
    let waiting = waiting.expect("one tenant waits");
    let running = tenants.iter().find(|tenant| tenant.name != waiting.name).expect("the others run");
    running.heal().await;
    running.release_held_calls().await;
    running.await_ready("calm", "True", "Uploaded").await;
    waiting.await_held().await;
    for tenant in &tenants {
        tenant.heal().await;
        tenant.release_held_calls().await;
    }
    waiting.await_ready("calm", "True", "Uploaded").await;
}

// proves: limit controller/events MAX_NOTE
#[tokio::test(flavor = "multi_thread")]
async fn an_event_note_is_cut_to_the_kibibyte_that_the_api_server_accepts() {
    let bed = TestBed::start(Setup::default()).await;
    let set_long_hosts = |tenant: &mut Value| {
        let hosts = (0..8).map(|host| format!("{}.example", format!("{host}-").repeat(30)));
        tenant["spec"]["endpointHosts"] = hosts.map(|host| json!(host.replace("-.", "."))).collect();
    };
    let tenant = Tenant::create_with(&bed, "notes", bed.client.clone(), set_long_hosts).await;
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
    for (length, is_accepted) in [(1024, true), (1025, false)] {
        let event: Event = from_json(json!({
            "metadata": { "name": format!("note-{length}") }, "eventTime": "2026-11-23T20:17:03.000000Z",
            "action": "Note", "reason": "Note", "type": "Normal", "note": "n".repeat(length),
            "reportingController": "example.com/note", "reportingInstance": "note",
            "regarding": { "kind": "Namespace", "name": "notes", "namespace": "notes" },
        }));
        assert_eq!(events.create(&PostParams::default(), &event).await.is_ok(), is_accepted, "{length} bytes");
    }
}

// proves: limit controller/connections TIMEOUT
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_times_out_after_ten_seconds() {
    let bed = TestBed::start(Setup::default()).await;
    let tenant = Tenant::create(&bed, "slow", bed.client.clone()).await;
    tenant.await_tenant("slow", "True", "Connected").await;
    tenant.write_secret("pasted", &tenant.make_key().await).await;
    tenant.admin(Method::PUT, "/latency", Some(json!({ "ms": 11_000 }))).await;
    tenant.apply_for_secret("calm", "pasted").await;
    let object = tenant.await_ready("calm", "Unknown", "SignInUnknown").await;
    let text = message(&object, "SignedIn");
    assert!(text.contains("did not answer in time"), "{text}");
    assert_eq!(condition(&object, "Valid").0, "True");

    // The first tenant's requests to Landscape Management time out after 3 s, so the slower limit needs another one.
    let other = create_patient(&bed, "less-slow").await;
    other.await_tenant("less-slow", "True", "Connected").await;
    other.write_secret("pasted", &other.make_key().await).await;
    other.admin(Method::PUT, "/latency", Some(json!({ "ms": 9_000 }))).await;
    other.apply_for_secret("calm", "pasted").await;
    other.await_call("a sign-in after nine seconds", |call| call["kind"] == "SignIn" && call["status"] == 200).await;
    other.await_call("the read of the slot that follows", |call| call["kind"] == "ReadSlot").await;
}

/// Creates a tenant, and holds a reconciliation in its upload.
async fn hold_upload<'a>(bed: &'a TestBed, name: &str) -> Tenant<'a> {
    let tenant = create_patient(bed, name).await;
    tenant.await_tenant(name, "True", "Connected").await;
    tenant.write_secret("pasted", &tenant.make_key().await).await;
    tenant.fail("Put", json!({ "hold": true })).await;
    tenant.apply_for_secret("calm", "pasted").await;
    tenant.await_held().await;
    tenant
}

// proves: limit controller SHUTDOWN_GRACE
#[tokio::test(flavor = "multi_thread")]
async fn shutdown_waits_at_most_45_seconds_for_a_running_reconciliation() {
    let mut bed = TestBed::start(Setup::default()).await;
    hold_upload(&bed, "endless").await;
    let mut operator = bed.operator.take().expect("the operator runs");
    operator.signal("TERM");
    let status = operator.wait_exit().expect("the operator ends by itself");
    assert_eq!(status.code(), Some(1));
    operator.await_lines("some reconciliations did not finish within 45 s", 1);
    let tenant = Tenant::existing(&bed, "endless", bed.client.clone());
    tenant.release_held_calls().await;
}

// proves: limit controller SHUTDOWN_GRACE
#[tokio::test(flavor = "multi_thread")]
async fn a_reconciliation_that_ends_40_seconds_after_sigterm_completes() {
    let mut bed = TestBed::start(Setup::default()).await;
    hold_upload(&bed, "slow").await;
    let mut operator = bed.operator.take().expect("the operator runs");
    operator.signal("TERM");
    tokio::time::sleep(40 * SECOND).await;
    assert!(operator.is_running(), "the operator waits");
    let tenant = Tenant::existing(&bed, "slow", bed.client.clone());
    tenant.heal().await;
    tenant.release_held_calls().await;
    assert_eq!(operator.wait_exit().expect("the operator ends by itself").code(), Some(0));
    tenant.await_ready("calm", "True", "Uploaded").await;
}

// proves: limit http/client CONNECT_TIMEOUT
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_must_be_established_within_five_seconds() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().expect("a folder");
    let simulator = Simulator::start(folder.path());
    let client =
        client::build_client(Network::Any, &Route::DIRECT, Some(&simulator.ca), 60 * SECOND).expect("a client");
    // During the pause the client has a TCP connection, but no TLS on it.
    let send_after = async |pause: Duration| {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let url = format!("https://admin.localhost:{port}/journal").parse().expect("a URL");
        let relay = tokio::spawn(relay(listener, pause, simulator.port));
        let answer = client.send(client.request(Method::GET, url)).await;
        relay.abort();
        answer
    };
    let (in_time, late) = tokio::join!(send_after(4 * SECOND), send_after(6 * SECOND));
    assert!(in_time.is_ok_and(|answer| answer.status == 200));
    let late = late.err().expect("the connection times out");
    assert!(late.message.starts_with("could not connect") && !late.may_have_arrived, "{late:?}");
}

/// Relays one connection after a pause.
async fn relay(listener: TcpListener, pause: Duration, port: u16) {
    let (mut from, _) = listener.accept().await.expect("a connection");
    tokio::time::sleep(pause).await;
    let mut to = TcpStream::connect(("127.0.0.1", port)).await.expect("the simulator listens");
    // The client of a late connection has closed it.
    let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
}

/// Length of a response that does not fit into the buffers of a connection, in bytes.
const LONG_RESPONSE: usize = 16 * 1024 * 1024;

/// A metric whose description makes the response that long.
#[derive(Debug)]
struct Lengthy;

impl Collector for Lengthy {
    fn encode(&self, mut encoder: DescriptorEncoder) -> std::fmt::Result {
        encoder.encode_descriptor("lengthy", &"x".repeat(LONG_RESPONSE), None, MetricType::Gauge)?;
        Ok(())
    }
}

// proves: limit process/admin CONNECTION_TIMEOUT
#[tokio::test(flavor = "multi_thread")]
async fn the_admin_server_gives_a_slow_reader_five_seconds() {
    let metrics = Arc::new(Metrics::new(Leadership::alone()));
    metrics.register_collector(Lengthy);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(admin::serve(listener, Arc::new(Admin { readiness: Readiness::default(), metrics })));
    let read_after = async |pause: Duration| {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").await.expect("the request is sent");
        tokio::time::sleep(pause).await;
        let mut answer = Vec::new();
        // An aborted response may end in a reset.
        let _ = stream.read_to_end(&mut answer).await;
        answer.len()
    };
    let (in_time, late) = tokio::join!(read_after(3 * SECOND), read_after(6 * SECOND));
    assert!(in_time > LONG_RESPONSE, "{in_time} bytes");
    assert!(late < LONG_RESPONSE, "{late} bytes");
    server.abort();
}
