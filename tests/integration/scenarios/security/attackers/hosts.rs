//! Token URLs and endpoints that lead to a host which the tenant does not allow.

use serde_json::{Value, json};

use crate::scenarios::{scenario, shared};
use testkit::bed::Tenant;
use testkit::bed::almtenant::tenant_message;
use testkit::bed::key::message;
use testkit::bed::operator::program;

/// Applies a key with each of these token URLs, and expects each to be refused for its host.
async fn expect_refused(tenant: &Tenant<'_>, urls: &[String]) {
    for (number, url) in urls.iter().enumerate() {
        let name = format!("no-{number}");
        let mut key = tenant.make_key().await;
        key["uaa"]["url"] = json!(url);
        tenant.write_secret(&name, &key).await;
        tenant.apply_for_secret(&name, &name).await;
    }
    for (number, url) in urls.iter().enumerate() {
        let object = tenant.await_ready(&format!("no-{number}"), "False", "TokenHostNotAllowed").await;
        let text = message(&object, "Valid");
        assert!(text.contains("$.uaa.url") && !text.contains("evil"), "{url}: {text}");
    }
}

#[test]
fn a_key_with_a_lookalike_token_url_is_sent_nowhere() {
    scenario("lookalike", async |tenant| {
        let port = tenant.bed.simulator.port;
        let host = "lookalike.authentication.localhost";
        let long = "a".repeat(64);
        let urls = [
            // User information, in front of another host or of the right one.
            format!("https://{host}:{port}@evil.example"),
            format!("https://{host}%3a{port}@evil.example:{port}"),
            format!("https://user:word@{host}:{port}"),
            format!("https://@{host}:{port}"),
            // Lookalikes of the right host.
            format!("https://{host}.evil.example:{port}"),
            format!("https://evil-{host}.:{port}"),
            format!("https://{host}.:{port}"),
            format!("https://lookalike..authentication.localhost:{port}"),
            format!("https://a.{host}:{port}"),
            format!("https://authentication.localhost:{port}"),
            format!("https://lookalike.authentication.localhos\u{442}:{port}"),
            format!("https://xn--80ak6aa92e.authentication.localhost.evil.example:{port}"),
            format!("https://{long}.{long}.{long}.{long}.authentication.localhost:{port}"),
            // The right host with another port or scheme.
            format!("https://{host}"),
            format!("https://{host}:{}", port.wrapping_add(1)),
            format!("http://{host}:{port}"),
            format!("file://{host}/etc/passwd"),
            // Addresses in every notation.
            format!("https://127.0.0.1:{port}"),
            format!("https://[::ffff:127.0.0.1]:{port}"),
            format!("https://0177.0.0.1:{port}"),
            format!("https://0x7f.1:{port}"),
            format!("https://2130706433:{port}"),
            "https://169.254.169.254".to_owned(),
            // URLs that parsers read differently.
            format!("https://{host}:{port}\\@evil.example"),
            format!("https://evil.example\\@{host}:{port}"),
            format!("https:\\\\{host}:{port}"),
            format!("https://lookalike%2eauthentication.localhost:{port}"),
            format!("https://lookalike\u{3002}authentication.localhost:{port}"),
            format!("https://{host}:{port}\t"),
        ];
        expect_refused(&tenant, &urls).await;
        assert_eq!(tenant.calls(&["SignIn", "Put"]).await, Vec::<Value>::new());
    });
}

#[test]
fn no_sign_in_at_a_metadata_service_even_if_its_address_is_allowed() {
    scenario("metadata", async |tenant| {
        let hosts = json!({ "hosts": ["169.254.169.254", "0.0.0.0"], "allowPrivateNetworks": true });
        tenant.patch_tenant(json!({ "spec": { "signIn": hosts } })).await;
        for (name, host) in [("aws", "169.254.169.254"), ("this", "0.0.0.0")] {
            let mut key = tenant.make_key().await;
            key["uaa"]["url"] = json!(format!("https://{host}"));
            tenant.write_secret(name, &key).await;
            tenant.apply_for_secret(name, name).await;

            let object = tenant.await_ready(name, "Unknown", "SignInUnknown").await;
            let text = message(&object, "SignedIn");
            assert!(text.contains(&format!("address {host} is never connected to")), "{text}");
        }
        assert!(tenant.writes().await.is_empty());
    });
}

#[test]
fn the_url_of_landscape_management_cannot_be_a_metadata_service() {
    scenario("metadata-slot", async |tenant| {
        for field in [json!({ "url": "https://169.254.169.254/latest" }), json!({ "url": "https://[fd00:ec2::254]" })] {
            tenant.patch_tenant(json!({ "spec": { "landscapeManagement": { "http": field } } })).await;
            let found = tenant.await_tenant("metadata-slot", "False", "TenantMisconfigured").await;
            let text = tenant_message(&found, "Ready");
            let expected = "landscapeManagement.http.url is not allowed: address";
            assert!(text.contains(expected) && text.contains("never connected to"), "{text}");
        }
    });
}

#[test]
fn a_proxy_in_the_environment_is_not_used() {
    crate::scenarios::RUNTIME.block_on(async {
        let bed = shared().await;
        let tenant = Tenant::create(bed, "proxied", bed.client.clone()).await;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("key.json");
        std::fs::write(&file, tenant.make_key().await.to_string()).expect("the write succeeds");
        let mut command = program("almkey");
        command.args(["test", "--allow-private-networks", "--allow-host"]);
        command.arg(format!("*.authentication.localhost:{}", bed.simulator.port));
        command.arg("--ca-bundle").arg(&bed.simulator.ca_file).arg(&file);
        // No process listens on port 1: a request through this proxy would fail.
        for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            command.env(variable, "http://127.0.0.1:1");
        }
        let output = command.output().expect("the command runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        assert_eq!(tenant.calls(&["SignIn"]).await.len(), 1);
    });
}
