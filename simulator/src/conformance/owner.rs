//! Checks of the owner of the key.

use serde_json::{Value, json};

use super::assertions::{expect, expect_new_revision, owner_named};
use super::server::Server;
use super::verdict::{Failed, Verdict, not_ok};

pub(super) async fn kept(server: &mut Server) -> Verdict {
    let owner = owner_named("a", false);
    server.ensure_filled(&owner).await?;
    let shown = server.slot().await?.json();
    for field in ["clusterID", "namespace", "name"] {
        if shown["owner"][field] != owner[field] {
            return Err(not_ok(format!("the slot shows another owner.{field} than the one that was put")));
        }
    }
    Ok(())
}

pub(super) async fn put_sets_adopted(server: &mut Server) -> Verdict {
    for adopted in [true, false] {
        server.ensure_filled(&owner_named("a", adopted)).await?;
        let shown = server.slot().await?.json();
        if shown["owner"]["adopted"] != json!(adopted) {
            return Err(not_ok(format!("the slot does not show `adopted: {adopted}` after a PUT that sent it")));
        }
    }
    Ok(())
}

pub(super) async fn adopt(server: &mut Server) -> Verdict {
    let owner = owner_named("b", true);
    let shown = change(server, &owner).await?;
    if shown == owner { Ok(()) } else { Err(not_ok("the slot does not show the owner that was sent")) }
}

pub(super) async fn release(server: &mut Server) -> Verdict {
    let shown = change(server, &Value::Null).await?;
    if shown.is_null() { Ok(()) } else { Err(not_ok("the slot still shows an owner")) }
}

pub(super) async fn nothing_to_own(server: &mut Server) -> Verdict {
    server.ensure_empty().await?;
    let before = server.snapshot().await?;
    let answer = server.patch(&before.revision, &owner_named("a", true)).await?;
    expect("a PATCH of the empty slot", &answer, &[409])?;
    if server.snapshot().await? == before { Ok(()) } else { Err(not_ok("a PATCH of the empty slot had an effect")) }
}

/// Sends another owner, checks that nothing else changes, and returns the owner that the slot shows then.
async fn change(server: &mut Server, owner: &Value) -> Result<Value, Failed> {
    let before = server.ensure_filled(&owner_named("a", false)).await?;
    let (shown, content) = (server.slot().await?.json(), server.content().await?.body);
    let answer = server.patch(&before, owner).await?;
    expect("a PATCH", &answer, &[204])?;
    expect_new_revision("a PATCH", &answer, &before)?;
    let mut after = server.slot().await?.json();
    let owner = after["owner"].take();
    for field in ["identityzone", "clientid", "credential-type", "uploadedAt"] {
        if shown[field] != after[field] {
            return Err(not_ok(format!("a PATCH changed the {field}")));
        }
    }
    if server.content().await?.body == content { Ok(owner) } else { Err(not_ok("a PATCH changed the content")) }
}
