//! The commands for a person, all on one cluster.

use std::process::Command;

use testkit::bed::operator::binary;

/// Runs a transcript, which fails if a command ends with another exit code than expected.
fn run(arguments: &[&str]) {
    let output = Command::new(binary("xtask")).arg("transcript").args(arguments).output();
    let output = output.expect("the transcript can be started");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn each_command_ends_as_expected_for_an_admin_and_for_users_with_fewer_rights() {
    run(&[]);
}

#[test]
fn each_command_from_helm_install_to_helm_uninstall_ends_as_expected() {
    run(&["--install"]);
}
