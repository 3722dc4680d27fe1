//! The key in the source of an object, and its comparison with the uploaded one.

mod comparison;
mod source;

use kube::ResourceExt;
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::cluster::{Cluster, Failure, qualified};
use super::text::item;
use crate::domain::plan::SourceIdentity;
use crate::source::resolve::Located;

pub(super) use comparison::Comparison;
pub(super) use source::{Absence, read_source};

/// The key in the source of an object. Not `Debug`, so that no value of it can be logged.
pub(super) struct StoredKey {
    /// Namespace of the object.
    pub(super) namespace: String,
    /// Name of the object.
    pub(super) name: String,
    /// The source.
    pub(super) source: SourceIdentity,
    /// The document, which need not be a valid key.
    pub(super) document: Map<String, Value>,
    /// The comparison with the uploaded key.
    pub(super) comparison: Comparison,
    /// The fingerprint that the status of the object would show; none if no key can have this document.
    pub(super) fingerprint: Option<String>,
}

/// The source of an object has no key.
#[derive(Debug, thiserror::Error)]
#[error("{object} has no key in its source: {message}")]
pub(super) struct NoKey {
    object: String,
    message: String,
}

impl StoredKey {
    /// Reads an object and the key in its source.
    pub(super) async fn read(cluster: &Cluster, name: &str) -> Result<Result<Self, NoKey>, Failure> {
        let object = cluster.key(name).await?;
        let no_key = |message| NoKey { object: qualified(name), message };
        let Located { identity, document, suspected_lost: _ } = match read_source(cluster, &object).await? {
            Ok(located) => located,
            Err(Absence { message, .. }) => return Ok(Err(no_key(message))),
        };
        let document = match document {
            Ok(document) => document,
            Err(finding) => return Ok(Err(no_key(finding.to_string()))),
        };
        let (comparison, fingerprint) = comparison::compare(&document, object.status.as_ref());
        let namespace = object.namespace().unwrap_or_default();
        Ok(Ok(Self { namespace, name: object.name_any(), source: identity, document, comparison, fingerprint }))
    }

    /// Returns the document as the operator uploads it.
    pub(super) fn text(&self) -> SecretString {
        SecretString::from(Value::Object(self.document.clone()).to_string())
    }

    /// Describes the key without a value of it, in lines of at most `width` columns.
    pub(super) fn description(&self, width: u16) -> String {
        let Self { namespace, name, source, document: _, comparison, fingerprint } = self;
        let secret = match source.kind {
            "Secret" => String::new(),
            _ => format!(", whose Secret is \"{}\"", source.secret_name),
        };
        let lines = [
            format!("Uploaded: {comparison}"),
            format!("Fingerprint: {}", fingerprint.as_deref().unwrap_or("none, because the document is no valid key")),
            format!("Source: {} \"{}\"{secret}", source.kind, source.name),
        ];
        let lines: String = lines.iter().map(|line| item(line, width)).collect();
        format!("{} -n {namespace}\n{lines}", qualified(name))
    }
}
