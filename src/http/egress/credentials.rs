//! The file with the credentials for the admin's proxy.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use secrecy::zeroize::Zeroizing;

/// Maximum size of the file, in bytes.
const MAX_BYTES: u64 = 4096;

/// The error of credentials that cannot be used. It quotes neither the file nor its name: a user may have given the
/// credentials themselves instead of a file.
#[derive(Debug, thiserror::Error)]
pub enum UnusableCredentials {
    /// The operating system reported an error.
    #[error("could not read the file that --egress-proxy-credentials names: {0}")]
    Unreadable(io::Error),
    /// The content has another form.
    #[error("the file that --egress-proxy-credentials names does not consist of one line username:password")]
    Malformed,
}

/// Reads the file, and returns the value of `Proxy-Authorization` (RFC 7617, section 2).
pub(super) fn authorization(path: &Path) -> Result<HeaderValue, UnusableCredentials> {
    let unreadable = UnusableCredentials::Unreadable;
    let malformed = || UnusableCredentials::Malformed;
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    let pair = std::str::from_utf8(&bytes).ok().filter(|text| text.len() as u64 <= MAX_BYTES).and_then(pair);
    let encoded = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.ok_or_else(malformed)?)));
    let mut value = HeaderValue::from_str(&encoded).map_err(|_| malformed())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Returns the user name and the password in a file, separated by a colon.
fn pair(text: &str) -> Option<&str> {
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    let (user, _) = line.split_once(':')?;
    (!user.is_empty() && !line.contains(char::is_control)).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_read_as_user_name_and_password() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("credentials");
        // The example of RFC 7617, section 2.
        for content in ["Aladdin:open sesame", "Aladdin:open sesame\n", "Aladdin:open sesame\r\n"] {
            std::fs::write(&path, content).expect("a file");
            let value = authorization(&path).expect("credentials");
            assert_eq!(value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
            assert_eq!(format!("{value:?}"), "Sensitive");
        }
        assert_eq!(pair("user:pass:word: \u{e4}"), Some("user:pass:word: \u{e4}"));
    }

    #[test]
    fn a_file_of_another_form_is_refused_and_not_quoted() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("credentials");
        let long = format!("user:CANARY{}", "a".repeat(4096));
        for content in ["", "\n", "CANARY", ":CANARY", "user:CANARY\nuser:CANARY", "user:CANARY\0", &long] {
            std::fs::write(&path, content).expect("a file");
            let error = authorization(&path).expect_err(content).to_string();
            assert!(error.contains("one line username:password") && !error.contains("CANARY"), "{error}");
        }
        let error = authorization(&folder.path().join("missing")).expect_err("no file").to_string();
        assert!(error.contains("No such file or directory"), "{error}");
    }
}
