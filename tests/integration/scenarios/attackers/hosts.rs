//! A key that is made to sign in, or to lead others, where its tenant does not allow it.

use std::process::Command;

use serde_json::{Value, json};

use crate::scenarios::{scenario, shared};
use testkit::bed::Tenant;
use testkit::bed::almtenant::tenant_message;
use testkit::bed::key::message;
use testkit::bed::operator::binary;

/// Applies a key with each of these URLs, and waits until each is refused for its host.
async fn refused(tenant: &Tenant<'_>, urls: &[String]) {
    for (number, url) in urls.iter().enumerate() {
        let name = format!("no-{number}");
        let mut key = tenant.make_key().await;
        key["uaa"]["url"] = json!(url);
        tenant.write_secret(&name, &key).await;
        tenant.apply_for_secret(&name, &name).await;
    }
    for (number, url) in urls.iter().enumerate() {
        let object = tenant.await_ready(&format!("no-{number}"), "False", "TokenHostNotAllowed").await;
        let said = message(&object, "Valid");
        assert!(said.contains("$.uaa.url") && !said.contains("evil"), "{url}: {said}");
    }
}

#[test]
fn a_key_that_only_looks_as_if_it_would_sign_in_at_its_tenant_is_sent_nowhere() {
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
            // Names that only look like it.
            format!("https://{host}.evil.example:{port}"),
            format!("https://evil-{host}.:{port}"),
            format!("https://{host}.:{port}"),
            format!("https://lookalike..authentication.localhost:{port}"),
            format!("https://a.{host}:{port}"),
            format!("https://authentication.localhost:{port}"),
            format!("https://lookalike.authentication.localhos\u{442}:{port}"),
            format!("https://xn--80ak6aa92e.authentication.localhost.evil.example:{port}"),
            format!("https://{long}.{long}.{long}.{long}.authentication.localhost:{port}"),
            // The right host at another port, and by another scheme.
            format!("https://{host}"),
            format!("https://{host}:{}", port.wrapping_add(1)),
            format!("http://{host}:{port}"),
            format!("file://{host}/etc/passwd"),
            // Addresses, in all forms that are read as one.
            format!("https://127.0.0.1:{port}"),
            format!("https://[::ffff:127.0.0.1]:{port}"),
            format!("https://0177.0.0.1:{port}"),
            format!("https://0x7f.1:{port}"),
            format!("https://2130706433:{port}"),
            "https://169.254.169.254".to_owned(),
            // What some readers take for the right host, and others for another.
            format!("https://{host}:{port}\\@evil.example"),
            format!("https://evil.example\\@{host}:{port}"),
            format!("https:\\\\{host}:{port}"),
            format!("https://lookalike%2eauthentication.localhost:{port}"),
            format!("https://lookalike\u{3002}authentication.localhost:{port}"),
            format!("https://{host}:{port}\t"),
        ];
        refused(&tenant, &urls).await;
        assert_eq!(tenant.calls(&["SignIn", "Put"]).await, Vec::<Value>::new());
    });
}

#[test]
fn a_metadata_service_is_not_signed_in_at_although_its_host_is_allowed_and_private_networks_are() {
    scenario("metadata", async |tenant| {
        let hosts = json!({ "hosts": ["169.254.169.254", "0.0.0.0"], "allowPrivateNetworks": true });
        tenant.patch_tenant(json!({ "spec": { "signIn": hosts } })).await;
        for (name, host) in [("aws", "169.254.169.254"), ("this", "0.0.0.0")] {
            let mut key = tenant.make_key().await;
            key["uaa"]["url"] = json!(format!("https://{host}"));
            tenant.write_secret(name, &key).await;
            tenant.apply_for_secret(name, name).await;

            let object = tenant.await_ready(name, "Unknown", "SignInUnknown").await;
            let said = message(&object, "SignedIn");
            assert!(said.contains(&format!("address {host} is never connected to")), "{said}");
        }
        assert!(tenant.writes().await.is_empty());
    });
}

#[test]
fn landscape_management_is_not_looked_for_at_a_metadata_service() {
    scenario("metadata-slot", async |tenant| {
        for field in [json!({ "url": "https://169.254.169.254/latest" }), json!({ "url": "https://[fd00:ec2::254]" })] {
            tenant.patch_tenant(json!({ "spec": { "landscapeManagement": { "http": field } } })).await;
            let found = tenant.await_tenant("metadata-slot", "False", "TenantMisconfigured").await;
            let said = tenant_message(&found, "Ready");
            let expected = "landscapeManagement.http.url is not allowed: address";
            assert!(said.contains(expected) && said.contains("never connected to"), "{said}");
        }
    });
}

#[test]
fn a_proxy_in_the_environment_is_not_told_the_key() {
    crate::scenarios::RUNTIME.block_on(async {
        let bed = shared().await;
        let tenant = Tenant::create(bed, "proxied", bed.client.clone()).await;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("key.json");
        std::fs::write(&file, tenant.make_key().await.to_string()).expect("it can be written");
        let mut command = Command::new(binary("almkey"));
        command.args(["test", "--allow-private-networks", "--allow-host"]);
        command.arg(format!("*.authentication.localhost:{}", bed.simulator.port));
        command.arg("--ca-bundle").arg(&bed.simulator.ca_file).arg(&file);
        // Nobody listens there: whoever asked that proxy would get no answer.
        for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            command.env(variable, "http://127.0.0.1:1");
        }
        let output = command.output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        assert_eq!(tenant.calls(&["SignIn"]).await.len(), 1);
    });
}
