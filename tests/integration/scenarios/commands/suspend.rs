//! `almkey suspend` and `almkey resume`.

use serde_json::json;

use super::run_in;
use crate::scenarios::{scenario, upload};

// proves: command suspend, command resume
#[test]
fn a_key_is_suspended_and_resumed_once_each() {
    scenario("paused", async |tenant| {
        upload(&tenant).await;
        for (arguments, expected) in [
            (["suspend", "calm"], "almservicekey/calm: suspended\n"),
            (["suspend", "calm"], "almservicekey/calm: is suspended already\n"),
            (["resume", "calm"], "almservicekey/calm: Ready is True (Uploaded)\n"),
            (["resume", "calm"], "almservicekey/calm: is not suspended\n"),
        ] {
            let shown = run_in(&tenant, &arguments);
            assert_eq!((shown.code, shown.stderr.as_str()), (0, ""), "{arguments:?}");
            assert!(shown.stdout.starts_with(expected), "{arguments:?}: {}", shown.stdout);
            let suspend = tenant.keys().get("calm").await.expect("the object").spec.suspend;
            assert_eq!(suspend, (arguments[0] == "suspend").then_some(true), "{arguments:?}");
        }
    });
}

#[test]
fn who_manages_a_key_is_named_if_the_change_would_be_undone() {
    scenario("managed", async |tenant| {
        upload(&tenant).await;
        let labels = json!({
            "kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
        });
        tenant.patch("calm", json!({ "metadata": { "labels": labels } })).await;
        for (command, field) in [("suspend", "suspend: true"), ("resume", "suspend: false")] {
            let shown = run_in(&tenant, &[command, "calm"]);
            assert_eq!(shown.code, 0);
            let manager = "the Flux Kustomization \"apps\" in namespace \"flux-system\"";
            let expected = format!(
                "almkey: {manager} manages this object and may undo the change: set {field} in its source, too\n"
            );
            assert_eq!(shown.stderr, expected);
        }
    });
}
