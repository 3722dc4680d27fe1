//! Tests of the table in `docs/rights.md`, of the reader of audit logs, and of the verdict.

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

/// Returns the audit entry of a request of the operator for an object in the namespace `team-a`.
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

/// Returns the requests in a log.
fn requests(test: &str, lines: &str) -> Vec<Request> {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("audit.log");
    std::fs::write(&log, lines).expect("the log is written");
    requests::of_log(test, &log)
}

fn verdict(declared: &[Right], entries: &[Value]) -> Verdict {
    verdict_in("a test", declared, entries)
}

fn verdict_in(test: &str, declared: &[Right], entries: &[Value]) -> Verdict {
    let lines: Vec<_> = entries.iter().map(ToString::to_string).collect();
    Verdict::of(declared.iter().cloned().collect(), &requests(test, &lines.join("\n")))
}

#[test]
fn rights_that_are_declared_used_and_never_denied_are_clean() {
    let declared = [right("secrets", "", "get"), right("namespaces", "kube-system", "get")];

    let verdict = verdict(
        &declared,
        &[entry("get", "secrets", "calm", "allow"), entry("get", "namespaces", "kube-system", "allow")],
    );

    assert!(verdict.is_clean(), "{verdict:#?}");
    assert_eq!(verdict.summary(Mode::ClusterWide), "cluster-wide 2 verbs declared, 2 used, 0 denied");
}

#[test]
fn a_right_that_no_request_needs_is_found_also_if_other_objects_were_requested() {
    let declared = [right("secrets", "", "get"), right("namespaces", "kube-system", "get")];

    let verdict = verdict(&declared, &[entry("get", "secrets", "calm", "allow")]);

    assert_eq!(verdict.unused().collect::<Vec<_>>(), [&declared[1]]);
    assert!(!verdict.is_clean());
}

#[test]
fn a_role_gives_rights_in_the_own_namespace_wherever_that_is() {
    let mut moved = entry("get", "secrets", "calm", "allow");
    moved["annotations"]["authorization.k8s.io/reason"] = json!(
        "RBAC: allowed by RoleBinding \"own/elsewhere\" of Role \"own\" to ServiceAccount \"alm-key-operator/alm-key-operator\""
    );
    let own = Right { role: "own".into(), place: Place::OwnNamespace, ..right("secrets", "", "get") };
    assert!(verdict(&[own], &[moved]).is_clean());
}

#[test]
fn an_undeclared_right_is_found_whichever_role_gives_it() {
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
fn a_denial_counts_unless_the_role_binding_that_gave_the_right_was_deleted() {
    let sources = [Right { place: Place::ServedNamespaces, ..right("secrets", "", "list") }];
    let denied = entry("list", "secrets", "", "forbid");
    let binding = |verb: &str, code: u16, at: &str| {
        let mut entry = entry(verb, "rolebindings", "alm-key-operator-sources", "allow");
        entry["user"]["username"] = json!("admin");
        entry["responseStatus"]["code"] = json!(code);
        for field in ["requestReceivedTimestamp", "stageTimestamp"] {
            entry[field] = json!(format!("2026-11-24T{at}.000000Z"));
        }
        entry
    };
    let deleted = binding("delete", 200, "08:00:00");
    let counts = |entries: &[Value]| {
        let verdict = verdict(&sources, entries);
        (verdict.denied, verdict.set_aside.len())
    };

    assert_eq!(counts(std::slice::from_ref(&denied)), (1, 0));
    assert_eq!(counts(&[deleted.clone(), denied.clone()]), (0, 1));
    assert_eq!(counts(&[denied.clone(), binding("delete", 200, "09:00:02")]), (1, 0), "the binding was deleted later");
    let mut elsewhere = deleted.clone();
    elsewhere["objectRef"]["namespace"] = json!("team-b");
    assert_eq!(counts(&[elsewhere, denied.clone()]), (1, 0), "the binding of another namespace was deleted");
    let again = |at| [deleted.clone(), binding("patch", 201, at), denied.clone()];
    assert_eq!(counts(&again("09:00:00")), (0, 1), "the binding was created again just before");
    assert_eq!(counts(&again("08:59:00")), (1, 0), "the binding was created again");
    assert_eq!(
        counts(&[deleted.clone(), entry("get", "configmaps", "", "forbid")]),
        (1, 0),
        "the binding never gave that right"
    );
    let everywhere = right("secrets", "", "list");
    assert_eq!(verdict(&[everywhere], &[deleted, denied]).denied, 1, "another binding gives that right");
}

#[test]
fn a_denial_counts_unless_the_test_that_changes_the_cluster_role_had_done_so() {
    let declared = [right("secrets", "", "get"), right("namespaces", "", "get")];
    let changed = |at: &str| {
        let mut entry = entry("patch", "clusterroles", "alm-key-operator-sources", "allow");
        entry["user"]["username"] = json!("admin");
        for field in ["requestReceivedTimestamp", "stageTimestamp"] {
            entry[field] = json!(format!("2026-11-24T{at}.000000Z"));
        }
        entry
    };
    let test = "scenarios::security::rights::a_forbidden_read_is_not_an_absence";
    let denied = |resource| entry("get", resource, "calm", "forbid");
    for (test, changes, resource, counts) in [
        (test, vec!["08:59:00"], "secrets", 0),
        (test, vec!["08:59:00", "08:59:55"], "secrets", 0),
        (test, vec![], "secrets", 1),
        (test, vec!["09:00:02"], "secrets", 1),
        (test, vec!["08:58:00", "08:59:00"], "secrets", 1),
        (test, vec!["08:59:00"], "namespaces", 1),
        (test, vec!["08:59:00"], "configmaps", 1),
        ("another", vec!["08:59:00"], "secrets", 1),
    ] {
        let entries: Vec<_> = changes.iter().map(|at| changed(at)).chain([denied(resource)]).collect();
        assert_eq!(verdict_in(test, &declared, &entries).denied, counts, "{test}: {changes:?} {resource}");
    }
}

#[test]
fn a_denial_of_a_declared_right_by_a_starting_api_server_does_not_count() {
    let declared = [right("secrets", "", "list")];
    let denied = entry("list", "secrets", "", "forbid");
    let mut reads_roles = entry("list", "clusterroles", "", "allow");
    reads_roles["user"]["username"] = json!("system:apiserver");
    for (at, declared, counts) in
        [("09:00:02", &declared[..], 0), ("09:00:02", &[], 1), ("09:00:00", &declared, 1), ("09:01:00", &declared, 1)]
    {
        reads_roles["stageTimestamp"] = json!(format!("2026-11-24T{at}.000000Z"));
        assert_eq!(verdict(declared, &[denied.clone(), reads_roles.clone()]).denied, counts, "{at}");
    }
}

#[test]
fn a_truncated_entry_is_skipped_only_at_the_end_of_a_log_or_before_a_restart() {
    let head = "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",";
    let whole = |name: &str| entry("get", "secrets", name, "allow").to_string().replacen('{', head, 1);
    let cut = &whole("cut")[..200];
    let number = |text: &str| requests("a test", text).len();

    assert_eq!(number(&format!("{}\n{}\n", whole("first"), whole("second"))), 2);
    assert_eq!(number(&format!("{}\n{cut}", whole("first"))), 1);
    assert_eq!(number(&format!("{}\n{cut}{}\n", whole("first"), whole("second"))), 2);
    for broken in [format!("{cut}\n{}\n", whole("second")), format!("{}\n{cut}\n", whole("first"))] {
        assert!(std::panic::catch_unwind(|| number(&broken)).is_err(), "{broken}");
    }
}

#[test]
fn a_refusal_by_admission_is_accepted_only_in_a_terminating_namespace() {
    let mut refused = entry("create", "events", "e", "allow");
    refused["responseStatus"]["code"] = json!(403);
    assert_eq!(verdict(&[], std::slice::from_ref(&refused)).wrong.len(), 1);
    refused["responseStatus"]["details"] = json!({ "causes": [{ "reason": "NamespaceTerminating" }] });
    let verdict = verdict(&[], &[refused]);
    assert!(verdict.wrong.is_empty() && verdict.set_aside.len() == 1, "{verdict:#?}");
}

#[test]
fn the_table_declares_rights_for_each_mode_and_each_row_gives_a_reason() {
    let head = "| role | API group | resource | name | verbs | all namespaces | single namespaces | why |\n|---|\n";
    let row = "| `alm-key-operator` | core | `secrets` | any | `get` | cluster | – | to read |\n";

    let everywhere = declared::parse(&format!("{head}{row}"), Mode::ClusterWide);
    let single = declared::parse(&format!("{head}{row}"), Mode::NamespaceScoped);

    assert_eq!(everywhere, BTreeSet::from([right("secrets", "", "get")]));
    assert_eq!(single, BTreeSet::new());
    let without = format!("{head}{}", row.replace("to read", ""));
    assert!(std::panic::catch_unwind(|| declared::parse(&without, Mode::ClusterWide)).is_err());
}

#[test]
fn only_rights_that_are_bound_to_the_operator_are_shipped() {
    let role = "kind: ClusterRole\nmetadata: {name: alm-key-operator}\n\
                rules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]";
    let binding = "kind: ClusterRoleBinding\nroleRef: {kind: ClusterRole, name: alm-key-operator}\n\
                   subjects: [{kind: ServiceAccount, name: alm-key-operator, namespace: alm-key-operator}]";

    assert_eq!(shipped::of(&format!("{role}\n---\n{binding}")), BTreeSet::from([right("secrets", "", "get")]));
    let of_another = binding.replace("name: alm-key-operator, namespace", "name: other, namespace");
    assert_eq!(shipped::of(&format!("{role}\n---\n{of_another}")), BTreeSet::new());
}
