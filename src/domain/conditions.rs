//! The verdict on an object, as conditions.

use super::reason::Reason;

/// Longest message of a condition, in bytes. Some of it is told by others: names in a certificate, hosts in a spec.
const MAX_MESSAGE_BYTES: usize = 4096;

/// Status of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Known to be so.
    True,
    /// Known to be wrong.
    False,
    /// Not known.
    Unknown,
}

impl Status {
    /// As Kubernetes writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// One condition without its type and times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// True, False or Unknown.
    pub status: Status,
    /// In one word.
    pub reason: Reason,
    /// For a person, of bounded length. The same in the same state: a changing message would be a write at each pass.
    pub message: String,
}

impl Condition {
    /// It is so.
    #[must_use]
    pub fn yes(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(Status::True, reason, message)
    }

    /// It is known not to be so.
    #[must_use]
    pub fn no(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(Status::False, reason, message)
    }

    /// It is not known.
    #[must_use]
    pub fn unknown(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(Status::Unknown, reason, message)
    }

    /// It has this status.
    #[must_use]
    pub fn new(status: Status, reason: Reason, message: impl Into<String>) -> Self {
        Self { status, reason, message: truncated(message.into(), MAX_MESSAGE_BYTES) }
    }
}

/// A text of at most so many bytes, which ends in dots if it was longer.
#[must_use]
pub fn truncated(mut text: String, longest: usize) -> String {
    const DOTS: &str = "...";
    if text.len() > longest {
        text.truncate(text.floor_char_boundary(longest.saturating_sub(DOTS.len())));
        text.push_str(DOTS);
    }
    text
}

/// What kstatus is told beside `Ready`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is under way and nothing is wrong.
    Done,
    /// `Reconciling=True`: it moves by itself.
    Reconciling,
    /// `Stalled=True`: somebody must act.
    Stalled,
}

/// All conditions of an `ALMServiceKey`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// The summary.
    pub ready: Condition,
    /// The key keeps the rules.
    pub valid: Condition,
    /// The key signs in: the source's key; without a readable one, ours in the slot.
    pub signed_in: Condition,
    /// A key of ours stands in the slot.
    pub uploaded: Condition,
    /// Whether it moves.
    pub progress: Progress,
    /// All but the summary stand as they were written last, with the generation that they were written for.
    pub others_stand: bool,
}

impl Conditions {
    /// Before anything is known.
    #[must_use]
    pub fn progressing() -> Self {
        let unknown = Condition::unknown(Reason::Progressing, "the object has just been seen");
        Self {
            ready: unknown.clone(),
            valid: unknown.clone(),
            signed_in: unknown.clone(),
            uploaded: unknown,
            progress: Progress::Reconciling,
            others_stand: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: limit domain/conditions MAX_MESSAGE_BYTES
    #[test]
    fn a_message_of_four_kibibytes_is_told_whole_and_a_longer_one_ends_in_dots() {
        let message = |length: usize| Condition::no(Reason::InvalidJSON, "x".repeat(length)).message;
        assert_eq!(message(MAX_MESSAGE_BYTES), "x".repeat(MAX_MESSAGE_BYTES));
        assert_eq!(message(MAX_MESSAGE_BYTES + 1), "x".repeat(MAX_MESSAGE_BYTES - 3) + "...");
    }

    #[test]
    fn a_text_is_never_cut_in_the_midst_of_a_character() {
        assert_eq!(truncated("é".repeat(4), 7), "éé...");
        assert_eq!(truncated("é".repeat(4), 6), "é...");
        assert_eq!(truncated("é".repeat(4), 8), "é".repeat(4));
    }
}
