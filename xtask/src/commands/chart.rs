//! The generated files of the Helm chart: what it takes from other folders, its version, and the table of its values.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use xtask::workspace::root;

use crate::error::Error;

/// The chart, from the root.
const CHART: &str = "charts/alm-key-operator";
/// Files that the chart needs a copy of, because a chart reads no file outside its folder.
const COPIES: [(&str, &str); 5] = [
    ("crds/almservicekeys.almkey.dev.yaml", "files/crds/almservicekeys.almkey.dev.yaml"),
    ("crds/almtenants.almkey.dev.yaml", "files/crds/almtenants.almkey.dev.yaml"),
    ("deploy/admission/policy.yaml", "files/admission-policy.yaml"),
    ("deploy/monitoring/prometheusrule.yaml", "files/rules.yaml"),
    ("deploy/monitoring/dashboard.json", "files/dashboard.json"),
];
/// The lines of the README between which the table is.
const MARKS: [&str; 2] =
    ["<!-- Generated from values.yaml by `make generate` -->", "<!-- End of the generated table -->"];

/// A generated file and its text.
pub struct Generated {
    pub path: PathBuf,
    pub text: String,
}

/// Returns the generated files of the chart.
pub fn generated() -> Result<Vec<Generated>, Error> {
    let chart = root().join(CHART);
    let mut files = Vec::new();
    for (from, to) in COPIES {
        files.push(Generated { path: chart.join(to), text: read(&root().join(from))? });
    }
    let (metadata, page) = (chart.join("Chart.yaml"), chart.join("README.md"));
    files.push(Generated { text: with_version(&read(&metadata)?, env!("CARGO_PKG_VERSION")), path: metadata });
    let rows = rows(&read(&chart.join("values.yaml"))?).map_err(Error::Finding)?;
    files.push(Generated { text: with_table(&read(&page)?, &rows).map_err(Error::Finding)?, path: page });
    Ok(files)
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(Error::file(path))
}

/// Returns the chart's metadata with this version of the chart and of the operator.
fn with_version(metadata: &str, version: &str) -> String {
    let line = |line: &str| match line.split_once(": ") {
        Some((key @ ("version" | "appVersion"), _)) => format!("{key}: {version}\n"),
        _ => format!("{line}\n"),
    };
    metadata.lines().map(line).collect()
}

/// Returns the README with these rows in its table.
fn with_table(page: &str, rows: &[Row]) -> Result<String, String> {
    let [begin, end] = MARKS;
    let parts = page.split_once(begin).and_then(|(before, rest)| Some((before, rest.split_once(end)?.1)));
    let Some((before, after)) = parts else {
        return Err(format!("README.md of the chart: expected the lines {begin:?} and {end:?} around the table"));
    };
    let row = |Row { name, default, description }: &Row| format!("| `{name}` | `{default}` | {description} |");
    let rows = rows.iter().map(row).collect::<Vec<_>>().join("\n");
    Ok(format!("{before}{begin}\n\n| value | default | meaning |\n|---|---|---|\n{rows}\n\n{end}{after}"))
}

/// A value of the chart.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    /// Path of the value, with dots.
    name: String,
    /// Default, as JSON.
    default: String,
    description: String,
}

/// Reads the values and the comments above them. A key with a comment is a value, and one without is a group of values.
fn rows(text: &str) -> Result<Vec<Row>, String> {
    let values: Value = serde_yaml_ng::from_str(text).map_err(|error| format!("values.yaml: {error}"))?;
    let (mut rows, mut groups, mut comment) = (Vec::new(), Vec::<(usize, String)>::new(), String::new());
    // The indentation of a value whose default has several lines, which follow.
    let mut inside = None;
    for line in text.lines() {
        let indentation = line.len() - line.trim_start().len();
        let line = line.trim();
        if line.is_empty() {
            comment.clear();
            continue;
        }
        if inside.is_some_and(|outer| indentation > outer) {
            continue;
        }
        inside = None;
        if let Some(text) = line.strip_prefix("# ") {
            comment = if comment.is_empty() { text.to_owned() } else { format!("{comment} {text}") };
            continue;
        }
        groups.retain(|(outer, _)| *outer < indentation);
        let key = line.split(':').next().unwrap_or_default().to_owned();
        groups.push((indentation, key));
        let name = groups.iter().map(|(_, key)| key.as_str()).collect::<Vec<_>>().join(".");
        if comment.is_empty() {
            if !line.ends_with(':') {
                return Err(format!("values.yaml: {name} has no comment above it that describes it"));
            }
            continue;
        }
        let default = values.pointer(&format!("/{}", name.replace('.', "/"))).unwrap_or(&Value::Null).to_string();
        rows.push(Row { name, default, description: std::mem::take(&mut comment) });
        inside = Some(indentation);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::{Row, rows, with_table, with_version};

    fn row(name: &str, default: &str, description: &str) -> Row {
        Row { name: name.into(), default: default.into(), description: description.into() }
    }

    #[test]
    fn each_commented_key_is_a_value_with_its_default() {
        let text = "# The file.\n\n# Number of\n# replicas.\nreplicas: 2\n\nimage:\n  # Tag.\n  tag: \"\"\n  # Labels.\n  \
                    labels:\n    a: b\n";
        let expected = vec![
            row("replicas", "2", "Number of replicas."),
            row("image.tag", "\"\"", "Tag."),
            row("image.labels", "{\"a\":\"b\"}", "Labels."),
        ];
        assert_eq!(rows(text), Ok(expected));
    }

    #[test]
    fn a_value_without_a_comment_is_refused_by_its_name() {
        let refused = rows("image:\n  tag: \"\"\n").expect_err("it has no comment");
        assert!(refused.contains("image.tag"), "{refused}");
    }

    #[test]
    fn only_the_lines_of_the_versions_change() {
        assert_eq!(with_version("version: 1\nname: x\nappVersion: 2\n", "3"), "version: 3\nname: x\nappVersion: 3\n");
    }

    #[test]
    fn a_page_without_the_marks_is_refused() {
        assert!(with_table("text", &[]).is_err());
    }
}
