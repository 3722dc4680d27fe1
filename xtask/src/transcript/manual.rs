//! The commands on the tenant in manual mode.

use alm_key_operator::api::action::{ActionOperation, ActionStatus};
use testkit::bed::Tenant;

use super::scene::{MANUAL_TENANT, TEAM_B, manual_tenant};
use super::shell::Shell;
use crate::demo::session::Session;

/// Shows the commands as the cluster admin. The slot of the simulator is what the app holds.
pub async fn show(session: &Session) {
    let tenant = manual_tenant(session);
    let admin = Shell::of_admin(session);
    let in_team_b = |arguments: &[&str], code| admin.almkey(&[arguments, &["-n", TEAM_B]].concat(), code);

    Session::headline("Manual mode: a person is asked to upload the key");
    in_team_b(&["explain", "calm"], 3);
    in_team_b(&["explain", "calm", "--steps"], 0);
    in_team_b(&["download", "calm", "-o", "calm.txt"], 0);
    admin.write("wrong.txt", &tenant.make_key().await);
    in_team_b(&["done", "calm", "aaaaa-aaaaa"], 1);
    in_team_b(&["done", "calm", "--file", "wrong.txt"], 1);
    in_team_b(&["check", "calm", "--empty"], 0);
    let first = admin.read("calm.txt");
    tenant.fill_slot(&first, None).await;
    in_team_b(&["done", "calm", "--file", "calm.txt"], 0);
    in_team_b(&["check", "calm", "--file", "wrong.txt"], 1);
    in_team_b(&["check", "calm", "--file", "calm.txt"], 0);

    Session::headline("Manual mode: a rotation with a deadline");
    let second = tenant.make_key().await;
    tenant.keep_stale_copy("calm-key", &first, "48h").await;
    tenant.rotate_binding("calm-key", &second).await;
    tenant.await_ready("calm", "True", "ActionRequired").await;
    admin.almkey(&["status", "-n", TEAM_B], 0);
    in_team_b(&["explain", "calm", "--steps"], 0);
    in_team_b(&["show", "calm"], 0);
    in_team_b(&["test", "calm"], 0);
    in_team_b(&["done", "calm", "--file", "calm.txt"], 4);
    tenant.fill_slot(&second, None).await;
    in_team_b(&["done", "calm", &action(&tenant).await.id], 0);

    Session::headline("Manual mode: delete and upload");
    in_team_b(&["delete", "calm", "--yes"], 4);
    admin.almkey(&["explain", "--tenant", MANUAL_TENANT], 3);
    let steps = admin.almkey(&["explain", "--tenant", MANUAL_TENANT, "--steps"], 0);
    tenant.empty_slot().await;
    let id = steps.lines().find_map(|line| line.trim().strip_prefix("ID: ")).expect("an ID");
    admin.almkey(&["done", "--tenant", MANUAL_TENANT, id], 0);
    admin.write("pasted.txt", &tenant.make_key().await);
    in_team_b(&["upload", "pasted.txt", "--tenant", MANUAL_TENANT, "--name", "pasted"], 4);
    admin.almkey(&["status", "-n", TEAM_B], 0);
}

async fn action(tenant: &Tenant<'_>) -> ActionStatus {
    let object = tenant.keys().get("calm").await.expect("the object exists");
    let action = object.status.and_then(|status| status.action).expect("an action");
    assert_eq!(action.operation, ActionOperation::Replace);
    action
}
