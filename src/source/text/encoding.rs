//! Encodings of a text: UTF-16 and base64.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::domain::service_key::BYTE_ORDER_MARK;

/// The byte order mark of UTF-16 in little-endian order.
const LITTLE_ENDIAN_MARK: &[u8] = b"\xff\xfe";
/// The byte order mark of UTF-16 in big-endian order.
const BIG_ENDIAN_MARK: &[u8] = b"\xfe\xff";

/// Base64 with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes UTF-16 that begins with a byte order mark.
pub(super) fn from_marked_utf16(bytes: &[u8]) -> Option<Vec<u8>> {
    let (bytes, unit): (_, fn([u8; 2]) -> u16) = match bytes.strip_prefix(LITTLE_ENDIAN_MARK) {
        Some(bytes) => (bytes, u16::from_le_bytes),
        None => (bytes.strip_prefix(BIG_ENDIAN_MARK)?, u16::from_be_bytes),
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
    let is_marked = [BYTE_ORDER_MARK, LITTLE_ENDIAN_MARK, BIG_ENDIAN_MARK].iter().any(|mark| bytes.starts_with(mark));
    (is_text || is_marked).then_some(bytes)
}
