//! Who writes: of several replicas the one that holds the Lease, and only while it does.

pub mod election;
pub mod guard;
pub mod lease_params;

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// Whether this replica leads, and for how long that is certain. By its own monotonic clock, counted from the moment at
/// which the last renewal was *sent*: no other replica begins to count earlier than that.
#[derive(Clone, Debug)]
pub struct Leadership {
    state: watch::Receiver<LeaseState>,
    longest_write: Duration,
}

#[derive(Clone, Copy, Debug)]
enum LeaseState {
    /// Somebody else leads, or nobody.
    Waiting,
    /// The Lease is held until then.
    Until(Instant),
    /// There is no other replica.
    Alone,
}

impl LeaseState {
    fn remaining(self) -> Duration {
        match self {
            Self::Waiting => Duration::ZERO,
            Self::Until(end) => end.saturating_duration_since(Instant::now()),
            Self::Alone => Duration::MAX,
        }
    }
}

impl Leadership {
    /// Without an election: this replica always leads.
    #[must_use]
    pub fn alone() -> Self {
        Self { state: watch::channel(LeaseState::Alone).1, longest_write: Duration::MAX }
    }

    /// For how long it is certain that nobody else leads; zero if this replica does not.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.state.borrow().remaining()
    }

    /// Whether this replica leads.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        !self.remaining().is_zero()
    }

    /// Waits until this replica leads.
    pub async fn acquired(&self) {
        let mut state = self.state.clone();
        if state.wait_for(|state| !state.remaining().is_zero()).await.is_err() {
            // The election is over, and was never won.
            std::future::pending::<()>().await;
        }
    }

    /// Whether a write may begin that has this deadline: it must not outlive the Lease. A deadline that no Lease leaves
    /// room for is taken as the longest one that each does.
    #[must_use]
    pub fn allows(&self, deadline: Duration) -> bool {
        let left = self.remaining();
        !left.is_zero() && left >= deadline.min(self.longest_write)
    }

    /// Waits until this replica leads no longer.
    pub async fn lost(&self) {
        loop {
            match self.remaining() {
                Duration::ZERO => return,
                left => tokio::time::sleep(left).await,
            }
        }
    }

    /// Does some work while this replica leads; none if it ceased to before the work was done. Asked at each step, so
    /// that a process that slept in the midst of it does not go on before it has looked at the clock.
    pub async fn run_while_leading<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let (mut work, mut ends) = (pin!(work), pin!(self.lost()));
        poll_fn(|context| {
            // The clock itself, as the timer may not have been told yet.
            if !self.is_leader() || ends.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            work.as_mut().poll(context).map(Some)
        })
        .await
    }

    /// With a Lease that ends after so long.
    #[cfg(test)]
    pub(crate) fn ending_after(left: Duration, longest_write: Duration) -> Self {
        let state = watch::channel(LeaseState::Until(Instant::now() + left)).1;
        Self { state, longest_write }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_write_that_might_outlive_the_lease_does_not_begin() {
        let leadership = Leadership::ending_after(10 * SECOND, 60 * SECOND);
        assert!(leadership.allows(9 * SECOND));
        assert!(!leadership.allows(11 * SECOND));
    }

    #[test]
    fn a_deadline_longer_than_any_lease_leaves_room_for_does_not_end_all_writing() {
        let leadership = Leadership::ending_after(12 * SECOND, 10 * SECOND);
        assert!(leadership.allows(60 * SECOND));
        let leadership = Leadership::ending_after(9 * SECOND, 10 * SECOND);
        assert!(!leadership.allows(60 * SECOND));
    }

    #[test]
    fn a_lease_that_has_passed_allows_nothing() {
        let leadership = Leadership::ending_after(Duration::ZERO, 10 * SECOND);
        assert!(!leadership.is_leader());
        assert!(!leadership.allows(Duration::ZERO));
    }

    #[tokio::test]
    async fn work_ends_with_the_lease_and_goes_on_no_further() {
        let leadership = Leadership::ending_after(Duration::from_millis(200), SECOND);
        assert_eq!(leadership.run_while_leading(async { 1 }).await, Some(1));
        assert_eq!(leadership.run_while_leading(std::future::pending::<()>()).await, None);
        // As after a sleep of the whole process: what it waited for is there, and comes too late.
        let gone_on = std::cell::Cell::new(false);
        assert_eq!(leadership.run_while_leading(async { gone_on.set(true) }).await, None);
        assert!(!gone_on.get());
    }

    #[test]
    fn without_an_election_everything_is_allowed() {
        assert!(Leadership::alone().is_leader());
        assert!(Leadership::alone().allows(60 * SECOND));
    }
}
