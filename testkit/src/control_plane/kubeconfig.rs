//! Who may talk to the API server, and how they find it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::error::Error;

/// Somebody who may talk to the API server, as far as roles allow.
#[derive(Clone, Debug)]
pub struct User {
    /// As what the API server knows them: the subject of bindings of roles.
    pub name: String,
    /// Their groups; everybody is `system:authenticated` besides.
    pub groups: Vec<String>,
}

/// The user that a service account is.
#[must_use]
pub fn service_account_user(namespace: &str, name: &str) -> User {
    User {
        name: format!("system:serviceaccount:{namespace}:{name}"),
        groups: vec!["system:serviceaccounts".into(), format!("system:serviceaccounts:{namespace}")],
    }
}

/// Who may do everything.
pub(super) fn admin() -> User {
    User { name: "admin".into(), groups: vec!["system:masters".into()] }
}

/// The bearer token of a user: only this control plane knows it, and it lives as long.
pub(super) struct Token(pub(super) String);

impl Token {
    pub(super) fn random() -> Self {
        // With the marker of all secrets in tests.
        Self(format!("CANARY-{:032x}", rand::random::<u128>()))
    }
}

/// Writes the API server's token file.
pub(super) fn write_tokens(path: &Path, users: &[(User, Token)]) -> Result<(), Error> {
    let line = |(number, (user, token)): (usize, &(User, Token))| {
        format!("{},{},{number},\"{}\"\n", token.0, user.name, user.groups.join(","))
    };
    let text: String = users.iter().enumerate().map(line).collect();
    fs::write(path, text).map_err(|error| Error::file(path, error))
}

/// Where the kubeconfig of a user lies.
pub(super) fn path(directory: &Path, user: &str) -> PathBuf {
    let name: String = user.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    directory.join(format!("kubeconfig-{name}.yaml"))
}

/// Writes the kubeconfig of a user.
pub(super) fn write(directory: &Path, server: &str, ca: &Path, user: &User, token: &Token) -> Result<(), Error> {
    let document = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "local",
        "clusters": [{ "name": "local", "cluster": { "server": server, "certificate-authority": ca } }],
        "contexts": [{ "name": "local", "context": { "cluster": "local", "user": user.name } }],
        "users": [{ "name": user.name, "user": { "token": token.0 } }],
    });
    let path = path(directory, &user.name);
    fs::write(&path, document.to_string()).map_err(|error| Error::file(&path, error))
}
