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

/// The requests that a log tells of.
fn requests(test: &str, lines: &str) -> Vec<Request> {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("audit.log");
    std::fs::write(&log, lines).expect("it can be written");
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
fn a_denial_counts_unless_the_role_binding_of_that_namespace_gave_that_right_and_is_gone() {
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
    let told = |entries: &[Value]| {
        let verdict = verdict(&sources, entries);
        (verdict.denied, verdict.set_aside.len())
    };

    assert_eq!(told(std::slice::from_ref(&denied)), (1, 0));
    assert_eq!(told(&[deleted.clone(), denied.clone()]), (0, 1));
    assert_eq!(told(&[denied.clone(), binding("delete", 200, "09:00:02")]), (1, 0), "it was deleted later");
    let mut elsewhere = deleted.clone();
    elsewhere["objectRef"]["namespace"] = json!("team-b");
    assert_eq!(told(&[elsewhere, denied.clone()]), (1, 0), "another namespace's was deleted");
    let again = |at| [deleted.clone(), binding("patch", 201, at), denied.clone()];
    assert_eq!(told(&again("09:00:00")), (0, 1), "it was made anew just before");
    assert_eq!(told(&again("08:59:00")), (1, 0), "it was made anew");
    assert_eq!(told(&[deleted.clone(), entry("get", "configmaps", "", "forbid")]), (1, 0), "it never gave that");
    let everywhere = right("secrets", "", "list");
    assert_eq!(verdict(&[everywhere], &[deleted, denied]).denied, 1, "another binding gives that");
}

#[test]
fn a_denial_counts_unless_the_one_test_that_takes_rights_on_secrets_from_the_cluster_role_had_done_so() {
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
fn a_denial_by_an_api_server_that_is_coming_up_does_not_count_and_one_long_before_or_after_or_undeclared_does() {
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
fn an_entry_that_was_cut_short_is_left_out_at_the_end_of_a_log_or_before_the_next_start_and_nowhere_else() {
    let head = "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",";
    let whole = |name: &str| entry("get", "secrets", name, "allow").to_string().replacen('{', head, 1);
    let cut = &whole("cut")[..200];
    let told = |text: &str| requests("a test", text).len();

    assert_eq!(told(&format!("{}\n{}\n", whole("first"), whole("second"))), 2);
    assert_eq!(told(&format!("{}\n{cut}", whole("first"))), 1);
    assert_eq!(told(&format!("{}\n{cut}{}\n", whole("first"), whole("second"))), 2);
    for broken in [format!("{cut}\n{}\n", whole("second")), format!("{}\n{cut}\n", whole("first"))] {
        assert!(std::panic::catch_unwind(|| told(&broken)).is_err(), "{broken}");
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
