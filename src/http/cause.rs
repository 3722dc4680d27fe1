//! The cause of a failed connection, for messages.

use std::error::Error;

use crate::domain::untrusted::sanitize;

/// rustls' text for a certificate of an authority that is not trusted.
const UNKNOWN_ISSUER: &str = "invalid peer certificate: UnknownIssuer";
/// The same with the remedy.
const UNTRUSTED: &str = "the certificate of the server is from an authority that is not trusted; if that is one of yours, \
                         name it in caBundle or caBundleRef of the ALMTenant";

/// Maximum length of the quoted cause of an error, in characters.
const MAX_CAUSE_CHARS: usize = 256;

/// Returns the innermost error.
pub(super) fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause
}

/// Describes the innermost error by a text that is constant for the same cause.
pub(super) fn root_cause(error: &(dyn Error + 'static)) -> String {
    // For an expired certificate, rustls appends the time of the check.
    let cause = innermost(error).to_string();
    let cause = cause.split(": verification time").next().unwrap_or_default();
    if cause == UNKNOWN_ISSUER {
        return UNTRUSTED.to_owned();
    }
    // The text quotes names of the certificate, which the server controls.
    sanitize(cause, MAX_CAUSE_CHARS)
}
