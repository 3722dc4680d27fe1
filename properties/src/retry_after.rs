//! `Retry-After`. Input: what stands in the header.

use std::time::{Duration, SystemTime};

use alm_key_operator::domain::retry::{MAX_RETRY_AFTER, Retry};
use alm_key_operator::http::client::retry_after;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};

/// Whatever stands there: a wait of at least a second and at most the longest. A number of seconds is obeyed within
/// those, and so is a date.
pub fn holds(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, value);
    let Retry::After(wait) = retry_after(&headers) else { panic!("a rate limit is a wait") };
    let bounds = Duration::from_secs(1)..=MAX_RETRY_AFTER;
    assert!(bounds.contains(&wait), "{wait:?}");
    // What is no ASCII is nonsense, also what would be white space around a number.
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii()).unwrap_or_default().trim();
    if let Some(seconds) = Some(text).filter(|text| text.len() < 10).and_then(|text| text.parse::<u32>().ok()) {
        let asked = Duration::from_secs(seconds.into());
        assert_eq!(wait, asked.clamp(*bounds.start(), *bounds.end()));
    }
    if let Ok(date) = httpdate::parse_http_date(text) {
        let rest = date.duration_since(SystemTime::now()).unwrap_or_default();
        // The clock goes on between the two looks at it.
        assert!(wait >= rest.clamp(*bounds.start(), *bounds.end()), "{wait:?} of {rest:?}");
    }
}
