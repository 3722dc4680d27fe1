//! Requests of one process to the API server, from the audit log.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use kube::api::PostParams;
use serde_json::Value;

use testkit::bed::TestBed;
use testkit::names::NAMESPACE;

const CREDENTIAL: &str = "authentication.kubernetes.io/credential-id";

/// A token of the operator's service account. Each replica has its own, as each pod has, so the audit log shows which one sent
/// a request.
pub struct Credential {
    /// Value for the `Authorization` header.
    pub token: String,
    id: String,
}

impl Credential {
    /// Issues a new token.
    pub async fn issue(bed: &TestBed) -> Self {
        let accounts: Api<ServiceAccount> = Api::namespaced(bed.client.clone(), NAMESPACE);
        let token_request = TokenRequest { spec: TokenRequestSpec::default(), ..TokenRequest::default() };
        let issued = accounts.create_token_request(NAMESPACE, &PostParams::default(), &token_request).await;
        let token = issued.expect("a token is issued").status.expect("a token").token;
        let claims = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).expect("a JWT");
        let claims: Value = serde_json::from_slice(&claims).expect("its claims");
        Self { token, id: format!("JTI={}", claims["jti"].as_str().expect("its id")) }
    }
}

/// A request with its response.
#[derive(Debug)]
pub struct Request {
    verb: String,
    /// Resource, such as `leases` or `almservicekeys/status`.
    pub resource: String,
    /// Status code of the response.
    pub code: u64,
    at: Timestamp,
}

impl Request {
    fn from_event(event: &Value) -> Option<Self> {
        let object = &event["objectRef"];
        let resource = object["resource"].as_str().unwrap_or_default();
        let resource = match object["subresource"].as_str() {
            Some(part) => format!("{resource}/{part}"),
            None => resource.to_owned(),
        };
        Some(Self {
            verb: event["verb"].as_str()?.to_owned(),
            resource,
            code: event["responseStatus"]["code"].as_u64()?,
            at: event["requestReceivedTimestamp"].as_str()?.parse().ok()?,
        })
    }

    /// Returns true if the request is a write.
    pub fn is_write(&self) -> bool {
        !["get", "list", "watch"].contains(&self.verb.as_str())
    }

    /// Returns true if the API server accepted the request.
    pub fn succeeded(&self) -> bool {
        self.code < 300
    }
}

/// Returns the requests with this credential since a point in time.
pub fn requests_since(bed: &TestBed, credential: &Credential, since: Timestamp) -> Vec<Request> {
    let log = bed.control_plane.audit_log().expect("the bed is audited");
    let log = std::fs::read_to_string(log).expect("the audit log");
    let candidates = log.lines().filter(|line| line.contains(&credential.id));
    let events = candidates.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let own = events.filter(|event| event["user"]["extra"][CREDENTIAL][0] == credential.id.as_str());
    own.filter_map(|event| Request::from_event(&event)).filter(|request| request.at >= since).collect()
}
