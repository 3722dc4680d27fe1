//! What the API server refuses before the operator ever sees it, with the words that a user reads.

use alm_key_operator::api::{ALMServiceKey, ALMTenant};
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};

use super::scenario;
use crate::world::Tenant;
use crate::world::tenant::from;

/// Whether a key with this spec is admitted; the refusal's words if not. Nothing is kept.
async fn key(tenant: &Tenant<'_>, spec: Value) -> Result<(), String> {
    let parameters = PostParams { dry_run: true, ..PostParams::default() };
    let api: Api<kube::api::DynamicObject> = Api::namespaced_with(
        tenant.client.clone(),
        &tenant.namespace,
        &kube::api::ApiResource::erase::<ALMServiceKey>(&()),
    );
    let object = from(json!({
        "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey", "metadata": { "name": "tried" }, "spec": spec,
    }));
    api.create(&parameters, &object).await.map(drop).map_err(|error| error.to_string())
}

fn spec(change: impl FnOnce(&mut Value)) -> Value {
    let mut spec = json!({ "tenantRef": { "name": "t" }, "source": { "secretRef": { "name": "s" } } });
    change(&mut spec);
    spec
}

#[test]
fn exactly_one_source_is_named() {
    scenario("one-source", async |tenant| {
        assert_eq!(key(&tenant, spec(|_| {})).await, Ok(()));
        let both = spec(|spec| spec["source"]["serviceBindingRef"] = json!({ "name": "b" }));
        let neither = spec(|spec| spec["source"] = json!({}));
        for refused in [both, neither] {
            let words = key(&tenant, refused).await.expect_err("it is refused");
            assert!(words.contains("exactly one of serviceBindingRef and secretRef must be set"), "{words}");
        }
    });
}

#[test]
fn durations_are_held_within_their_bounds_and_none_can_overflow() {
    scenario("durations", async |tenant| {
        for (field, good, bad, words) in [
            ("interval", "10s", "9s", "interval must be from 10s to 24h"),
            ("interval", "1h30m", "25h", "interval must be from 10s to 24h"),
            ("gracePeriod", "0s", "721h", "gracePeriod must be at most 720h"),
        ] {
            assert_eq!(key(&tenant, spec(|spec| spec[field] = json!(good))).await, Ok(()), "{field} {good}");
            let refusal = key(&tenant, spec(|spec| spec[field] = json!(bad))).await.expect_err("it is refused");
            assert!(refusal.contains(words), "{refusal}");
        }
        let after = |text: &str| spec(|spec| spec["deadKey"] = json!({ "after": text }));
        assert_eq!(key(&tenant, after("10s")).await, Ok(()));
        let refusal = key(&tenant, after("9999ms")).await.expect_err("it is refused");
        assert!(refusal.contains("after must be from 10s to 720h"), "{refusal}");
        for nonsense in ["99999999999999999999h", "-5m", "soon", "", "5", "1e3s"] {
            for field in ["interval", "gracePeriod"] {
                let refused = key(&tenant, spec(|spec| spec[field] = json!(nonsense))).await;
                assert!(refused.is_err(), "{field}: {nonsense:?}");
            }
        }
    });
}

#[test]
fn the_tenant_of_a_key_and_the_zone_of_a_tenant_cannot_be_changed() {
    scenario("immutable", async |tenant| {
        tenant.apply_for_secret("calm", "pasted").await;
        let change = kube::api::Patch::Merge(json!({ "spec": { "tenantRef": { "name": "other" } } }));
        let parameters = kube::api::PatchParams::default();
        let refusal = tenant.keys().patch("calm", &parameters, &change).await.expect_err("it is refused").to_string();
        assert!(refusal.contains("tenantRef is immutable"), "{refusal}");
        let same =
            kube::api::Patch::Merge(json!({ "spec": { "tenantRef": { "name": "immutable" }, "interval": "1m" } }));
        tenant.keys().patch("calm", &parameters, &same).await.expect("the same name is no change");

        let tenants: Api<ALMTenant> = tenant.tenants();
        let change = kube::api::Patch::Merge(json!({ "spec": { "identityZone": "other" } }));
        let refusal = tenants.patch("immutable", &parameters, &change).await.expect_err("it is refused").to_string();
        assert!(refusal.contains("identityZone is immutable"), "{refusal}");
    });
}

#[test]
fn only_https_leads_to_landscape_management() {
    scenario("https-only", async |tenant| {
        let http =
            |patch: Value| kube::api::Patch::Merge(json!({ "spec": { "landscapeManagement": { "http": patch } } }));
        let parameters = kube::api::PatchParams { dry_run: true, ..kube::api::PatchParams::default() };
        for (patch, words) in [
            (json!({ "url": "http://plain.example" }), "url must start with https://"),
            (json!({ "oauth2": { "tokenUrl": "http://plain.example" } }), "tokenUrl must start with https://"),
            (json!({ "timeout": "61s" }), "timeout must be from 1s to 60s"),
        ] {
            let refusal = tenant.tenants().patch("https-only", &parameters, &http(patch)).await;
            let refusal = refusal.expect_err("it is refused").to_string();
            assert!(refusal.contains(words), "{refusal}");
        }
        let good = http(json!({ "url": "https://other.example", "timeout": "60s" }));
        tenant.tenants().patch("https-only", &parameters, &good).await.expect("it is admitted");
    });
}
