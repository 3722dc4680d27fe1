//! The operator's requests, by the audit logs of API servers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::right::{NAMESPACE, OPERATOR, Place, Right};

/// The time in which an API server may not know its roles. It takes requests for about a second before it has read them,
/// and uses the old ones for a moment after a change; longer on a busy machine.
const STALE_ROLES: SignedDuration = SignedDuration::from_secs(10);
/// The beginning of each line.
const HEAD: &str = "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\"";

/// One request of the operator.
#[derive(Clone, Debug)]
pub struct Request {
    /// The test in which the operator made it.
    pub test: String,
    /// Verb and URI.
    pub told: String,
    /// The API server's answer.
    pub outcome: Outcome,
}

/// The API server's answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Allowed by a right. The log does not say whether the right is limited to a name.
    Allowed {
        /// The right, with the name of the requested object.
        right: Right,
    },
    /// Allowed by something other than a role of ours, or not about a resource.
    Outside(String),
    /// Denied, because the operator lacked a right.
    Denied {
        /// The right, without a role, with the name of the requested object; its place is that of a binding which would
        /// give it.
        right: Right,
        /// Reasons why it may have been missing for a while.
        gaps: Vec<Gap>,
    },
    /// Allowed, but refused by admission: nothing is created in a namespace that is being deleted.
    Terminating,
    /// Answered before authorization, or refused by admission for another reason.
    Unclear(String),
}

/// A reason why a declared right may have been missing for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// A `RoleBinding` in that namespace had been deleted and not been created again.
    Withdrawn,
    /// A `ClusterRole` had been changed, and not changed again. The log does not say how.
    Changed,
    /// The API server was restarting and had not read its roles yet.
    ComingUp,
}

/// Returns the operator's requests in all test beds with logs below this folder, each in a folder of its own.
///
/// # Panics
/// A log cannot be read.
#[must_use]
pub fn below(folder: &Path) -> Vec<Request> {
    beds(folder).iter().flat_map(|(test, logs)| requests_in(test, &entries(logs))).collect()
}

/// Returns the operator's requests in one log.
///
/// # Panics
/// The log cannot be read.
#[must_use]
pub fn of_log(test: &str, log: &Path) -> Vec<Request> {
    requests_in(test, &entries(&[log.to_owned()]))
}

/// Returns the namespaces that each test created.
///
/// # Panics
/// A log cannot be read.
#[must_use]
pub fn namespaces_below(folder: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut created: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (test, logs) in beds(folder) {
        let names = entries(&logs).into_iter().filter(|entry| {
            // The API server creates some for itself.
            !text(&entry["user"]["username"]).starts_with("system:")
                && entry["objectRef"]["resource"] == "namespaces"
                && entry["objectRef"]["subresource"].is_null()
                && entry["responseStatus"]["code"] == 201
        });
        let names = names.filter_map(|entry| entry["objectRef"]["name"].as_str().map(str::to_owned));
        created.entry(test).or_default().extend(names.filter(|name| name != NAMESPACE));
    }
    created
}

/// Returns, for each test bed, its test and its audit logs. A log that has grown long is continued in another file.
fn beds(folder: &Path) -> Vec<(String, Vec<PathBuf>)> {
    let children = |folder: &Path| -> Vec<PathBuf> {
        let read = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut paths: Vec<_> = read.map(|entry| entry.expect("an entry").path()).collect();
        paths.sort();
        paths
    };
    let bed = |path: PathBuf| {
        let test = std::fs::read_to_string(path.join("test")).expect("the name of the test");
        let logs =
            children(&path).into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "log"));
        (test, logs.collect())
    };
    children(folder).into_iter().map(bed).collect()
}

/// Returns the entries that matter, in order. Logs are long: only lines that can matter are parsed.
fn entries(logs: &[PathBuf]) -> Vec<Value> {
    let matters = |line: &&str| {
        let is_about = |resource: &str| line.contains(&format!("\"resource\":\"{resource}\""));
        let is_cut = !line.ends_with('}');
        is_cut || line.contains(OPERATOR) || ["namespaces", "rolebindings", "clusterroles"].into_iter().any(is_about)
    };
    let mut found = Vec::new();
    for log in logs {
        let text = std::fs::read_to_string(log).expect("an audit log");
        // The server may have been killed while it wrote the last line, or may still be writing it.
        let cut = text.rsplit('\n').next().unwrap_or_default();
        let whole = &text[..text.len() - cut.len()];
        let entries = whole
            .lines()
            .filter(matters)
            .map(|line| parse_line(line).unwrap_or_else(|| panic!("not an audit entry: {line}")));
        found.extend(entries.chain(parse(cut)));
    }
    found
}

/// Parses one line. A server that was killed while it wrote a line continues in that line when it is started again.
fn parse_line(line: &str) -> Option<Value> {
    let after_the_cut = || parse(&line[line.rfind(HEAD).filter(|at| *at > 0)?..]);
    parse(line).or_else(after_the_cut)
}

fn parse(line: &str) -> Option<Value> {
    serde_json::from_str(line).ok()
}

fn requests_in(test: &str, entries: &[Value]) -> Vec<Request> {
    let gaps = Gaps {
        withdrawals: withdrawals(entries),
        changes: changes(entries),
        starts: entries.iter().filter_map(start).collect(),
    };
    // A watch has two entries: at its beginning and, if the server lived that long, at its end.
    let mut seen = BTreeSet::new();
    let by_operator = entries.iter().filter(|entry| entry["user"]["username"] == OPERATOR);
    let by_operator = by_operator.filter(|entry| seen.insert(text(&entry["auditID"])));
    let words = |entry: &Value| format!("{} {}", text(&entry["verb"]), text(&entry["requestURI"]));
    by_operator.map(|entry| Request { test: test.into(), told: words(entry), outcome: outcome(entry, &gaps) }).collect()
}

/// Times in which rights were missing.
struct Gaps {
    withdrawals: Vec<Withdrawal>,
    /// Beginning and end of the times in which a `ClusterRole` was changed.
    changes: Vec<(Timestamp, Timestamp)>,
    starts: Vec<Timestamp>,
}

/// The time in which a `RoleBinding` was missing.
struct Withdrawal {
    namespace: String,
    /// Empty if all of the namespace were deleted.
    name: String,
    since: Timestamp,
    until: Timestamp,
}

impl Gaps {
    /// Returns why a right may have been missing in a namespace at this time.
    fn at(&self, namespace: &str, at: Timestamp) -> Vec<Gap> {
        let withdrawn = |gap: &Withdrawal| gap.namespace == namespace && (gap.since..gap.until).contains(&at);
        let changed = |(since, until): &(Timestamp, Timestamp)| (*since..*until).contains(&at);
        let before = |start: &Timestamp| at < *start && start.duration_since(at) < STALE_ROLES;
        let found = [
            (Gap::Withdrawn, self.withdrawals.iter().any(withdrawn)),
            (Gap::Changed, self.changes.iter().any(changed)),
            (Gap::ComingUp, self.starts.iter().any(before)),
        ];
        found.into_iter().filter_map(|(gap, is_found)| is_found.then_some(gap)).collect()
    }
}

/// Returns when a starting API server had read its roles: it then checks that those of the system are among them.
fn start(entry: &Value) -> Option<Timestamp> {
    let is_check = entry["user"]["username"] == "system:apiserver" && entry["verb"] == "list";
    (is_check && entry["objectRef"]["resource"] == "clusterroles").then(|| time(entry, "stageTimestamp"))
}

/// Returns when `RoleBinding`s were deleted, by hand or with their namespace, and created again.
fn withdrawals(entries: &[Value]) -> Vec<Withdrawal> {
    let mut gone: Vec<Withdrawal> = Vec::new();
    for entry in entries.iter().filter(|entry| entry["objectRef"]["resource"] == "rolebindings") {
        let field = |name: &str| text(&entry["objectRef"][name]).to_owned();
        let (namespace, name) = (field("namespace"), field("name"));
        match (text(&entry["verb"]), entry["responseStatus"]["code"].as_u64()) {
            ("delete" | "deletecollection", Some(200)) => {
                let (since, until) = (time(entry, "requestReceivedTimestamp"), Timestamp::MAX);
                gone.push(Withdrawal { namespace, name, since, until });
            }
            (_, Some(201)) => {
                let is_restored = |gap: &&mut Withdrawal| gap.name.is_empty() || gap.name == name;
                let open = gone.iter_mut().filter(|gap| gap.namespace == namespace && gap.until == Timestamp::MAX);
                open.filter(is_restored).for_each(|gap| gap.until = time(entry, "stageTimestamp") + STALE_ROLES);
            }
            _ => {}
        }
    }
    gone
}

/// Returns the time from each change of a `ClusterRole` by a user to the next, which is assumed to revert it.
fn changes(entries: &[Value]) -> Vec<(Timestamp, Timestamp)> {
    let is_change = |entry: &&Value| {
        entry["objectRef"]["resource"] == "clusterroles"
            && ["patch", "update"].contains(&text(&entry["verb"]))
            && entry["responseStatus"]["code"] == 200
            && !text(&entry["user"]["username"]).starts_with("system:")
    };
    let changes: Vec<_> = entries.iter().filter(is_change).collect();
    let since = |change: &Value| time(change, "requestReceivedTimestamp");
    let until = |end: &&Value| time(end, "stageTimestamp") + STALE_ROLES;
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
            Outcome::Denied { right: requested(entry, "", place), gaps }
        }
        _ => Outcome::Unclear(format!("answered {code} without authorization")),
    }
}

/// Returns the right that allowed a request, by the reason in the log, such as
/// `RBAC: allowed by RoleBinding "NAME/NAMESPACE" of ClusterRole "ROLE" to ServiceAccount "NAMESPACE/NAME"`.
fn allowed(entry: &Value, reason: &str) -> Option<Right> {
    let words = reason.strip_prefix("RBAC: allowed by ")?;
    let mut quoted = words.split('"').skip(1).step_by(2);
    let (binding, role) = (quoted.next()?, quoted.next()?);
    let place = match (words.split(' ').next()?, words.split('"').nth(2)?.trim()) {
        ("ClusterRoleBinding", _) => Place::Cluster,
        // Roles give rights in the namespace of the operator's own objects alone, wherever a flag puts it.
        (_, "of Role") => Place::OwnNamespace,
        _ => Place::of_binding_in(binding.split_once('/')?.1),
    };
    entry["objectRef"]["resource"].as_str()?;
    Some(requested(entry, role, place))
}

/// Returns the right that a request needs.
fn requested(entry: &Value, role: &str, place: Place) -> Right {
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
