//! The commands as users who may not do everything.

use super::scene::{TEAM_A, apply_for_binding, token_hosts};
use super::shell::Shell;
use crate::demo::session::Session;

/// Shows the commands as a user with the shipped roles in `team-a` alone, and as one with no role.
pub async fn show(session: &Session) {
    let tenant = session.tenant();
    let (bed, key) = (&session.bed, tenant.make_key().await);
    let alice = Shell::new(bed.create_user(TEAM_A, "alice"));
    for role in ["almkey-view", "almkey-edit"] {
        let (name, role) = (format!("alice-{role}"), format!("--clusterrole={role}"));
        bed.kubectl(&["create", "rolebinding", &name, "-n", TEAM_A, &role, "--serviceaccount=team-a:alice"]);
    }
    Session::headline("A user with the roles almkey-view and almkey-edit in team-a, and no right on Secrets");
    alice.write("key.txt", &key);
    let hosts = token_hosts(session);
    // The rules of a tenant that they may not read are options.
    let upload = ["upload", "key.txt", "--tenant", "acme", "--allow-host", &hosts, "--no-sign-in"];
    alice.almkey(&["status", "-A"], 0);
    alice.almkey(&["explain", "calm"], 0);
    alice.almkey(&["show", "calm"], 2);
    alice.almkey(&["download", "calm"], 2);
    alice.almkey(&["test", "calm"], 2);
    alice.almkey(&upload, 2);
    alice.almkey(&["reconcile", "calm"], 0);
    alice.almkey(&["done", "calm", "aaaaa-aaaaa"], 1);
    alice.almkey(&["check", "calm", "--file", "key.txt"], 1);
    alice.almkey(&["delete", "unbound", "--yes"], 0);
    alice.almkey(&["status", "-n", "team-b"], 2);
    apply_for_binding(&tenant, "unbound", "missing").await;
    tenant.await_ready("unbound", "Unknown", "WaitingForBinding").await;

    Session::headline("A user without any role");
    let bob = Shell::new(bed.create_user(TEAM_A, "bob"));
    bob.write("key.txt", &key);
    for arguments in [
        ["status"].as_slice(),
        &["status", "-A"],
        &["explain", "calm"],
        &["show", "calm"],
        &["download", "calm"],
        &["test", "calm"],
        &upload,
        &["delete", "calm", "--yes"],
        &["reconcile", "calm"],
        &["suspend", "calm"],
        &["resume", "calm"],
        &["done", "calm", "aaaaa-aaaaa"],
        &["check", "calm", "--file", "key.txt"],
    ] {
        bob.almkey(arguments, 2);
    }
    bob.almkey(&["validate", "--allow-host", &hosts, "key.txt"], 0);
}
