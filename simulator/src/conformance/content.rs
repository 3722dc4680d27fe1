//! What the slot holds.

use serde_json::{Value, json};

use super::checks::{Verdict, advanced, expect, none, not_ok, owner_named, strong};
use super::server::Server;

/// The largest key that the operator sends, in bytes.
const LARGEST: usize = 64 * 1024;

pub(super) async fn empty_has_revision(server: &mut Server) -> Verdict {
    let (slot, content) = (server.look().await?, server.content().await?);
    expect("a look at the empty slot", &slot, &[404])?;
    expect("a look at its content", &content, &[404])?;
    if !slot.etag.as_deref().is_some_and(strong) {
        return Err(not_ok("the empty slot shows no strong ETag"));
    }
    if slot.etag == content.etag { Ok(()) } else { Err(not_ok("slot and content show different ETags")) }
}

pub(super) async fn put_fills(server: &mut Server) -> Verdict {
    let before = server.emptied().await?;
    let key = server.keys.first.clone();
    let answer = server.put(&before, &owner_named("a", false), &key).await?;
    expect("a PUT into the empty slot", &answer, &[201, 204])?;
    advanced("a PUT into the empty slot", &answer, &before)?;
    expect("a look afterwards", &server.look().await?, &[200])
}

pub(super) async fn shown_without_secret(server: &mut Server) -> Verdict {
    server.filled(&owner_named("a", false)).await?;
    let answer = server.look().await?;
    let (shown, key) = (answer.json(), &server.keys.first["uaa"]);
    for field in ["identityzone", "clientid", "credential-type"] {
        if shown[field] != key[field] {
            return Err(not_ok(format!("the slot shows another {field} than that of the key that was put")));
        }
    }
    let secret = key["clientsecret"].as_str().unwrap_or_default();
    let told = String::from_utf8_lossy(&answer.body).contains(secret);
    if told { Err(not_ok("the slot shows the client's secret")) } else { Ok(()) }
}

pub(super) async fn kept(server: &mut Server) -> Verdict {
    server.filled(&owner_named("a", false)).await?;
    let key = server.keys.first.clone();
    same_content(server, &key).await
}

pub(super) async fn large_key(server: &mut Server) -> Verdict {
    let revision = server.emptied().await?;
    let mut key = server.keys.first.clone();
    key["padding"] = json!("");
    let padding = LARGEST.saturating_sub(key.to_string().len());
    key["padding"] = json!("x".repeat(padding));
    let answer = server.put(&revision, &owner_named("a", false), &key).await?;
    expect("a PUT of a key of 64 KiB", &answer, &[201, 204])?;
    same_content(server, &key).await
}

pub(super) async fn put_replaces(server: &mut Server) -> Verdict {
    let before = server.filled(&owner_named("a", false)).await?;
    let key = server.keys.second.clone();
    let answer = server.put(&before, &owner_named("a", false), &key).await?;
    expect("a PUT over a key", &answer, &[204])?;
    advanced("a PUT over a key", &answer, &before)?;
    let shown = server.content().await?.json();
    if shown["uaa"]["clientid"] == key["uaa"]["clientid"] {
        Ok(())
    } else {
        Err(not_ok("the slot does not hold the key that was put last"))
    }
}

pub(super) async fn as_documented(server: &mut Server) -> Verdict {
    none(&server.notes.undeclared)
}

async fn same_content(server: &mut Server, key: &Value) -> Verdict {
    let answer = server.content().await?;
    expect("a look at the content", &answer, &[200])?;
    if answer.json() == *key { Ok(()) } else { Err(not_ok("the content is not the key that was put")) }
}
