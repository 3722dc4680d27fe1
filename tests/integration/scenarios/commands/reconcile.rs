//! `almkey reconcile`.

use serde_json::json;

use super::{create_user, run, run_in};
use crate::scenarios::{scenario, upload};

// proves: command reconcile, flag --namespace
#[test]
fn reconcile_waits_for_the_reconciliation_and_shows_its_result() {
    scenario("asked", async |tenant| {
        upload(&tenant).await;
        let before = tenant.calls(&["SignIn"]).await.len();
        let shown = run_in(&tenant, &["reconcile", "calm"]);
        assert_eq!((shown.code, shown.stderr.as_str()), (0, ""));
        let message = "  the key is valid, signs in and is in Landscape Management\n";
        assert_eq!(shown.stdout, format!("almservicekey/calm: Ready is True (Uploaded)\n{message}"));
        assert_eq!(tenant.calls(&["SignIn"]).await.len(), before + 1);

        tenant.write_data("broken", json!({ "key.json": "{}" })).await;
        for (name, secret, code, outcome) in [
            ("waiting", "missing", 3, "Ready is Unknown (WaitingForSecret)"),
            ("invalid", "broken", 1, "Ready is False (MissingCredentials)"),
        ] {
            tenant.apply_for_secret(name, secret).await;
            let shown = run_in(&tenant, &["reconcile", name]);
            assert_eq!(shown.stdout.lines().next(), Some(format!("almservicekey/{name}: {outcome}").as_str()));
            assert_eq!(shown.code, code, "{name}");
        }
    });
}

#[test]
fn reconcile_says_if_the_operator_does_not_act_in_time() {
    scenario("unanswered", async |tenant| {
        upload(&tenant).await;
        tenant.fail("SignIn", json!({ "hold": true })).await;
        let shown = run_in(&tenant, &["reconcile", "calm", "--timeout", "1"]);
        tenant.heal().await;
        tenant.release_held_calls().await;
        assert_eq!(shown.code, 3);
        assert!(shown.stdout.starts_with("almservicekey/calm: no answer\n  the operator has not acted in time"));
    });
}

#[test]
fn reconcile_of_what_does_not_exist_or_may_not_be_changed_says_what_to_do() {
    scenario("unasked", async |tenant| {
        let shown = run_in(&tenant, &["reconcile", "clam"]);
        assert_eq!((shown.code, shown.stdout.as_str()), (2, ""));
        assert_eq!(
            shown.stderr,
            "almkey: the ALMServiceKey \"clam\" does not exist in namespace \"unasked\": almkey status -A shows all\n"
        );
        upload(&tenant).await;
        let viewer = create_user(&tenant, "viewer", Some("almkey-view")).await;
        let shown = run(&viewer, &["reconcile", "calm"]);
        assert_eq!(shown.code, 2);
        let remedy = "grant the right to patch almservicekeys in namespace \"unasked\" (role almkey-edit)";
        assert!(shown.stderr.contains(remedy), "{}", shown.stderr);
    });
}
