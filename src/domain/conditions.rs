//! The verdict on an object, as conditions.

use super::reason::Reason;

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
    /// For a person. The same in the same state: a changing message would be a write at each pass.
    pub message: String,
}

impl Condition {
    /// It is so.
    #[must_use]
    pub fn yes(reason: Reason, message: impl Into<String>) -> Self {
        Self { status: Status::True, reason, message: message.into() }
    }

    /// It is known not to be so.
    #[must_use]
    pub fn no(reason: Reason, message: impl Into<String>) -> Self {
        Self { status: Status::False, reason, message: message.into() }
    }

    /// It is not known.
    #[must_use]
    pub fn unknown(reason: Reason, message: impl Into<String>) -> Self {
        Self { status: Status::Unknown, reason, message: message.into() }
    }
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
