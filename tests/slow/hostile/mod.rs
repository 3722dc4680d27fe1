//! Hostile and clumsy documents, some hundreds of them, in one cluster: each is refused at admission or answered by
//! a condition with its place, costs next to nothing, and is no burden to a healthy key beside it.

mod answered;
mod documents;
mod log;
mod secrets;

use std::collections::BTreeMap;

use alm_key_operator::api::ALMTenant;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ObjectMeta, PostParams};
use serde_json::{Value, json};

use crate::beds::{alone, told};
use testkit::bed::almtenant::{tenant_condition, tenant_message};
use testkit::bed::key::{condition, message};
use testkit::bed::request;
use testkit::bed::{Setup, Tenant, TestBed};
use testkit::control_plane::service_account_user;
use testkit::names::NAMESPACE;

use answered::{Answered, Misconfigured, QUOTED};
use documents::{Collection, Refused};
use log::{Passes, end_of_pass};
use secrets::{Hostile, Keys};

/// Fewer would be no corpus.
const AT_LEAST: usize = 150;
/// Passes over an object that is refused, until it is settled: one for it and one for its own finalizer; a third may be
/// asked for while the first runs.
const PASSES: usize = 3;
/// Calls of one pass to the outside: a sign-in, a look at the slot, and a token for that.
const CALLS: usize = 3;
/// How long something permanently failing is left alone at least, in seconds: so it costs a hundred calls a day at most
/// (invariant 6).
const REST: f64 = 24.0 * 3600.0 * 3.0 / 100.0;
/// Sign-ins with a key that is refused, until it is proven to be dead, and the shortest time between two, in seconds.
const PROBES: usize = 4;
const RECHECK_PERIOD: f64 = 54.0;
/// More than any condition says.
const MAX_MESSAGE_BYTES: usize = 16 * 1024;

#[test]
fn every_bad_document_is_refused_or_answered_with_its_place_and_a_healthy_key_beside_them_is_served_as_ever() {
    let arguments = &["--leader-elect=false", "--log-format", "json"];
    let setup = Setup { arguments, audit: true, ..Setup::default() };
    alone(setup, async |bed| {
        let before = healthy(&Tenant::create(&bed, "calm", bed.client.clone()).await, "healthy").await;
        let tenant = Tenant::create(&bed, "hostile", bed.client.clone()).await;
        let stranger = Tenant::create(&bed, "stranger", bed.client.clone()).await;
        let keys = Keys { good: tenant.make_key().await, other: stranger.make_key().await };

        let documents = documents::all();
        let hostile = secrets::all(&keys);
        for (number, case) in hostile.iter().enumerate() {
            apply(&tenant, &format!("case-{number:03}"), case).await;
        }
        let mut answered = answered::absent(&tenant).await;
        answered.extend(answered::bindings(&tenant, &keys.good).await);
        let signed_in = answered::signed_in(&tenant).await;
        let misconfigured = answered::tenants(&bed).await;

        are_refused(&bed, &documents).await;
        for (number, case) in hostile.iter().enumerate() {
            is_refused(&tenant, &format!("case-{number:03}"), case).await;
        }
        for object in answered.iter().chain(signed_in.iter().map(|(object, _)| object)) {
            is_answered(&tenant, object).await;
        }
        for Misconfigured { name, says, by_its_spec } in &misconfigured {
            let misconfigured = |tenant: &ALMTenant| tenant_condition(tenant, "Ready").1 == "TenantMisconfigured";
            let found = tenant.await_tenant_as(name, "TenantMisconfigured", misconfigured).await;
            let said = tenant_message(&found, "Ready");
            assert!(said.contains(says) && !said.contains("CANARY"), "{name}: {said}");
            assert_eq!(tenant_condition(&found, "Stalled").0 == "True", *by_its_spec, "{name}");
        }

        let names = (0..hostile.len()).map(|number| format!("case-{number:03}"));
        let names: Vec<_> = names.chain(answered.iter().map(|object| object.name.clone())).collect();
        cost_next_to_nothing(&tenant, &names, &signed_in).await;
        cost_no_more_than_a_few_passes(&bed, &misconfigured).await;
        let beside = healthy(&tenant, "healthy").await;
        let log = Passes::read(&bed.operator.as_ref().expect("it runs").log);
        let of_it = || log.lines_of(&format!("{}/healthy", tenant.namespace));
        assert_eq!(beside, before, "a healthy key is served in as many passes and calls as without them: {}", of_it());
        assert!(!log.text().contains("CANARY"), "the log holds a value");
        assert_eq!(log.failed(), Vec::<String>::new(), "no pass had to be tried again");

        let all = documents.len() + hostile.len() + answered.len() + signed_in.len() + misconfigured.len();
        assert!(all >= AT_LEAST, "{all} cases");
        told(&format!(
            "hostile: {all} documents: {} refused at admission, {} keys refused by a condition, {} signed in with, \
             {} sources waited for, {} tenants not Ready; {} passes in all",
            documents.len(),
            hostile.len(),
            signed_in.len(),
            answered.len(),
            misconfigured.len(),
            log.all(),
        ));
    });
}

/// Passes until a healthy key is served, and what it was signed in with and put for.
async fn healthy(tenant: &Tenant<'_>, name: &str) -> (usize, Vec<String>) {
    let key = tenant.make_key().await;
    tenant.write_secret(name, &key).await;
    tenant.apply_for_secret(name, name).await;
    tenant.await_ready(name, "True", "Uploaded").await;
    assert_eq!(tenant.slot_key().await, key);
    let mine = tenant.journal().await.into_iter().filter(|call| call["clientid"] == key["uaa"]["clientid"]);
    let calls = mine.filter_map(|call| call["kind"].as_str().map(str::to_owned)).collect();
    let operator = tenant.bed.operator.as_ref().expect("it runs");
    // A status can be seen before the line that tells of it.
    let served = (1..).find_map(|passes| {
        operator.await_lines(&end_of_pass(&tenant.namespace, name), passes);
        Passes::read(&operator.log).until(&format!("{}/{name}", tenant.namespace), "Uploaded")
    });
    (served.expect("it was seen"), calls)
}

async fn apply(tenant: &Tenant<'_>, name: &str, case: &Hostile) {
    let data: BTreeMap<_, _> =
        case.data.iter().map(|(name, bytes)| (name.clone(), ByteString(bytes.clone()))).collect();
    let metadata = ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() };
    let secret = Secret { metadata, data: Some(data), ..Secret::default() };
    let made = tenant.secrets().create(&PostParams::default(), &secret).await;
    made.unwrap_or_else(|error| panic!("{}: {error}", case.what));
    let source = match case.entry {
        None => json!({ "name": name }),
        Some(entry) => json!({ "name": name, "key": entry }),
    };
    tenant.apply(name, json!({ "source": { "secretRef": source } })).await;
}

/// The API server keeps none of them, and tells which field it is.
async fn are_refused(bed: &TestBed, documents: &[Refused]) {
    let mut wrong = Vec::new();
    for Refused { what, collection, body, says } in documents {
        let collection = match collection {
            Collection::Keys => "namespaces/hostile/almservicekeys",
            Collection::Tenants => "almtenants",
        };
        let path = format!("/apis/almkey.dev/v1alpha1/{collection}?fieldValidation=Strict");
        let answer = request::create_bytes(&bed.client, &path, body.clone()).await;
        let said = answer.body["message"].as_str().unwrap_or_default();
        if !(400..500).contains(&answer.status) || !said.contains(says) {
            wrong.push(format!("{what} ({says}): {} {}", answer.status, said.chars().take(300).collect::<String>()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A condition says what was found, where, what was expected and what to do.
async fn is_refused(tenant: &Tenant<'_>, name: &str, case: &Hostile) {
    let object = tenant.await_ready(name, "False", case.reason).await;
    let said = message(&object, "Valid");
    let missing: Vec<_> = case.says.iter().filter(|words| !said.contains(**words)).collect();
    assert!(missing.is_empty(), "{}: {missing:?} is missing in {said}", case.what);
    assert!(said.contains("expected") && said.contains("; "), "{}: {said}", case.what);
    assert_eq!(condition(&object, "Valid"), ("False".into(), case.reason.into()), "{}", case.what);
    assert_eq!(condition(&object, "Stalled").0, "True", "{}", case.what);
    tells_no_value(case.what, &serde_json::to_value(&object.status).expect("JSON"));
}

async fn is_answered(tenant: &Tenant<'_>, object: &Answered) {
    let found = tenant.await_ready(&object.name, object.status, object.reason).await;
    let said = message(&found, "Ready");
    assert!(said.contains(object.says), "{}: {said}", object.name);
    tells_no_value(&object.name, &serde_json::to_value(&found.status).expect("JSON"));
}

fn tells_no_value(what: &str, status: &Value) {
    for value in ["CANARY", QUOTED] {
        assert!(!status.to_string().contains(value), "{what}: {status}");
    }
    for condition in status["conditions"].as_array().into_iter().flatten() {
        let said = condition["message"].as_str().unwrap_or_default();
        assert!(said.len() <= MAX_MESSAGE_BYTES, "{what}: {} bytes", said.len());
    }
}

/// What is refused before anybody is asked costs a few passes and then an hour of nothing, and what has to sign in does so
/// as often as a death takes to be proven.
async fn cost_next_to_nothing(tenant: &Tenant<'_>, names: &[String], signed_in: &[(Answered, String)]) {
    let operator = tenant.bed.operator.as_ref().expect("it runs");
    let objects: Vec<_> = names
        .iter()
        .map(|name| (name, PASSES, REST))
        .chain(signed_in.iter().map(|(object, _)| (&object.name, PASSES + PROBES, RECHECK_PERIOD)))
        .collect();
    for (name, ..) in &objects {
        operator.await_lines(&end_of_pass(&tenant.namespace, name), 1);
    }
    let journal = tenant.journal().await;
    let log = Passes::read(&operator.log);
    let mut passes = 0;
    for (name, most, rest) in objects {
        let object = format!("{}/{name}", tenant.namespace);
        assert!((1..=most).contains(&log.over(&object)), "{object}: {} passes", log.over(&object));
        assert!(log.rest_of(&object) >= rest, "{object} is looked at again in {} s", log.rest_of(&object));
        passes += log.over(&object);
    }
    let calls = |kind: &str| journal.iter().filter(|call| call["kind"] == kind).count();
    let mut sign_ins = 0;
    for (object, client) in signed_in {
        let mine = journal.iter().filter(|call| call["kind"] == "SignIn" && call["clientid"] == client.as_str());
        let mine = mine.count();
        assert!((1..=PROBES).contains(&mine), "{} signs in {mine} times", object.name);
        sign_ins += mine;
    }
    assert_eq!(calls("SignIn"), sign_ins, "what breaks a rule is never signed in with");
    assert_eq!(calls("Put") + calls("Patch") + calls("Delete"), 0);
    assert!(journal.len() <= passes * CALLS, "{} calls in {passes} passes", journal.len());
}

/// A tenant that its spec makes unusable is looked at a few times, each of which begins with a live read of it, and is then
/// left alone; one whose Secret does is looked at again. Somebody outside is asked no more often than that comes to, and
/// for nothing but whether the slot can be seen.
async fn cost_no_more_than_a_few_passes(bed: &TestBed, misconfigured: &[Misconfigured]) {
    let operator = service_account_user(NAMESPACE, NAMESPACE).name;
    let log = std::fs::read_to_string(bed.control_plane.audit_log().expect("it was asked for")).expect("its log");
    let whole = &log[..log.rfind('\n').expect("a whole line")];
    let read = |line: &str| {
        let entry: Value = serde_json::from_str(line).expect("JSON");
        let is_read = entry["verb"] == "get" && entry["user"]["username"] == operator.as_str();
        is_read.then(|| entry["objectRef"]["name"].as_str().unwrap_or_default().to_owned())
    };
    let reads: Vec<_> = whole.lines().filter(|line| line.contains("\"almtenants\"")).filter_map(read).collect();
    for Misconfigured { name, by_its_spec, .. } in misconfigured {
        let passes = reads.iter().filter(|read| *read == name).count();
        let most = if *by_its_spec { PASSES } else { usize::MAX };
        assert!((1..=most).contains(&passes), "{name}: {passes} passes");
        let journal = Tenant::existing(bed, name, bed.client.clone()).journal().await;
        assert!(journal.len() <= PASSES * CALLS, "{name}: {} calls", journal.len());
        let is_a_look = |call: &Value| call["kind"] == "LandscapeToken" || call["kind"] == "ReadSlot";
        assert!(journal.iter().all(is_a_look), "{name}: {journal:#?}");
    }
}
