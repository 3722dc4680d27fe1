//! The language of comments, as far as a machine can hold it: a doc comment on a type is a noun phrase, one on a function
//! begins with a verb in the third person, and the one who acts has a name.

use std::sync::LazyLock;

use regex::Regex;

use super::sources::all_rust_texts;

/// First words of a clause that only makes sense beside the name of the item.
const CLAUSE: [&str; 42] = [
    "What", "Who", "Whom", "Whose", "Whether", "How", "That", "Of", "As", "So", "Where", "When", "Why", "Which", "By",
    "With", "Without", "For", "From", "In", "At", "On", "To", "If", "Since", "Until", "After", "Before", "It", "Its",
    "Not", "Also", "And", "Else", "Whatever", "Whoever", "Till", "Because", "Though", "Whenever", "Wherever", "Then",
];

/// Words that stand in for an agent who should be named.
static NAMELESS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)\b(told|tells?|somebody|nobody|anybody|whoever)\b").expect("a pattern"));
/// Identifiers in comments, which are names and no words.
static CODE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"`[^`]*`").expect("a pattern"));

/// A doc comment: its first line, where it stands, and whether a function follows.
struct DocComment<'a> {
    place: String,
    first_line: &'a str,
    is_on_function: bool,
}

/// Returns the doc comments of a file.
fn doc_comments<'a>(path: &str, text: &'a str) -> Vec<DocComment<'a>> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let mut comments = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let Some(marker) = ["///", "//!"].into_iter().find(|marker| line.starts_with(marker)) else { continue };
        if number > 0 && lines[number - 1].starts_with(marker) {
            continue;
        }
        let item =
            lines[number..].iter().find(|line| !line.starts_with("//") && !line.starts_with("#[")).unwrap_or(&"");
        let is_on_function = marker == "///" && item.split(['(', '"']).next().is_some_and(|head| head.contains("fn "));
        comments.push(DocComment {
            place: format!("{path}:{}", number + 1),
            first_line: line.trim_start_matches(marker).trim(),
            is_on_function,
        });
    }
    comments
}

/// Returns why the first word of a doc comment is not one; none if it is fine.
fn problem(comment: &DocComment<'_>) -> Option<&'static str> {
    let first = comment.first_line.split(|c: char| !c.is_alphanumeric() && c != '-').next().unwrap_or_default();
    if CLAUSE.contains(&first) {
        return Some("begins with a clause in place of a noun or a verb");
    }
    let is_verb = first.len() > 2 && first.ends_with('s') || ["Is", "Has", "Does"].contains(&first);
    (comment.is_on_function && !is_verb)
        .then_some("is on a function and does not begin with a verb in the third person")
}

/// Returns the comment lines of a file in which an agent has no name.
fn nameless<'a>(path: &'a str, text: &'a str) -> impl Iterator<Item = String> + 'a {
    text.lines().enumerate().filter_map(move |(number, line)| {
        let comment = line.trim().strip_prefix("//")?;
        NAMELESS.is_match(&CODE.replace_all(comment, "")).then(|| format!("{path}:{}: {}", number + 1, line.trim()))
    })
}

#[test]
#[expect(clippy::print_stdout, reason = "the counts are asked for")]
fn doc_comments_begin_with_a_noun_phrase_or_a_verb() {
    let texts = all_rust_texts();
    let comments: Vec<_> = texts.iter().flat_map(|(path, text)| doc_comments(path, text)).collect();
    let wrong: Vec<String> = comments
        .iter()
        .filter_map(|comment| Some(format!("{} {}: {}", comment.place, problem(comment)?, comment.first_line)))
        .collect();
    println!("{} doc comments, {} of them begin otherwise", comments.len(), wrong.len());
    assert!(wrong.is_empty(), "{} of {} doc comments:\n{}", wrong.len(), comments.len(), wrong.join("\n"));
}

#[test]
#[expect(clippy::print_stdout, reason = "the counts are asked for")]
fn comments_name_the_one_who_acts() {
    let texts = all_rust_texts();
    let lines = texts.iter().flat_map(|(_, text)| text.lines()).filter(|line| line.trim().starts_with("//")).count();
    let wrong: Vec<String> = texts.iter().flat_map(|(path, text)| nameless(path, text)).collect();
    println!("{lines} comment lines, {} of them with an agent without a name", wrong.len());
    assert!(wrong.is_empty(), "{} comment lines name nobody:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_planted_clause_and_a_planted_agent_without_a_name_are_found() {
    let found = |text: &str| doc_comments("a.rs", text).iter().filter_map(problem).count();
    for (text, expected) in [
        ("/// What a slot holds.\nstruct Slot;", 1),
        ("/// The content of a slot.\nstruct Slot;", 0),
        ("/// A slot.\n/// What it holds.\nstruct Slot;", 0),
        ("/// The slot.\n#[must_use]\npub fn slot() {}", 1),
        ("/// Returns the slot.\npub(crate) async fn slot() {}", 0),
        ("//! Whose slot it is.", 1),
        ("// What a slot holds.\nstruct Slot;", 0),
    ] {
        assert_eq!(found(text), expected, "{text}");
    }
    assert_eq!(nameless("a.rs", "// Somebody tells it.\n// `Holder::Nobody` holds it.\nlet nobody = 1;").count(), 1);
}
