//! Watches that cannot go on where they ended: 410 Gone.

use serde_json::Value;

use super::moments::effects;
use crate::controlplane::Part;
use crate::world::{Setup, Tenant};
use crate::worlds::{alone, told};

/// The kinds that are watched, as the log names them.
const KINDS: [&str; 5] = ["ALMServiceKey", "ALMTenant", "ServiceBinding", "Secret", "credentials"];

#[test]
fn what_happened_before_a_watch_was_refused_with_410_is_followed_all_the_same() {
    alone(Setup::default(), async |mut world| {
        let client = world.client.clone();
        let (mut keys, names) = (Vec::new(), ["kept", "rotated", "unbound", "recreated"]);
        for name in names {
            let tenant = Tenant::create(&world, name, client.clone()).await;
            let key = tenant.make_key().await;
            tenant.bind("plain", &key).await;
            tenant.apply_for_binding("calm", "plain").await;
            tenant.await_ready("calm", "True", "Uploaded").await;
            keys.push(key);
        }
        // It sees nothing of all this, and the API server that it wakes up to knows only what came of it.
        world.operator.as_mut().expect("it runs").signal("STOP");
        let new = {
            let tenant = |name: &str| Tenant::existing(&world, name, client.clone());
            let new = tenant("rotated").make_key().await;
            tenant("rotated").rotate_binding("plain", &new).await;
            tenant("unbound").unbind("plain", &keys[2]).await;
            let recreated = tenant("recreated");
            recreated.unbind("plain", &keys[3]).await;
            recreated.restore(&keys[3]).await;
            recreated.bind("plain", &keys[3]).await;
            new
        };
        world.control_plane.restart(Part::ApiServer).await.expect("it comes back");
        let operator = world.operator.as_mut().expect("it runs");
        operator.signal("CONT");
        for kind in KINDS {
            let refused =
                format!("kind=\"{kind}\" error=error returned by apiserver during watch: too old resource version");
            operator.await_lines(&refused, 1);
        }

        let tenant = |name: &str| Tenant::existing(&world, name, client.clone());
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
