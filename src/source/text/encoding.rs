//! Encodings of a text: UTF-16 and base64.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The byte order marks of UTF-8, and of UTF-16 in both byte orders.
pub(super) const BYTE_ORDER_MARKS: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];

/// Base64 with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes UTF-16 that begins with a byte order mark.
pub(super) fn from_marked_utf16(bytes: &[u8]) -> Option<Vec<u8>> {
    let [_, little_endian, big_endian] = BYTE_ORDER_MARKS;
    let (bytes, unit): (_, fn([u8; 2]) -> u16) = match bytes.strip_prefix(little_endian) {
        Some(bytes) => (bytes, u16::from_le_bytes),
        None => (bytes.strip_prefix(big_endian)?, u16::from_be_bytes),
    };
    let (units, rest) = bytes.as_chunks::<2>();
    let text = char::decode_utf16(units.iter().map(|bytes| unit(*bytes))).collect::<Result<String, _>>().ok()?;
    rest.is_empty().then(|| text.into_bytes())
}

/// Decodes base64, with line breaks as most tools insert them. What it holds must be a text: a word can pass for base64.
pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let digits: String = text.split_ascii_whitespace().collect();
    let bytes = BASE64.decode(digits).ok()?;
    let is_text =
        std::str::from_utf8(&bytes).is_ok_and(|text| !text.chars().any(|c| c.is_control() && !c.is_ascii_whitespace()));
    (is_text || BYTE_ORDER_MARKS.iter().any(|mark| bytes.starts_with(mark))).then_some(bytes)
}
