//! A proxy of the admin's as the only way to token endpoints and Landscape Management. It connects every name and port to
//! the simulator, so that only through it is there anything at port [`NOWHERE`].

use std::net::SocketAddr;

use alm_key_operator::api::ALMTenant;
use serde_json::{Value, json};

use crate::scenarios::alone;
use testkit::bed::almtenant::tenant_message;
use testkit::bed::key::message;
use testkit::bed::{Setup, Tenant, TestBed};
use testkit::connect_proxy::ConnectProxy;

/// A port on which no process of the tests listens.
const NOWHERE: u16 = 9;

/// Restarts the operator with environment variables.
async fn restart(bed: &mut TestBed, environment: &[(&str, &str)]) {
    bed.operator.take().expect("the operator runs").kill();
    let operator = bed.start_replica_in(bed.kubeconfig(), "behind-a-proxy", environment);
    operator.await_ready().await;
    bed.operator = Some(operator);
}

async fn start_proxy(bed: &TestBed) -> ConnectProxy {
    ConnectProxy::start(SocketAddr::from(([127, 0, 0, 1], bed.simulator.port))).await
}

/// Creates a tenant whose servers are reached by the proxy alone.
async fn create_tenant<'a>(bed: &'a TestBed, name: &str) -> Tenant<'a> {
    let landscape = format!("https://{name}.landscape.localhost:{NOWHERE}");
    let token_host = format!("{name}.authentication.localhost:{NOWHERE}");
    Tenant::create_with(bed, name, bed.client.clone(), |tenant| {
        let http = &mut tenant["spec"]["landscapeManagement"]["http"];
        http["oauth2"]["tokenUrl"] = json!(format!("{landscape}/oauth/token"));
        http["url"] = json!(landscape);
        tenant["spec"]["signIn"]["hosts"] = json!([token_host]);
    })
    .await
}

/// Creates a key of a tenant whose token endpoint is at `url`.
async fn make_key_at(tenant: &Tenant<'_>, url: &str) -> Value {
    let mut key = tenant.make_key().await;
    key["uaa"]["url"] = json!(url);
    key
}

/// Returns the targets that a proxy was asked for, without repetitions.
fn targets(proxy: &ConnectProxy) -> Vec<String> {
    let mut targets = proxy.journal();
    targets.sort();
    targets.dedup();
    targets
}

fn connect(host: &str) -> String {
    format!("CONNECT {host}:{NOWHERE} HTTP/1.1")
}

// proves: flag --egress-proxy, flag --egress-proxy-credentials
#[test]
fn a_cluster_whose_only_way_out_is_a_proxy_uploads_its_key() {
    // At this level each library logs all that it logs.
    alone(Setup { log: "trace", ..Setup::default() }, async |mut bed| {
        let (proxy, of_environment) = (start_proxy(&bed).await, start_proxy(&bed).await);
        let file = bed.control_plane.directory().join("proxy-credentials");
        proxy.demand_credentials("user:CANARY-right");
        let (url, other) = (proxy.url(), of_environment.url());
        let environment = [
            ("ALMKEY_EGRESS_PROXY", url.as_str()),
            ("ALMKEY_EGRESS_PROXY_CREDENTIALS", file.to_str().expect("a path")),
            ("HTTPS_PROXY", &other),
            ("ALL_PROXY", &other),
        ];
        restart(&mut bed, &environment).await;
        let tenant = create_tenant(&bed, "behind").await;
        let key = make_key_at(&tenant, &format!("https://behind.authentication.localhost:{NOWHERE}")).await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;

        let missing = "could not read the file that --egress-proxy-credentials names: No such file or directory";
        let object = tenant.await_ready("calm", "Unknown", "SignInUnknown").await;
        assert!(message(&object, "SignedIn").contains(missing), "{}", message(&object, "SignedIn"));
        let object = tenant.await_tenant("behind", "Unknown", "LandscapeManagementUnavailable").await;
        assert!(tenant_message(&object, "Ready").contains(missing), "{}", tenant_message(&object, "Ready"));

        std::fs::write(&file, "user:CANARY-wrong\n").expect("a file");
        let refused =
            format!("the proxy {url} refused the credentials in the file that --egress-proxy-credentials names");
        tenant.await_key("calm", "refused by the proxy", |key| message(key, "SignedIn").contains(&refused)).await;
        let is_refused = |tenant: &ALMTenant| tenant_message(tenant, "Ready").contains(&refused);
        tenant.await_tenant_as("behind", "refused by the proxy", is_refused).await;
        tenant.await_ready("calm", "Unknown", "SignInUnknown").await;
        assert!(tenant.calls(&["SignIn", "LandscapeToken"]).await.is_empty());

        std::fs::write(&file, "user:CANARY-right\n").expect("a file");
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.await_tenant("behind", "True", "Connected").await;
        assert_eq!(tenant.slot_key().await, key);
        tenant.delete("calm").await;
        assert_eq!(tenant.slot_key().await, Value::Null);

        let expected = ["behind.authentication.localhost", "behind.landscape.localhost"].map(connect);
        assert_eq!(targets(&proxy), expected);
        assert_eq!(of_environment.journal(), Vec::<String>::new());
    });
}

// proves: flag --egress-proxy-exempt
#[test]
fn the_proxy_is_asked_only_for_names_that_the_tenant_lists_and_none_exempt() {
    alone(Setup::default(), async |mut bed| {
        let proxy = start_proxy(&bed).await;
        let (url, exempt) = (proxy.url(), format!("*.landscape.localhost:{}", bed.simulator.port));
        restart(&mut bed, &[("ALMKEY_EGRESS_PROXY", &url), ("ALMKEY_EGRESS_PROXY_EXEMPT", &exempt)]).await;
        let allowed = format!("https://listed.authentication.localhost:{NOWHERE}");
        let hosts = [&allowed[8..], "10.0.0.1", "8.8.8.8"];
        let tenant = Tenant::create_with(&bed, "listed", bed.client.clone(), |tenant| {
            tenant["spec"]["signIn"]["hosts"] = json!(hosts);
        })
        .await;

        // A key in the slot, written by another client, and keys of Secrets.
        let foreign = make_key_at(&tenant, "https://evil.example").await;
        tenant.fill_slot(&foreign, Some(tenant.owner("slot").await)).await;
        for (name, url, ready, reason) in [
            ("foreign", "https://evil.example", "False", "TokenHostNotAllowed"),
            ("port", "https://listed.authentication.localhost", "False", "TokenHostNotAllowed"),
            ("unlisted", "https://10.0.0.2", "False", "TokenHostNotAllowed"),
            ("private", "https://10.0.0.1", "Unknown", "SignInUnknown"),
            ("public", "https://8.8.8.8", "Unknown", "SignInUnknown"),
        ] {
            tenant.write_secret(name, &make_key_at(&tenant, url).await).await;
            tenant.apply_for_secret(name, name).await;
            let object = tenant.await_ready(name, ready, reason).await;
            let text = message(&object, if ready == "False" { "Valid" } else { "SignedIn" });
            let is_explained = ready == "False" || text.contains("is not connected to through the proxy");
            assert!(is_explained, "{name}: {text}");
        }
        tenant.apply_for_secret("slot", "absent").await;
        tenant.await_ready("slot", "Unknown", "WaitingForSecret").await;
        assert_eq!(proxy.journal(), Vec::<String>::new(), "Landscape Management is exempt, and no key may sign in");

        let literal = json!({ "landscapeManagement": { "http": { "url": "https://10.0.0.1" } } });
        tenant.patch_tenant(json!({ "spec": literal })).await;
        let object = tenant.await_tenant("listed", "False", "TenantMisconfigured").await;
        let text = tenant_message(&object, "Ready");
        assert!(text.contains("address 10.0.0.1 is not connected to through the proxy"), "{text}");
        assert_eq!(proxy.journal(), Vec::<String>::new());
    });
}

#[test]
fn conditions_say_that_the_proxy_of_the_environment_is_not_used() {
    alone(Setup::default(), async |mut bed| {
        let proxy = start_proxy(&bed).await;
        let url = proxy.url().replace("http://", "http://user:CANARY@");
        restart(&mut bed, &[("HTTPS_PROXY", &url)]).await;
        let tenant = create_tenant(&bed, "unused").await;
        let key = make_key_at(&tenant, &format!("https://unused.authentication.localhost:{NOWHERE}")).await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;

        let expected = "HTTPS_PROXY is set, but not used for this connection: --egress-proxy names a proxy for it";
        let object = tenant.await_ready("calm", "Unknown", "SignInUnknown").await;
        assert!(message(&object, "SignedIn").contains(expected), "{}", message(&object, "SignedIn"));
        let object = tenant.await_tenant("unused", "Unknown", "LandscapeManagementUnavailable").await;
        assert!(tenant_message(&object, "Ready").contains(expected), "{}", tenant_message(&object, "Ready"));
        assert_eq!(proxy.journal(), Vec::<String>::new());
    });
}
