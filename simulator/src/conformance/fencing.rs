//! Revisions: what makes a late write harmless.

use serde_json::Value;

use super::checks::{Verdict, advanced, expect, none, not_ok, owner_named};
use super::server::Server;

pub(super) async fn delete_empties(server: &mut Server) -> Verdict {
    let before = server.filled(&owner_named("a", false)).await?;
    let answer = server.delete(&before).await?;
    expect("a DELETE", &answer, &[204])?;
    advanced("a DELETE", &answer, &before)?;
    expect("a look afterwards", &server.look().await?, &[404])?;
    expect("a look at the content afterwards", &server.content().await?, &[404])
}

pub(super) async fn delete_advances(server: &mut Server) -> Verdict {
    let before = server.emptied().await?;
    let answer = server.delete(&before).await?;
    expect("a DELETE of the empty slot", &answer, &[204])?;
    advanced("a DELETE of the empty slot", &answer, &before)?;
    if server.revision().await? == before {
        return Err(not_ok("the empty slot shows the same revision after a DELETE"));
    }
    Ok(())
}

pub(super) async fn patch_advances(server: &mut Server) -> Verdict {
    let before = server.filled(&owner_named("a", false)).await?;
    let answer = server.patch(&before, &owner_named("a", false)).await?;
    expect("a PATCH with the same owner", &answer, &[204])?;
    advanced("a PATCH with the same owner", &answer, &before).map(|_| ())
}

pub(super) async fn late_write(server: &mut Server) -> Verdict {
    let key = server.keys.second.clone();
    let (mine, nobody) = (owner_named("a", false), Value::Null);
    let late = server.emptied().await?;
    server.delete(&late).await?;
    let answer = server.put(&late, &mine, &key).await?;
    expect("a PUT from before the DELETE of the empty slot", &answer, &[412])?;
    let owned = server.filled(&mine).await?;
    server.patch(&owned, &nobody).await?;
    let late = server.revision().await?;
    server.patch(&late, &nobody).await?;
    let answer = server.put(&late, &mine, &key).await?;
    expect("a PUT from before the PATCH of nobody's key", &answer, &[412])
}

pub(super) async fn one_of_two(server: &mut Server) -> Verdict {
    let revision = server.emptied().await?;
    let mut statuses = server.put_twice(&revision, &owner_named("a", false)).await?;
    statuses.sort_unstable();
    match statuses {
        [201 | 204, 412] => Ok(()),
        [first, second] => Err(not_ok(format!("two PUTs at once were answered {first} and {second}"))),
    }
}

pub(super) async fn revision_told(server: &mut Server) -> Verdict {
    none(&server.notes.mistold)
}

pub(super) async fn revision_once(server: &mut Server) -> Verdict {
    none(&server.notes.reused)
}
