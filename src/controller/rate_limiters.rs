//! How often objects are passed over, whatever somebody does to them: a pass takes reads of the API server and calls of
//! remote sides, whose limits are shared with everybody there.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::rate_limit::{Rate, TokenBucket};
use crate::domain::time::Moment;

/// For one object, whatever its passes come to. A rotation takes three or four.
const RECONCILIATIONS: Rate = Rate { burst: 30, period: Duration::from_secs(1) };
/// For all objects of one namespace and tenant that do not hold the slot: passes that ask somebody outside. Who holds
/// it is one, and never waits for those.
const REMOTE_CALLS: Rate = Rate { burst: 60, period: Duration::from_secs(1) };

/// The paces of all objects, by uid, and of all namespaces, by tenant and name.
#[derive(Default)]
pub(crate) struct RateLimiters(Mutex<All>);

#[derive(Default)]
struct All {
    objects: HashMap<String, Object>,
    namespaces: HashMap<(String, String), TokenBucket>,
}

#[derive(Default)]
struct Object {
    bucket: TokenBucket,
    throttle: Throttle,
}

/// What an object waits for.
#[derive(Clone, Copy, Default)]
enum Throttle {
    /// Nothing.
    #[default]
    Unthrottled,
    /// Its own bucket lets it pass then.
    ReconcileAt(Moment),
    /// Its namespace's bucket lets it ask then.
    RemoteCallsAt(Moment),
    /// That is so, and it passes now.
    RemoteCallsAllowed,
}

impl RateLimiters {
    /// Asks for a pass over an object. None if it may be made now; else how long to wait, however often it is asked.
    pub(crate) fn throttle_reconciliation(&self, uid: &str, now: Moment) -> Option<Duration> {
        let mut all = self.locked();
        let Object { bucket, throttle } = all.objects.entry(uid.to_owned()).or_default();
        match *throttle {
            Throttle::ReconcileAt(then) | Throttle::RemoteCallsAt(then) if then > now => {
                return Some(then.remaining(now));
            }
            Throttle::RemoteCallsAt(_) => *throttle = Throttle::RemoteCallsAllowed,
            Throttle::ReconcileAt(_) => *throttle = Throttle::Unthrottled,
            Throttle::Unthrottled | Throttle::RemoteCallsAllowed => {
                *throttle = Throttle::Unthrottled;
                let wait = bucket.take(RECONCILIATIONS, now);
                if !wait.is_zero() {
                    *throttle = Throttle::ReconcileAt(now.after(wait));
                    return Some(wait);
                }
            }
        }
        None
    }

    /// Asks for calls outside in this pass over an object. None if they may be made now; else how long to wait for the
    /// next pass, in which they may.
    pub(crate) fn throttle_remote_calls(
        &self,
        uid: &str,
        tenant: &str,
        namespace: &str,
        now: Moment,
    ) -> Option<Duration> {
        let mut all = self.locked();
        let All { objects, namespaces } = &mut *all;
        let Object { throttle, .. } = objects.entry(uid.to_owned()).or_default();
        if matches!(throttle, Throttle::RemoteCallsAllowed) {
            return None;
        }
        namespaces.retain(|_, bucket| !bucket.is_idle(now));
        let wait = namespaces.entry((tenant.to_owned(), namespace.to_owned())).or_default().take(REMOTE_CALLS, now);
        if wait.is_zero() {
            *throttle = Throttle::RemoteCallsAllowed;
            return None;
        }
        *throttle = Throttle::RemoteCallsAt(now.after(wait));
        Some(wait)
    }

    /// Forgets an object that has gone.
    pub(crate) fn forget(&self, uid: &str) {
        self.locked().objects.remove(uid);
    }

    fn locked(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Moment {
        Moment::new(Duration::from_millis(milliseconds))
    }

    // proves: limit controller/paces RECONCILIATIONS
    #[test]
    fn an_object_that_is_touched_without_end_is_passed_over_once_a_second() {
        let paces = RateLimiters::default();
        let passes = (0..60_000).filter(|now| paces.throttle_reconciliation("calm", at(*now)).is_none()).count();
        assert!((89..=90).contains(&passes), "a burst of thirty, and one for each second of the minute: {passes}");
        assert!(paces.throttle_reconciliation("other", at(60_000)).is_none(), "nobody else waits for that");
    }

    #[test]
    fn an_ordinary_object_never_waits() {
        let paces = RateLimiters::default();
        for rotation in 0..100 {
            for trigger in 0..10 {
                assert!(paces.throttle_reconciliation("calm", at(rotation * 10_000 + trigger)).is_none());
            }
        }
    }

    /// Passes in which somebody outside is asked, of so many objects of a namespace that are each asked for without end.
    fn asking(paces: &RateLimiters, namespace: &str, objects: usize, seconds: u64) -> usize {
        let mut asked = 0;
        for now in (0..seconds * 1000).step_by(100) {
            for object in 0..objects {
                let uid = format!("{namespace}/{object}");
                let passes = paces.throttle_reconciliation(&uid, at(now)).is_none();
                if passes && paces.throttle_remote_calls(&uid, "acme", namespace, at(now)).is_none() {
                    asked += 1;
                }
            }
        }
        asked
    }

    // proves: limit controller/paces REMOTE_CALLS
    #[test]
    fn a_hundred_objects_of_one_namespace_together_ask_once_a_second() {
        let paces = RateLimiters::default();
        let asked = asking(&paces, "hostile", 100, 120);
        assert!((175..=180).contains(&asked), "a burst of sixty, and one for each second: {asked}");
        assert!(
            paces.throttle_remote_calls("first", "acme", "friendly", at(120_000)).is_none(),
            "another namespace has its own"
        );
        assert!(
            paces.throttle_remote_calls("first", "other", "hostile", at(120_000)).is_none(),
            "and so has another tenant"
        );
    }

    // proves: limit controller/paces REMOTE_CALLS
    #[test]
    fn who_has_waited_to_ask_asks_and_none_waits_for_ever() {
        let paces = RateLimiters::default();
        let uids: Vec<_> = (0..100).map(|number| number.to_string()).collect();
        let waits: Vec<_> = uids.iter().map(|uid| paces.throttle_remote_calls(uid, "acme", "a", at(0))).collect();
        assert_eq!(waits.iter().filter(|wait| wait.is_none()).count(), 60);
        let last = waits.last().copied().flatten().expect("it waits");
        assert_eq!(last, Duration::from_secs(40));
        let uid = uids.last().expect("one");
        assert_eq!(
            paces.throttle_reconciliation(uid, at(39_000)),
            Some(Duration::from_secs(1)),
            "and is not moved back by knocking"
        );
        assert!(paces.throttle_reconciliation(uid, at(40_000)).is_none());
        assert!(paces.throttle_remote_calls(uid, "acme", "a", at(40_000)).is_none());
    }

    #[test]
    fn nothing_is_kept_of_objects_that_have_gone_and_of_namespaces_that_are_quiet() {
        let paces = RateLimiters::default();
        for number in 0..1000 {
            let uid = number.to_string();
            paces.throttle_reconciliation(&uid, at(0));
            paces.throttle_remote_calls(&uid, "acme", &uid, at(0));
            paces.forget(&uid);
        }
        paces.throttle_remote_calls("last", "acme", "last", at(100_000));
        let all = paces.locked();
        assert_eq!((all.objects.len(), all.namespaces.len()), (1, 1));
    }
}
