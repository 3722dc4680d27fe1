//! Priority and fairness leaves the operator no time: 429, from the API server itself.
//!
//! Its requests get a level of their own without any share. Even there one request may run while none other does; so one
//! runs, and takes its time: its body never comes.

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

/// The name of level and rule.
const NAME: &str = "no-time";
/// A patch of our own kind, which the operator may make of any.
const PATCH: &str = "/apis/almkey.dev/v1alpha1/namespaces/default/almservicekeys/nobody";

/// The API server has no time, as long as this lives.
pub struct NoTime {
    unfinished: StreamOwned<ClientConnection, TcpStream>,
}

impl NoTime {
    /// For anything that the operator asks.
    pub async fn for_the_operator(bed: &TestBed) -> Self {
        Self::begin(bed, json!({ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] })).await
    }

    /// For the operator's writes to our own kinds; what it reads, and its Lease, are not concerned.
    pub async fn for_our_kinds(bed: &TestBed) -> Self {
        Self::begin(bed, json!({ "verbs": ["patch"], "apiGroups": ["almkey.dev"], "resources": ["*"] })).await
    }

    /// There is time again.
    pub fn ends(self, bed: &TestBed) {
        drop(self.unfinished);
        bed.kubectl(&["delete", "flowschema", NAME]);
        bed.kubectl(&["delete", "prioritylevelconfiguration", NAME]);
    }

    async fn begin(bed: &TestBed, rule: Value) -> Self {
        bed.control_plane.apply(&level_for(rule)).expect("they are taken");
        let user = service_account_user(NAMESPACE, NAMESPACE).name;
        let mut config = bed.control_plane.client_config(&user).await.expect("there is such a user");
        config.default_retry = false;
        let client = Client::try_from(config.clone()).expect("a client");
        wait_for("the API server to have no time", async {
            loop {
                let unfinished = unfinished(&config);
                for _ in 0..20 {
                    if has_no_time(&client).await {
                        return Self { unfinished };
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        })
        .await
    }
}

/// Requests of the operator that a rule is about get a level of their own.
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

/// A request of the operator's user whose body never comes.
fn unfinished(config: &Config) -> StreamOwned<ClientConnection, TcpStream> {
    let address = config.cluster_url.authority().expect("it has one").as_str().to_owned();
    let tls = Arc::new(config.rustls_client_config().expect("its certificate"));
    let name = ServerName::try_from("127.0.0.1").expect("a name");
    let connection = ClientConnection::new(tls, name).expect("a client");
    let mut stream = StreamOwned::new(connection, TcpStream::connect(&address).expect("the API server listens"));
    let token = config.auth_info.token.as_ref().expect("it has a token").expose_secret();
    let head = format!(
        "PATCH {PATCH} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/merge-patch+json\r\nContent-Length: 2\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("it is read");
    stream.flush().expect("it is read");
    stream
}

/// Whether a request of the operator's user is answered 429.
async fn has_no_time(client: &Client) -> bool {
    let keys: Api<ALMServiceKey> = Api::namespaced(client.clone(), "default");
    let answer = keys.patch("nobody", &PatchParams::default(), &Patch::Merge(json!({}))).await;
    matches!(answer, Err(kube::Error::Api(status)) if status.code == 429)
}
