//! Checks of revisions, which make late writes harmless.

use serde_json::Value;

use super::assertions::{expect, expect_new_revision, expect_none, owner_named};
use super::server::Server;
use super::verdict::{Verdict, not_ok};

pub(super) async fn delete_empties(server: &mut Server) -> Verdict {
    let before = server.ensure_filled(&owner_named("a", false)).await?;
    let answer = server.delete(&before).await?;
    expect("a DELETE", &answer, &[204])?;
    expect_new_revision("a DELETE", &answer, &before)?;
    expect("a GET afterwards", &server.slot().await?, &[404])?;
    expect("a GET of the content afterwards", &server.content().await?, &[404])
}

pub(super) async fn delete_advances(server: &mut Server) -> Verdict {
    let before = server.ensure_empty().await?;
    let answer = server.delete(&before).await?;
    expect("a DELETE of the empty slot", &answer, &[204])?;
    expect_new_revision("a DELETE of the empty slot", &answer, &before)?;
    if server.revision().await? == before {
        return Err(not_ok("the empty slot shows the same revision after a DELETE"));
    }
    Ok(())
}

pub(super) async fn patch_advances(server: &mut Server) -> Verdict {
    let before = server.ensure_filled(&owner_named("a", false)).await?;
    let answer = server.patch(&before, &owner_named("a", false)).await?;
    expect("a PATCH with the same owner", &answer, &[204])?;
    expect_new_revision("a PATCH with the same owner", &answer, &before).map(|_| ())
}

pub(super) async fn late_write(server: &mut Server) -> Verdict {
    let key = server.keys.second.clone();
    let (mine, no_owner) = (owner_named("a", false), Value::Null);
    let late = server.ensure_empty().await?;
    server.delete(&late).await?;
    let answer = server.put(&late, &mine, &key).await?;
    expect("a PUT from before the DELETE of the empty slot", &answer, &[412])?;
    let owned = server.ensure_filled(&mine).await?;
    server.patch(&owned, &no_owner).await?;
    let late = server.revision().await?;
    server.patch(&late, &no_owner).await?;
    let answer = server.put(&late, &mine, &key).await?;
    expect("a PUT from before the PATCH of a key without an owner", &answer, &[412])
}

pub(super) async fn one_of_two(server: &mut Server) -> Verdict {
    let revision = server.ensure_empty().await?;
    let mut statuses = server.put_twice(&revision, &owner_named("a", false)).await?;
    statuses.sort_unstable();
    match statuses {
        [201 | 204, 412] => Ok(()),
        [first, second] => Err(not_ok(format!("two concurrent PUTs were answered {first} and {second}"))),
    }
}

pub(super) async fn revision_announced(server: &mut Server) -> Verdict {
    expect_none(&server.observations.wrongly_announced)
}

pub(super) async fn revision_once(server: &mut Server) -> Verdict {
    expect_none(&server.observations.reused)
}
