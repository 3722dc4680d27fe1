//! Watches that cannot go on where they ended: 410 Gone.

use alm_key_operator::api::ALMTenant;
use kube::api::PostParams;
use serde_json::Value;

use super::moments::effects;
use crate::beds::{alone, told};
use testkit::bed::{Setup, Tenant, TestBed};
use testkit::control_plane::Part;

/// The kinds that are watched, as the log names them.
const KINDS: [&str; 5] = ["ALMServiceKey", "ALMTenant", "ServiceBinding", "Secret", "credentials"];

/// Tenants that are made while nobody watches: more than the last page of a list takes.
const ADDED: usize = 21;

#[test]
fn what_happened_before_a_watch_was_refused_with_410_is_followed_all_the_same() {
    alone(Setup::default(), async |mut bed| {
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
        // It sees nothing of all this, and the API server that it wakes up to knows only what came of it.
        bed.operator.as_mut().expect("it runs").signal("STOP");
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
        assert_eq!(tenant("unbound").slot_key().await, Value::Null, "its key is dead");
        let uid = tenant("recreated").bindings().get("plain").await.expect("it is there").metadata.uid;
        let follows = |uid: &Option<String>, key: &alm_key_operator::api::ALMServiceKey| {
            let source = key.status.as_ref().and_then(|status| status.source.as_ref());
            source.map(|source| &source.uid) == uid.as_ref()
        };
        tenant("recreated").await_key("calm", "that of the new binding", |key| follows(&uid, key)).await;
        for (name, key, expected) in [
            ("kept", &keys[0], vec!["+Put"]),
            ("rotated", &new, vec!["+Put", "+Put"]),
            ("unbound", &Value::Null, vec!["+Put", "+Delete"]),
            ("recreated", &keys[3], vec!["+Put"]),
        ] {
            assert_eq!(tenant(name).slot_key().await, *key, "{name}");
            assert_eq!(effects(&tenant(name)).await, expected, "{name}");
        }
        told(&format!("api-server: watches of {} kinds refused with 410 Gone: 0 living keys deleted", KINDS.len()));
    });
}

#[test]
fn whatever_was_made_before_a_watch_was_refused_with_410_is_looked_at_however_many_pages_the_next_list_has() {
    alone(Setup::default(), async |mut bed| {
        let first = Tenant::create(&bed, "first", bed.client.clone()).await;
        let spec = first.await_tenant("first", "True", "Connected").await.spec;
        let tenants = first.tenants();
        bed.operator.as_mut().expect("it runs").signal("STOP");
        // What its connections hold, it reads when it wakes up: they end before anything is made.
        bed.control_plane.restart(Part::ApiServer).await.expect("it comes back");
        let names: Vec<_> = (0..ADDED).map(|number| format!("added-{number:02}")).collect();
        for name in &names {
            // Without a key and without credentials: nothing tells of it but its own watch.
            let mut added = ALMTenant::new(name, spec.clone());
            added.spec.identity_zone.clone_from(name);
            added.spec.landscape_management.http.oauth2.secret_ref.name.clone_from(name);
            tenants.create(&PostParams::default(), &added).await.expect("it can be made");
        }
        wake_up_to_410(&mut bed).await;

        let first = Tenant::existing(&bed, "first", bed.client.clone());
        for name in &names {
            first.await_tenant(name, "Unknown", "TenantMisconfigured").await;
        }
        told(&format!("api-server: {ADDED} tenants of which nothing told but a list in pages: all looked at"));
    });
}

/// The operator, which was stopped, goes on before an API server that knows nothing of the past.
async fn wake_up_to_410(bed: &mut TestBed) {
    bed.control_plane.restart(Part::ApiServer).await.expect("it comes back");
    let operator = bed.operator.as_mut().expect("it runs");
    operator.signal("CONT");
    for kind in KINDS {
        let refused =
            format!("kind=\"{kind}\" error=error returned by apiserver during watch: too old resource version");
        operator.await_lines(&refused, 1);
    }
}
