//! `ALMServiceKey`s and `ALMTenant`s that the API server refuses, naming the field.

mod keys;
mod tenants;

use serde_json::Value;

/// A document that is refused at admission.
pub(super) struct Refused {
    /// Description of the mistake, for the message of a failed assertion.
    pub(super) what: &'static str,
    /// Collection to which the document is posted.
    pub(super) collection: Collection,
    /// Body of the request.
    pub(super) body: Vec<u8>,
    /// Expected part of the message, with the field.
    pub(super) message: &'static str,
}

/// Collection of the API group.
#[derive(Clone, Copy)]
pub(super) enum Collection {
    Keys,
    Tenants,
}

/// Returns all documents.
pub(super) fn all() -> Vec<Refused> {
    [keys::cases(), tenants::cases()].into_iter().flatten().collect()
}

/// Returns an example of a kind after a change.
fn changed(
    (collection, example): (Collection, fn() -> Value),
    what: &'static str,
    message: &'static str,
    change: impl FnOnce(&mut Value),
) -> Refused {
    let mut document = example();
    change(&mut document);
    Refused { what, collection, body: document.to_string().into_bytes(), message }
}
