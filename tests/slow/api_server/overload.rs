//! Priority and fairness rejects the operator's requests: 429, from the API server itself.
//!
//! The requests get a priority level without any concurrency share. Even such a level runs one request at a time, so one
//! request occupies it: its body never arrives.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use alm_key_operator::api::ALMServiceKey;
use kube::api::{Patch, PatchParams};
use kube::client::ConfigExt;
use kube::config::Config;
use kube::{Api, Client};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use testkit::bed::TestBed;
use testkit::bed::waiting::wait_for;
use testkit::control_plane::service_account_user;
use testkit::names::NAMESPACE;

/// Name of the priority level and of the flow schema.
const NAME: &str = "overload";
/// Path of a patch that the operator may send: it may patch any object of our own kind.
const PATCH: &str = "/apis/almkey.dev/v1alpha1/namespaces/default/almservicekeys/nobody";

/// An overload of the API server, which lasts until [`Overload::end`].
pub struct Overload {
    unfinished: StreamOwned<ClientConnection, TcpStream>,
}

impl Overload {
    /// Begins an overload for every request of the operator.
    pub async fn of_the_operator(bed: &TestBed) -> Self {
        Self::begin(bed, json!({ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] })).await
    }

    /// Begins an overload for the operator's writes to our own kinds. Its reads and its Lease are not affected.
    pub async fn of_our_kinds(bed: &TestBed) -> Self {
        Self::begin(bed, json!({ "verbs": ["patch"], "apiGroups": ["almkey.dev"], "resources": ["*"] })).await
    }

    /// Ends the overload.
    pub fn end(self, bed: &TestBed) {
        drop(self.unfinished);
        bed.kubectl(&["delete", "flowschema", NAME]);
        bed.kubectl(&["delete", "prioritylevelconfiguration", NAME]);
    }

    async fn begin(bed: &TestBed, rule: Value) -> Self {
        bed.control_plane.apply(&level_for(rule)).expect("level and flow schema are accepted");
        let user = service_account_user(NAMESPACE, NAMESPACE).name;
        let mut config = bed.control_plane.client_config(&user).await.expect("the operator's user exists");
        config.default_retry = false;
        let client = Client::try_from(config.clone()).expect("a client");
        wait_for("the API server to be overloaded", async {
            loop {
                let unfinished = send_unfinished(&config);
                for _ in 0..20 {
                    if is_rejected(&client).await {
                        return Self { unfinished };
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        })
        .await
    }
}

/// Returns the manifests that give the requests of the operator that match a rule a level of their own.
fn level_for(mut rule: Value) -> String {
    rule["clusterScope"] = json!(true);
    rule["namespaces"] = json!(["*"]);
    let level = json!({
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "PriorityLevelConfiguration",
        "metadata": { "name": NAME },
        "spec": { "type": "Limited", "limited": {
            "nominalConcurrencyShares": 0, "lendablePercent": 0, "borrowingLimitPercent": 0,
            "limitResponse": { "type": "Reject" },
        }},
    });
    let operator = json!({
        "kind": "ServiceAccount", "serviceAccount": { "namespace": NAMESPACE, "name": NAMESPACE },
    });
    let flow = json!({
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "FlowSchema",
        "metadata": { "name": NAME },
        "spec": {
            "priorityLevelConfiguration": { "name": NAME }, "matchingPrecedence": 3,
            "rules": [{ "subjects": [operator], "resourceRules": [rule] }],
        },
    });
    format!("{level}\n---\n{flow}")
}

/// Sends the head of a request of the operator's user; its body never arrives.
fn send_unfinished(config: &Config) -> StreamOwned<ClientConnection, TcpStream> {
    let address = config.cluster_url.authority().expect("the URL has an authority").as_str().to_owned();
    let tls = Arc::new(config.rustls_client_config().expect("the certificate of the API server"));
    let name = ServerName::try_from("127.0.0.1").expect("a name");
    let connection = ClientConnection::new(tls, name).expect("a client");
    let mut stream = StreamOwned::new(connection, TcpStream::connect(&address).expect("the API server listens"));
    let token = config.auth_info.token.as_ref().expect("the user has a token").expose_secret();
    let head = format!(
        "PATCH {PATCH} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/merge-patch+json\r\nContent-Length: 2\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("the API server reads it");
    stream.flush().expect("the API server reads it");
    stream
}

/// Returns true if a request of the operator's user is answered 429.
async fn is_rejected(client: &Client) -> bool {
    let keys: Api<ALMServiceKey> = Api::namespaced(client.clone(), "default");
    let answer = keys.patch("nobody", &PatchParams::default(), &Patch::Merge(json!({}))).await;
    matches!(answer, Err(kube::Error::Api(status)) if status.code == 429)
}
