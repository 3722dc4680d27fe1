//! The pages of `docs/` as the book shows them.

use std::path::Path;

use testkit::documented::Page;

use super::links::{is_external, target};

/// Returns the text of a page for the book. A link to a file outside `docs/` becomes its text: the book holds the pages alone,
/// and no repository is published that such a link could lead to.
#[must_use]
pub fn text(page: &Page) -> String {
    let mut text = page.text.clone();
    // From the end, so that the places before stay right.
    for link in page.markdown.links.iter().rev() {
        let leaves = target(&page.path, &link.destination).is_none_or(|target| !target.starts_with("docs"));
        if leaves && !is_external(&link.destination) {
            text.replace_range(link.place.clone(), &page.text[link.content.clone()]);
        }
    }
    text
}

/// Returns the path of a page in the book; none if the book leaves it out.
#[must_use]
pub fn path(page: &Page) -> Option<&Path> {
    Path::new(&page.path).strip_prefix("docs").ok()
}

#[cfg(test)]
mod tests {
    use testkit::documented::Markdown;

    use super::*;

    #[test]
    fn links_out_of_docs_become_text_and_the_others_stay() {
        let source = "[`a`](../src/a.rs), [b](b.md#c), [d](https://example.com), [`e`](../README.md)";
        let page = Page { path: "docs/x.md".into(), text: source.into(), markdown: Markdown::read(source) };
        assert_eq!(text(&page), "`a`, [b](b.md#c), [d](https://example.com), `e`");
    }
}
