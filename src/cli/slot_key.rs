//! The key in the slot as a person found it in the app: the downloaded file, or the fingerprint of the key in it.

use std::path::{Path, PathBuf};

use super::key_file::lenient;
use super::key_file::{MAX_BYTES, Outcome, Report, Unreadable, file_name, read};
use crate::domain::service_key::fingerprint::KeyFingerprint;
use crate::domain::service_key::{Findings, ServiceKey, read_object};

#[derive(clap::Args)]
#[group(multiple = false)]
pub(super) struct SlotKeyFlags {
    /// File with the key that was downloaded in the app just now; `-` reads standard input. Its fingerprint is computed
    /// here, and nothing else of it is sent.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Fingerprint of the key that was downloaded in the app just now, as almkey validate prints it.
    #[arg(long, value_name = "FINGERPRINT", value_parser = fingerprint)]
    fingerprint: Option<KeyFingerprint>,
}

/// The key in the slot.
pub(super) enum SlotKey {
    /// The key itself.
    Known(Box<ServiceKey>),
    /// The fingerprint of the key.
    Fingerprint(KeyFingerprint),
}

impl SlotKey {
    /// Returns the fingerprint of the key.
    pub(super) fn fingerprint(&self) -> &KeyFingerprint {
        match self {
            Self::Known(key) => key.fingerprint(),
            Self::Fingerprint(fingerprint) => fingerprint,
        }
    }
}

impl SlotKeyFlags {
    /// Returns the key that the flags name; none if they name none. For a file without a valid key, returns the report.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn key(self) -> Result<Result<Option<SlotKey>, Report>, Unreadable> {
        let Self { file, fingerprint } = self;
        let Some(file) = file else { return Ok(Ok(fingerprint.map(SlotKey::Fingerprint))) };
        Ok(match read_key(&file)? {
            Ok(key) => Ok(Some(SlotKey::Known(Box::new(key)))),
            Err(findings) => {
                let outcome = Outcome::Invalid(findings, None);
                Err(Report::new(file_name(&file), &lenient::rules(None), Vec::new(), outcome).without_options())
            }
        })
    }
}

/// Reads a file that was downloaded in the app: the key alone.
fn read_key(file: &Path) -> Result<Result<ServiceKey, Findings>, Unreadable> {
    let document = read_object(&read(file, MAX_BYTES)?).map_err(Findings::from);
    Ok(document.and_then(lenient::parse))
}

fn fingerprint(text: &str) -> Result<KeyFingerprint, String> {
    let expected = || "expected \"2:\" and 32 hexadecimal digits, as almkey validate prints it".to_owned();
    KeyFingerprint::parse(&text.trim().to_ascii_lowercase()).ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::reason::Reason;
    use crate::domain::service_key::MAX_BYTES;

    fn document(change: impl FnOnce(&mut Value)) -> Value {
        let mut document = json!({
            "endpoints": { "Api": "https://alm.example" },
            "uaa": {
                "clientid": "sb-x!b1|app!b2", "clientsecret": "s", "url": "https://token.example:8443",
                "identityzone": "acme-calm", "credential-type": "binding-secret",
            },
        });
        change(&mut document);
        document
    }

    fn read_text(text: &str) -> Result<ServiceKey, Findings> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("a file");
        read_key(file.path()).expect("a file that can be read")
    }

    #[test]
    fn the_key_of_any_tenant_host_and_service_has_a_fingerprint() {
        let key = read_text(&document(|_| ()).to_string()).expect("a key");
        assert!(KeyFingerprint::parse(key.fingerprint().as_str()).is_some());
        for host in ["https://10.0.0.1", "https://[fd00::1]:8443", "https://localhost:1/uaa"] {
            assert!(read_text(&document(|it| it["uaa"]["url"] = json!(host)).to_string()).is_ok(), "{host}");
        }
    }

    #[test]
    fn only_the_bare_key_is_read() {
        let key = document(|_| ());
        let manifest = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "calm" },
            "stringData": { "key.json": key.to_string() },
        });
        for (text, reason) in [
            (manifest.to_string(), Reason::MissingCredentials),
            (json!({ "credentials": key }).to_string(), Reason::MissingCredentials),
            (json!([key]).to_string(), Reason::InvalidJSON),
            (json!(key.to_string()).to_string(), Reason::InvalidJSON),
            (format!("Getting key calm as me\n\n{key}"), Reason::InvalidJSON),
            (format!("{key}\n{key}"), Reason::InvalidJSON),
            (" ".repeat(MAX_BYTES) + &key.to_string(), Reason::InvalidJSON),
            (
                document(|it| it["uaa"]["credential-type"] = json!("x509")).to_string(),
                Reason::UnsupportedCredentialType,
            ),
        ] {
            assert_eq!(read_text(&text).expect_err("no key").reason(), reason);
        }
    }

    #[test]
    fn a_fingerprint_is_what_almkey_validate_prints() {
        let digits = "00112233445566778899aabbccddeeff";
        for text in [format!("2:{digits}"), format!(" 2:{}\n", digits.to_ascii_uppercase())] {
            assert_eq!(fingerprint(&text).expect("a fingerprint").as_str(), format!("2:{digits}"));
        }
        for text in ["", "2:", digits, &format!("1:{digits}"), &format!("2:{digits}0")] {
            assert!(fingerprint(text).is_err(), "{text}");
        }
    }
}
