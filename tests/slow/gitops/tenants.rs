//! Turning points of `ALMTenant`s.

use serde_json::{Value, json};

use super::recording::{Point, Recording, TENANTS};
use testkit::bed::manual::in_manual_mode;
use testkit::bed::{Tenant, TestBed, request};

/// Text that passes the rules of the definition and holds no certificate.
const NO_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

/// Creates a tenant with a changed spec, and records it once `Ready` is as expected.
async fn record(
    bed: &TestBed,
    recording: &mut Recording,
    name: &str,
    (point, status, reason): (&'static str, &str, &str),
    change: impl FnOnce(&mut Value),
) {
    let tenant = Tenant::create_with(bed, name, bed.client.clone(), change).await;
    tenant.await_tenant(name, status, reason).await;
    recording.tenant(point, &tenant, name).await;
}

/// Records the tenants of this scene, one after the other.
pub async fn all(bed: &TestBed) -> Vec<Point> {
    let mut recording = Recording::default();
    let tenant = Tenant::create(bed, "connected", bed.client.clone()).await;
    let mut younger = json!(tenant.tenant_object().await);
    younger["metadata"] = json!({ "name": "younger" });
    younger["status"].take();
    let created = request::create(&tenant.client, TENANTS, &younger).await.expect("the object is created");
    recording.add("ALMTenant: new, before any status", created);
    tenant.await_tenant("connected", "True", "Connected").await;
    recording.tenant("ALMTenant: connected", &tenant, "connected").await;
    tenant.await_tenant("younger", "False", "DuplicateTenant").await;
    recording.tenant("ALMTenant: an older one has the same identity zone", &tenant, "younger").await;

    let point = ("ALMTenant: the endpoint does not answer", "Unknown", "LandscapeManagementUnavailable");
    record(bed, &mut recording, "silent", point, |document| {
        document["spec"]["landscapeManagement"]["http"]["url"] = json!("https://silent.landscape.localhost:1");
    })
    .await;
    let point = ("ALMTenant: the Secret of its credentials does not exist", "Unknown", "TenantMisconfigured");
    record(bed, &mut recording, "no-credentials", point, |document| {
        document["spec"]["landscapeManagement"]["http"]["oauth2"]["secretRef"]["name"] = json!("nowhere");
    })
    .await;
    let point = ("ALMTenant: a setting is wrong", "False", "TenantMisconfigured");
    record(bed, &mut recording, "wrong", point, |document| {
        document["spec"]["landscapeManagement"]["http"]["caBundle"] = json!(NO_CERTIFICATE);
    })
    .await;
    let point = ("ALMTenant: manual mode", "True", "ManualMode");
    record(bed, &mut recording, "manual-tenant", point, in_manual_mode).await;
    recording.points
}
