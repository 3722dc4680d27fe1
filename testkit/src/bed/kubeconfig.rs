//! Variants of the operator's kubeconfig.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::TestBed;

impl TestBed {
    /// Writes a variant of the operator's kubeconfig, and returns its path. `change` gets its cluster and its user.
    pub fn write_kubeconfig(&self, name: &str, change: impl FnOnce(&mut Value, &mut Value)) -> PathBuf {
        let text = std::fs::read_to_string(self.kubeconfig()).expect("the kubeconfig");
        let mut kubeconfig: Value = serde_yaml_ng::from_str(&text).expect("YAML");
        let [mut cluster, mut user] =
            [kubeconfig["clusters"][0]["cluster"].take(), kubeconfig["users"][0]["user"].take()];
        change(&mut cluster, &mut user);
        (kubeconfig["clusters"][0]["cluster"], kubeconfig["users"][0]["user"]) = (cluster, user);
        let path = self.control_plane.directory().join(format!("{name}.kubeconfig"));
        std::fs::write(&path, kubeconfig.to_string()).expect("a file");
        path
    }

    /// Creates a service account without rights, and returns a kubeconfig of it, whose context has its namespace.
    pub fn create_user(&self, namespace: &str, name: &str) -> PathBuf {
        self.kubectl(&["create", "serviceaccount", name, "-n", namespace]);
        let token = self.kubectl(&["create", "token", name, "-n", namespace]);
        let path =
            self.write_kubeconfig(&format!("{namespace}-{name}"), |_, user| *user = json!({ "token": token.trim() }));
        let text = std::fs::read_to_string(&path).expect("the kubeconfig");
        let mut kubeconfig: Value = serde_yaml_ng::from_str(&text).expect("YAML");
        kubeconfig["contexts"][0]["context"]["namespace"] = json!(namespace);
        std::fs::write(&path, kubeconfig.to_string()).expect("a file");
        path
    }

    /// Returns host and port of the API server, as the operator's kubeconfig names them.
    pub fn api_server(&self) -> String {
        let mut address = None;
        self.write_kubeconfig("unchanged", |cluster, _| {
            address = cluster["server"].as_str().and_then(|url| url.strip_prefix("https://")).map(str::to_owned);
        });
        address.expect("an https URL")
    }

    /// Returns the CA certificate of the API server, in PEM, as the operator's kubeconfig has it.
    pub fn api_server_ca(&self) -> String {
        let mut certificate = None;
        self.write_kubeconfig("unchanged", |cluster, _| {
            certificate = cluster["certificate-authority-data"].as_str().and_then(|data| STANDARD.decode(data).ok());
        });
        String::from_utf8(certificate.expect("base64")).expect("PEM")
    }
}
