//! The content of etcd, read over its HTTP API: every version that an object ever had, which no API server shows.

use std::error::Error;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Client;
use serde_json::{Value, json};

/// The range from the first key to the last one, in base64 as the API takes keys.
const ALL_KEYS: &str = "AA==";

/// Calls `each` with key, revision and content of every version after revision `after`, and returns the last revision.
/// The deletion of an object is a version without content.
///
/// # Errors
/// etcd does not answer, or cancels the watch.
pub async fn for_each_version(
    client: &Client,
    etcd: &str,
    after: i64,
    mut each: impl FnMut(&str, i64, &[u8]),
) -> Result<i64, Box<dyn Error>> {
    let count = json!({ "key": ALL_KEYS, "range_end": ALL_KEYS, "count_only": true });
    let answer: Value = client.post(format!("{etcd}/v3/kv/range")).json(&count).send().await?.json().await?;
    let last = number(&answer["header"]["revision"]);
    if last <= after {
        return Ok(after);
    }
    // A watch from a revision begins with the history since then. It never ends by itself.
    let watch = json!({ "create_request": {
        "key": ALL_KEYS, "range_end": ALL_KEYS, "start_revision": after + 1, "fragment": true,
    }});
    let mut answer = client.post(format!("{etcd}/v3/watch")).json(&watch).send().await?;
    let (mut partial, mut seen) = (Vec::new(), after);
    while seen < last {
        let chunk = answer.chunk().await?.ok_or("the watch ended early")?;
        partial.extend_from_slice(&chunk);
        if !chunk.contains(&b'\n') {
            continue;
        }
        let text = String::from_utf8(std::mem::take(&mut partial))?;
        let (complete, rest) = text.rsplit_once('\n').unwrap_or(("", &text));
        partial.extend_from_slice(rest.as_bytes());
        for message in complete.lines() {
            seen = read_message(&serde_json::from_str(message)?, &mut each)?.max(seen);
        }
    }
    Ok(seen)
}

/// Calls `each` for the versions in one message of the watch, and returns the last revision.
fn read_message(message: &Value, each: &mut impl FnMut(&str, i64, &[u8])) -> Result<i64, Box<dyn Error>> {
    let result = &message["result"];
    if result["canceled"] == true || !message["error"].is_null() {
        return Err(format!("the watch ended: {} {}", result["cancel_reason"], message["error"]).into());
    }
    let mut last = 0;
    for event in result["events"].as_array().into_iter().flatten() {
        let version = &event["kv"];
        last = number(&version["mod_revision"]);
        each(&String::from_utf8_lossy(&bytes(&version["key"])?), last, &bytes(&version["value"])?);
    }
    Ok(last)
}

/// Reads a number of 64 bits, which this API writes as a string.
fn number(value: &Value) -> i64 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn bytes(value: &Value) -> Result<Vec<u8>, base64::DecodeError> {
    STANDARD.decode(value.as_str().unwrap_or_default())
}
