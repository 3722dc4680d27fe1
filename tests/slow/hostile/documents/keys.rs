//! `ALMServiceKey`s.

use serde_json::{Map, Value, json};

use super::{Collection, Refused, changed};

const KEYS: (Collection, fn() -> Value) = (Collection::Keys, example);

fn example() -> Value {
    json!({
        "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey", "metadata": { "name": "refused" },
        "spec": { "tenantRef": { "name": "nobody" }, "source": { "secretRef": { "name": "pasted" } } },
    })
}

pub(super) fn cases() -> Vec<Refused> {
    let mut cases = names();
    cases.extend(sources());
    cases.extend(durations());
    cases.extend(words());
    cases.extend(shapes());
    cases.extend(texts());
    cases
}

fn with(what: &'static str, message: &'static str, change: impl FnOnce(&mut Value)) -> Refused {
    changed(KEYS, what, message, change)
}

fn names() -> Vec<Refused> {
    let tenant = |what, name: Value| with(what, "spec.tenantRef.name", |key| key["spec"]["tenantRef"]["name"] = name);
    let own = |what, name: String| with(what, "metadata.name", |key| key["metadata"]["name"] = json!(name));
    vec![
        tenant("a tenant of 254 letters", json!("t".repeat(254))),
        tenant("a tenant of a million letters", json!("t".repeat(1_000_000))),
        tenant("a tenant without a name", json!("")),
        tenant("a tenant with a NUL", json!("acme\0")),
        tenant("a tenant between bidi characters", json!("\u{202e}emca\u{202c}")),
        tenant("a tenant in capitals", json!("ACME")),
        tenant("a tenant in another folder", json!("../acme")),
        tenant("a tenant that is a number", json!(7)),
        tenant("a tenant that is null", Value::Null),
        own("a name of 254 letters", "n".repeat(254)),
        own("a name with a slash", "../../secrets".into()),
        own("a name with a NUL", "calm\0".into()),
    ]
}

fn sources() -> Vec<Refused> {
    let source = |what, message, source: Value| with(what, message, |key| key["spec"]["source"] = source);
    let secret = |what, message, secret: Value| source(what, message, json!({ "secretRef": secret }));
    let one = "exactly one of serviceBindingRef and secretRef must be set";
    let name = "spec.source.secretRef.name";
    let entry = "spec.source.secretRef.key";
    let unknown = "unknown field \"spec.source.secretRef.namespace\"";
    vec![
        source("no source", one, json!({})),
        source("two sources", one, json!({ "secretRef": { "name": "a" }, "serviceBindingRef": { "name": "b" } })),
        source("a source that is a word", "spec.source", json!("pasted")),
        source("a source of another kind", "unknown field \"spec.source.vault\"", json!({ "vault": {} })),
        source("a binding without a name", "spec.source.serviceBindingRef.name", json!({ "serviceBindingRef": {} })),
        secret("a Secret without a name", name, json!({})),
        secret("a Secret of another namespace", unknown, json!({ "name": "a", "namespace": "kube-system" })),
        secret("a Secret of another namespace by a path", name, json!({ "name": "../../kube-system/secrets/a" })),
        secret("a Secret with a question", name, json!({ "name": "a?watch=true" })),
        secret("a Secret with an escape", name, json!({ "name": "a%2f..%2fb" })),
        secret("a Secret of 254 letters", name, json!({ "name": "s".repeat(254) })),
        secret("an entry that is a path", entry, json!({ "name": "a", "key": "../token" })),
        secret("an entry without a name", entry, json!({ "name": "a", "key": "" })),
        secret("an entry of 254 letters", entry, json!({ "name": "a", "key": "k".repeat(254) })),
        secret("an entry with a line break", entry, json!({ "name": "a", "key": "k\n" })),
    ]
}

fn durations() -> Vec<Refused> {
    let mut cases = Vec::new();
    for (what, value) in [
        ("a negative duration", json!("-5m")),
        ("a duration without end", json!("99999999999999999999h")),
        ("a duration of ten thousand days", json!("240000h")),
        ("a duration without a unit", json!("60")),
        ("a duration that is a number", json!(60)),
        ("a duration that is a fraction", json!("1.5h")),
        ("a duration with an exponent", json!("1e9s")),
        ("a duration in days", json!("1d")),
        ("a duration of ISO 8601", json!("PT5M")),
        ("a duration in other digits", json!("\u{665}m")),
        ("a duration of nothing", json!("")),
        ("a duration of a hundred thousand letters", json!("1h".repeat(50_000))),
        ("a duration that is infinite", json!("inf")),
        ("a duration in an object", json!({ "minutes": 5 })),
    ] {
        cases.push(with(what, "spec.interval", |key| key["spec"]["interval"] = value.clone()));
        cases.push(with(what, "spec.gracePeriod", |key| key["spec"]["gracePeriod"] = value.clone()));
        cases.push(with(what, "spec.deadKey.after", |key| key["spec"]["deadKey"] = json!({ "after": value })));
    }
    cases.push(with("a hot loop", "spec.interval", |key| key["spec"]["interval"] = json!("1ms")));
    cases.push(with("a death at once", "spec.deadKey.after", |key| key["spec"]["deadKey"] = json!({ "after": "0s" })));
    cases
}

/// Returns documents with wrong enumeration and boolean values.
fn words() -> Vec<Refused> {
    let field =
        |what, message, field: &'static str, value: Value| with(what, message, |key| key["spec"][field] = value);
    vec![
        field("a mode that nobody knows", "spec.mode", "mode", json!("DryRun")),
        field("a mode in lower case", "spec.mode", "mode", json!("enforce")),
        field("a mode that is false", "spec.mode", "mode", json!(false)),
        field("an empty mode", "spec.mode", "mode", json!("")),
        field("a policy that nobody knows", "spec.deletionPolicy", "deletionPolicy", json!("Orphan")),
        field("a policy with a space", "spec.deletionPolicy", "deletionPolicy", json!("Retain ")),
        field("an action that nobody knows", "spec.deadKey.action", "deadKey", json!({ "action": "Rotate" })),
        field("a suspension that is a word", "spec.suspend", "suspend", json!("true")),
        field("a suspension that is a number", "spec.suspend", "suspend", json!(1)),
    ]
}

fn shapes() -> Vec<Refused> {
    let deep = "[".repeat(5000) + &"]".repeat(5000);
    let text = example().to_string().replacen("\"spec\":{", &format!("\"spec\":{{\"more\":{deep},"), 1);
    let many: Map<String, Value> = (0..10_000).map(|number| (format!("f{number}"), json!(1))).collect();
    let raw =
        |what, body: String, message| Refused { what, collection: Collection::Keys, body: body.into_bytes(), message };
    vec![
        with("no spec", "spec: Required value", |key| drop(key.as_object_mut().map(|key| key.remove("spec")))),
        with("a spec that is null", "spec: Required value", |key| key["spec"] = Value::Null),
        with("a spec in an array", "spec", |key| key["spec"] = json!([key["spec"]])),
        with("a spec that is a key", "unknown field \"spec.uaa\"", |key| key["spec"]["uaa"] = json!({})),
        with("a field that is misspelt", "unknown field \"spec.tenantref\"", |key| {
            key["spec"]["tenantref"] = json!({});
        }),
        with("10,000 fields that nobody knows", "unknown field \"spec.f", |key| {
            key["spec"].as_object_mut().expect("a spec").extend(many);
        }),
        with("another version", "v9", |key| key["apiVersion"] = json!("almkey.dev/v9")),
        with("another kind", "ALMTenant", |key| key["kind"] = json!("ALMTenant")),
        raw("5,000 arrays in each other", text, "unknown field \"spec.more\""),
    ]
}

/// Returns bodies that are no document at all.
fn texts() -> Vec<Refused> {
    let raw = |what, body: Vec<u8>, message| Refused { what, collection: Collection::Keys, body, message };
    let text = example().to_string();
    let twice = text.replacen("\"tenantRef\":{", "\"tenantRef\":{\"name\":\"other\"},\"tenantRef\":{", 1);
    vec![
        raw("nothing", Vec::new(), "unexpected end of JSON input"),
        raw("NULs", vec![0; 512], "invalid character"),
        raw("half a document", text.as_bytes()[..text.len() / 2].to_vec(), "unexpected end of JSON input"),
        raw("an array of documents", format!("[{text}]").into_bytes(), "cannot unmarshal"),
        raw("a duplicate field", twice.into_bytes(), "duplicate field \"spec.tenantRef\""),
    ]
}
