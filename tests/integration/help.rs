//! The options and exit codes of the commands, as the documentation and their own help describe them.

use testkit::bed::cluster::package;
use testkit::bed::operator::program;

/// Parses the options of a help text: name and value, environment variable, default.
fn parse_options(help: &str) -> Vec<[String; 3]> {
    let between = |line: &str, start: &str, end: &str| {
        let found = line.split_once(start).and_then(|(_, rest)| rest.split_once(end));
        found.map(|(text, _)| text.to_owned()).unwrap_or_default()
    };
    let columns = |line: &String| {
        let option = line.trim_start().split("  ").next().unwrap_or_default();
        let option = option.split(", ").last().unwrap_or_default().replace(['<', '>'], "");
        [option, between(line, "[env: ", "]").trim_end_matches('=').to_owned(), between(line, "[default: ", "]")]
    };
    // The meaning of an option is in its line or, if some are long, in the next one.
    let mut options: Vec<String> = Vec::new();
    for line in help.lines().skip_while(|line| *line != "Options:").skip(1).take_while(|line| !line.is_empty()) {
        match options.last_mut().filter(|_| !line.trim_start().starts_with('-')) {
            Some(option) => *option = format!("{option}  {}", line.trim_start()),
            None => options.push(line.to_owned()),
        }
    }
    options.iter().map(columns).filter(|[option, ..]| !["--help", "--version"].contains(&option.as_str())).collect()
}

/// Returns the rows of all tables in a section of a page, without backticks.
fn table_rows(docs: &str, section: &str) -> Vec<Vec<String>> {
    let lines = docs.lines().skip_while(|line| *line != format!("## {section}")).skip(1);
    let rows = lines.take_while(|line| !line.starts_with("## ")).filter(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.replace('`', "").trim().to_owned()).collect())
        .collect()
}

/// Returns the documented exit codes in a table.
fn exit_codes(rows: &[Vec<String>]) -> Vec<Vec<String>> {
    rows.iter().filter(|row| row[0].parse::<u8>().is_ok()).cloned().collect()
}

/// Returns the documented options in a table: option, environment variable, default.
fn options(rows: &[Vec<String>]) -> Vec<Vec<String>> {
    rows.iter().filter(|row| row[0].starts_with("--") && row[0] != "---").map(|row| row[..3].to_vec()).collect()
}

/// Returns the help text of a command.
fn help(command: &str, flag: &str) -> String {
    let output = program("almkey").args([command, flag]).output().expect("almkey can be started");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Asserts that a section of a page describes a command as its help does. `common` are options described elsewhere.
fn assert_documented(docs: &str, command: &str, common: &[Vec<String>]) {
    let rows = table_rows(docs, &format!("almkey {command}"));
    let documented = [options(&rows), common.to_vec()].concat();
    assert_eq!(documented, parse_options(&help(command, "-h")), "{command}");

    let help = help(command, "--help");
    let codes = help.lines().filter_map(|line| line.strip_prefix("  ")?.split_once("  "));
    let codes: Vec<_> = codes
        .filter(|(code, _)| code.parse::<u8>().is_ok())
        .map(|(code, text)| vec![code.to_owned(), text.to_owned()])
        .collect();
    assert_eq!(exit_codes(&rows), codes, "{command}");
    assert!(codes.len() >= 2, "{command}");
}

fn page(name: &str) -> String {
    std::fs::read_to_string(package().join("docs").join(name)).expect("the docs")
}

#[test]
fn the_documented_options_and_exit_codes_are_those_of_the_help_text() {
    let (checks, docs) = (page("commands.md"), page("kubectl.md"));
    let common = options(&table_rows(&docs, "Common options"));
    assert_eq!(common.len(), 3);
    assert_documented(&checks, "validate", &[]);
    assert_documented(&checks, "test", &common);
    let readers = ["status", "explain", "done", "check", "show", "download", "upload", "delete"];
    for command in readers.into_iter().chain(["reconcile", "suspend", "resume"]) {
        assert_documented(&docs, command, &common);
    }
}
