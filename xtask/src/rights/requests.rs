//! What the audit logs of API servers tell.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{NAMESPACE, OPERATOR, Place, Right};

/// An API server takes requests for about a second before it has read its roles, and goes by the old ones for a moment
/// after a change; longer where the machine is busy.
const BEHIND: SignedDuration = SignedDuration::from_secs(10);
/// How each line begins.
const HEAD: &str = "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\"";

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
    /// The operator lacked this right.
    Denied {
        /// The right, of no role, with the name of the object that was asked for; a binding there would give it.
        right: Right,
        /// What may have taken it away for a while.
        gaps: Vec<Gap>,
    },
    /// It had the right, and was refused by admission: nothing is made in a namespace that is being deleted.
    Terminating,
    /// It was answered before it was asked for a right, or refused by admission for another reason.
    Unclear(String),
}

/// Why a right that is declared may not have been there for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// A `RoleBinding` in that namespace had been deleted and not been made anew.
    Withdrawn,
    /// A `ClusterRole` had been changed, and not changed again. The log does not tell what was changed in it.
    Changed,
    /// The API server was coming up again and had not read its roles yet.
    ComingUp,
}

/// The requests of the operator in all worlds whose logs lie below this folder, each in a folder of its own.
pub fn below(folder: &Path) -> Vec<Request> {
    beds(folder).iter().flat_map(|(test, logs)| of_world(test, &entries(logs))).collect()
}

/// The requests of the operator that one log tells of.
pub fn of_log(test: &str, log: &Path) -> Vec<Request> {
    of_world(test, &entries(&[log.to_owned()]))
}

/// The namespaces that somebody made in each test.
pub fn namespaces_below(folder: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut made: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (test, logs) in beds(folder) {
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
fn beds(folder: &Path) -> Vec<(String, Vec<PathBuf>)> {
    let children = |folder: &Path| -> Vec<PathBuf> {
        let read = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut paths: Vec<_> = read.map(|entry| entry.expect("an entry").path()).collect();
        paths.sort();
        paths
    };
    let bed = |path: PathBuf| {
        let test = std::fs::read_to_string(path.join("test")).expect("the name of its test");
        let logs = children(&path).into_iter().filter(|path| path.extension().is_some_and(|it| it == "log"));
        (test, logs.collect())
    };
    children(folder).into_iter().map(bed).collect()
}

/// What matters of the logs, in order. They are long, so that only lines are parsed that can matter.
fn entries(logs: &[PathBuf]) -> Vec<Value> {
    let matters = |line: &&str| {
        let of = |resource: &str| line.contains(&format!("\"resource\":\"{resource}\""));
        let is_cut = !line.ends_with('}');
        is_cut || line.contains(OPERATOR) || ["namespaces", "rolebindings", "clusterroles"].into_iter().any(of)
    };
    let mut found = Vec::new();
    for log in logs {
        let text = std::fs::read_to_string(log).expect("an audit log");
        // The server may have been killed in the midst of its last line, or be writing it.
        let cut = text.rsplit('\n').next().unwrap_or_default();
        let whole = &text[..text.len() - cut.len()];
        let entries =
            whole.lines().filter(matters).map(|line| parsed(line).unwrap_or_else(|| panic!("no entry: {line}")));
        found.extend(entries.chain(parse(cut)));
    }
    found
}

/// One entry. A server that is started again after it was killed in the midst of a line goes on in that line.
fn parsed(line: &str) -> Option<Value> {
    let behind_a_cut = || parse(&line[line.rfind(HEAD).filter(|at| *at > 0)?..]);
    parse(line).or_else(behind_a_cut)
}

fn parse(line: &str) -> Option<Value> {
    serde_json::from_str(line).ok()
}

fn of_world(test: &str, entries: &[Value]) -> Vec<Request> {
    let gaps = Gaps {
        withdrawals: withdrawals(entries),
        changes: changes(entries),
        starts: entries.iter().filter_map(start).collect(),
    };
    // A watch is told of twice: when it begins and when it ends, if that is seen.
    let mut seen = BTreeSet::new();
    let by_operator = entries.iter().filter(|entry| entry["user"]["username"] == OPERATOR);
    let by_operator = by_operator.filter(|entry| seen.insert(text(&entry["auditID"])));
    let told = |entry: &Value| format!("{} {}", text(&entry["verb"]), text(&entry["requestURI"]));
    by_operator.map(|entry| Request { test: test.into(), told: told(entry), outcome: outcome(entry, &gaps) }).collect()
}

/// What takes rights away for a while.
struct Gaps {
    withdrawals: Vec<Withdrawal>,
    /// Since when and until when a `ClusterRole` was not what it had been.
    changes: Vec<(Timestamp, Timestamp)>,
    starts: Vec<Timestamp>,
}

/// Since when and until when a `RoleBinding` was gone.
struct Withdrawal {
    namespace: String,
    /// Empty if all of the namespace went.
    name: String,
    since: Timestamp,
    until: Timestamp,
}

impl Gaps {
    /// What may have taken a right away in a namespace.
    fn at(&self, namespace: &str, at: Timestamp) -> Vec<Gap> {
        let withdrawn = |gap: &Withdrawal| gap.namespace == namespace && (gap.since..gap.until).contains(&at);
        let changed = |(since, until): &(Timestamp, Timestamp)| (*since..*until).contains(&at);
        let before = |start: &Timestamp| at < *start && start.duration_since(at) < BEHIND;
        let found = [
            (Gap::Withdrawn, self.withdrawals.iter().any(withdrawn)),
            (Gap::Changed, self.changes.iter().any(changed)),
            (Gap::ComingUp, self.starts.iter().any(before)),
        ];
        found.into_iter().filter_map(|(gap, is_there)| is_there.then_some(gap)).collect()
    }
}

/// When an API server, coming up, had read its roles: it then looks whether those of the system are among them.
fn start(entry: &Value) -> Option<Timestamp> {
    let looks = entry["user"]["username"] == "system:apiserver" && entry["verb"] == "list";
    (looks && entry["objectRef"]["resource"] == "clusterroles").then(|| time(entry, "stageTimestamp"))
}

/// When `RoleBinding`s have gone, by hand or with their namespace, and have come again.
fn withdrawals(entries: &[Value]) -> Vec<Withdrawal> {
    let mut gone: Vec<Withdrawal> = Vec::new();
    for entry in entries.iter().filter(|entry| entry["objectRef"]["resource"] == "rolebindings") {
        let of = |field: &str| text(&entry["objectRef"][field]).to_owned();
        let (namespace, name) = (of("namespace"), of("name"));
        match (text(&entry["verb"]), entry["responseStatus"]["code"].as_u64()) {
            ("delete" | "deletecollection", Some(200)) => {
                let (since, until) = (time(entry, "requestReceivedTimestamp"), Timestamp::MAX);
                gone.push(Withdrawal { namespace, name, since, until });
            }
            (_, Some(201)) => {
                let this = |gap: &&mut Withdrawal| gap.name.is_empty() || gap.name == name;
                let open = gone.iter_mut().filter(|gap| gap.namespace == namespace && gap.until == Timestamp::MAX);
                open.filter(this).for_each(|gap| gap.until = time(entry, "stageTimestamp") + BEHIND);
            }
            _ => {}
        }
    }
    gone
}

/// From each change of a `ClusterRole` by a person to the next, which is taken for its end.
fn changes(entries: &[Value]) -> Vec<(Timestamp, Timestamp)> {
    let is_change = |entry: &&Value| {
        entry["objectRef"]["resource"] == "clusterroles"
            && ["patch", "update"].contains(&text(&entry["verb"]))
            && entry["responseStatus"]["code"] == 200
            && !text(&entry["user"]["username"]).starts_with("system:")
    };
    let changes: Vec<_> = entries.iter().filter(is_change).collect();
    let since = |change: &Value| time(change, "requestReceivedTimestamp");
    let until = |end: &&Value| time(end, "stageTimestamp") + BEHIND;
    changes.chunks(2).map(|pair| (since(pair[0]), pair.get(1).map_or(Timestamp::MAX, until))).collect()
}

fn time(entry: &Value, field: &str) -> Timestamp {
    text(&entry[field]).parse().unwrap_or_else(|error| panic!("{field} of an audit log: {error}"))
}

fn outcome(entry: &Value, gaps: &Gaps) -> Outcome {
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
            let namespace = text(&entry["objectRef"]["namespace"]);
            let place = if namespace.is_empty() { Place::Cluster } else { Place::of_binding_in(namespace) };
            let gaps = gaps.at(namespace, time(entry, "stageTimestamp"));
            Outcome::Denied { right: asked(entry, "", place), gaps }
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
    entry["objectRef"]["resource"].as_str()?;
    Some(asked(entry, role, place))
}

/// What a request is about.
fn asked(entry: &Value, role: &str, place: Place) -> Right {
    let object = &entry["objectRef"];
    let subresource = object["subresource"].as_str().map(|name| format!("/{name}")).unwrap_or_default();
    Right {
        role: role.into(),
        place,
        group: text(&object["apiGroup"]).into(),
        resource: format!("{}{subresource}", text(&object["resource"])),
        name: text(&object["name"]).into(),
        verb: text(&entry["verb"]).into(),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
