//! What one process asked of the API server, by the audit log.

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

/// A token of the operator's service account, as each pod has one of its own: the audit log tells by it who asked.
pub struct Credential {
    /// For the `Authorization` header.
    pub token: String,
    id: String,
}

impl Credential {
    /// A new one.
    pub async fn issue(bed: &TestBed) -> Self {
        let accounts: Api<ServiceAccount> = Api::namespaced(bed.client.clone(), NAMESPACE);
        let request = TokenRequest { spec: TokenRequestSpec::default(), ..TokenRequest::default() };
        let issued = accounts.create_token_request(NAMESPACE, &PostParams::default(), &request).await;
        let token = issued.expect("tokens are issued").status.expect("a token").token;
        let claims = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).expect("a JWT");
        let claims: Value = serde_json::from_slice(&claims).expect("its claims");
        Self { token, id: format!("JTI={}", claims["jti"].as_str().expect("its id")) }
    }
}

/// A request that was answered.
#[derive(Debug)]
pub struct Asked {
    verb: String,
    /// What it was about: `leases`, or `almservicekeys/status`.
    pub resource: String,
    /// How it was answered.
    pub code: u64,
    at: Timestamp,
}

impl Asked {
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

    /// Whether it was to change something.
    pub fn writes(&self) -> bool {
        !["get", "list", "watch"].contains(&self.verb.as_str())
    }

    /// Whether it was done.
    pub fn succeeded(&self) -> bool {
        self.code < 300
    }
}

/// What whoever holds this credential asked from then on.
pub fn asked_since(bed: &TestBed, credential: &Credential, since: Timestamp) -> Vec<Asked> {
    let log = bed.control_plane.audit_log().expect("it was asked for");
    let log = std::fs::read_to_string(log).expect("the audit log");
    let named = log.lines().filter(|line| line.contains(&credential.id));
    let events = named.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let theirs = events.filter(|event| event["user"]["extra"][CREDENTIAL][0] == credential.id.as_str());
    theirs.filter_map(|event| Asked::from_event(&event)).filter(|asked| asked.at >= since).collect()
}
