//! Hundreds of hostile and malformed documents in one cluster. Each is refused at admission or reported by a condition that
//! names the place, costs next to nothing, and does not affect a healthy key in the same cluster.

mod documents;
mod reconciliations;
mod reported;
mod secrets;

use std::collections::BTreeMap;

use alm_key_operator::api::ALMTenant;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ObjectMeta, PostParams};
use serde_json::{Value, json};

use crate::beds::{report, run_with_bed};
use testkit::bed::almtenant::{tenant_condition, tenant_message};
use testkit::bed::key::{condition, message};
use testkit::bed::request;
use testkit::bed::{Setup, Tenant, TestBed};
use testkit::control_plane::service_account_user;
use testkit::names::NAMESPACE;

use documents::{Collection, Refused};
use reconciliations::{Reconciliations, await_reconciliations};
use reported::{Misconfigured, QUOTED, Reported};
use secrets::{Hostile, Keys};

/// Smallest number of documents, so that no change empties the corpus unnoticed.
const MIN_DOCUMENTS: usize = 150;
/// Most reconciliations of a refused object until it is settled: one for it and one for its own finalizer. A third may be
/// triggered while the first one runs.
const MAX_RECONCILIATIONS: usize = 3;
/// Most remote calls of one reconciliation: a sign-in, a read of the slot, and a token for it.
const MAX_CALLS: usize = 3;
/// Shortest rest of an object that keeps failing, in seconds: it costs at most a hundred calls a day.
const MIN_REST: f64 = 24.0 * 3600.0 * 3.0 / 100.0;
/// Number of refused sign-ins that prove a key dead.
const PROBES: usize = 4;
/// Shortest rest between two of these sign-ins, in seconds.
const MIN_PROBE_REST: f64 = 54.0;
/// Bound of the message of every condition, in bytes.
const MAX_MESSAGE_BYTES: usize = 16 * 1024;

#[test]
fn every_bad_document_is_refused_or_reported_and_a_healthy_key_is_unaffected() {
    let arguments = &["--leader-elect=false", "--log-format", "json"];
    let setup = Setup { arguments, audit: true, ..Setup::default() };
    run_with_bed(setup, async |bed| {
        let before = upload_healthy(&Tenant::create(&bed, "calm", bed.client.clone()).await, "healthy").await;
        let tenant = Tenant::create(&bed, "hostile", bed.client.clone()).await;
        let stranger = Tenant::create(&bed, "stranger", bed.client.clone()).await;
        let keys = Keys { good: tenant.make_key().await, other: stranger.make_key().await };

        let documents = documents::all();
        let hostile = secrets::all(&keys);
        for (number, case) in hostile.iter().enumerate() {
            apply(&tenant, &format!("case-{number:03}"), case).await;
        }
        let mut waiting = reported::apply_absent(&tenant).await;
        waiting.extend(reported::apply_bindings(&tenant, &keys.good).await);
        let signed_in = reported::apply_signing_in(&tenant).await;
        let misconfigured = reported::apply_tenants(&bed).await;

        assert_admission_refuses(&bed, &documents).await;
        for (number, case) in hostile.iter().enumerate() {
            assert_condition_refuses(&tenant, &format!("case-{number:03}"), case).await;
        }
        for object in waiting.iter().chain(signed_in.iter().map(|(object, _)| object)) {
            assert_reported(&tenant, object).await;
        }
        for Misconfigured { name, message, is_stalled } in &misconfigured {
            let is_misconfigured = |tenant: &ALMTenant| tenant_condition(tenant, "Ready").1 == "TenantMisconfigured";
            let found = tenant.await_tenant_as(name, "TenantMisconfigured", is_misconfigured).await;
            let text = tenant_message(&found, "Ready");
            assert!(text.contains(message) && !text.contains("CANARY"), "{name}: {text}");
            assert_eq!(tenant_condition(&found, "Stalled").0 == "True", *is_stalled, "{name}");
        }

        let names = (0..hostile.len()).map(|number| format!("case-{number:03}"));
        let names: Vec<_> = names.chain(waiting.iter().map(|object| object.name.clone())).collect();
        assert_cheap(&tenant, &names, &signed_in).await;
        assert_tenants_cheap(&bed, &misconfigured).await;
        let during = upload_healthy(&tenant, "healthy").await;
        let log = Reconciliations::read(&bed.operator.as_ref().expect("the operator runs").log);
        let its_lines = || log.lines_of(&format!("{}/healthy", tenant.namespace));
        assert_eq!(
            during,
            before,
            "a healthy key needs as many reconciliations and calls as without them: {}",
            its_lines()
        );
        assert!(!log.text().contains("CANARY"), "the log holds a value");
        assert_eq!(log.failed(), Vec::<String>::new(), "no reconciliation failed");

        let all = documents.len() + hostile.len() + waiting.len() + signed_in.len() + misconfigured.len();
        assert!(all >= MIN_DOCUMENTS, "{all} documents");
        report(&format!(
            "hostile: {all} documents: {} refused at admission, {} keys refused by a condition, {} signed in with, \
             {} sources waited for, {} tenants not Ready; {} reconciliations in all",
            documents.len(),
            hostile.len(),
            signed_in.len(),
            waiting.len(),
            misconfigured.len(),
            log.total(),
        ));
    });
}

/// Uploads a healthy key, and returns the number of reconciliations and the remote calls that this took.
async fn upload_healthy(tenant: &Tenant<'_>, name: &str) -> (usize, Vec<String>) {
    let key = tenant.make_key().await;
    tenant.write_secret(name, &key).await;
    tenant.apply_for_secret(name, name).await;
    tenant.await_ready(name, "True", "Uploaded").await;
    assert_eq!(tenant.slot_key().await, key);
    let mine = tenant.journal().await.into_iter().filter(|call| call["clientid"] == key["uaa"]["clientid"]);
    let calls = mine.filter_map(|call| call["kind"].as_str().map(str::to_owned)).collect();
    let operator = tenant.bed.operator.as_ref().expect("the operator runs");
    let object = [format!("{}/{name}", tenant.namespace)];
    // The status may be visible before its line is in the log.
    for count in 1.. {
        await_reconciliations(operator, &object, count).await;
        if let Some(needed) = Reconciliations::read(&operator.log).until(&object[0], "Uploaded") {
            return (needed, calls);
        }
    }
    unreachable!("the upload is in the log at last")
}

/// Applies an object for a hostile Secret.
async fn apply(tenant: &Tenant<'_>, name: &str, case: &Hostile) {
    let data: BTreeMap<_, _> =
        case.data.iter().map(|(name, bytes)| (name.clone(), ByteString(bytes.clone()))).collect();
    let metadata = ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() };
    let secret = Secret { metadata, data: Some(data), ..Secret::default() };
    let created = tenant.secrets().create(&PostParams::default(), &secret).await;
    created.unwrap_or_else(|error| panic!("{}: {error}", case.what));
    let source = match case.entry {
        None => json!({ "name": name }),
        Some(entry) => json!({ "name": name, "key": entry }),
    };
    tenant.apply(name, json!({ "source": { "secretRef": source } })).await;
}

/// Asserts that the API server refuses each document with a message that names the field.
async fn assert_admission_refuses(bed: &TestBed, documents: &[Refused]) {
    let mut wrong = Vec::new();
    for Refused { what, collection, body, message } in documents {
        let collection = match collection {
            Collection::Keys => "namespaces/hostile/almservicekeys",
            Collection::Tenants => "almtenants",
        };
        let path = format!("/apis/almkey.dev/v1alpha1/{collection}?fieldValidation=Strict");
        let answer = request::create_bytes(&bed.client, &path, body.clone()).await;
        let text = answer.body["message"].as_str().unwrap_or_default();
        if !(400..500).contains(&answer.status) || !text.contains(message) {
            wrong.push(format!("{what} ({message}): {} {}", answer.status, text.chars().take(300).collect::<String>()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Asserts that a condition reports what was found, where, what was expected and what to do.
async fn assert_condition_refuses(tenant: &Tenant<'_>, name: &str, case: &Hostile) {
    let object = tenant.await_ready(name, "False", case.reason).await;
    let text = message(&object, "Valid");
    let missing: Vec<_> = case.message.iter().filter(|words| !text.contains(**words)).collect();
    assert!(missing.is_empty(), "{}: {missing:?} is missing in {text}", case.what);
    assert!(text.contains("expected") && text.contains("; "), "{}: {text}", case.what);
    assert_eq!(condition(&object, "Valid"), ("False".into(), case.reason.into()), "{}", case.what);
    assert_eq!(condition(&object, "Stalled").0, "True", "{}", case.what);
    assert_no_value(case.what, &serde_json::to_value(&object.status).expect("JSON"));
}

/// Asserts that `Ready` of an object is as expected.
async fn assert_reported(tenant: &Tenant<'_>, object: &Reported) {
    let found = tenant.await_ready(&object.name, object.status, object.reason).await;
    let text = message(&found, "Ready");
    assert!(text.contains(object.message), "{}: {text}", object.name);
    assert_no_value(&object.name, &serde_json::to_value(&found.status).expect("JSON"));
}

/// Asserts that a status repeats no value, and that its messages are bounded.
fn assert_no_value(what: &str, status: &Value) {
    for value in ["CANARY", QUOTED] {
        assert!(!status.to_string().contains(value), "{what}: {status}");
    }
    for condition in status["conditions"].as_array().into_iter().flatten() {
        let text = condition["message"].as_str().unwrap_or_default();
        assert!(text.len() <= MAX_MESSAGE_BYTES, "{what}: {} bytes", text.len());
    }
}

/// Asserts that an object that is refused without a remote call costs a few reconciliations and then rests, and that a key
/// that has to sign in does so only as often as the proof of its death takes.
async fn assert_cheap(tenant: &Tenant<'_>, names: &[String], signed_in: &[(Reported, String)]) {
    let operator = tenant.bed.operator.as_ref().expect("the operator runs");
    let objects: Vec<_> = names
        .iter()
        .map(|name| (name, MAX_RECONCILIATIONS, MIN_REST))
        .chain(signed_in.iter().map(|(object, _)| (&object.name, MAX_RECONCILIATIONS + PROBES, MIN_PROBE_REST)))
        .collect();
    let all: Vec<_> = objects.iter().map(|(name, ..)| format!("{}/{name}", tenant.namespace)).collect();
    await_reconciliations(operator, &all, 1).await;
    let journal = tenant.journal().await;
    let log = Reconciliations::read(&operator.log);
    let mut reconciliations = 0;
    for (name, most, rest) in objects {
        let object = format!("{}/{name}", tenant.namespace);
        let (count, longest_rest) = (log.count(&object), log.longest_rest(&object));
        assert!((1..=most).contains(&count), "{object}: {count} reconciliations");
        assert!(longest_rest >= rest, "{object} is reconciled again in {longest_rest} s");
        reconciliations += count;
    }
    let calls = |kind: &str| journal.iter().filter(|call| call["kind"] == kind).count();
    let mut sign_ins = 0;
    for (object, client) in signed_in {
        let mine = journal.iter().filter(|call| call["kind"] == "SignIn" && call["clientid"] == client.as_str());
        let mine = mine.count();
        assert!((1..=PROBES).contains(&mine), "{} signs in {mine} times", object.name);
        sign_ins += mine;
    }
    assert_eq!(calls("SignIn"), sign_ins, "a key that breaks a rule never signs in");
    assert_eq!(calls("Put") + calls("Patch") + calls("Delete"), 0);
    assert!(
        journal.len() <= reconciliations * MAX_CALLS,
        "{} calls in {reconciliations} reconciliations",
        journal.len()
    );
}

/// Asserts that a tenant that its spec makes unusable is reconciled a few times, each beginning with a live read of it, and
/// then rests; one whose Secret makes it unusable is reconciled again. The remote calls only check the slot, and are not
/// more than that comes to.
async fn assert_tenants_cheap(bed: &TestBed, misconfigured: &[Misconfigured]) {
    let operator = service_account_user(NAMESPACE, NAMESPACE).name;
    let log =
        std::fs::read_to_string(bed.control_plane.audit_log().expect("the bed is audited")).expect("the audit log");
    let complete = &log[..log.rfind('\n').expect("a complete line")];
    let name_of_read = |line: &str| {
        let entry: Value = serde_json::from_str(line).expect("JSON");
        let is_read = entry["verb"] == "get" && entry["user"]["username"] == operator.as_str();
        is_read.then(|| entry["objectRef"]["name"].as_str().unwrap_or_default().to_owned())
    };
    let reads: Vec<_> =
        complete.lines().filter(|line| line.contains("\"almtenants\"")).filter_map(name_of_read).collect();
    for Misconfigured { name, is_stalled, .. } in misconfigured {
        let reconciliations = reads.iter().filter(|read| *read == name).count();
        let most = if *is_stalled { MAX_RECONCILIATIONS } else { usize::MAX };
        assert!((1..=most).contains(&reconciliations), "{name}: {reconciliations} reconciliations");
        let journal = Tenant::existing(bed, name, bed.client.clone()).journal().await;
        assert!(journal.len() <= MAX_RECONCILIATIONS * MAX_CALLS, "{name}: {} calls", journal.len());
        let is_check = |call: &Value| call["kind"] == "LandscapeToken" || call["kind"] == "ReadSlot";
        assert!(journal.iter().all(is_check), "{name}: {journal:#?}");
    }
}
