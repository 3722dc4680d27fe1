//! The definitions as the API server publishes them: `kubectl explain`, `kubectl get`, and the initial status.

use serde_json::{Value, json};

use crate::scenarios::scenario;
use testkit::bed::Tenant;
use testkit::bed::key::condition;
use testkit::bed::request;

const GROUP: &str = "/apis/almkey.dev/v1alpha1";
const JSON: &str = "application/json";
const TABLE: &str = "application/json;as=Table;g=meta.k8s.io;v=v1";
const KINDS: [&str; 2] = ["ALMServiceKey", "ALMTenant"];

/// Reads the published schema of a kind, with its references resolved.
async fn read_schema(tenant: &Tenant<'_>, kind: &str) -> Value {
    let document = request::read(&tenant.client, "/openapi/v3/apis/almkey.dev/v1alpha1", JSON).await.expect("OpenAPI");
    document["components"]["schemas"][format!("dev.almkey.v1alpha1.{kind}")].clone()
}

/// Visits every field below a schema: its path, its schema, and true if it is required.
fn each(schema: &Value, field: &str, visit: &mut impl FnMut(&str, &Value, bool)) {
    for (name, child) in schema["properties"].as_object().into_iter().flatten() {
        let path = if field.is_empty() { name.clone() } else { format!("{field}.{name}") };
        let required = schema["required"].as_array().is_some_and(|names| names.contains(&json!(name)));
        visit(&path, child, required);
        each(child, &path, visit);
    }
    if schema["items"].is_object() {
        each(&schema["items"], &format!("{field}[]"), visit);
    }
}

#[test]
fn every_field_is_documented_with_the_meaning_of_leaving_it_unset() {
    scenario("explained", async |tenant| {
        let mut incomplete = Vec::new();
        for kind in KINDS {
            let schema = read_schema(&tenant, kind).await;
            let mut fields = 0;
            each(&schema, "", &mut |field, schema, required| {
                if field.starts_with("metadata") || field == "apiVersion" || field == "kind" {
                    return;
                }
                fields += 1;
                let text = schema["description"].as_str().unwrap_or_default();
                let in_spec = field.starts_with("spec.");
                let is_complete = match (in_spec, required) {
                    (true, true) => text.contains("Required"),
                    (true, false) => text.contains("Unset means"),
                    (false, _) => true,
                };
                if text.len() < 20 || !is_complete {
                    incomplete.push(format!("{kind} {field}: {text:?}"));
                }
                for value in schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    if !text.contains(value) {
                        incomplete.push(format!("{kind} {field} does not explain {value}: {text:?}"));
                    }
                }
            });
            assert!(fields > 25, "{kind} has only {fields} fields");
        }
        assert!(incomplete.is_empty(), "{}", incomplete.join("\n"));
    });
}

#[test]
fn the_definitions_default_nothing_but_the_initial_status() {
    scenario("defaults", async |tenant| {
        for kind in KINDS {
            let mut defaults = Vec::new();
            each(&read_schema(&tenant, kind).await, "", &mut |field, schema, _| {
                if !field.starts_with("metadata") && schema.get("default").is_some() {
                    defaults.push((field.to_owned(), schema["default"].clone()));
                }
            });
            assert_eq!(defaults, [("status".to_owned(), json!({ "observedGeneration": -1 }))], "{kind}");
        }
    });
}

// proves: field ALMServiceKey status.observedGeneration, field ALMTenant status.observedGeneration
#[test]
fn a_new_object_has_an_initial_status_and_null_fields_are_dropped() {
    scenario("new", async |tenant| {
        let key = json!({
            "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey", "metadata": { "name": "tried" },
            "spec": {
                "tenantRef": { "name": "t" }, "source": { "secretRef": { "name": "s" }, "serviceBindingRef": null },
                "interval": null, "gracePeriod": null, "deadKey": null, "mode": null, "suspend": null,
            },
        });
        let path = format!("{GROUP}/namespaces/{}/almservicekeys?dryRun=All&fieldValidation=Strict", tenant.namespace);
        let made = request::create(&tenant.client, &path, &key).await.expect("the object is created");
        assert_eq!(made["status"], json!({ "observedGeneration": -1 }));
        let spec = json!({ "tenantRef": { "name": "t" }, "source": { "secretRef": { "name": "s" } } });
        assert_eq!(made["spec"], spec, "nothing is added, and null fields are dropped");

        let mut other = json!(tenant.tenants().get("new").await.expect("the object exists"));
        other["metadata"] = json!({ "name": "other" });
        other["status"].take();
        let path = format!("{GROUP}/almtenants?dryRun=All&fieldValidation=Strict");
        let made = request::create(&tenant.client, &path, &other).await.expect("the object is created");
        assert_eq!(made["status"], json!({ "observedGeneration": -1 }));
        assert_eq!(made["spec"], other["spec"]);
    });
}

/// Reads a table with one row: the name, priority and cell of each column.
async fn read_row(tenant: &Tenant<'_>, path: &str) -> Vec<(String, i64, Value)> {
    let table = request::read(&tenant.client, path, TABLE).await.expect("a table");
    let columns = table["columnDefinitions"].as_array().expect("columns");
    let cells = table["rows"][0]["cells"].as_array().expect("a row");
    let describe = |(column, cell): (&Value, &Value)| {
        let name = column["name"].as_str().expect("a name").to_owned();
        assert!(column["description"].as_str().is_some_and(|text| text.len() > 20), "{column}");
        (name, column["priority"].as_i64().expect("a priority"), cell.clone())
    };
    columns.iter().zip(cells).map(describe).collect()
}

fn is_an_age(cell: &Value) -> bool {
    let text = cell.as_str().unwrap_or_default();
    text.ends_with(['s', 'm']) && text.starts_with(|first: char| first.is_ascii_digit())
}

#[test]
fn kubectl_get_shows_the_state_of_keys_and_tenants() {
    scenario("columns", async |tenant| {
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        let object = tenant.await_ready("calm", "True", "Uploaded").await;
        let message = testkit::bed::key::message(&object, "Ready");
        let fingerprint = object.status.and_then(|status| status.uploaded).expect("the ledger").fingerprint;

        let cells = read_row(&tenant, &format!("{GROUP}/namespaces/columns/almservicekeys/calm")).await;
        let names: Vec<_> = cells.iter().map(|(name, priority, _)| (name.as_str(), *priority)).collect();
        let always = ["Name", "Ready", "Status", "Tenant", "Signed In", "Uploaded", "Age"].map(|name| (name, 0));
        let wide = ["Source", "Message", "Fingerprint"].map(|name| (name, 1));
        assert_eq!(names, [&always[..], &wide[..]].concat());
        let values: Vec<_> = cells.iter().map(|(_, _, cell)| cell.clone()).collect();
        assert_eq!(values[..5], ["calm", "True", "Uploaded", "columns", "True"]);
        assert!(is_an_age(&values[5]) && is_an_age(&values[6]), "{values:?}");
        assert_eq!(values[7..], ["pasted".to_owned(), message, fingerprint]);

        let ready = ["wait", "almtenant/columns", "--for=jsonpath={.status.slot.state}=Ours", "--timeout=60s"];
        tenant.bed.kubectl(&ready);
        let cells = read_row(&tenant, &format!("{GROUP}/almtenants/columns")).await;
        let names: Vec<_> = cells.iter().map(|(name, priority, _)| (name.as_str(), *priority)).collect();
        let always = ["Name", "Ready", "Status", "Identity Zone", "Slot", "Age"].map(|name| (name, 0));
        assert_eq!(names, [&always[..], &[("Key", 1), ("Message", 1)]].concat());
        let values: Vec<_> = cells.iter().map(|(_, _, cell)| cell.clone()).collect();
        assert_eq!(values[..5], ["columns", "True", "Connected", "columns", "Ours"]);
        assert!(is_an_age(&values[5]) && values[6] == "calm", "{values:?}");
    });
}

#[test]
fn keys_can_be_selected_by_tenant_and_have_short_names_and_categories() {
    scenario("selected", async |tenant| {
        tenant.apply_for_secret("calm", "pasted").await;
        let namespaces = async |name: &str| {
            let path = format!("{GROUP}/almservicekeys?fieldSelector=spec.tenantRef.name%3D{name}");
            let list = request::read(&tenant.client, &path, JSON).await.expect("a list");
            let names = list["items"].as_array().expect("items").iter();
            names.map(|item| item["metadata"]["namespace"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(namespaces("selected").await, ["selected"]);
        assert_eq!(namespaces("select").await, Vec::<Value>::new());

        for (name, found) in
            [("almkey", "almservicekey.almkey.dev/calm"), ("almtenant", "almtenant.almkey.dev/selected")]
        {
            let printed = tenant.bed.kubectl(&["get", name, "-n", "selected", "-o", "name"]);
            assert!(printed.lines().any(|line| line == found), "{name}: {printed}");
        }
        for category in ["alm", "sap"] {
            let printed = tenant.bed.kubectl(&["get", category, "-n", "selected", "-o", "name"]);
            for found in ["almservicekey.almkey.dev/calm", "almtenant.almkey.dev/selected"] {
                assert!(printed.lines().any(|line| line == found), "{category}: {printed}");
            }
        }
    });
}

// proves: condition ALMServiceKey Ready, condition ALMServiceKey Valid, condition ALMServiceKey SignedIn
// proves: condition ALMServiceKey Uploaded, condition ALMServiceKey Reconciling, condition ALMServiceKey Stalled
#[test]
fn four_conditions_are_always_set_and_reconciling_or_stalled_only_if_true() {
    scenario("conditions", async |tenant| {
        let key = tenant.make_key().await;
        tenant.apply_for_secret("calm", "pasted").await;
        let waiting = tenant.await_ready("calm", "Unknown", "WaitingForSecret").await;
        tenant.write_data("pasted", json!({ "key.json": "no JSON" })).await;
        let invalid = tenant.await_ready("calm", "False", "InvalidJSON").await;
        tenant.write_secret("pasted", &key).await;
        let uploaded = tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.patch("calm", json!({ "spec": { "suspend": true } })).await;
        let suspended = tenant.await_ready("calm", "True", "Suspended").await;

        for (object, fifth) in
            [(&waiting, Some("Reconciling")), (&invalid, Some("Stalled")), (&uploaded, None), (&suspended, None)]
        {
            let status = object.status.as_ref().expect("a status");
            let types: Vec<_> = status.conditions.iter().map(|condition| condition.type_.as_str()).collect();
            let all: Vec<_> = ["Ready", "Valid", "SignedIn", "Uploaded"].into_iter().chain(fifth).collect();
            assert_eq!(types, all, "{}", condition(object, "Ready").1);
            assert!(fifth.is_none_or(|kind| condition(object, kind).0 == "True"));
            let have_messages = status.conditions.iter().all(|condition| !condition.message.is_empty());
            assert!(have_messages, "a condition has no message: {status:#?}");
            assert_eq!(Some(status.observed_generation), object.metadata.generation);
        }
    });
}
