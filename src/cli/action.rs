//! The words for a task of a person in Landscape Management, and for its deadline.

use jiff::Timestamp;

use super::text::age;
use crate::api::action::{ActionOperation, ActionStatus};

/// Returns the verb for an operation on the key.
pub(super) fn verb(operation: ActionOperation) -> &'static str {
    match operation {
        ActionOperation::Upload => "upload",
        ActionOperation::Replace => "replace",
        ActionOperation::Delete => "delete",
    }
}

/// Returns the task of an action, its deadline and the time that is left; or the task alone, if no deadline is known.
pub(super) fn task_with_deadline(action: &ActionStatus, now: Timestamp) -> String {
    let deadline = action.deadline.as_ref().map(|deadline| format!(" by {} ({})", deadline.0, left(deadline.0, now)));
    format!("{} the key{}", verb(action.operation), deadline.unwrap_or_default())
}

/// Returns the time that is left until a deadline, in its largest unit.
pub(super) fn left(deadline: Timestamp, now: Timestamp) -> String {
    if deadline > now { format!("{} left", age(now, deadline)) } else { format!("passed {} ago", age(deadline, now)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_shown_with_the_time_that_is_left_or_has_passed() {
        let at = |second| Timestamp::from_second(second).expect("a time");
        let now = at(1_000_000_000);
        for (deadline, expected) in [
            (1_000_169_200, "47h left"),
            (1_000_000_001, "1s left"),
            (1_000_000_000, "passed 0s ago"),
            (999_989_200, "passed 3h ago"),
        ] {
            assert_eq!(left(at(deadline), now), expected);
        }
    }
}
