//! What etcd holds, by its own API over HTTP: every version that an object ever had, which no API server shows.

use std::error::Error;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Client;
use serde_json::{Value, json};

/// In base64, as the API takes keys: from the first key to the last one.
const ALL: &str = "AA==";

/// Tells `each` of every version after revision number `after`, with its key and revision; returns the last revision.
/// The deletion of an object is a version without content.
pub async fn versions(
    client: &Client,
    etcd: &str,
    after: i64,
    mut each: impl FnMut(&str, i64, &[u8]),
) -> Result<i64, Box<dyn Error>> {
    let count = json!({ "key": ALL, "range_end": ALL, "count_only": true });
    let answer: Value = client.post(format!("{etcd}/v3/kv/range")).json(&count).send().await?.json().await?;
    let last = number(&answer["header"]["revision"]);
    if last <= after {
        return Ok(after);
    }
    // A watch from a revision on begins with what has been since. It never ends by itself.
    let watch = json!({ "create_request": {
        "key": ALL, "range_end": ALL, "start_revision": after + 1, "fragment": true,
    }});
    let mut answer = client.post(format!("{etcd}/v3/watch")).json(&watch).send().await?;
    let (mut begun, mut seen) = (Vec::new(), after);
    while seen < last {
        let chunk = answer.chunk().await?.ok_or("the watch broke off")?;
        begun.extend_from_slice(&chunk);
        if !chunk.contains(&b'\n') {
            continue;
        }
        let text = String::from_utf8(std::mem::take(&mut begun))?;
        let (whole, rest) = text.rsplit_once('\n').unwrap_or(("", &text));
        begun.extend_from_slice(rest.as_bytes());
        for message in whole.lines() {
            seen = tell(&serde_json::from_str(message)?, &mut each)?.max(seen);
        }
    }
    Ok(seen)
}

/// Tells of the versions in a message of the watch; returns the last revision.
fn tell(message: &Value, each: &mut impl FnMut(&str, i64, &[u8])) -> Result<i64, Box<dyn Error>> {
    let result = &message["result"];
    if result["canceled"] == true || !message["error"].is_null() {
        return Err(format!("the watch ended: {} {}", result["cancel_reason"], message["error"]).into());
    }
    let mut last = 0;
    for event in result["events"].as_array().into_iter().flatten() {
        let stored = &event["kv"];
        last = number(&stored["mod_revision"]);
        each(&String::from_utf8_lossy(&bytes(&stored["key"])?), last, &bytes(&stored["value"])?);
    }
    Ok(last)
}

/// A number of 64 bits, which this API writes as a string.
fn number(value: &Value) -> i64 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn bytes(value: &Value) -> Result<Vec<u8>, base64::DecodeError> {
    STANDARD.decode(value.as_str().unwrap_or_default())
}
