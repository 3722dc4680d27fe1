//! Records objects as the API server stores them.

use serde_json::Value;

use testkit::bed::Tenant;
use testkit::bed::request;

/// An object at a turning point of its life.
pub struct Point {
    /// The turning point, as the table names it.
    pub name: &'static str,
    /// The object.
    pub object: Value,
}

impl Point {
    /// Returns true if the object is an `ALMServiceKey`.
    pub fn is_key(&self) -> bool {
        self.object["kind"] == "ALMServiceKey"
    }

    /// Returns the condition of this type; null if there is none.
    pub fn condition(&self, kind: &str) -> &Value {
        let conditions = self.object["status"]["conditions"].as_array();
        conditions.into_iter().flatten().find(|condition| condition["type"] == kind).unwrap_or(&Value::Null)
    }
}

/// The turning points of one scene, in order.
#[derive(Default)]
pub struct Recording {
    pub points: Vec<Point>,
}

impl Recording {
    /// Records an object that the API server has answered with.
    pub fn add(&mut self, name: &'static str, object: Value) {
        self.points.push(Point { name, object });
    }

    /// Reads and records an `ALMServiceKey`.
    pub async fn key(&mut self, name: &'static str, tenant: &Tenant<'_>, key: &str) {
        let path = format!("{}/{key}", keys(tenant));
        self.read(name, tenant, &path).await;
    }

    /// Reads and records an `ALMTenant`.
    pub async fn tenant(&mut self, name: &'static str, tenant: &Tenant<'_>, almtenant: &str) {
        self.read(name, tenant, &format!("{TENANTS}/{almtenant}")).await;
    }

    async fn read(&mut self, name: &'static str, tenant: &Tenant<'_>, path: &str) {
        let object = request::read(&tenant.client, path, "application/json").await;
        self.add(name, object.expect(name));
    }
}

/// The API path of all `ALMTenant`s.
pub const TENANTS: &str = "/apis/almkey.dev/v1alpha1/almtenants";

/// Returns the API path of a namespace's `ALMServiceKey`s.
pub fn keys(tenant: &Tenant<'_>) -> String {
    format!("/apis/almkey.dev/v1alpha1/namespaces/{}/almservicekeys", tenant.namespace)
}
