//! The commands for a person, all on one cluster.

use std::process::Command;

use testkit::bed::operator::binary;

#[test]
fn each_command_ends_as_expected_for_an_admin_and_for_users_with_fewer_rights() {
    let output = Command::new(binary("xtask")).arg("transcript").output().expect("the transcript can be started");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
}
