//! Checks of refusals, and that they have no effect.

use reqwest::Method;
use serde_json::{Value, json};

use super::assertions::{expect, owner_named};
use super::server::{Answer, Server, Snapshot};
use super::verdict::{Verdict, not_ok};

pub(super) async fn token_needed(server: &mut Server) -> Verdict {
    for method in [Method::GET, Method::DELETE] {
        for (what, token) in [("without a token", None), ("with an unknown token", Some("never-issued"))] {
            let answer = server.send_with_token(method.clone(), token).await?;
            expect(&format!("a {method} {what}"), &answer, &[401])?;
        }
    }
    Ok(())
}

pub(super) async fn if_match_needed(server: &mut Server) -> Verdict {
    each_write(server, None, 428).await
}

pub(super) async fn if_match_one_tag(server: &mut Server) -> Verdict {
    for tags in ["*", "W/\"r1\"", "r1", "\"r1\", \"r2\""] {
        each_write(server, Some(tags), 400).await?;
    }
    Ok(())
}

pub(super) async fn if_match_compared(server: &mut Server) -> Verdict {
    let stale = server.ensure_empty().await?;
    each_write(server, Some(&stale), 412).await?;
    each_write(server, Some("\"never-issued\""), 412).await?;
    server.ensure_empty().await?;
    let before = server.snapshot().await?;
    let key = server.keys.first.clone();
    let answer = server.put("\"never-issued\"", &owner_named("a", false), &key).await?;
    expect_refusal(server, "a PUT into the empty slot", &answer, 412, &before).await
}

pub(super) async fn other_tenant(server: &mut Server) -> Verdict {
    let mut key = server.keys.second.clone();
    let zone = key["uaa"]["identityzone"].as_str().unwrap_or_default();
    key["uaa"]["identityzone"] = json!(format!("not-{zone}"));
    expect_bad_key(server, "a key of another tenant", &key).await
}

pub(super) async fn incomplete_key(server: &mut Server) -> Verdict {
    for field in ["clientid", "clientsecret", "credential-type"] {
        let mut key = server.keys.second.clone();
        if let Some(uaa) = key["uaa"].as_object_mut() {
            uaa.remove(field);
        }
        expect_bad_key(server, &format!("a key without {field}"), &key).await?;
    }
    Ok(())
}

pub(super) async fn bad_body(server: &mut Server) -> Verdict {
    server.ensure_filled(&owner_named("a", false)).await?;
    let before = server.snapshot().await?;
    let (key, owner) = (server.keys.second.clone(), owner_named("a", false));
    let answer = server.put_raw(&before.revision, "application/json", "{\"key\": ".into()).await?;
    expect_refusal(server, "a PUT of half a document", &answer, 400, &before).await?;
    let bodies = [
        (Method::PUT, "without an owner", json!({ "key": key })),
        (Method::PUT, "without a key", json!({ "owner": owner })),
        (Method::PUT, "with an unknown field", json!({ "key": key, "owner": owner, "force": true })),
        (Method::PATCH, "without an owner", json!({})),
        (Method::PATCH, "with an unknown field", json!({ "owner": owner, "force": true })),
    ];
    for (method, what, body) in bodies {
        let answer = server.write(method.clone(), Some(&before.revision), Some(&body)).await?;
        expect_refusal(server, &format!("a {method} {what}"), &answer, 400, &before).await?;
    }
    Ok(())
}

pub(super) async fn json_only(server: &mut Server) -> Verdict {
    server.ensure_filled(&owner_named("a", false)).await?;
    let before = server.snapshot().await?;
    let body = json!({ "owner": owner_named("a", false), "key": server.keys.second }).to_string();
    let answer = server.put_raw(&before.revision, "text/plain", body).await?;
    expect_refusal(server, "a PUT of text/plain", &answer, 415, &before).await
}

/// Sends every kind of write with this `If-Match` to a slot that holds a key, and expects a refusal.
async fn each_write(server: &mut Server, if_match: Option<&str>, status: u16) -> Verdict {
    server.ensure_filled(&owner_named("a", false)).await?;
    let before = server.snapshot().await?;
    let put = json!({ "owner": owner_named("a", false), "key": server.keys.second });
    let patch = json!({ "owner": owner_named("b", true) });
    for (method, body) in [(Method::PUT, Some(&put)), (Method::PATCH, Some(&patch)), (Method::DELETE, None)] {
        let answer = server.write(method.clone(), if_match, body).await?;
        let what =
            format!("a {method} {}", if_match.map_or("without If-Match".into(), |tag| format!("with If-Match: {tag}")));
        expect_refusal(server, &what, &answer, status, &before).await?;
    }
    Ok(())
}

/// Checks that a key is refused with a code and a field.
async fn expect_bad_key(server: &mut Server, what: &str, key: &Value) -> Verdict {
    server.ensure_filled(&owner_named("a", false)).await?;
    let before = server.snapshot().await?;
    let answer = server.put(&before.revision, &owner_named("a", false), key).await?;
    expect_refusal(server, what, &answer, 422, &before).await?;
    let problem = answer.json();
    match ["code", "field"].iter().find(|field| !problem[**field].is_string()) {
        None => Ok(()),
        Some(field) => Err(not_ok(format!("{what} was refused without a {field}"))),
    }
}

/// Checks that a write was refused with this status and had no effect.
async fn expect_refusal(server: &mut Server, what: &str, answer: &Answer, status: u16, before: &Snapshot) -> Verdict {
    expect(what, answer, &[status])?;
    if server.snapshot().await? == *before {
        Ok(())
    } else {
        Err(not_ok(format!("{what} was refused with {status} and had an effect nevertheless")))
    }
}
