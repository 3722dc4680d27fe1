//! Leader election: of several replicas, only the holder of the Lease writes, and only while it holds the Lease.

pub mod election;
pub mod guard;
pub mod lease_params;

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// The leadership of this replica and its remaining time, by the monotonic clock of this replica. The time counts from
/// the moment at which the last renewal was *sent*: no other replica can have started to count earlier.
#[derive(Clone, Debug)]
pub struct Leadership {
    state: watch::Receiver<LeaseState>,
    max_write: Duration,
}

#[derive(Clone, Copy, Debug)]
enum LeaseState {
    /// Another replica leads, or none.
    Waiting,
    /// This replica leads until then.
    Until(Instant),
    /// There is no election: this replica always leads.
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
    /// Creates the leadership of a replica that always leads, without an election.
    #[must_use]
    pub fn alone() -> Self {
        Self { state: watch::channel(LeaseState::Alone).1, max_write: Duration::MAX }
    }

    /// Returns the time for which no other replica can lead, or zero if this replica does not lead.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.state.borrow().remaining()
    }

    /// Returns true if this replica leads.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        !self.remaining().is_zero()
    }

    /// Waits until this replica leads.
    pub async fn acquired(&self) {
        let mut state = self.state.clone();
        if state.wait_for(|state| !state.remaining().is_zero()).await.is_err() {
            // The election has ended, and was never won.
            std::future::pending::<()>().await;
        }
    }

    /// Returns true if a write with this timeout may begin, which must end before the Lease does. A timeout longer than
    /// the renew deadline counts as the renew deadline, because no Lease would ever leave room for it.
    #[must_use]
    pub fn allows_write(&self, timeout: Duration) -> bool {
        let left = self.remaining();
        !left.is_zero() && left >= timeout.min(self.max_write)
    }

    /// Waits until this replica no longer leads.
    pub async fn lost(&self) {
        loop {
            match self.remaining() {
                Duration::ZERO => return,
                left => tokio::time::sleep(left).await,
            }
        }
    }

    /// Runs `work` while this replica leads, and returns none if the leadership ended first. The clock is checked at
    /// each poll, so that a process that was suspended does not continue with an expired Lease.
    pub async fn run_while_leading<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let (mut work, mut lost) = (pin!(work), pin!(self.lost()));
        poll_fn(|context| {
            // The timer may lag behind the clock.
            if !self.is_leader() || lost.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            work.as_mut().poll(context).map(Some)
        })
        .await
    }

    /// Creates a leadership with `left` remaining.
    #[cfg(test)]
    pub(crate) fn ending_after(left: Duration, max_write: Duration) -> Self {
        let state = watch::channel(LeaseState::Until(Instant::now() + left)).1;
        Self { state, max_write }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_write_that_might_outlive_the_lease_does_not_begin() {
        let leadership = Leadership::ending_after(10 * SECOND, 60 * SECOND);
        assert!(leadership.allows_write(9 * SECOND));
        assert!(!leadership.allows_write(11 * SECOND));
    }

    #[test]
    fn a_timeout_longer_than_the_renew_deadline_does_not_prevent_all_writes() {
        let leadership = Leadership::ending_after(12 * SECOND, 10 * SECOND);
        assert!(leadership.allows_write(60 * SECOND));
        let leadership = Leadership::ending_after(9 * SECOND, 10 * SECOND);
        assert!(!leadership.allows_write(60 * SECOND));
    }

    #[test]
    fn an_expired_lease_allows_no_write() {
        let leadership = Leadership::ending_after(Duration::ZERO, 10 * SECOND);
        assert!(!leadership.is_leader());
        assert!(!leadership.allows_write(Duration::ZERO));
    }

    #[tokio::test]
    async fn work_is_cancelled_when_the_lease_ends() {
        let leadership = Leadership::ending_after(Duration::from_millis(200), SECOND);
        assert_eq!(leadership.run_while_leading(async { 1 }).await, Some(1));
        assert_eq!(leadership.run_while_leading(std::future::pending::<()>()).await, None);
        // As after a suspension of the process: the work could continue, but it is too late.
        let continued = std::cell::Cell::new(false);
        assert_eq!(leadership.run_while_leading(async { continued.set(true) }).await, None);
        assert!(!continued.get());
    }

    #[test]
    fn without_an_election_all_writes_are_allowed() {
        assert!(Leadership::alone().is_leader());
        assert!(Leadership::alone().allows_write(60 * SECOND));
    }
}
