//! The commands on the tenant whose slot the operator writes.

use super::scene::{TEAM_A, other_tenants_key, token_hosts};
use super::shell::Shell;
use crate::demo::session::Session;

/// Shows the commands as the cluster admin.
pub async fn show(session: &Session) {
    let tenant = session.tenant();
    let admin = Shell::of_admin(session);
    let in_team_a = |arguments: &[&str], code| admin.almkey(&[arguments, &["-n", TEAM_A]].concat(), code);

    Session::headline("Cluster admin: what is in each slot, and what is wrong");
    admin.almkey(&["status", "-A"], 0);
    admin.almkey(&["status", "-A", "-o", "wide"], 0);
    in_team_a(&["explain", "calm"], 0);
    for (name, code) in [("second", 1), ("revoked", 1), ("other-tenants", 1), ("unbound", 3)] {
        in_team_a(&["explain", name], code);
    }

    Session::headline("Cluster admin: display, download, test");
    in_team_a(&["show", "calm"], 0);
    in_team_a(&["download", "calm", "-o", "calm.txt"], 0);
    in_team_a(&["download", "second", "-o", "second.txt"], 0);
    in_team_a(&["test", "calm"], 0);
    in_team_a(&["test", "revoked"], 1);
    admin.almkey(&["validate", "--identity-zone", "acme-calm", "--allow-host", &token_hosts(session), "calm.txt"], 0);

    Session::headline("Cluster admin: reconcile, suspend, resume, delete, upload");
    in_team_a(&["reconcile", "calm"], 0);
    in_team_a(&["suspend", "second"], 0);
    in_team_a(&["resume", "second"], 1);
    for name in ["second", "revoked", "other-tenants", "unbound"] {
        tenant.delete(name).await;
    }
    in_team_a(&["delete", "calm", "--yes"], 0);
    let key = tenant.make_key().await;
    admin.write("bad.txt", &other_tenants_key(&key));
    admin.write("good.txt", &key);
    in_team_a(&["upload", "bad.txt", "--tenant", "acme", "--name", "pasted"], 1);
    in_team_a(&["upload", "good.txt", "--tenant", "acme", "--name", "pasted"], 0);
    admin.almkey(&["status", "-n", TEAM_A], 0);
}
