//! Watches that cannot continue from their last version: 410 Gone.

use std::time::Duration;

use alm_key_operator::api::{ALMServiceKey, ALMTenant};
use kube::api::PostParams;
use kube::runtime::wait::await_condition;
use serde_json::{Value, json};

use super::operations::effective_writes;
use crate::beds::{report, run_with_bed};
use testkit::bed::{Setup, Tenant, TestBed};
use testkit::connect_proxy::ConnectProxy;
use testkit::control_plane::Part;

/// Watched kinds, as the log names them.
const KINDS: [&str; 6] = ["ALMServiceKey", "ALMTenant", "ServiceBinding", "Secret", "credentials", "CA bundles"];

/// Limit of the time until a change behind dead watches is noticed.
const DEAD_WATCH_LIMIT: Duration = Duration::from_secs(90);

/// Number of tenants that are created while no watch runs: more than the last page of a list holds.
const ADDED: usize = 21;

#[test]
fn changes_missed_by_a_watch_that_ends_with_410_are_reconciled() {
    run_with_bed(Setup::default(), async |mut bed| {
        let client = bed.client.clone();
        let (mut keys, names) = (Vec::new(), ["kept", "rotated", "unbound", "recreated"]);
        for name in names {
            let tenant = Tenant::create(&bed, name, client.clone()).await;
            let key = tenant.make_key().await;
            tenant.bind("plain", &key).await;
            tenant.apply_for_binding("calm", "plain").await;
            tenant.await_ready("calm", "True", "Uploaded").await;
            keys.push(key);
        }
        // The stopped operator sees none of these changes, and the restarted API server knows only their result.
        bed.operator.as_mut().expect("the operator runs").signal("STOP");
        let new = {
            let tenant = |name: &str| Tenant::existing(&bed, name, client.clone());
            let new = tenant("rotated").make_key().await;
            tenant("rotated").rotate_binding("plain", &new).await;
            tenant("unbound").unbind("plain", &keys[2]).await;
            let recreated = tenant("recreated");
            recreated.unbind("plain", &keys[3]).await;
            recreated.restore(&keys[3]).await;
            recreated.bind("plain", &keys[3]).await;
            new
        };
        wake_up_to_410(&mut bed).await;

        let tenant = |name: &str| Tenant::existing(&bed, name, client.clone());
        tenant("rotated").await_uploaded("calm", &new).await;
        tenant("unbound").await_ready("calm", "False", "SourceGone").await;
        assert_eq!(tenant("unbound").slot_key().await, Value::Null, "the dead key was removed");
        let uid = tenant("recreated").bindings().get("plain").await.expect("the binding exists").metadata.uid;
        let follows = |uid: &Option<String>, key: &ALMServiceKey| {
            let source = key.status.as_ref().and_then(|status| status.source.as_ref());
            source.map(|source| &source.uid) == uid.as_ref()
        };
        tenant("recreated").await_key("calm", "uploaded from the new binding", |key| follows(&uid, key)).await;
        for (name, key, expected) in [
            ("kept", &keys[0], vec!["+Put"]),
            ("rotated", &new, vec!["+Put", "+Put"]),
            ("unbound", &Value::Null, vec!["+Put", "+Delete"]),
            ("recreated", &keys[3], vec!["+Put"]),
        ] {
            assert_eq!(tenant(name).slot_key().await, *key, "{name}");
            assert_eq!(effective_writes(&tenant(name)).await, expected, "{name}");
        }
        report(&format!("api-server: watches of {} kinds refused with 410 Gone: 0 living keys deleted", KINDS.len()));
    });
}

#[test]
fn objects_created_while_a_watch_was_down_are_all_reconciled_after_relisting() {
    run_with_bed(Setup::default(), async |mut bed| {
        let first = Tenant::create(&bed, "first", bed.client.clone()).await;
        let spec = first.await_tenant("first", "True", "Connected").await.spec;
        let tenants = first.tenants();
        bed.operator.as_mut().expect("the operator runs").signal("STOP");
        // Buffered watch events would be read on wake-up, so the connections end before anything is created.
        bed.control_plane.restart(Part::ApiServer).await.expect("the API server starts");
        let names: Vec<_> = (0..ADDED).map(|number| format!("added-{number:02}")).collect();
        for name in &names {
            // It has no key and no credentials, so only its own watch can trigger its reconciliation.
            let mut added = ALMTenant::new(name, spec.clone());
            added.spec.identity_zone.clone_from(name);
            let http = added.spec.landscape_management.http.as_mut().expect("an endpoint");
            http.oauth2.secret_ref.name.clone_from(name);
            tenants.create(&PostParams::default(), &added).await.expect("a tenant can be created");
        }
        wake_up_to_410(&mut bed).await;

        let first = Tenant::existing(&bed, "first", bed.client.clone());
        for name in &names {
            first.await_tenant(name, "Unknown", "TenantMisconfigured").await;
        }
        report(&format!("api-server: {ADDED} tenants that only a list in pages reported: all reconciled"));
    });
}

#[test]
fn a_watch_whose_connection_dies_without_a_word_is_replaced_within_90_seconds() {
    run_with_bed(Setup::default(), async |mut bed| {
        let client = bed.client.clone();
        let server = bed.api_server();
        let proxy = ConnectProxy::start(server.parse().expect("an address")).await;
        let kubeconfig = bed.write_kubeconfig("proxied", |cluster, _| {
            let port = server.rsplit_once(':').expect("a port").1;
            cluster["server"] = json!(format!("https://api.example:{port}"));
            cluster["tls-server-name"] = json!("localhost");
            cluster["proxy-url"] = json!(proxy.url());
        });
        bed.operator.take().expect("the operator runs").kill();
        bed.operator = Some(bed.start_replica_as(&kubeconfig, "proxied"));
        let tenant = Tenant::create(&bed, "silent", client.clone()).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        proxy.silence_connections();
        // The watch is the only source of a new object. A change of a known one might meet a reconciliation that is due anyway.
        tenant.apply_for_secret("second", "pasted").await;
        let is_noticed = |object: Option<&ALMServiceKey>| {
            object.and_then(|object| object.status.as_ref()).is_some_and(|status| status.observed_generation == 1)
        };
        let noticed = await_condition(tenant.keys(), "second", is_noticed);
        let noticed = tokio::time::timeout(DEAD_WATCH_LIMIT, noticed).await;

        assert!(noticed.is_ok(), "the new object was not noticed");
        assert_eq!(effective_writes(&tenant).await, ["+Put"]);
        report("api-server: a new object behind connections that died without a word was noticed");
    });
}

/// Resumes the stopped operator in front of a restarted API server, which answers its watches with 410.
async fn wake_up_to_410(bed: &mut TestBed) {
    bed.control_plane.restart(Part::ApiServer).await.expect("the API server starts");
    let operator = bed.operator.as_mut().expect("the operator runs");
    operator.signal("CONT");
    for kind in KINDS {
        let refused =
            format!("kind=\"{kind}\" error=error returned by apiserver during watch: too old resource version");
        operator.await_lines(&refused, 1);
    }
}
