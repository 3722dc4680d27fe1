//! The IDs of actions and the revisions of the record in manual mode. None of them is ever used again.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::domain::slot::Revision;

/// Alphabet of the IDs, without vowels and characters that are easily confused: a person types an ID.
const ALPHABET: &[u8; 20] = b"bcdfghjkmnpqrstvwxz2";

/// Number of characters of an ID. There are 20^10 IDs, so practically none is drawn twice.
const ID_LENGTH: usize = 10;

/// The source of the IDs and revisions of one reconciliation.
#[derive(Debug)]
pub struct UniqueIds {
    id: String,
    revisions: AtomicU32,
}

impl UniqueIds {
    /// Derives all from `number`, which is drawn at random for one reconciliation.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self { id: id(number), revisions: AtomicU32::new(0) }
    }

    /// Returns the ID of an action. A reconciliation asks for one action at most.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the next revision.
    pub fn revision(&self) -> Revision {
        let number = self.revisions.fetch_add(1, Ordering::Relaxed);
        Revision::new(format!("{}.{number}", self.id))
    }
}

/// Returns the ID that `number` stands for, in two groups.
fn id(mut number: u64) -> String {
    let mut id = String::with_capacity(ID_LENGTH + 1);
    for position in 0..ID_LENGTH {
        if position == ID_LENGTH / 2 {
            id.push('-');
        }
        let index = usize::try_from(number % ALPHABET.len() as u64).unwrap_or_default();
        id.push(char::from(ALPHABET[index]));
        number /= ALPHABET.len() as u64;
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_two_groups_of_letters_that_are_not_confused() {
        assert_eq!(id(0), "bbbbb-bbbbb");
        assert_eq!(id(1), "cbbbb-bbbbb");
        assert_ne!(id(u64::MAX), id(u64::MAX - 1));
    }

    #[test]
    fn each_revision_of_a_reconciliation_is_another_one() {
        let (ids, others) = (UniqueIds::new(1), UniqueIds::new(2));
        assert_ne!(ids.revision(), ids.revision());
        assert_ne!(UniqueIds::new(1).revision(), others.revision());
    }
}
