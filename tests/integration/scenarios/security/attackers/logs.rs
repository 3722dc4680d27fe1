//! Names and answers with control characters, made to forge log lines or terminal output.

use alm_key_operator::domain::untrusted::is_invisible;
use kube::ResourceExt;
use serde_json::json;

use crate::scenarios::scenario;

const FORGED: &str = "x\n2026-11-26T00:00:00Z ERROR FORGED\r\u{1b}[2J\u{202e}sdrawkcab";

#[test]
fn untrusted_text_reaches_no_condition_event_or_log_line_unescaped() {
    scenario("injected", async |tenant| {
        let mut key = tenant.make_key().await;
        key["uaa"]["clientid"] = json!(format!("sb-{FORGED}{}", "x".repeat(1000)));
        tenant.import_key(&key).await;
        let answer = json!({ "code": FORGED, "message": FORGED, "field": FORGED }).to_string();
        let refused = json!({ "status": 422, "body": answer, "contentType": "application/json" });
        tenant.fail_once("Put", refused).await;
        let token = json!({ "error": "unauthorized", "error_description": FORGED }).to_string();
        tenant.fail_once("SignIn", json!({ "status": 401, "body": token, "contentType": "application/json" })).await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "False", "CredentialsRefused").await;
        tenant.reconcile_now("calm", FORGED).await;
        let rejected = tenant.await_ready("calm", "False", "UploadRejected").await;
        tenant.reconcile_now("calm", "now").await;
        let object = tenant.await_ready("calm", "True", "Uploaded").await;

        let client = object.status.as_ref().and_then(|status| status.uploaded.as_ref()).expect("the ledger");
        assert!(client.client_id.chars().count() <= 257 && !client.client_id.chars().any(is_invisible));
        let conditions =
            [&rejected, &object].into_iter().flat_map(|object| &object.status).flat_map(|status| &status.conditions);
        let mut texts: Vec<String> = conditions.map(|condition| condition.message.clone()).collect();
        let events = tenant.events(&object.name_any()).await;
        assert!(!events.is_empty());
        texts.extend(events.into_iter().filter_map(|event| event.note));
        for text in &texts {
            assert!(!text.chars().any(is_invisible), "{text:?}");
        }
        let log = &tenant.bed.operator.as_ref().expect("the operator runs").log;
        let log = std::fs::read_to_string(log).expect("its log");
        let whole = &log[..log.rfind('\n').expect("a line")];
        for line in whole.split('\n') {
            assert!(!line.chars().any(is_invisible), "{line:?}");
        }
    });
}
