//! What the audit logs of API servers tell.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{NAMESPACE, OPERATOR, Place, Right};

/// An API server takes requests for about a second before it has read its roles; longer where the machine is busy.
const COMING_UP: SignedDuration = SignedDuration::from_secs(10);

/// One request of the operator.
#[derive(Clone, Debug)]
pub struct Request {
    /// In which test.
    pub test: String,
    /// What it was, in words: verb and URI.
    pub told: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// This right let it through; without the limit to a name, which the log does not tell.
    Allowed {
        /// The right, with the name of the object that was asked for.
        right: Right,
    },
    /// It was let through by something that is not a role of ours, or was none of a resource.
    Outside(String),
    /// The operator lacked the right.
    Denied,
    /// The operator lacked a right that it had had until the `RoleBinding` in that namespace was deleted.
    Withdrawn,
    /// The API server was coming up again and had not read its roles yet.
    ComingUp,
    /// It had the right, and was refused by admission: nothing is made in a namespace that is being deleted.
    Terminating,
    /// It was answered before it was asked for a right, or refused by admission for another reason.
    Unclear(String),
}

/// The requests of the operator in all worlds whose logs lie below this folder, each in a folder of its own.
pub fn below(folder: &Path) -> Vec<Request> {
    worlds(folder).iter().flat_map(|(test, logs)| of_world(test, &entries(logs))).collect()
}

/// The requests of the operator that one log tells of.
pub fn of_log(test: &str, log: &Path) -> Vec<Request> {
    of_world(test, &entries(&[log.to_owned()]))
}

/// The namespaces that somebody made in each test.
pub fn namespaces_below(folder: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut made: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (test, logs) in worlds(folder) {
        let names = entries(&logs).into_iter().filter(|entry| {
            // The API server makes some for itself.
            !text(&entry["user"]["username"]).starts_with("system:")
                && entry["objectRef"]["resource"] == "namespaces"
                && entry["objectRef"]["subresource"].is_null()
                && entry["responseStatus"]["code"] == 201
        });
        let names = names.filter_map(|entry| entry["objectRef"]["name"].as_str().map(str::to_owned));
        made.entry(test).or_default().extend(names.filter(|name| name != NAMESPACE));
    }
    made
}

/// Each world's test, and its logs: more than one if they have grown long.
fn worlds(folder: &Path) -> Vec<(String, Vec<PathBuf>)> {
    let children = |folder: &Path| -> Vec<PathBuf> {
        let read = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut paths: Vec<_> = read.map(|entry| entry.expect("an entry").path()).collect();
        paths.sort();
        paths
    };
    let world = |path: PathBuf| {
        let test = std::fs::read_to_string(path.join("test")).expect("the name of its test");
        let logs = children(&path).into_iter().filter(|path| path.extension().is_some_and(|it| it == "log"));
        (test, logs.collect())
    };
    children(folder).into_iter().map(world).collect()
}

/// What matters of the logs, in order. They are long, so that only lines are parsed that can matter.
fn entries(logs: &[PathBuf]) -> Vec<Value> {
    let matters = |line: &&str| {
        let of = |resource: &str| line.contains(&format!("\"resource\":\"{resource}\""));
        line.contains(OPERATOR) || ["namespaces", "rolebindings", "clusterroles"].into_iter().any(of)
    };
    let mut found = Vec::new();
    for log in logs {
        let text = std::fs::read_to_string(log).expect("an audit log");
        // The server may have been killed in the midst of its last line.
        found.extend(text.lines().filter(matters).filter_map(|line| serde_json::from_str::<Value>(line).ok()));
    }
    found
}

fn of_world(test: &str, entries: &[Value]) -> Vec<Request> {
    let excuses = Excuses {
        withdrawals: entries.iter().filter_map(withdrawal).collect(),
        starts: entries.iter().filter_map(start).collect(),
    };
    // A watch is told of twice: when it begins and when it ends, if that is seen.
    let mut seen = BTreeSet::new();
    let by_operator = entries.iter().filter(|entry| entry["user"]["username"] == OPERATOR);
    let by_operator = by_operator.filter(|entry| seen.insert(text(&entry["auditID"])));
    let told = |entry: &Value| format!("{} {}", text(&entry["verb"]), text(&entry["requestURI"]));
    by_operator
        .map(|entry| Request { test: test.into(), told: told(entry), outcome: outcome(entry, &excuses) })
        .collect()
}

/// What takes rights away for a while.
struct Excuses {
    withdrawals: Vec<(String, Timestamp)>,
    starts: Vec<Timestamp>,
}

impl Excuses {
    /// What the denial is to be taken for.
    fn of(&self, namespace: &str, at: Timestamp) -> Outcome {
        let before = |start: &Timestamp| at < *start && start.duration_since(at) < COMING_UP;
        if self.withdrawals.iter().any(|(there, since)| there == namespace && at >= *since) {
            Outcome::Withdrawn
        } else if self.starts.iter().any(before) {
            Outcome::ComingUp
        } else {
            Outcome::Denied
        }
    }
}

/// When an API server, coming up, had read its roles: it then looks whether those of the system are among them.
fn start(entry: &Value) -> Option<Timestamp> {
    let looks = entry["user"]["username"] == "system:apiserver" && entry["verb"] == "list";
    let at = text(&entry["stageTimestamp"]).parse().ok()?;
    (looks && entry["objectRef"]["resource"] == "clusterroles").then_some(at)
}

/// Where and since when a `RoleBinding` has gone, by hand or with its namespace.
fn withdrawal(entry: &Value) -> Option<(String, Timestamp)> {
    let deleted = ["delete", "deletecollection"].contains(&text(&entry["verb"]));
    let of_binding = entry["objectRef"]["resource"] == "rolebindings" && entry["responseStatus"]["code"] == 200;
    let namespace = text(&entry["objectRef"]["namespace"]).to_owned();
    let since = text(&entry["requestReceivedTimestamp"]).parse().ok()?;
    (deleted && of_binding).then_some((namespace, since))
}

fn outcome(entry: &Value, excuses: &Excuses) -> Outcome {
    let code = entry["responseStatus"]["code"].as_u64().unwrap_or_default();
    let reason = text(&entry["annotations"]["authorization.k8s.io/reason"]);
    match text(&entry["annotations"]["authorization.k8s.io/decision"]) {
        "allow" if code == 403 => {
            let cause = &entry["responseStatus"]["details"]["causes"][0]["reason"];
            let message = text(&entry["responseStatus"]["message"]);
            if cause == "NamespaceTerminating" { Outcome::Terminating } else { Outcome::Unclear(message.into()) }
        }
        "allow" => {
            allowed(entry, reason).map_or_else(|| Outcome::Outside(reason.into()), |right| Outcome::Allowed { right })
        }
        "forbid" => {
            let at = text(&entry["stageTimestamp"]).parse();
            let namespace = text(&entry["objectRef"]["namespace"]);
            at.map_or(Outcome::Denied, |at| excuses.of(namespace, at))
        }
        _ => Outcome::Unclear(format!("answered {code} without a look at roles")),
    }
}

/// The right that the log says a request was let through by, as in
/// `RBAC: allowed by RoleBinding "NAME/NAMESPACE" of ClusterRole "ROLE" to ServiceAccount "NAMESPACE/NAME"`.
fn allowed(entry: &Value, reason: &str) -> Option<Right> {
    let words = reason.strip_prefix("RBAC: allowed by ")?;
    let mut quoted = words.split('"').skip(1).step_by(2);
    let (binding, role) = (quoted.next()?, quoted.next()?);
    let place = match words.split(' ').next()? {
        "ClusterRoleBinding" => Place::Cluster,
        _ => Place::of_binding_in(binding.split_once('/')?.1),
    };
    let object = &entry["objectRef"];
    let subresource = object["subresource"].as_str().map(|name| format!("/{name}")).unwrap_or_default();
    Some(Right {
        role: role.into(),
        place,
        group: text(&object["apiGroup"]).into(),
        resource: format!("{}{subresource}", object["resource"].as_str()?),
        name: text(&object["name"]).into(),
        verb: text(&entry["verb"]).into(),
    })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
