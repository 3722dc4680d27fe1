//! The actions that a person is asked for. In manual mode, a person alone can change the slot.

use jiff::Timestamp;

use super::service_key::fingerprint::KeyFingerprint;
use super::slot::Revision;

/// The maximum number of keys that are remembered because their upload was requested and not confirmed.
const MAX_UNCONFIRMED: usize = 8;

/// A write to the slot that a person is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// The ID, drawn at random and never used again. A confirmation names it.
    pub id: String,
    /// The kind of write.
    pub operation: ActionOperation,
    /// The fingerprint of the key that is to be uploaded or deleted; `None` if it is not known.
    pub fingerprint: Option<KeyFingerprint>,
    /// The revision of the record that the request is based on. A confirmation at any other revision has no effect.
    pub revision: Revision,
    /// The time of the request.
    pub requested_at: Timestamp,
    /// The time from which managed systems cannot sign in without this write; `None` if it is not known.
    pub deadline: Option<Timestamp>,
    /// The instructions for the person, one step each.
    pub steps: Vec<String>,
}

/// A kind of write that a person is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionOperation {
    /// Upload a key into the slot, which is empty as far as known.
    Upload,
    /// Delete the key in the slot, then upload another one.
    Replace,
    /// Delete the key in the slot.
    Delete,
}

impl Action {
    /// Returns true if both ask for the same write. The ID, the times and the words do not matter.
    #[must_use]
    pub fn asks_for_same(&self, other: &Self) -> bool {
        let Self { id: _, operation, fingerprint, revision, requested_at: _, deadline: _, steps: _ } = self;
        *operation == other.operation && *fingerprint == other.fingerprint && *revision == other.revision
    }

    /// Returns the key whose upload is requested, if one is.
    #[must_use]
    pub fn upload(&self) -> Option<&KeyFingerprint> {
        match self.operation {
            ActionOperation::Upload | ActionOperation::Replace => self.fingerprint.as_ref(),
            ActionOperation::Delete => None,
        }
    }
}

/// The keys whose upload was requested at one revision of the record, and not confirmed. Each of them may be in the slot:
/// a person may act late, or on steps that are no longer current.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unconfirmed {
    /// The revision of the record.
    pub revision: Revision,
    /// The keys in the order of their requests. If there are too many, the first ones are forgotten.
    pub keys: Vec<KeyFingerprint>,
}

impl Unconfirmed {
    /// Returns the keys `before`, if they were requested at the same revision, and `key` as the last one.
    #[must_use]
    pub fn with(before: Option<Self>, key: &KeyFingerprint, revision: &Revision) -> Self {
        let mut keys =
            before.filter(|before| before.revision == *revision).map(|before| before.keys).unwrap_or_default();
        keys.retain(|known| known != key);
        keys.push(key.clone());
        let excess = keys.len().saturating_sub(MAX_UNCONFIRMED);
        keys.drain(..excess);
        Self { revision: revision.clone(), keys }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: limit domain/action MAX_UNCONFIRMED
    #[test]
    fn of_nine_keys_whose_upload_was_requested_the_first_is_forgotten() {
        let revision = Revision::new("\"1\"");
        let keys: Vec<_> = (0..=MAX_UNCONFIRMED).map(|key| KeyFingerprint::recorded(&format!("2:{key}"))).collect();
        let requested = keys.iter().fold(None, |before, key| Some(Unconfirmed::with(before, key, &revision)));
        assert_eq!(requested.expect("keys were requested").keys, keys[1..]);
    }

    #[test]
    fn a_key_that_is_requested_again_is_the_last_one() {
        let (revision, next) = (Revision::new("\"1\""), Revision::new("\"2\""));
        let [first, second] = ["2:a", "2:b"].map(KeyFingerprint::recorded);
        let requested = Unconfirmed::with(None, &first, &revision);
        let requested = Unconfirmed::with(Some(requested), &second, &revision);
        let again = Unconfirmed::with(Some(requested), &first, &revision);
        assert_eq!(again.keys, [second, first.clone()]);
        assert_eq!(Unconfirmed::with(Some(again), &first, &next).keys, [first], "a new revision begins anew");
    }
}
