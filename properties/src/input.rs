//! The encoding of inputs that have several parts.

/// Splits an input into its parts. They are separated by 0xff, a byte that no UTF-8 text contains.
pub fn parts(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == 0xff)
}

/// Returns a part as text, lossily if it is not UTF-8.
pub fn text(part: Option<&[u8]>) -> String {
    String::from_utf8_lossy(part.unwrap_or_default()).into_owned()
}
