//! Interpretation of the answers of XSUAA, by the table in `docs/sign-in.md`.
//!
//! Only the token endpoint itself can refuse a key. An answer of a proxy or router in front of it, or an outage, leaves
//! the state of the key unknown.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use crate::domain::plan::Verdict;
use crate::domain::policy::Scopes;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::http::client::{Answer, retry_after};

/// Header of answers that Cloud Foundry's router, not UAA, has generated.
const ROUTER_ERROR: &str = "x-cf-routererror";
/// Sentences of UAA, in lower case, about a subdomain without an identity zone: that of its page, which SAP's
/// troubleshooting pages quote too, and that of its source, which a server may show in place of the page.
const NO_ZONE: [&str; 2] =
    ["the subdomain does not map to a valid identity zone", "cannot find identity zone for subdomain"];

/// Returns the verdict on the key.
#[must_use]
pub fn verdict(answer: &Answer) -> Verdict {
    match answer.status.as_u16() {
        200 => match scopes(&answer.body) {
            Some(scopes) => Verdict::Accepted { scopes },
            None => unknown("answered 200 without a token", Retry::Backoff),
        },
        401 if is_oauth_error(answer) => Verdict::Refused {
            reason: Reason::CredentialsRefused,
            message: "the token endpoint refused the key (401): it has been deleted or replaced in BTP, or its secret \
                      is wrong"
                .into(),
        },
        401 => unknown("answered 401, but not as an OAuth token endpoint does", Retry::Backoff),
        404 if reports_no_zone(answer) => Verdict::Refused {
            reason: Reason::IdentityZoneNotFound,
            message: "the token endpoint does not know the identity zone of this key (404)".into(),
        },
        404 => unknown("answered 404, but not that the identity zone is unknown", Retry::Backoff),
        429 => unknown("is limiting the rate of requests (429)", retry_after(&answer.headers)),
        status => unknown(&format!("answered {status}"), Retry::Backoff),
    }
}

/// Returns the verdict for an answer that says nothing about the key.
pub(super) fn unknown(event: &str, retry: Retry) -> Verdict {
    Verdict::Unknown { message: format!("the state of the key is unknown: the token endpoint {event}"), retry }
}

/// Returns the scopes of the token in an answer, or none if it contains no token. The whole body must be UTF-8 (RFC
/// 8259, section 8.1), which the parser does not check in skipped fields.
fn scopes(body: &[u8]) -> Option<Scopes> {
    let text = std::str::from_utf8(body).ok()?;
    let TokenAnswer { access_token, token_type, scope } = serde_json::from_str(text).ok()?;
    let is_token = !access_token.is_empty() && token_type.eq_ignore_ascii_case("bearer");
    is_token.then(|| Scopes::new(&scope.unwrap_or_default()))
}

/// A token answer. The token is borrowed, so that no second copy of it exists.
#[derive(Deserialize)]
struct TokenAnswer<'a> {
    #[serde(borrow)]
    access_token: Cow<'a, str>,
    token_type: String,
    scope: Option<String>,
}

/// Returns true if the answer has an error code of RFC 6749 or UAA, which are in lower case. Web frameworks and
/// gateways in between write values such as `"error": "Unauthorized"`.
fn is_oauth_error(answer: &Answer) -> bool {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = body.get("error").and_then(Value::as_str).unwrap_or_default();
    let is_code = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    is_code && !answer.headers.contains_key(ROUTER_ERROR)
}

fn reports_no_zone(answer: &Answer) -> bool {
    let text = String::from_utf8_lossy(&answer.body).to_ascii_lowercase();
    !answer.headers.contains_key(ROUTER_ERROR) && NO_ZONE.iter().any(|sentence| text.contains(sentence))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    fn verdict_on(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Verdict {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse().expect("name"), value.parse().expect("value"))).collect();
        let status = StatusCode::from_u16(status).expect("a status");
        verdict(&Answer { status, headers, body: body.into() })
    }

    fn refused(verdict: &Verdict) -> Option<Reason> {
        match verdict {
            Verdict::Refused { reason, .. } => Some(*reason),
            Verdict::Accepted { .. } | Verdict::Unknown { .. } => None,
        }
    }

    #[test]
    fn a_token_proves_that_the_key_signs_in() {
        let token = r#"{"access_token":"t","token_type":"bearer","expires_in":43199,"scope":"a","jti":"j"}"#;
        assert_eq!(verdict_on(200, &[], token), Verdict::Accepted { scopes: Scopes::new("a") });
    }

    #[test]
    fn a_200_without_a_token_leaves_the_key_unknown() {
        for body in ["", "<html>log in</html>", "{}", r#"{"access_token":"","token_type":"bearer"}"#, "[]"] {
            assert!(matches!(verdict_on(200, &[], body), Verdict::Unknown { .. }), "{body}");
        }
    }

    #[test]
    fn a_401_with_an_oauth_error_refuses_the_key() {
        for body in [
            r#"{"error":"invalid_client","error_description":"x"}"#,
            r#"{"error":"unauthorized","error_description":"Bad credentials"}"#,
        ] {
            assert_eq!(refused(&verdict_on(401, &[], body)), Some(Reason::CredentialsRefused), "{body}");
        }
    }

    #[test]
    fn a_401_of_an_intermediary_leaves_the_key_unknown() {
        let framework = r#"{"status":401,"error":"Unauthorized","path":"/oauth/token"}"#;
        for body in ["", "<html>proxy</html>", r#"{"message":"no"}"#, r#"{"error":7}"#, framework] {
            assert!(matches!(verdict_on(401, &[], body), Verdict::Unknown { .. }), "{body}");
        }
        let router = verdict_on(401, &[("x-cf-routererror", "x")], r#"{"error":"unauthorized"}"#);
        assert!(matches!(router, Verdict::Unknown { .. }));
    }

    #[test]
    fn a_404_refuses_the_key_only_if_uaa_reports_an_unknown_zone() {
        for page in [
            "<p>The subdomain does not map to a valid identity zone.</p>",
            "<p>Cannot find identity zone for subdomain &#39;acme-calm&#39;</p>",
            r#"{"error":"Cannot find identity zone for subdomain 'acme-calm'"}"#,
        ] {
            assert_eq!(refused(&verdict_on(404, &[], page)), Some(Reason::IdentityZoneNotFound), "{page}");
            let routed = verdict_on(404, &[("x-cf-routererror", "unknown_route")], page);
            assert!(matches!(routed, Verdict::Unknown { .. }), "{page}");
        }
        for page in ["404 Not Found", "{}", "", "<p>identity zone</p>"] {
            assert!(matches!(verdict_on(404, &[], page), Verdict::Unknown { .. }), "{page}");
        }
    }

    #[test]
    fn outages_and_rate_limits_leave_the_key_unknown() {
        for status in [400, 403, 408, 418, 500, 502, 503, 504, 301, 302] {
            let answer = verdict_on(status, &[], r#"{"error":"unauthorized"}"#);
            assert!(matches!(answer, Verdict::Unknown { retry: Retry::Backoff, .. }), "{status}");
        }
        let limited = verdict_on(429, &[("retry-after", "7")], "");
        assert!(matches!(limited, Verdict::Unknown { retry: Retry::After(wait), .. } if wait.as_secs() == 7));
    }
}
