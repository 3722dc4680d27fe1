//! Raw requests to the API server, for what the typed client hides: warnings, tables, invalid documents.

use kube::Client;
use kube::client::Body;
use serde_json::Value;

/// An answer of the API server.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Values of the `Warning` headers.
    pub warnings: Vec<String>,
    /// Body; null if it is not JSON.
    pub body: Value,
}

impl Answer {
    /// Returns the body of a success, and fails the test otherwise.
    pub fn expect(self, what: &str) -> Value {
        assert!(self.status < 300, "{what}: {}", self.body["message"]);
        self.body
    }
}

/// Reads `path` in the media type `accept`.
pub async fn read(client: &Client, path: &str, accept: &str) -> Answer {
    send(client, "GET", path, &[("accept", accept)], Vec::new()).await
}

/// Creates an object below `path`.
pub async fn create(client: &Client, path: &str, object: &Value) -> Answer {
    let headers = [("accept", "application/json"), ("content-type", "application/json")];
    send(client, "POST", path, &headers, object.to_string().into_bytes()).await
}

/// Posts bytes below `path`; they need not be a valid object.
pub async fn create_bytes(client: &Client, path: &str, body: Vec<u8>) -> Answer {
    send(client, "POST", path, &[("accept", "application/json"), ("content-type", "application/json")], body).await
}

/// Applies an object at `path`, server-side.
pub async fn apply(client: &Client, path: &str, object: &Value) -> Answer {
    let headers = [("accept", "application/json"), ("content-type", "application/apply-patch+yaml")];
    send(client, "PATCH", path, &headers, object.to_string().into_bytes()).await
}

/// Merges a change into the object at `path`.
pub async fn merge(client: &Client, path: &str, change: &Value) -> Answer {
    let headers = [("accept", "application/json"), ("content-type", "application/merge-patch+json")];
    send(client, "PATCH", path, &headers, change.to_string().into_bytes()).await
}

/// Deletes the object at `path`.
pub async fn delete(client: &Client, path: &str) -> Answer {
    send(client, "DELETE", path, &[("accept", "application/json")], Vec::new()).await
}

async fn send(client: &Client, method: &str, path: &str, headers: &[(&'static str, &str)], body: Vec<u8>) -> Answer {
    let request = kube::core::Request::new("").get("any", &kube::api::GetParams::default());
    let mut request = request.expect("a request").map(|_| Body::from(body));
    *request.method_mut() = method.parse().expect("a method");
    *request.uri_mut() = path.parse().expect("a path");
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().expect("a header"));
    }
    let response = client.send(request).await.expect("the API server answers");
    let status = response.status().as_u16();
    let warnings = response.headers().get_all("warning").iter();
    let warnings = warnings.map(|warning| String::from_utf8_lossy(warning.as_bytes()).into_owned()).collect();
    let bytes = response.into_body().collect_bytes().await.expect("the whole answer");
    Answer { status, warnings, body: serde_json::from_slice(&bytes).unwrap_or_default() }
}
