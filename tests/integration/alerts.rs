//! The alerts and the dashboard of `deploy/monitoring`: promtool tests the alerts, and both name existing metrics only.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};

use crate::tables;
use alm_key_operator::domain::reason::Reason;
use testkit::bed::cluster::package;
use testkit::monitoring::{alerts, grouping_labels, metric, panel_queries, rules, selectors, variable_queries};
use testkit::promtool;

/// The files of tests in `tests/alerts`.
const FILES: [&str; 3] = ["service-keys.yaml", "operator.yaml", "causes.yaml"];
/// Labels that Prometheus adds, or that a histogram has.
const FOREIGN_LABELS: [&str; 2] = ["instance", "le"];
/// The page with a section for each alert.
const RUNBOOKS: &str = "docs/runbooks.md";
/// The parts of each section.
const PARTS: [&str; 6] = ["Meaning", "Impact", "First look", "Diagnosis", "Remedy", "Over when"];

fn read(path: &str) -> String {
    fs::read_to_string(package().join(path)).expect("the file")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

/// Returns the rules with the summary as the only annotation, which is what the tests of promtool compare.
fn rules_with_summaries() -> Value {
    let mut rules = rules()["spec"].take();
    for rule in rules["groups"][0]["rules"].as_array_mut().expect("rules") {
        rule["annotations"] = json!({ "summary": rule["annotations"]["summary"] });
    }
    rules
}

#[test]
fn promtool_finds_each_alert_firing_when_it_should_and_only_then() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("all.yaml"), rules()["spec"].to_string()).expect("the rules");
    fs::write(folder.path().join("rules.yaml"), rules_with_summaries().to_string()).expect("the rules");
    for name in FILES {
        fs::write(folder.path().join(name), read(&format!("tests/alerts/{name}"))).expect("the tests");
    }
    for arguments in [&["check", "rules", "--lint-fatal", "all.yaml"][..], &[&["test", "rules"], &FILES[..]].concat()] {
        let promtool = promtool::command().expect("promtool").args(arguments).current_dir(folder.path()).output();
        let output = promtool.expect("promtool can be started");
        let printed = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "promtool {arguments:?}:\n{}", String::from_utf8_lossy(&printed));
    }
}

#[test]
fn each_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not() {
    let (mut fires, mut is_silent) = (BTreeSet::new(), BTreeSet::new());
    for name in FILES {
        let tests: Value = serde_yaml_ng::from_str(&read(&format!("tests/alerts/{name}"))).expect("YAML");
        let tests = tests["tests"].as_array().expect("tests").clone();
        for check in tests.iter().filter_map(|test| test["alert_rule_test"].as_array()).flatten() {
            let alert = text(&check["alertname"]).to_owned();
            let expected = check["exp_alerts"].as_array().expect("alerts");
            if expected.is_empty() {
                is_silent.insert(alert)
            } else {
                fires.insert(alert)
            };
        }
    }
    let all: BTreeSet<String> = alerts().iter().map(|rule| text(&rule["alert"]).to_owned()).collect();
    assert_eq!((&fires, &is_silent), (&all, &all));
}

#[test]
fn each_alert_says_how_bad_it_is_what_to_do_first_and_where_to_read_on() {
    for alert in alerts() {
        let name = text(&alert["alert"]);
        let severity = text(&alert["labels"]["severity"]);
        assert!(["critical", "warning", "info"].contains(&severity), "{name}: {severity}");
        let annotations = alert["annotations"].as_object().expect("annotations");
        let names: Vec<_> = annotations.keys().map(String::as_str).collect();
        assert_eq!(names, ["description", "runbook", "summary"], "{name}");
        assert_eq!(annotations["runbook"], format!("{RUNBOOKS}#{}", name.to_lowercase()));
        let known = grouping_labels(text(&alert["expr"]));
        for text in annotations.values().map(text) {
            let used = text.split("$labels.").skip(1).filter_map(|rest| rest.split(' ').next());
            for label in used {
                assert!(known.contains(label), "{name} has no label {label}: {text}");
            }
        }
    }
}

/// Returns the sections of the runbooks by their headings.
fn sections() -> BTreeMap<String, String> {
    let page = read(RUNBOOKS);
    let sections = page.split("\n## ").skip(1).filter_map(|section| section.split_once('\n'));
    sections.map(|(heading, text)| (heading.to_owned(), text.to_owned())).collect()
}

#[test]
fn each_alert_has_a_runbook_and_each_runbook_an_alert() {
    let sections = sections();
    let alerts: Vec<String> = alerts().iter().map(|alert| text(&alert["alert"]).to_owned()).collect();
    let headings: BTreeSet<_> = sections.keys().filter(|heading| heading.starts_with("Almkey")).collect();
    assert_eq!(headings, alerts.iter().collect(), "{RUNBOOKS} must have a section for each alert, and no other");
    for alert in alerts {
        for part in PARTS {
            assert!(sections[&alert].contains(&format!("\n**{part}.** ")), "{RUNBOOKS}: {alert} has no {part}");
        }
    }
}

/// Returns the reasons that the matchers of an alert name.
fn reasons(alert: &str) -> BTreeSet<String> {
    let alerts = alerts();
    let rule = alerts.iter().find(|rule| rule["alert"] == alert).expect("the alert");
    let matchers = text(&rule["expr"]).split("almkey_service_key_ready{reason").skip(1);
    let values = matchers.filter_map(|rest| rest.split('"').nth(1));
    values.flat_map(|value| value.split('|')).map(str::to_owned).collect()
}

#[test]
fn each_reason_of_a_key_that_is_not_ready_is_covered_by_an_alert() {
    let left_out = reasons("AlmkeyServiceKeyNotReady");
    for reason in &left_out {
        assert!(Reason::parse(reason).is_some(), "{reason} is no reason");
    }
    // The alerts of manual mode read other metrics than the reason.
    let mut covered = BTreeSet::from([Reason::ActionRequired.to_string()]);
    covered.extend(reasons("AlmkeyUploadFailing"));
    covered.extend(reasons("AlmkeySlotOverwritten"));
    assert_eq!(left_out, covered, "what AlmkeyServiceKeyNotReady leaves out has an alert of its own");
}

/// Returns all metrics with their labels, as the documentation lists them. A scenario compares it with `/metrics`.
fn exported() -> BTreeMap<String, BTreeSet<String>> {
    let parse = |row: Vec<String>| {
        let labels =
            row[3].split(", ").map(|label| label.trim_matches('`').to_owned()).filter(|label| !label.is_empty());
        (row[0].trim_matches('`').to_owned(), labels.collect())
    };
    tables::metrics().into_iter().map(parse).collect()
}

/// Returns all expressions with what they belong to.
fn expressions() -> Vec<(String, String)> {
    let alerts =
        alerts().into_iter().map(|rule| (format!("`{}`", text(&rule["alert"])), text(&rule["expr"]).to_owned()));
    alerts.chain(panel_queries().into_iter().map(|query| (query.row, query.expression))).collect()
}

#[test]
fn the_alerts_and_the_dashboard_use_only_exported_metrics_and_labels() {
    let exported = exported();
    for (place, expression) in expressions() {
        let selectors = selectors(&expression);
        assert!(!selectors.is_empty(), "{place}: {expression}");
        let mut known: BTreeSet<String> = FOREIGN_LABELS.map(str::to_owned).into();
        for selector in selectors {
            let name = metric(&selector.series);
            let labels = exported.get(name).unwrap_or_else(|| panic!("{place}: {name} is not exported"));
            let unknown: Vec<_> = selector.labels.difference(labels).collect();
            assert!(unknown.is_empty(), "{place}: {name} has no labels {unknown:?}");
            known.extend(labels.iter().cloned());
        }
        let unknown: Vec<_> = grouping_labels(&expression).difference(&known).cloned().collect();
        assert!(unknown.is_empty(), "{place}: no metric of it has the labels {unknown:?}: {expression}");
    }
    for (name, label) in variable_queries() {
        assert!(exported.get(&name).is_some_and(|labels| labels.contains(&label)), "{name} has no label {label}");
    }
}

#[test]
fn the_table_of_metrics_gives_the_unit_and_every_use() {
    let expressions = expressions();
    for row in tables::metrics() {
        let name = row[0].trim_matches('`');
        assert_eq!(row[2] == "seconds", name.ends_with("_seconds"), "unit of {name}: {}", row[2]);
        assert!(!row[2].is_empty(), "{name} has no unit");
        let mut uses: Vec<&str> = Vec::new();
        for (place, expression) in &expressions {
            let is_used = selectors(expression).iter().any(|selector| metric(&selector.series) == name);
            if is_used && !uses.contains(&place.as_str()) {
                uses.push(place);
            }
        }
        assert_eq!(row[5], uses.join(", "), "uses of {name}");
    }
}
