//! Headings, links and commands of a Markdown text.

use std::collections::HashMap;
use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// The language of a code block whose lines with a prompt are commands.
const CONSOLE: &str = "console";
const PROMPT: &str = "$ ";

/// The parts of a Markdown text that readers follow.
#[derive(Debug, Default)]
pub struct Markdown {
    /// All headings, in order.
    pub headings: Vec<Heading>,
    /// All links and images, in order.
    pub links: Vec<Link>,
    /// All commands, in order.
    pub commands: Vec<Typed>,
}

/// A heading.
#[derive(Debug)]
pub struct Heading {
    /// The text, without markup.
    pub text: String,
    /// The anchor, as code hosts make it.
    pub anchor: String,
}

/// A link or an image.
#[derive(Debug)]
pub struct Link {
    /// The destination, as written.
    pub destination: String,
    /// The place in the text, from the first bracket to the last parenthesis.
    pub place: Range<usize>,
    /// The place of the content.
    pub content: Range<usize>,
}

/// A command that a reader types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// The anchor of the heading above it; empty above the first one.
    pub anchor: String,
    /// The command line, with all lines that continue it.
    pub line: String,
}

impl Markdown {
    /// Reads a text.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
        let mut reader = Reader::default();
        for (event, place) in Parser::new_ext(text, options).into_offset_iter() {
            reader.read(event, place);
        }
        reader.page
    }
}

/// The state while a text is read.
#[derive(Default)]
struct Reader {
    page: Markdown,
    slugs: HashMap<String, usize>,
    /// The text of the heading that has begun.
    heading: Option<String>,
    /// The code of the console block that has begun.
    console: Option<String>,
    /// The links that have begun, as indices.
    open_links: Vec<usize>,
}

impl Reader {
    fn read(&mut self, event: Event<'_>, place: Range<usize>) {
        if let (Some(link), false) = (self.open_links.last(), matches!(event, Event::End(TagEnd::Link | TagEnd::Image)))
        {
            let content = &mut self.page.links[*link].content;
            *content = content.start.min(place.start)..content.end.max(place.end);
        }
        match event {
            Event::Start(Tag::Heading { .. }) => self.heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => self.end_heading(),
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) if &*language == CONSOLE => {
                self.console = Some(String::new());
            }
            Event::End(TagEnd::CodeBlock) => self.end_console(),
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                self.open_links.push(self.page.links.len());
                let content = place.end..place.start;
                self.page.links.push(Link { destination: dest_url.into_string(), place, content });
            }
            Event::End(TagEnd::Link | TagEnd::Image) => drop(self.open_links.pop()),
            Event::Text(text) | Event::Code(text) => {
                if let Some(open) = self.heading.as_mut().or(self.console.as_mut()) {
                    open.push_str(&text);
                }
            }
            _ => {}
        }
    }

    fn end_heading(&mut self) {
        let text = self.heading.take().unwrap_or_default();
        let slug = slug(&text);
        let count = self.slugs.entry(slug.clone()).or_default();
        let anchor = if *count == 0 { slug } else { format!("{slug}-{count}") };
        *count += 1;
        self.page.headings.push(Heading { text, anchor });
    }

    fn end_console(&mut self) {
        let anchor = self.page.headings.last().map(|heading| heading.anchor.clone()).unwrap_or_default();
        let block = self.console.take().unwrap_or_default();
        let mut lines = block.lines();
        while let Some(line) = lines.next() {
            let Some(first) = line.strip_prefix(PROMPT) else { continue };
            let mut line = first.to_owned();
            while line.ends_with('\\') {
                line = format!("{line}\n{}", lines.next().expect("the line that a backslash promises"));
            }
            self.page.commands.push(Typed { anchor: anchor.clone(), line });
        }
    }
}

/// Returns the anchor that code hosts make of a heading.
fn slug(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_those_of_code_hosts_and_repeated_headings_are_numbered() {
        let read = Markdown::read("# An alert fires: what now?\n## `almkey test`\n## A, b & c\n## A, b & c\n");
        let anchors: Vec<_> = read.headings.iter().map(|heading| heading.anchor.as_str()).collect();
        assert_eq!(anchors, ["an-alert-fires-what-now", "almkey-test", "a-b--c", "a-b--c-1"]);
    }

    #[test]
    fn commands_are_the_lines_with_a_prompt_in_console_blocks_and_what_continues_them() {
        let text = "# One\n```console\n$ a b  # why\noutput\n$ c \\\n  d\n```\n```sh\n$ not this\n```\n- list\n  ```console\n  $ e\n  ```\n";
        let lines: Vec<_> = Markdown::read(text).commands.into_iter().map(|typed| (typed.anchor, typed.line)).collect();
        let expected = ["a b  # why", "c \\\n  d", "e"].map(|line| ("one".to_owned(), line.to_owned()));
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_link_knows_its_place_and_that_of_its_content() {
        let text = "see [the `map`](../x.md#y) and ![picture](a.svg), not `[code](b)`";
        let links = Markdown::read(text).links;
        let parts: Vec<_> = links
            .iter()
            .map(|link| (link.destination.as_str(), &text[link.place.clone()], &text[link.content.clone()]))
            .collect();
        assert_eq!(
            parts,
            [("../x.md#y", "[the `map`](../x.md#y)", "the `map`"), ("a.svg", "![picture](a.svg)", "picture")]
        );
    }
}
