//! The conditions of an object.

use super::reason::Reason;

/// The maximum length of a message in bytes. Some of its parts are untrusted: names in a certificate, hosts in a spec.
const MAX_MESSAGE_BYTES: usize = 4096;

/// The status of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The condition holds.
    True,
    /// The condition does not hold.
    False,
    /// The state is not known.
    Unknown,
}

impl Status {
    /// Returns the word that Kubernetes uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// One condition without type and times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The status.
    pub status: Status,
    /// The reason.
    pub reason: Reason,
    /// The message, of bounded length. It is constant in the same state, because each change is a write of the status.
    pub message: String,
}

impl Condition {
    /// Returns a condition that holds.
    #[must_use]
    pub fn yes(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(Status::True, reason, message)
    }

    /// Returns a condition that does not hold.
    #[must_use]
    pub fn no(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(Status::False, reason, message)
    }

    /// Returns a condition whose state is not known.
    #[must_use]
    pub fn unknown(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(Status::Unknown, reason, message)
    }

    /// Returns a condition with this status. A message that is too long is truncated.
    #[must_use]
    pub fn new(status: Status, reason: Reason, message: impl Into<String>) -> Self {
        Self { status, reason, message: truncated(message.into(), MAX_MESSAGE_BYTES) }
    }
}

/// Truncates a text to `max_bytes`; a truncated text ends in dots.
#[must_use]
pub fn truncated(mut text: String, max_bytes: usize) -> String {
    const DOTS: &str = "...";
    if text.len() > max_bytes {
        text.truncate(text.floor_char_boundary(max_bytes.saturating_sub(DOTS.len())));
        text.push_str(DOTS);
    }
    text
}

/// The progress, which kstatus reads beside `Ready`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Neither condition: nothing is under way and nothing is wrong.
    Done,
    /// `Reconciling=True`: the state changes without action by the user.
    Reconciling,
    /// `Stalled=True`: the user must act.
    Stalled,
}

/// All conditions of an `ALMServiceKey`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// `Ready`, the summary.
    pub ready: Condition,
    /// `Valid`: the key complies with the rules.
    pub valid: Condition,
    /// `SignedIn`: the token endpoint accepts the source's key or, without a valid one, our key in the slot.
    pub signed_in: Condition,
    /// `Uploaded`: the slot holds a key of ours.
    pub uploaded: Condition,
    /// `Reconciling` and `Stalled`.
    pub progress: Progress,
    /// True if only `ready` and `progress` count: the other conditions stay as they were written, with their
    /// generation.
    pub ready_only: bool,
}

impl Conditions {
    /// Returns the conditions of an object before its first reconciliation.
    #[must_use]
    pub fn progressing() -> Self {
        let unknown = Condition::unknown(Reason::Progressing, "the first reconciliation has not finished");
        Self {
            ready: unknown.clone(),
            valid: unknown.clone(),
            signed_in: unknown.clone(),
            uploaded: unknown,
            progress: Progress::Reconciling,
            ready_only: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: limit domain/conditions MAX_MESSAGE_BYTES
    #[test]
    fn a_message_of_more_than_four_kibibytes_ends_in_dots() {
        let message = |length: usize| Condition::no(Reason::InvalidJSON, "x".repeat(length)).message;
        assert_eq!(message(MAX_MESSAGE_BYTES), "x".repeat(MAX_MESSAGE_BYTES));
        assert_eq!(message(MAX_MESSAGE_BYTES + 1), "x".repeat(MAX_MESSAGE_BYTES - 3) + "...");
    }

    #[test]
    fn a_text_is_never_truncated_inside_a_character() {
        assert_eq!(truncated("é".repeat(4), 7), "éé...");
        assert_eq!(truncated("é".repeat(4), 6), "é...");
        assert_eq!(truncated("é".repeat(4), 8), "é".repeat(4));
    }
}
