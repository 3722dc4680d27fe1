//! The alerts of `deploy/alerts.yaml`, tested by promtool.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use testkit::bed::cluster::package;
use testkit::promtool;

/// The files of tests in `tests/alerts`.
const FILES: [&str; 2] = ["service-keys.yaml", "operator.yaml"];

fn read(path: &str) -> String {
    fs::read_to_string(package().join(path)).expect("the file")
}

fn parse(path: &str) -> Value {
    serde_yaml_ng::from_str(&read(path)).expect("YAML")
}

#[test]
fn promtool_finds_each_alert_firing_when_it_should_and_only_then() {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = parse("deploy/alerts.yaml")["spec"].to_string();
    fs::write(folder.path().join("rules.yaml"), rules).expect("the rules");
    for name in FILES {
        fs::write(folder.path().join(name), read(&format!("tests/alerts/{name}"))).expect("the tests");
    }
    for arguments in [&["check", "rules", "--lint-fatal", "rules.yaml"][..], &[&["test", "rules"], &FILES[..]].concat()]
    {
        let promtool = promtool::command().expect("promtool").args(arguments).current_dir(folder.path()).output();
        let output = promtool.expect("promtool can be started");
        let printed = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "promtool {arguments:?}:\n{}", String::from_utf8_lossy(&printed));
    }
}

#[test]
fn each_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not() {
    let rules = parse("deploy/alerts.yaml");
    let rules = rules["spec"]["groups"][0]["rules"].as_array().expect("rules");
    let (mut fires, mut is_silent) = (BTreeSet::new(), BTreeSet::new());
    for name in FILES {
        let tests = parse(&format!("tests/alerts/{name}"));
        let tests = tests["tests"].as_array().expect("tests");
        for check in tests.iter().flat_map(|test| test["alert_rule_test"].as_array().expect("checks")) {
            let alert = check["alertname"].as_str().expect("a name").to_owned();
            let expected = check["exp_alerts"].as_array().expect("alerts");
            if expected.is_empty() {
                is_silent.insert(alert)
            } else {
                fires.insert(alert)
            };
        }
    }
    let all: BTreeSet<String> = rules.iter().filter_map(|rule| rule["alert"].as_str().map(str::to_owned)).collect();
    assert_eq!((&fires, &is_silent), (&all, &all));
}
