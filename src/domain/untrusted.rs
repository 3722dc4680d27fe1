//! Text that others have written, on its way to people: into conditions, Events, logs and terminals.

/// Stands for what is left out.
const MORE: &str = "…";

/// `text` in at most `longest` characters, none of which moves a cursor, ends a line or turns the writing around.
#[must_use]
pub fn sanitize(text: &str, longest: usize) -> String {
    let visible = |c| if is_invisible(c) { char::REPLACEMENT_CHARACTER } else { c };
    let mut sanitize: String = text.chars().take(longest).map(visible).collect();
    if text.chars().nth(longest).is_some() {
        sanitize.push_str(MORE);
    }
    sanitize
}

/// Whether a character is not seen itself, and changes how others are: controls, line separators, and the formatting of
/// writing directions (Unicode Technical Report 36, section 2.9).
#[must_use]
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_stays_as_it_is_and_a_long_one_is_cut() {
        assert_eq!(sanitize("sb-acme!b1|Zürich 東京", 100), "sb-acme!b1|Zürich 東京");
        assert_eq!(sanitize("abc", 3), "abc");
        assert_eq!(sanitize("abcd", 3), "abc…");
    }

    #[test]
    fn what_moves_a_cursor_ends_a_line_or_turns_writing_around_is_replaced() {
        for text in ["a\nb", "a\rb", "a\u{1b}[2Jb", "a\u{9b}b", "a\u{202e}b", "a\u{2066}b", "a\u{2028}b", "a\0b"] {
            let found = sanitize(text, 100);
            assert!(found.starts_with("a\u{fffd}") && !found.chars().any(is_invisible), "{found:?}");
        }
    }
}
