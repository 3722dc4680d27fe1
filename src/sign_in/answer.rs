//! What an answer of XSUAA means for a key.
//!
//! Facts: the table of `docs/sign-in.md`. Only the token endpoint itself can say that a key is dead; whatever an outage,
//! a proxy or a router says in its place leaves it unknown.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use crate::domain::plan::Verdict;
use crate::domain::policy::Scopes;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::http::client::{Answer, retry_after};

/// Set by the router of Cloud Foundry when it, not UAA, answers.
const ROUTER_ERROR: &str = "x-cf-routererror";
/// What UAA says, lower-cased, of a subdomain without an identity zone.
const NO_ZONE: &str = "cannot find identity zone for subdomain";

/// The verdict on the key.
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
        404 if says_no_zone(answer) => Verdict::Refused {
            reason: Reason::IdentityZoneNotFound,
            message: "the token endpoint does not know the identity zone of this key (404)".into(),
        },
        404 => unknown("answered 404, but not that the identity zone is unknown", Retry::Backoff),
        429 => unknown("asked to be called less often (429)", retry_after(&answer.headers)),
        status => unknown(&format!("answered {status}"), Retry::Backoff),
    }
}

/// Nothing is known of the key.
pub(super) fn unknown(what: &str, retry: Retry) -> Verdict {
    Verdict::Unknown { message: format!("nothing is known of the key: the token endpoint {what}"), retry }
}

/// What the token in an answer is good for; none if there is no token in it. JSON is UTF-8 (RFC 8259, 8.1), also where the
/// parser skips what nobody asked for.
fn scopes(body: &[u8]) -> Option<Scopes> {
    let text = std::str::from_utf8(body).ok()?;
    let TokenAnswer { access_token, token_type, scope } = serde_json::from_str(text).ok()?;
    let is_token = !access_token.is_empty() && token_type.eq_ignore_ascii_case("bearer");
    is_token.then(|| Scopes::new(&scope.unwrap_or_default()))
}

/// The token is borrowed from the answer, so that there is no second copy of it.
#[derive(Deserialize)]
struct TokenAnswer<'a> {
    #[serde(borrow)]
    access_token: Cow<'a, str>,
    token_type: String,
    scope: Option<String>,
}

/// An error code as RFC 6749 and UAA write them, in lower case: a web framework or gateway in between says things like
/// `"error": "Unauthorized"`.
fn is_oauth_error(answer: &Answer) -> bool {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = body.get("error").and_then(Value::as_str).unwrap_or_default();
    let is_code = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    is_code && !answer.headers.contains_key(ROUTER_ERROR)
}

fn says_no_zone(answer: &Answer) -> bool {
    !answer.headers.contains_key(ROUTER_ERROR)
        && String::from_utf8_lossy(&answer.body).to_ascii_lowercase().contains(NO_ZONE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    fn of(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Verdict {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse().expect("name"), value.parse().expect("value"))).collect();
        let status = StatusCode::from_u16(status).expect("a status");
        verdict(&Answer { status, headers, body: body.as_bytes().to_vec().into() })
    }

    fn refused(verdict: &Verdict) -> Option<Reason> {
        match verdict {
            Verdict::Refused { reason, .. } => Some(*reason),
            Verdict::Accepted { .. } | Verdict::Unknown { .. } => None,
        }
    }

    #[test]
    fn a_token_means_that_the_key_signs_in() {
        let token = r#"{"access_token":"t","token_type":"bearer","expires_in":43199,"scope":"a","jti":"j"}"#;
        assert_eq!(of(200, &[], token), Verdict::Accepted { scopes: Scopes::new("a") });
    }

    #[test]
    fn a_200_without_a_token_says_nothing() {
        for body in ["", "<html>log in</html>", "{}", r#"{"access_token":"","token_type":"bearer"}"#, "[]"] {
            assert!(matches!(of(200, &[], body), Verdict::Unknown { .. }), "{body}");
        }
    }

    #[test]
    fn a_401_with_an_oauth_error_means_dead_whatever_its_text() {
        for body in [
            r#"{"error":"invalid_client","error_description":"x"}"#,
            r#"{"error":"unauthorized","error_description":"Bad credentials"}"#,
        ] {
            assert_eq!(refused(&of(401, &[], body)), Some(Reason::CredentialsRefused), "{body}");
        }
    }

    #[test]
    fn a_401_of_something_in_between_says_nothing() {
        let framework = r#"{"status":401,"error":"Unauthorized","path":"/oauth/token"}"#;
        for body in ["", "<html>proxy</html>", r#"{"message":"no"}"#, r#"{"error":7}"#, framework] {
            assert!(matches!(of(401, &[], body), Verdict::Unknown { .. }), "{body}");
        }
        let router = of(401, &[("x-cf-routererror", "x")], r#"{"error":"unauthorized"}"#);
        assert!(matches!(router, Verdict::Unknown { .. }));
    }

    #[test]
    fn a_404_means_dead_only_if_uaa_says_that_the_zone_is_unknown() {
        let page = "<html><body>Cannot find identity zone for subdomain acme-calm</body></html>";
        assert_eq!(refused(&of(404, &[], page)), Some(Reason::IdentityZoneNotFound));
        assert!(matches!(of(404, &[("x-cf-routererror", "unknown_route")], page), Verdict::Unknown { .. }));
        assert!(matches!(of(404, &[], "404 Not Found"), Verdict::Unknown { .. }));
    }

    #[test]
    fn outages_and_limits_are_never_death() {
        for status in [400, 403, 408, 418, 500, 502, 503, 504, 301, 302] {
            let answer = of(status, &[], r#"{"error":"unauthorized"}"#);
            assert!(matches!(answer, Verdict::Unknown { retry: Retry::Backoff, .. }), "{status}");
        }
        let limited = of(429, &[("retry-after", "7")], "");
        assert!(matches!(limited, Verdict::Unknown { retry: Retry::After(wait), .. } if wait.as_secs() == 7));
    }
}
