//! `ALMServiceKey`s and `ALMTenant`s that the API server refuses, with the field.

mod keys;
mod tenants;

use serde_json::Value;

/// A document that is refused at admission.
pub(super) struct Refused {
    /// What is wrong with it, for whoever reads a failure.
    pub(super) what: &'static str,
    /// The collection that it is posted to, below the API's group.
    pub(super) collection: Collection,
    /// The document as it goes over the wire.
    pub(super) body: Vec<u8>,
    /// What the user reads, the field among it.
    pub(super) says: &'static str,
}

/// Where documents are posted to.
#[derive(Clone, Copy)]
pub(super) enum Collection {
    Keys,
    Tenants,
}

/// All of them.
pub(super) fn all() -> Vec<Refused> {
    [keys::cases(), tenants::cases()].into_iter().flatten().collect()
}

/// An example of a kind after a change.
fn changed(
    (collection, example): (Collection, fn() -> Value),
    what: &'static str,
    says: &'static str,
    change: impl FnOnce(&mut Value),
) -> Refused {
    let mut document = example();
    change(&mut document);
    Refused { what, collection, body: document.to_string().into_bytes(), says }
}
