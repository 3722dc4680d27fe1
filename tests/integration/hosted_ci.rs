//! The files of the hosted CI: pinned actions, least rights, and updates of all dependencies. `tests/slow` runs actionlint.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;
use testkit::bed::cluster::package;

fn parse(text: &str) -> Value {
    serde_yaml_ng::from_str(text).expect("YAML")
}

/// Returns the text of each workflow by its file name.
fn workflows() -> BTreeMap<String, String> {
    let entries = fs::read_dir(package().join(".github/workflows")).expect("the workflows");
    let files = entries.map(|entry| entry.expect("a file").path());
    files
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("a workflow"))
        })
        .collect()
}

fn jobs(workflow: &Value) -> impl Iterator<Item = (&String, &Value)> {
    workflow["jobs"].as_object().expect("jobs").iter()
}

fn steps(job: &Value) -> impl Iterator<Item = &Value> {
    job["steps"].as_array().expect("steps").iter()
}

/// Returns the lines of a workflow that name an action by anything but a commit and its version.
fn unpinned(text: &str) -> Vec<String> {
    let uses = text.lines().filter(|line| line.trim_start().trim_start_matches("- ").starts_with("uses:"));
    let pinned = regex::Regex::new(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$").expect("a pattern");
    uses.filter(|line| !pinned.is_match(line)).map(|line| line.trim().to_owned()).collect()
}

/// Returns what a workflow may do or reveal beyond what it needs, as sentences.
fn excesses(workflow: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if workflow["permissions"].as_object().is_none_or(|rights| !rights.is_empty()) {
        found.push("the workflow must begin with no rights".to_owned());
    }
    for (name, job) in jobs(workflow) {
        let mut expect = |holds: bool, what: &str| {
            if !holds {
                found.push(format!("{name}: {what}"));
            }
        };
        expect(job["permissions"].is_object(), "a job names each right that it needs");
        expect(job["timeout-minutes"].is_u64(), "a job has a timeout");
        for step in steps(job) {
            let uses = step["uses"].as_str().unwrap_or_default();
            let keeps_token = uses.starts_with("actions/checkout@") && step["with"]["persist-credentials"] != false;
            expect(!keeps_token, "a checkout does not leave its token in the work tree");
            let script = step["run"].as_str().unwrap_or_default();
            expect(!script.contains("${{"), "a script reads values from variables, where they cannot become code");
            let has_pipeline = script.replace("||", "").contains('|');
            let fails = !has_pipeline || workflow["defaults"]["run"]["shell"] == "bash";
            expect(fails, "a pipeline fails if any command of it fails: defaults.run.shell is bash");
        }
    }
    found
}

#[test]
fn each_action_is_pinned_to_a_commit_with_its_version_beside_it() {
    for (name, text) in workflows() {
        assert!(unpinned(&text).is_empty(), "{name}: {:?}", unpinned(&text));
    }
    for line in ["- uses: actions/checkout@v7", "uses: actions/checkout@0123456789012345678901234567890123456789"] {
        assert_eq!(unpinned(line).len(), 1, "{line}");
    }
}

#[test]
fn the_same_action_has_the_same_commit_in_all_workflows() {
    let all: String = workflows().into_values().collect();
    let names = regex::Regex::new(r"uses: ([\w./-]+)@(\S+)").expect("a pattern");
    let mut commits: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for found in names.captures_iter(&all) {
        let (_, [name, commit]) = found.extract();
        commits.entry(name).or_default().insert(commit);
    }
    assert!(commits.len() > 3, "{commits:?}");
    assert!(commits.values().all(|commits| commits.len() == 1), "{commits:?}");
}

#[test]
fn workflows_have_no_more_rights_than_they_need() {
    for (name, text) in workflows() {
        assert_eq!(excesses(&parse(&text)), Vec::<String>::new(), "{name}");
    }
    let careless = "jobs: {build: {steps: [{uses: actions/checkout@v7}, {run: 'echo ${{ github.head_ref }}'}]}}";
    assert_eq!(excesses(&parse(careless)).len(), 5);
}

#[test]
fn only_the_job_that_publishes_a_release_can_write() {
    for (file, text) in workflows() {
        for (name, job) in jobs(&parse(&text)) {
            let rights = job["permissions"].as_object().expect("rights");
            let can_write = rights.values().any(|right| right == "write");
            assert_eq!(can_write, (file.as_str(), name.as_str()) == ("release.yml", "publish"), "{file}: {name}");
        }
    }
}

#[test]
fn no_code_of_a_pull_request_sees_a_secret() {
    for (name, text) in workflows() {
        assert!(!text.contains("pull_request_target"), "{name}: it runs with the rights of the repository");
        assert!(!text.contains("secrets."), "{name}: releases are signed without a stored key");
    }
    let release = parse(&workflows()["release.yml"]);
    assert_eq!(release["on"], serde_json::json!({ "push": { "tags": ["v*"] } }));
}

#[test]
fn the_hosted_ci_runs_the_targets_that_contributors_run() {
    let commands = |file: &str| -> BTreeSet<String> {
        let workflow = parse(&workflows()[file]);
        let scripts = jobs(&workflow).flat_map(|(_, job)| steps(job)).filter_map(|step| step["run"].as_str());
        scripts.filter(|script| script.starts_with("make ")).map(str::to_owned).collect()
    };
    let expected = |targets: &[&str]| targets.iter().map(|target| format!("make {target}")).collect::<BTreeSet<_>>();
    assert_eq!(commands("ci.yml"), expected(&["lint", "test", "prove"]));
    assert_eq!(commands("advisories.yml"), expected(&["advisories"]));
    assert_eq!(commands("release.yml"), expected(&["lint", "test", "image"]));
    assert!(workflows()["release.yml"].contains("cargo xtask archives"), "with the programs of a Mac");
}

#[test]
fn dependabot_looks_into_each_lock_file_and_knows_each_tool() {
    let config = parse(&fs::read_to_string(package().join(".github/dependabot.yml")).expect("dependabot.yml"));
    let updates = config["updates"].as_array().expect("updates");
    let of = |ecosystem: &str| {
        let mut found = updates.iter().filter(|update| update["package-ecosystem"] == ecosystem);
        found.next().unwrap_or_else(|| panic!("no updates of {ecosystem}"))
    };
    assert_eq!(of("cargo")["directories"], serde_json::json!(["/", "/fuzz"]));
    assert_eq!(of("github-actions")["directory"], "/");
    assert_eq!(of("pip")["directory"], "/xtask");
    let go = of("gomod");
    assert_eq!(go["directories"], serde_json::json!(["/testkit/go/*"]));
    let allowed = go["allow"].as_array().expect("names").iter().filter_map(|rule| rule["dependency-name"].as_str());
    let allowed: Vec<_> = allowed.map(|name| name.trim_end_matches('*')).collect();
    for tool in tools().iter().filter(|tool| !tool.starts_with("k8s.io/kubernetes/")) {
        assert!(allowed.iter().any(|name| tool.starts_with(name)), "dependabot.yml does not allow {tool}");
    }
}

/// Returns the packages of all tools in `testkit/go`.
fn tools() -> BTreeSet<String> {
    let entries = fs::read_dir(package().join("testkit/go")).expect("the modules");
    let modules = entries.filter_map(|entry| fs::read_to_string(entry.expect("a folder").path().join("go.mod")).ok());
    modules
        .flat_map(|module| {
            let block = module.split_once("\ntool (").and_then(|(_, rest)| rest.split_once(')'));
            let block = block.map(|(block, _)| block.to_owned()).unwrap_or_default();
            let single = module.lines().filter_map(|line| line.strip_prefix("tool ")).filter(|tool| *tool != "(");
            block
                .lines()
                .map(str::trim)
                .filter(|tool| !tool.is_empty())
                .chain(single)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn a_report_of_a_bug_asks_for_the_explanation_and_warns_of_keys() {
    let form = fs::read_to_string(package().join(".github/ISSUE_TEMPLATE/bug.yml")).expect("the form");
    assert!(form.contains("almkey explain NAME -n NAMESPACE") && form.contains("**Never paste a key**"), "{form}");
    let form = parse(&form);
    let ids: Vec<_> =
        form["body"].as_array().expect("fields").iter().filter_map(|field| field["id"].as_str()).collect();
    assert_eq!(ids, ["happened", "steps", "explain", "logs", "version", "kubernetes", "mode", "no-key"]);
}

#[test]
fn each_file_that_the_security_policy_names_exists() {
    let policy = fs::read_to_string(package().join("SECURITY.md")).expect("SECURITY.md");
    let paths = regex::Regex::new(r"(?:deploy|docs)/[\w/.-]*\w").expect("a pattern");
    let missing: Vec<_> =
        paths.find_iter(&policy).map(|path| path.as_str()).filter(|path| !package().join(path).is_file()).collect();
    assert!(paths.is_match(&policy) && missing.is_empty(), "{missing:?}");
}
