//! The alerts and the dashboard of `deploy/monitoring`, and the metrics that their expressions name.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::bed::TestBed;
use crate::bed::cluster::package;

/// The prefixes of the names of all metrics: ours, and those that controller-runtime defines.
pub const METRIC_PREFIXES: [&str; 3] = ["almkey_", "controller_runtime_", "leader_election_"];

/// A query of a panel of the dashboard.
#[derive(Debug)]
pub struct PanelQuery {
    /// Title of the row that the panel is in.
    pub row: String,
    /// Title of the panel.
    pub panel: String,
    /// The expression, with Grafana's variables.
    pub expression: String,
}

/// A metric that an expression names, and the labels that it selects by.
#[derive(Debug, PartialEq, Eq)]
pub struct Selector {
    /// Name of the series.
    pub series: String,
    /// Names of the labels.
    pub labels: BTreeSet<String>,
}

/// Installs the kinds `PodMonitor` and `PrometheusRule` of the Prometheus operator.
pub fn install_kinds(bed: &TestBed) {
    let kinds = fs::read_to_string(package().join("tests/data/prometheus-operator-crds.yaml"));
    bed.control_plane.apply(&kinds.expect("the definitions")).expect("the definitions can be applied");
    for kind in ["podmonitors", "prometheusrules"] {
        let definition = format!("crd/{kind}.monitoring.coreos.com");
        bed.kubectl(&["wait", "--for=condition=Established", "--timeout=30s", &definition]);
    }
}

/// Returns the `PrometheusRule`.
pub fn rules() -> Value {
    serde_yaml_ng::from_str(&read("prometheusrule.yaml")).expect("YAML")
}

/// Returns the alerts.
pub fn alerts() -> Vec<Value> {
    rules()["spec"]["groups"][0]["rules"].as_array().expect("rules").clone()
}

/// Returns the dashboard.
pub fn dashboard() -> Value {
    serde_json::from_str(&read("dashboard.json")).expect("JSON")
}

/// Returns all queries of the panels, in their order.
pub fn panel_queries() -> Vec<PanelQuery> {
    let dashboard = dashboard();
    let mut row = String::new();
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        let title = text(&panel["title"]);
        if panel["type"] == "row" {
            row = title;
            continue;
        }
        for target in panel["targets"].as_array().expect("targets") {
            queries.push(PanelQuery { row: row.clone(), panel: title.clone(), expression: text(&target["expr"]) });
        }
    }
    queries
}

/// Returns the metric and the label of each variable that is filled by `label_values(METRIC, LABEL)`.
pub fn variable_queries() -> Vec<(String, String)> {
    let dashboard = dashboard();
    let variables = dashboard["templating"]["list"].as_array().expect("variables");
    let queries = variables.iter().filter(|variable| variable["type"] == "query");
    let parse = |variable: &Value| {
        let query = text(&variable["query"]["query"]);
        let arguments = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
        let (metric, label) = arguments.and_then(|arguments| arguments.split_once(", ")).expect("a metric and a label");
        (metric.to_owned(), label.to_owned())
    };
    queries.map(parse).collect()
}

/// Returns the selectors of an expression.
pub fn selectors(expression: &str) -> Vec<Selector> {
    let expression = without_strings(expression);
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = METRIC_PREFIXES.iter().flat_map(|prefix| expression.match_indices(prefix).map(|(start, _)| start));
    let starts = starts.filter(|start| !expression[..*start].ends_with(is_part));
    let parse = |start: usize| {
        let rest = &expression[start..];
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let list = rest[end..].strip_prefix('{').and_then(|rest| rest.split('}').next()).unwrap_or_default();
        Selector { series: rest[..end].to_owned(), labels: names(list) }
    };
    starts.map(parse).collect()
}

/// Returns the labels by which an expression groups and joins.
pub fn grouping_labels(expression: &str) -> BTreeSet<String> {
    let expression = without_strings(expression);
    let lists = ["by (", "on ("].iter().flat_map(|keyword| expression.split(keyword).skip(1));
    lists.flat_map(|rest| names(rest.split(')').next().unwrap_or_default())).collect()
}

/// Returns the name of the metric that a series belongs to: a histogram has several.
pub fn metric(series: &str) -> &str {
    let suffixes = ["_bucket", "_sum", "_count"];
    suffixes.iter().find_map(|suffix| series.strip_suffix(suffix)).unwrap_or(series)
}

/// Returns the names in a list of labels or of matchers.
fn names(list: &str) -> BTreeSet<String> {
    let names = list.split(',').filter_map(|item| item.split(['=', '!']).next()).map(str::trim);
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Empties each string literal.
fn without_strings(expression: &str) -> String {
    expression.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

fn read(name: &str) -> String {
    fs::read_to_string(package().join("deploy/monitoring").join(name)).expect("the file")
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_and_labels_of_an_expression_are_found_and_its_strings_are_not_read() {
        let expression =
            r#"sum by (le, a) (rate(almkey_x_seconds_bucket{b="almkey_y{c=1}",d!~"x"}[5m])) > on (e) almkey_z"#;
        let labels = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        let found = selectors(expression);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0], Selector { series: "almkey_x_seconds_bucket".into(), labels: labels(&["b", "d"]) });
        assert_eq!(found[1], Selector { series: "almkey_z".into(), labels: labels(&[]) });
        assert_eq!(grouping_labels(expression), labels(&["a", "e", "le"]));
        assert_eq!(metric("almkey_x_seconds_bucket"), "almkey_x_seconds");
    }
}
