//! The comparison of the slot's content with the source's key.

use super::facts::{Content, Facts};
use super::step::Step;
use crate::domain::ledger::Origin;
use crate::domain::service_key::ServiceKey;
use crate::domain::slot::{RemoteTrouble, Slot};

/// The result of comparing the slot's content with the source's key.
pub(super) enum Comparison<'a> {
    /// The slot holds exactly this key.
    Identical,
    /// The slot holds something else.
    Different,
    /// The content could not be read.
    Unavailable(&'a RemoteTrouble),
}

/// Returns what the ledger says of the slot's content, if it speaks of this revision.
pub(super) fn recorded<'a>(facts: &Facts, slot: &Slot, key: &ServiceKey) -> Option<Comparison<'a>> {
    let uploaded = facts.ledger.uploaded.as_ref().filter(|uploaded| uploaded.revision == *slot.revision())?;
    let is_adopted = uploaded.origin == Origin::Adopted;
    let is_current = uploaded.is_current(key).filter(|_| is_adopted == slot.is_adopted())?;
    Some(if is_current { Comparison::Identical } else { Comparison::Different })
}

/// Compares the slot's content with the source's key by `same`.
///
/// # Errors
/// Returns the step that reads the content if that has not been done.
pub(super) fn of_content<'a>(
    facts: &'a Facts,
    same: fn(&ServiceKey, &ServiceKey) -> bool,
    key: &ServiceKey,
) -> Result<Comparison<'a>, Step> {
    Ok(match facts.answers.content.as_ref().ok_or(Step::ReadContent)? {
        Err(trouble) => Comparison::Unavailable(trouble),
        Ok(Content::Key(content)) if same(content, key) => Comparison::Identical,
        Ok(Content::Key(_) | Content::Unreadable(_) | Content::NotAvailable(_)) => Comparison::Different,
    })
}

/// Compares what the operator put: each change of the source's document is put again.
pub(super) fn is_same_document(content: &ServiceKey, key: &ServiceKey) -> bool {
    content.document_fingerprint() == key.document_fingerprint()
}

/// Compares what others put: managed systems use credentials and endpoints alone.
pub(super) fn is_same_key(content: &ServiceKey, key: &ServiceKey) -> bool {
    content.fingerprint() == key.fingerprint()
}

/// Compares what signs in: a verdict, a probe and a hand-over speak of credentials alone.
pub(super) fn has_same_credentials(content: &ServiceKey, key: &ServiceKey) -> bool {
    content.credentials_fingerprint() == key.credentials_fingerprint()
}
