//! The tests of Argo CD's own repository for resource customizations, over our folder: each `health_test.yaml` and
//! `action_test.yaml` with its test data.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{assess, customizations};
use testkit::health::Verdicts;

/// Value that test data has for a time.
const NO_TIME: &str = "By Argo CD at: 0001-01-01T00:00:00Z";

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn assess_one(object: &Value) -> Verdicts {
    assess(std::slice::from_ref(object)).remove(0)
}

/// Returns the cases in a list of a test file, each with its test data. Fails if there are none.
fn cases(file: &Path, list: &str) -> Vec<(Value, Value)> {
    let cases = read(file)[list].as_array().cloned().unwrap_or_default();
    assert!(!cases.is_empty(), "{} has no {list}", file.display());
    let folder = file.parent().expect("a folder");
    cases.into_iter().map(|case| (read(&folder.join(case["inputPath"].as_str().expect("a path"))), case)).collect()
}

fn kind(name: &str) -> PathBuf {
    customizations().join("almkey.dev").join(name)
}

#[test]
fn the_health_scripts_for_argo_cd_pass_the_tests_beside_them() {
    for kind in ["ALMServiceKey", "ALMTenant"].map(kind) {
        let (objects, tests): (Vec<Value>, Vec<Value>) =
            cases(&kind.join("health_test.yaml"), "tests").into_iter().unzip();
        for (verdicts, test) in assess(&objects).iter().zip(&tests) {
            let found = json!({ "status": verdicts.argocd.status, "message": verdicts.argocd.message });
            assert_eq!(found, test["healthStatus"], "{}", test["inputPath"]);
        }
        let tested: BTreeSet<_> =
            tests.iter().map(|test| test["inputPath"].as_str().expect("a path").to_owned()).collect();
        let files = fs::read_dir(kind.join("testdata")).expect("the test data").map(|file| file.expect("a file"));
        let files: BTreeSet<_> = files.map(|file| format!("testdata/{}", file.file_name().display())).collect();
        assert_eq!(tested, files, "each file of the test data belongs to a test");
    }
}

#[test]
fn the_actions_for_argo_cd_pass_the_tests_beside_them() {
    let file = kind("ALMServiceKey").join("actions/action_test.yaml");
    for (object, test) in cases(&file, "discoveryTests") {
        let actions = assess_one(&object).actions;
        let expected = test["result"].as_array().expect("actions");
        assert_eq!(actions.len(), expected.len(), "{actions:?}");
        for action in expected {
            let name = action["name"].as_str().expect("a name");
            assert_eq!(json!(actions[name].disabled), action["disabled"], "{name} of {}", test["inputPath"]);
        }
    }
    for (object, test) in cases(&file, "actionTests") {
        let name = test["action"].as_str().expect("a name");
        let mut returned = assess_one(&object).actions[name].object.clone();
        if let Some(time) = returned.pointer_mut("/metadata/annotations/almkey.dev~1reconcile-requested-at") {
            *time = json!(NO_TIME);
        }
        let expected = read(&file.with_file_name(test["expectedOutputPath"].as_str().expect("a path")));
        assert_eq!(returned, expected, "{name} of {}", test["inputPath"]);
    }
}
