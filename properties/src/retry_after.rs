//! The header `Retry-After`. Input: its value.

use std::time::{Duration, SystemTime};

use alm_key_operator::domain::retry::{MAX_RETRY_AFTER, Retry};
use alm_key_operator::http::client::retry_after;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};

/// Checks that any value leads to a wait between one second and the maximum. A number of seconds and a date are obeyed
/// within these bounds.
pub fn check(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, value);
    let Retry::After(wait) = retry_after(&headers) else { panic!("a rate limit leads to a wait") };
    let bounds = Duration::from_secs(1)..=MAX_RETRY_AFTER;
    assert!(bounds.contains(&wait), "{wait:?}");
    // A value that is not ASCII is invalid, even if only the white space around a number is not.
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii()).unwrap_or_default().trim();
    if let Some(seconds) = Some(text).filter(|text| text.len() < 10).and_then(|text| text.parse::<u32>().ok()) {
        let requested = Duration::from_secs(seconds.into());
        assert_eq!(wait, requested.clamp(*bounds.start(), *bounds.end()));
    }
    if let Ok(date) = httpdate::parse_http_date(text) {
        let rest = date.duration_since(SystemTime::now()).unwrap_or_default();
        // `retry_after` read the clock earlier, so its wait may be longer than the rest of the time.
        assert!(wait >= rest.clamp(*bounds.start(), *bounds.end()), "{wait:?} of {rest:?}");
    }
}
