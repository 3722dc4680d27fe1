//! The stale copy of a binding: it keeps the credentials of before a rotation, until they expire.

use jiff::Timestamp;

use super::binding::Binding;
use super::layout::document;
use super::resolve::is_controlled_by;
use crate::cluster::objects::Objects;
use crate::cluster::{CallError, OpenSecret};
use crate::domain::policy::KeyRules;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::fingerprint::KeyFingerprint;

/// A binding that was rotated.
pub struct Rotated<'a> {
    /// The namespace.
    pub namespace: &'a str,
    /// The name.
    pub name: &'a str,
    /// The uid, which its copies name as their controller.
    pub uid: &'a str,
}

/// Returns the key with this fingerprint and the time at which it expires, if a stale copy of the binding holds it. The
/// time is that of SAP's operator: the creation of the copy, and `rotatedBindingTTL` later.
///
/// # Errors
/// The copies or their Secrets could not be read.
pub async fn find_key(
    cluster: &dyn Objects,
    binding: Rotated<'_>,
    fingerprint: &KeyFingerprint,
    rules: &KeyRules,
) -> Result<Option<(ServiceKey, Option<Timestamp>)>, CallError> {
    let Rotated { namespace, name, uid } = binding;
    for copy in cluster.stale_copies(namespace, name).await? {
        let Ok(copy) = Binding::from_object(copy) else { continue };
        if !copy.is_stale_copy() || !is_controlled_by(&copy.metadata, uid) {
            continue;
        }
        let Some(secret) = cluster.secret(namespace, copy.secret_name()).await? else { continue };
        let secret = OpenSecret::from(secret);
        if !is_controlled_by(&secret.metadata, copy.uid()) {
            continue;
        }
        let Ok(document) = document(&secret.entries, None) else { continue };
        match ServiceKey::from_document(document, rules) {
            Ok(key) if key.fingerprint() == fingerprint => return Ok(Some((key, copy.expires_at()))),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(None)
}
