//! Users of the API server and their kubeconfigs.

use std::path::{Path, PathBuf};

use almkey_simulator::files::write_atomically;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::error::Error;

/// A user of the API server, with the rights that roles grant.
#[derive(Clone, Debug)]
pub struct User {
    /// Name of the user, the subject of role bindings.
    pub name: String,
    /// Groups of the user, besides `system:authenticated`.
    pub groups: Vec<String>,
}

/// Returns the user of a service account.
#[must_use]
pub fn service_account_user(namespace: &str, name: &str) -> User {
    User {
        name: format!("system:serviceaccount:{namespace}:{name}"),
        groups: vec!["system:serviceaccounts".into(), format!("system:serviceaccounts:{namespace}")],
    }
}

/// Returns the user who may do everything.
pub(super) fn admin() -> User {
    User { name: "admin".into(), groups: vec!["system:masters".into()] }
}

/// The bearer token of a user, valid at one control plane for as long as it runs.
pub(super) struct Token(pub(super) String);

impl Token {
    /// Generates a token that carries the canary of all secrets in tests.
    pub(super) fn random() -> Self {
        Self(format!("CANARY-{:032x}", rand::random::<u128>()))
    }
}

/// Writes the API server's token file.
pub(super) fn write_tokens(path: &Path, users: &[(User, Token)]) -> Result<(), Error> {
    let line = |(number, (user, token)): (usize, &(User, Token))| {
        format!("{},{},{number},\"{}\"\n", token.0, user.name, user.groups.join(","))
    };
    let text: String = users.iter().enumerate().map(line).collect();
    write_atomically(path, text).map_err(|error| Error::file(path, error))
}

/// Returns the path of a user's kubeconfig.
pub(super) fn path(directory: &Path, user: &str) -> PathBuf {
    let name: String = user.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    directory.join(format!("kubeconfig-{name}.yaml"))
}

/// Writes the kubeconfig of a user. The CA certificate, in PEM, is in the file itself: there is no second file that could
/// be incomplete when the first one is read.
pub(super) fn write(directory: &Path, server: &str, ca: &str, user: &User, token: &Token) -> Result<(), Error> {
    let cluster = json!({ "server": server, "certificate-authority-data": STANDARD.encode(ca) });
    let document = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "local",
        "clusters": [{ "name": "local", "cluster": cluster }],
        "contexts": [{ "name": "local", "context": { "cluster": "local", "user": user.name } }],
        "users": [{ "name": user.name, "user": { "token": token.0 } }],
    });
    let path = path(directory, &user.name);
    write_atomically(&path, document.to_string()).map_err(|error| Error::file(&path, error))
}
