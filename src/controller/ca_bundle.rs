//! The CA certificates that a tenant trusts for one of its remote sides: inline, or in an object of the operator's
//! namespace.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};

use super::misconfiguration::Misconfiguration;
use super::references::ReferenceVersions;
use crate::api::tenant::{CaBundleRef, ObjectKind};
use crate::cluster::CallError;
use crate::cluster::objects::Objects;
use crate::http::client::InvalidCaBundle;

/// Maximum size of the certificates in a `ConfigMap` or Secret, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// The fields of a tenant that say which certificates to trust.
#[derive(Clone, Copy)]
pub(crate) struct Trust<'a> {
    /// Path of the object with these fields, below `spec`.
    pub(crate) field: &'static str,
    pub(crate) inline: Option<&'a str>,
    pub(crate) reference: Option<&'a CaBundleRef>,
}

/// The certificates as they were read.
pub(crate) struct CaBundle {
    /// The certificates in PEM. None means the well-known authorities.
    pub(crate) pem: Option<String>,
    /// Version of the object that holds the certificates; empty if they are in the tenant itself.
    pub(crate) version: String,
    /// Place of the certificates, for messages.
    place: String,
}

/// The version of an object, and the text of one of its entries.
struct Entry {
    version: Option<String>,
    text: Option<String>,
}

impl Trust<'_> {
    /// Returns the version of the object with the certificates that the watch has seen last. It is empty if no object is
    /// named, or if the watch has not seen it.
    pub(crate) fn latest_version(self, versions: &ReferenceVersions) -> String {
        self.reference.map(|reference| versions.latest(&reference.into())).unwrap_or_default()
    }

    /// Reads the certificates.
    pub(crate) async fn read(self, cluster: &dyn Objects, namespace: &str) -> Result<CaBundle, Misconfiguration> {
        let Self { field, inline, reference } = self;
        let Some(CaBundleRef { kind, name, key }) = reference else {
            let place = format!("the ALMTenant's {field}.caBundle");
            return Ok(CaBundle { pem: inline.map(str::to_owned), version: String::new(), place });
        };
        let object = format!("{} \"{name}\" in namespace \"{namespace}\"", kind.as_str());
        let found = match kind {
            ObjectKind::ConfigMap => {
                cluster.config_map(namespace, name).await.map(|found| found.map(of_config_map(key)))
            }
            ObjectKind::Secret => cluster.secret(namespace, name).await.map(|found| found.map(of_secret(key))),
        };
        let Entry { version, text } = found.map_err(|error| unreadable(&object, &error))?.ok_or_else(|| {
            waiting(&format!("{object}, named in the ALMTenant's {field}.caBundleRef, does not exist"))
        })?;
        let place = format!("the ALMTenant's {field}.caBundleRef: entry \"{key}\" of {object}");
        let text = text.filter(|text| !text.trim().is_empty()).ok_or_else(|| {
            waiting(&format!("{place} does not exist or is empty; expected are CA certificates in PEM"))
        })?;
        check_size(&text, &place)?;
        Ok(CaBundle { pem: Some(text), version: version.unwrap_or_default(), place })
    }
}

impl CaBundle {
    /// Returns the defect of certificates that cannot be used.
    pub(crate) fn unusable(&self, error: &InvalidCaBundle) -> Misconfiguration {
        Misconfiguration::lasting(format!("{}: {error}", self.place))
    }
}

fn of_config_map(key: &str) -> impl FnOnce(ConfigMap) -> Entry {
    move |ConfigMap { metadata, data, binary_data, .. }| {
        let text = data.and_then(|mut entries| entries.remove(key));
        // kubectl stores a file here if it is not UTF-8, as with a comment in another encoding.
        let binary = || binary_data.and_then(|mut entries| entries.remove(key)).map(decoded);
        Entry { version: metadata.resource_version, text: text.or_else(binary) }
    }
}

fn of_secret(key: &str) -> impl FnOnce(Secret) -> Entry {
    move |Secret { metadata, data, .. }| {
        let text = data.and_then(|mut entries| entries.remove(key)).map(decoded);
        Entry { version: metadata.resource_version, text }
    }
}

/// Decodes an entry. Outside its certificates, which are ASCII, the encoding does not matter.
fn decoded(ByteString(bytes): ByteString) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn check_size(text: &str, place: &str) -> Result<(), Misconfiguration> {
    if text.len() <= MAX_BYTES {
        return Ok(());
    }
    Err(Misconfiguration::lasting(format!("{place} has {} bytes; at most {MAX_BYTES} are read", text.len())))
}

fn waiting(problem: &str) -> Misconfiguration {
    Misconfiguration::passing(problem.to_owned())
}

fn unreadable(object: &str, error: &CallError) -> Misconfiguration {
    Misconfiguration::passing(format!("could not read {object}: {}", error.stable_message()))
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: limit controller/ca_bundle MAX_BYTES
    #[test]
    fn certificates_of_at_most_a_mebibyte_are_read_from_an_object() {
        assert_eq!(check_size(&"c".repeat(MAX_BYTES), "the entry"), Ok(()));
        let problem = "the entry has 1048577 bytes; at most 1048576 are read";
        assert_eq!(check_size(&"c".repeat(MAX_BYTES + 1), "the entry"), Err(Misconfiguration::lasting(problem.into())));
    }

    #[test]
    fn an_entry_is_read_also_if_a_comment_in_it_is_in_another_encoding() {
        let latin = b"# Certificaci\xf3n\n-----BEGIN CERTIFICATE-----\n".to_vec();
        let text = "# Certificaci\u{fffd}n\n-----BEGIN CERTIFICATE-----\n";
        let entries = || Some([("ca.crt".to_owned(), ByteString(latin.clone()))].into());
        let secret = of_secret("ca.crt")(Secret { data: entries(), ..Secret::default() });
        assert_eq!(secret.text.as_deref(), Some(text));
        let of = |key| of_config_map(key)(ConfigMap { binary_data: entries(), ..ConfigMap::default() }).text;
        assert_eq!((of("ca.crt").as_deref(), of("other")), (Some(text), None));
    }
}
