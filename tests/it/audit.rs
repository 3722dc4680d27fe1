//! What `hack/audit` judges by: the table of `docs/rights.md`, and audit logs.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::rights::requests::{self, Request};
use crate::rights::verdict::Verdict;
use crate::rights::{Mode, OPERATOR, Place, Right, declared, shipped};

fn right(resource: &str, name: &str, verb: &str) -> Right {
    Right {
        role: "alm-key-operator".into(),
        place: Place::Cluster,
        group: String::new(),
        resource: resource.into(),
        name: name.into(),
        verb: verb.into(),
    }
}

/// A line of an audit log, as a request of the operator on an object of the namespace `team-a` leaves it.
fn entry(verb: &str, resource: &str, name: &str, decision: &str) -> Value {
    let reason = match decision {
        "allow" => {
            "RBAC: allowed by ClusterRoleBinding \"alm-key-operator\" of ClusterRole \"alm-key-operator\" to \
             ServiceAccount \"alm-key-operator/alm-key-operator\""
        }
        _ => "",
    };
    json!({
        "auditID": format!("{verb} {resource} {name}"),
        "verb": verb,
        "requestURI": format!("/api/v1/namespaces/team-a/{resource}/{name}"),
        "user": { "username": OPERATOR },
        "objectRef": { "resource": resource, "namespace": "team-a", "name": name },
        "responseStatus": { "code": if decision == "allow" { 200 } else { 403 } },
        "requestReceivedTimestamp": "2026-11-24T09:00:00.000000Z",
        "stageTimestamp": "2026-11-24T09:00:01.000000Z",
        "annotations": { "authorization.k8s.io/decision": decision, "authorization.k8s.io/reason": reason },
    })
}

/// The requests that a log with these lines tells of.
fn requests(entries: &[Value]) -> Vec<Request> {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("audit.log");
    let lines: Vec<_> = entries.iter().map(ToString::to_string).collect();
    std::fs::write(&log, lines.join("\n")).expect("it can be written");
    requests::of_log("a test", &log)
}

fn verdict(declared: &[Right], entries: &[Value]) -> Verdict {
    Verdict::of(declared.iter().cloned().collect(), &requests(entries))
}

#[test]
fn what_is_declared_used_and_never_denied_is_clean() {
    let declared = [right("secrets", "", "get"), right("namespaces", "kube-system", "get")];

    let verdict = verdict(
        &declared,
        &[entry("get", "secrets", "calm", "allow"), entry("get", "namespaces", "kube-system", "allow")],
    );

    assert!(verdict.is_clean(), "{verdict:#?}");
    assert_eq!(verdict.summary(Mode::ClusterWide), "cluster-wide 2 verbs declared, 2 used, 0 denied");
}

#[test]
fn a_right_that_nobody_uses_is_found_and_so_is_one_that_was_used_on_other_objects_alone() {
    let declared = [right("secrets", "", "get"), right("namespaces", "kube-system", "get")];

    let verdict = verdict(&declared, &[entry("get", "secrets", "calm", "allow")]);

    assert_eq!(verdict.unused().collect::<Vec<_>>(), [&declared[1]]);
    assert!(!verdict.is_clean());
}

#[test]
fn what_is_not_declared_is_found_whichever_role_lets_it_through() {
    let mut by_another = entry("list", "secrets", "", "allow");
    by_another["annotations"]["authorization.k8s.io/reason"] = json!(
        "RBAC: allowed by RoleBinding \"more/team-a\" of Role \"more\" to ServiceAccount \"alm-key-operator/alm-key-operator\""
    );
    let mut no_resource = entry("get", "secrets", "", "allow");
    no_resource["objectRef"].take();
    for planted in [
        entry("delete", "secrets", "calm", "allow"),
        entry("get", "namespaces", "team-a", "allow"),
        by_another,
        no_resource,
    ] {
        let declared =
            [right("namespaces", "kube-system", "get"), right("secrets", "", "get"), right("secrets", "", "list")];
        let verdict = verdict(&declared, std::slice::from_ref(&planted));
        assert!(verdict.wrong.iter().any(|what| what.starts_with("outside the table")), "{planted:#}");
    }
}

#[test]
fn a_denial_counts_unless_the_role_binding_of_that_namespace_had_been_deleted_before() {
    let denied = entry("list", "secrets", "", "forbid");
    let mut withdrawn = entry("delete", "rolebindings", "alm-key-operator-sources", "allow");
    withdrawn["user"]["username"] = json!("admin");

    assert_eq!(verdict(&[], std::slice::from_ref(&denied)).denied, 1);
    let told = verdict(&[], &[withdrawn.clone(), denied.clone()]);
    assert_eq!((told.denied, told.set_aside.len()), (0, 1), "{told:#?}");
    let mut elsewhere = withdrawn.clone();
    elsewhere["objectRef"]["namespace"] = json!("team-b");
    assert_eq!(verdict(&[], &[elsewhere, denied.clone()]).denied, 1);
    withdrawn["requestReceivedTimestamp"] = json!("2026-11-24T09:00:02.000000Z");
    assert_eq!(verdict(&[], &[denied, withdrawn]).denied, 1);
}

#[test]
fn a_denial_by_an_api_server_that_is_coming_up_does_not_count_and_one_long_before_or_after_does() {
    let denied = entry("list", "secrets", "", "forbid");
    let mut reads_roles = entry("list", "clusterroles", "", "allow");
    reads_roles["user"]["username"] = json!("system:apiserver");
    for (at, counts) in [("09:00:02", 0), ("09:00:00", 1), ("09:01:00", 1)] {
        reads_roles["stageTimestamp"] = json!(format!("2026-11-24T{at}.000000Z"));
        assert_eq!(verdict(&[], &[denied.clone(), reads_roles.clone()]).denied, counts, "{at}");
    }
}

#[test]
fn a_refusal_by_admission_is_no_denial_only_where_a_namespace_is_being_deleted() {
    let mut refused = entry("create", "events", "e", "allow");
    refused["responseStatus"]["code"] = json!(403);
    assert_eq!(verdict(&[], std::slice::from_ref(&refused)).wrong.len(), 1);
    refused["responseStatus"]["details"] = json!({ "causes": [{ "reason": "NamespaceTerminating" }] });
    let told = verdict(&[], &[refused]);
    assert!(told.wrong.is_empty() && told.set_aside.len() == 1, "{told:#?}");
}

#[test]
fn the_table_says_for_each_way_to_install_what_is_declared_and_a_row_without_a_reason_is_refused() {
    let head = "| role | API group | resource | name | verbs | all namespaces | single namespaces | why |\n|---|\n";
    let row = "| `alm-key-operator` | core | `secrets` | any | `get` | cluster | – | to read |\n";

    let everywhere = declared::parsed(&format!("{head}{row}"), Mode::ClusterWide);
    let single = declared::parsed(&format!("{head}{row}"), Mode::NamespaceScoped);

    assert_eq!(everywhere, BTreeSet::from([right("secrets", "", "get")]));
    assert_eq!(single, BTreeSet::new());
    let without = format!("{head}{}", row.replace("to read", ""));
    assert!(std::panic::catch_unwind(|| declared::parsed(&without, Mode::ClusterWide)).is_err());
}

#[test]
fn the_manifests_give_what_they_bind_to_the_operator_and_nothing_else() {
    let role = "kind: ClusterRole\nmetadata: {name: alm-key-operator}\n\
                rules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]";
    let binding = "kind: ClusterRoleBinding\nroleRef: {kind: ClusterRole, name: alm-key-operator}\n\
                   subjects: [{kind: ServiceAccount, name: alm-key-operator, namespace: alm-key-operator}]";

    assert_eq!(shipped::of(&format!("{role}\n---\n{binding}")), BTreeSet::from([right("secrets", "", "get")]));
    let of_another = binding.replace("name: alm-key-operator, namespace", "name: other, namespace");
    assert_eq!(shipped::of(&format!("{role}\n---\n{of_another}")), BTreeSet::new());
}
