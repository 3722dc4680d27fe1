//! Checks of the content of the slot.

use serde_json::{Value, json};

use super::assertions::{expect, expect_new_revision, expect_none, is_strong, owner_named};
use super::server::Server;
use super::verdict::{Verdict, not_ok};

/// Upper bound of the keys that the operator sends, in bytes.
const MAX_KEY: usize = 64 * 1024;

pub(super) async fn empty_has_revision(server: &mut Server) -> Verdict {
    let (slot, content) = (server.slot().await?, server.content().await?);
    expect("a GET of the empty slot", &slot, &[404])?;
    expect("a GET of its content", &content, &[404])?;
    if !slot.etag.as_deref().is_some_and(is_strong) {
        return Err(not_ok("the empty slot shows no strong ETag"));
    }
    if slot.etag == content.etag { Ok(()) } else { Err(not_ok("slot and content show different ETags")) }
}

pub(super) async fn put_fills(server: &mut Server) -> Verdict {
    let before = server.ensure_empty().await?;
    let key = server.keys.first.clone();
    let answer = server.put(&before, &owner_named("a", false), &key).await?;
    expect("a PUT into the empty slot", &answer, &[201, 204])?;
    expect_new_revision("a PUT into the empty slot", &answer, &before)?;
    expect("a GET afterwards", &server.slot().await?, &[200])
}

pub(super) async fn shown_without_secret(server: &mut Server) -> Verdict {
    server.ensure_filled(&owner_named("a", false)).await?;
    let answer = server.slot().await?;
    let (shown, key) = (answer.json(), &server.keys.first["uaa"]);
    for field in ["identityzone", "clientid", "credential-type"] {
        if shown[field] != key[field] {
            return Err(not_ok(format!("the slot shows another {field} than the key has")));
        }
    }
    let secret = key["clientsecret"].as_str().unwrap_or_default();
    let is_exposed = String::from_utf8_lossy(&answer.body).contains(secret);
    if is_exposed { Err(not_ok("the slot shows the client's secret")) } else { Ok(()) }
}

pub(super) async fn kept(server: &mut Server) -> Verdict {
    server.ensure_filled(&owner_named("a", false)).await?;
    let key = server.keys.first.clone();
    expect_content(server, &key).await
}

pub(super) async fn large_key(server: &mut Server) -> Verdict {
    let revision = server.ensure_empty().await?;
    let mut key = server.keys.first.clone();
    key["padding"] = json!("");
    let padding = MAX_KEY.saturating_sub(key.to_string().len());
    key["padding"] = json!("x".repeat(padding));
    let answer = server.put(&revision, &owner_named("a", false), &key).await?;
    expect("a PUT of a key of 64 KiB", &answer, &[201, 204])?;
    expect_content(server, &key).await
}

pub(super) async fn put_replaces(server: &mut Server) -> Verdict {
    let before = server.ensure_filled(&owner_named("a", false)).await?;
    let key = server.keys.second.clone();
    let answer = server.put(&before, &owner_named("a", false), &key).await?;
    expect("a PUT over a key", &answer, &[204])?;
    expect_new_revision("a PUT over a key", &answer, &before)?;
    let shown = server.content().await?.json();
    if shown["uaa"]["clientid"] == key["uaa"]["clientid"] {
        Ok(())
    } else {
        Err(not_ok("the slot does not hold the key that was put last"))
    }
}

pub(super) async fn as_documented(server: &mut Server) -> Verdict {
    expect_none(&server.observations.undeclared)
}

/// Checks that the content is this key.
async fn expect_content(server: &mut Server, key: &Value) -> Verdict {
    let answer = server.content().await?;
    expect("a GET of the content", &answer, &[200])?;
    if answer.json() == *key { Ok(()) } else { Err(not_ok("the content is not the key that was put")) }
}
