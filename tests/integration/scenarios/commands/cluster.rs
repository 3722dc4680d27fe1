//! The common part of all commands for a cluster: flags, failures, completion, and the use as a plugin of kubectl.

use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::json;

use super::{command, create_user, printed, request_upload, run, run_in};
use crate::scenarios::manual::manual;
use crate::scenarios::scenario;
use testkit::bed::operator::binary;

// proves: flag --kubeconfig, flag --context
#[test]
fn the_kubeconfig_and_its_context_are_chosen_by_flags() {
    scenario("by-flags", async |tenant| {
        let kubeconfig = tenant.bed.control_plane.kubeconfig("admin").display().to_string();
        let names = ["status", "-o", "name", "-n", "by-flags", "--kubeconfig", &kubeconfig];
        let shown = run(Path::new("/nonexistent"), &names);
        assert!(shown.code == 0 && shown.stdout.contains("almtenant.almkey.dev/by-flags\n"), "{}", shown.stderr);
        for (arguments, expected) in [
            (["--kubeconfig", "/nonexistent"], ["the kubeconfig cannot be used", "No such file or directory"]),
            (["--context", "clam"], ["--context another context in it", "clam"]),
        ] {
            let shown = run_in(&tenant, &["status", arguments[0], arguments[1]]);
            assert_eq!((shown.code, shown.stdout.as_str()), (2, ""));
            assert!(expected.iter().all(|part| shown.stderr.contains(part)), "{}", shown.stderr);
        }
    });
}

#[test]
fn a_command_that_cannot_ask_names_the_server_the_cause_and_the_remedy() {
    scenario("unasked-cluster", async |tenant| {
        let bed = tenant.bed;
        let server = format!("https://{}", bed.api_server());
        let nobody = create_user(&tenant, "nobody", None).await;
        let away = bed.write_kubeconfig("away", |cluster, _| cluster["server"] = json!("https://127.0.0.1:9"));
        for (kubeconfig, expected) in [
            (
                nobody,
                [
                    format!("could not list almservicekeys in namespace \"unasked-cluster\" at {server}"),
                    "grant the right to list almservicekeys in namespace \"unasked-cluster\" (role almkey-view)".into(),
                    "cannot list resource".into(),
                ],
            ),
            (
                away,
                [
                    "could not list almtenants at https://127.0.0.1:9".into(),
                    "check the address in the kubeconfig".into(),
                    "Connection refused".into(),
                ],
            ),
        ] {
            let shown = run(&kubeconfig, &["status", "-n", &tenant.namespace]);
            assert_eq!((shown.code, shown.stdout.as_str()), (2, ""));
            assert!(expected.iter().all(|part| shown.stderr.contains(part)), "{}", shown.stderr);
        }
    });
}

#[test]
fn kubectl_finds_the_program_as_its_plugin() {
    scenario("plugin", async |tenant| {
        let folder = tempfile::tempdir().expect("a folder");
        symlink(binary("almkey"), folder.path().join("kubectl-almkey")).expect("a link");
        let kubectl = |arguments: &[&str]| {
            let mut command = tenant.bed.control_plane.kubectl("admin");
            let output = command.args(arguments).env("PATH", folder.path()).output().expect("kubectl can be started");
            printed(arguments, output)
        };
        let shown = kubectl(&["almkey", "status", "-n", "plugin", "-o", "name"]);
        assert!(shown.code == 0 && shown.stdout.contains("almtenant.almkey.dev/plugin\n"), "{}", shown.stderr);
        let help = kubectl(&["almkey", "status", "--help"]);
        assert!(help.stdout.contains("Usage: kubectl almkey status [OPTIONS]"), "{}", help.stdout);
    });
}

/// Returns what a shell proposes for the last one of these words.
fn complete(kubeconfig: &Path, words: &[&str]) -> String {
    let mut command = command(kubeconfig, &[&["--"], words].concat());
    let index = (words.len() - 1).to_string();
    command.env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", index).env("_CLAP_IFS", "\n");
    printed(words, command.output().expect("almkey can be started")).stdout
}

#[test]
fn a_shell_proposes_names_of_tenants_and_never_the_id_of_an_action() {
    manual("proposed", async |tenant| {
        let (_, id) = request_upload(&tenant).await;
        let kubeconfig = tenant.bed.control_plane.kubeconfig("admin");
        assert_eq!(complete(&kubeconfig, &["almkey", "done", "-n", "proposed", "ca"]), "calm");
        assert_eq!(complete(&kubeconfig, &["almkey", "done", "--tenant", "propo"]), "proposed");
        let proposed = |word| complete(&kubeconfig, &["almkey", "done", "-n", "proposed", "calm", word]);
        for word in [&id[..1], "c"] {
            assert_eq!(proposed(word), "");
        }
        assert!(!proposed("").contains(&id));
    });
}

#[test]
fn a_shell_completes_the_names_of_keys_in_the_chosen_namespace() {
    scenario("completed", async |tenant| {
        for name in ["calm", "cold", "other"] {
            tenant.apply_for_secret(name, "missing").await;
        }
        let kubeconfig = tenant.bed.control_plane.kubeconfig("admin");
        for name in ["explain", "done", "check", "show", "download", "delete"] {
            let words = ["almkey", name, "-n", "completed", "c"];
            assert_eq!(complete(&kubeconfig, &words), "calm\ncold", "{name}");
            assert_eq!(complete(Path::new("/nonexistent"), &words), "", "{name}");
        }
        let tested = complete(&kubeconfig, &["almkey", "test", "-n", "completed", "c"]);
        assert!(tested.starts_with("calm\ncold\n") && tested.contains("clippy.toml"), "files follow: {tested}");
        let tenants = complete(&kubeconfig, &["almkey", "upload", "key.txt", "--tenant", "complete"]);
        assert_eq!(tenants, "completed");

        let mut script = command(&kubeconfig, &[]);
        let script = printed(&[], script.env("COMPLETE", "bash").output().expect("almkey can be started"));
        assert!(script.code == 0 && script.stdout.contains("complete -o"), "{}", script.stdout);
    });
}
