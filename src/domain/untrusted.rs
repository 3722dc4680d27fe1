//! Untrusted text that is shown to people: in conditions, Events, logs and terminals.

/// The mark of a truncated text.
const TRUNCATED: &str = "…";

/// Returns at most `max_chars` characters of `text`, with invisible ones replaced: none moves a cursor, ends a line or
/// changes the writing direction.
#[must_use]
pub fn sanitize(text: &str, max_chars: usize) -> String {
    let visible = |c| if is_invisible(c) { char::REPLACEMENT_CHARACTER } else { c };
    let mut sanitized: String = text.chars().take(max_chars).map(visible).collect();
    if text.chars().nth(max_chars).is_some() {
        sanitized.push_str(TRUNCATED);
    }
    sanitized
}

/// Returns true for a character that is invisible and changes the display of others: controls, line separators and
/// marks of the writing direction (Unicode Technical Report 36, section 2.9).
#[must_use]
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_is_unchanged_and_long_text_is_truncated() {
        assert_eq!(sanitize("sb-acme!b1|Zürich 東京", 100), "sb-acme!b1|Zürich 東京");
        assert_eq!(sanitize("abc", 3), "abc");
        assert_eq!(sanitize("abcd", 3), "abc…");
    }

    #[test]
    fn characters_that_change_the_display_of_others_are_replaced() {
        for text in ["a\nb", "a\rb", "a\u{1b}[2Jb", "a\u{9b}b", "a\u{202e}b", "a\u{2066}b", "a\u{2028}b", "a\0b"] {
            let found = sanitize(text, 100);
            assert!(found.starts_with("a\u{fffd}") && !found.chars().any(is_invisible), "{found:?}");
        }
    }
}
