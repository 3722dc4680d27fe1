//! `docs/helm.md` and the page of the chart, from the first command to the last.

use std::fs;
use std::path::Path;

use testkit::bed::cluster::package;
use testkit::bed::{Setup, TestBed};
use testkit::documented::{self, Command, Shell, pages};
use testkit::helm;
use testkit::monitoring;

use super::run_uninstalled;

/// The path of the chart, as the page writes it.
const CHART: (&str, &str) = ("charts/alm-key-operator", "CHART");

/// Returns the file `values.yaml` that the page shows.
fn documented_values() -> String {
    let page = pages().into_iter().find(|page| page.path == "docs/helm.md").expect("the page");
    let block = page.text.split("```yaml\n").find(|block| block.starts_with("# values.yaml")).expect("the file");
    block.split("```").next().expect("its text").to_owned()
}

/// Opens a shell of the cluster admin in a folder with the files that the page names, and with Helm in its `PATH`.
fn open_shell(bed: &TestBed, folder: &Path) -> Shell {
    let programs = helm::find_or_build().expect("Helm");
    fs::write(folder.join("values.yaml"), documented_values()).expect("a file");
    fs::write(folder.join("proxy-login.txt"), "user:word\n").expect("a file");
    fs::copy(&bed.simulator.ca_file, folder.join("ca.pem")).expect("a copy");
    Shell::of_admin(bed)
        .in_folder(folder)
        .with_programs(programs.parent().expect("a folder"))
        .with_variable("HOME", folder)
}

#[test]
fn each_command_of_the_page_on_helm_does_what_the_page_says() {
    run_uninstalled(Setup { controller_manager: true, ..Setup::default() }, async |bed| {
        let folder = tempfile::tempdir().expect("a folder");
        let shell = open_shell(&bed, folder.path());
        let chart = package().join("charts/alm-key-operator").display().to_string();
        let run = |command: &Command| {
            let installs = command.contains("helm install");
            assert!(!installs || command.contains("--set image.repository="), "a command names no image");
            command.must_run(&shell, &[CHART, ("CHART", &chart)])
        };
        monitoring::install_kinds(&bed);
        bed.kubectl(&["create", "namespace", "team-a"]);
        bed.kubectl(&["create", "namespace", "team-b"]);

        let installed = run(&documented::one("docs/helm.md#install", "helm install"));
        assert!(installed.contains("kind: ALMTenant"), "{installed}");
        run(&documented::one("docs/helm.md#set-what-matters", "helm upgrade"));
        bed.kubectl(&["get", "podmonitor/alm-key-operator", "-n", "alm-key-operator"]);
        documented::one("docs/helm.md#go-through-a-proxy", "kubectl create secret").must_run(&shell, &[]);
        run(&documented::one("docs/helm.md#trust-certificates-of-your-own-authority", "helm upgrade"));
        let certificates = ["get", "configmap/alm-key-operator-ca-bundle", "-n", "alm-key-operator", "-o", "yaml"];
        assert!(bed.kubectl(&certificates).contains("BEGIN CERTIFICATE"));
        run(&documented::one("docs/helm.md#upgrade", "helm upgrade"));
        let history = documented::one("docs/helm.md#roll-back", "helm history").must_run(&shell, &[]);
        assert!(history.lines().last().is_some_and(|line| line.starts_with('4')), "{history}");
        documented::one("docs/helm.md#roll-back", "helm rollback").must_run(&shell, &[]);
        uninstall(&shell);

        run(&documented::one("docs/helm.md#serve-single-namespaces", "helm install"));
        bed.kubectl(&["get", "rolebinding/alm-key-operator-sources", "-n", "team-b"]);
        uninstall(&shell);

        run(&documented::one("docs/helm.md#install-on-openshift", "helm install"));
        uninstall(&shell);

        let same = documented::one("charts/alm-key-operator/README.md#helm-chart-of-alm-key-operator", "helm install");
        assert!(run(&same).contains("kind: ALMTenant"));
    });
}

/// Follows the page from the deletion of the keys to that of the namespace.
fn uninstall(shell: &Shell) {
    for command in documented::all("docs/helm.md#uninstall") {
        command.must_run(shell, &[]);
    }
}
