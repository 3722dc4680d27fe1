//! Rate limits of reconciliations. A reconciliation takes reads of the API server and calls of remote sides, whose quotas
//! are shared with other clients: no user may exhaust them by what is done to objects.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use crate::cluster::identity::{KeyId, Uid};
use crate::domain::rate_limit::{Rate, TokenBucket};
use crate::domain::time::Moment;
use crate::process::lock::lock;

/// Reconciliations of one object, whatever their results. A rotation takes three or four.
const RECONCILIATIONS: Rate = Rate { burst: 30, period: Duration::from_secs(1) };
/// Reconciliations with remote calls, over all objects of one namespace and tenant that do not hold the slot. The one that
/// holds it is not limited by them.
const REMOTE_CALLS: Rate = Rate { burst: 60, period: Duration::from_secs(1) };

/// The rate limiters of all objects and of all namespaces.
#[derive(Default)]
pub(crate) struct RateLimiters(Mutex<Limiters>);

#[derive(Default)]
struct Limiters {
    objects: HashMap<Uid, Object>,
    namespaces: HashMap<TenantNamespace, TokenBucket>,
}

/// A namespace, for the objects in it that name one tenant.
#[derive(PartialEq, Eq, Hash)]
struct TenantNamespace {
    tenant: String,
    namespace: String,
}

#[derive(Default)]
struct Object {
    bucket: TokenBucket,
    throttle: Throttle,
}

/// The throttling of one object.
#[derive(Clone, Copy, Default)]
enum Throttle {
    /// The object does not wait.
    #[default]
    Unthrottled,
    /// The object's own rate limit admits the reconciliation at that moment.
    ReconcileAt(Moment),
    /// The namespace's rate limit admits its remote calls at that moment.
    RemoteCallsAt(Moment),
    /// The object has the namespace's token, for the reconciliation that runs now.
    RemoteCallsAllowed,
}

impl RateLimiters {
    /// Throttles the reconciliation of an object. Returns none if it may run now, else the wait, which does not grow with
    /// further calls.
    pub(crate) fn throttle_reconciliation(&self, uid: &Uid, now: Moment) -> Option<Duration> {
        let mut limiters = lock(&self.0);
        let Object { bucket, throttle } = limiters.objects.entry(uid.clone()).or_default();
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

    /// Throttles the remote calls of an object's reconciliation. Returns none if they may be made now, else the wait for
    /// the next reconciliation, which may make them.
    pub(crate) fn throttle_remote_calls(&self, key: &KeyId, tenant: &str, now: Moment) -> Option<Duration> {
        let mut limiters = lock(&self.0);
        let Limiters { objects, namespaces } = &mut *limiters;
        let Object { throttle, .. } = objects.entry(key.uid.clone()).or_default();
        if matches!(throttle, Throttle::RemoteCallsAllowed) {
            return None;
        }
        namespaces.retain(|_, bucket| !bucket.is_idle(now));
        let namespace = TenantNamespace { tenant: tenant.to_owned(), namespace: key.namespace.clone() };
        let wait = namespaces.entry(namespace).or_default().take(REMOTE_CALLS, now);
        if wait.is_zero() {
            *throttle = Throttle::RemoteCallsAllowed;
            return None;
        }
        *throttle = Throttle::RemoteCallsAt(now.after(wait));
        Some(wait)
    }

    /// Drops the limiter of an object that does not exist any more.
    pub(crate) fn forget(&self, uid: &Uid) {
        lock(&self.0).objects.remove(uid);
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    use super::*;

    fn at(milliseconds: u64) -> Moment {
        Moment::new(Duration::from_millis(milliseconds))
    }

    /// Returns the identity of an object whose name is its uid.
    fn id(namespace: &str, name: &str) -> KeyId {
        let metadata = ObjectMeta {
            name: Some(name.into()),
            namespace: Some(namespace.into()),
            uid: Some(name.into()),
            ..ObjectMeta::default()
        };
        KeyId::new(&ConfigMap { metadata, ..ConfigMap::default() })
    }

    fn uid(name: &str) -> Uid {
        id("n", name).uid
    }

    // proves: limit controller/rate_limiters RECONCILIATIONS
    #[test]
    fn an_object_that_changes_without_end_is_reconciled_once_a_second() {
        let (limiters, calm) = (RateLimiters::default(), uid("calm"));
        let admitted = (0..60_000).filter(|now| limiters.throttle_reconciliation(&calm, at(*now)).is_none()).count();
        assert!(
            (89..=90).contains(&admitted),
            "expected a burst of thirty, and one more in each second of a minute; admitted: {admitted}"
        );
        let other = uid("other");
        assert!(limiters.throttle_reconciliation(&other, at(60_000)).is_none(), "another object does not wait");
    }

    #[test]
    fn an_object_that_rotates_every_ten_seconds_never_waits() {
        let (limiters, calm) = (RateLimiters::default(), uid("calm"));
        for rotation in 0..100 {
            for trigger in 0..10 {
                assert!(limiters.throttle_reconciliation(&calm, at(rotation * 10_000 + trigger)).is_none());
            }
        }
    }

    /// Counts the reconciliations with remote calls of a namespace whose objects are triggered every 100 ms.
    fn count_remote_calls(limiters: &RateLimiters, namespace: &str, objects: usize, seconds: u64) -> usize {
        let ids: Vec<_> = (0..objects).map(|object| id(namespace, &format!("{namespace}/{object}"))).collect();
        let mut admitted = 0;
        for now in (0..seconds * 1000).step_by(100) {
            for id in &ids {
                let reconciles = limiters.throttle_reconciliation(&id.uid, at(now)).is_none();
                if reconciles && limiters.throttle_remote_calls(id, "acme", at(now)).is_none() {
                    admitted += 1;
                }
            }
        }
        admitted
    }

    // proves: limit controller/rate_limiters REMOTE_CALLS
    #[test]
    fn a_hundred_objects_of_one_namespace_make_remote_calls_once_a_second_together() {
        let limiters = RateLimiters::default();
        let admitted = count_remote_calls(&limiters, "hostile", 100, 120);
        assert!((175..=180).contains(&admitted), "a burst of sixty, and one for each second: {admitted}");
        let friendly = id("friendly", "first");
        assert!(
            limiters.throttle_remote_calls(&friendly, "acme", at(120_000)).is_none(),
            "another namespace has a bucket of its own"
        );
        let hostile = id("hostile", "first");
        assert!(
            limiters.throttle_remote_calls(&hostile, "other", at(120_000)).is_none(),
            "another tenant has a bucket of its own"
        );
    }

    // proves: limit controller/rate_limiters REMOTE_CALLS
    #[test]
    fn an_object_that_has_waited_may_make_remote_calls_and_none_waits_for_ever() {
        let limiters = RateLimiters::default();
        let ids: Vec<_> = (0..100).map(|number| id("a", &number.to_string())).collect();
        let waits: Vec<_> = ids.iter().map(|id| limiters.throttle_remote_calls(id, "acme", at(0))).collect();
        assert_eq!(waits.iter().filter(|wait| wait.is_none()).count(), 60);
        let last = waits.last().copied().flatten().expect("the last one waits");
        assert_eq!(last, Duration::from_secs(40));
        let id = ids.last().expect("a hundred ids");
        assert_eq!(
            limiters.throttle_reconciliation(&id.uid, at(39_000)),
            Some(Duration::from_secs(1)),
            "a further trigger does not extend the wait"
        );
        assert!(limiters.throttle_reconciliation(&id.uid, at(40_000)).is_none());
        assert!(limiters.throttle_remote_calls(id, "acme", at(40_000)).is_none());
    }

    #[test]
    fn no_limiter_is_kept_of_deleted_objects_and_idle_namespaces() {
        let limiters = RateLimiters::default();
        for number in 0..1000 {
            let name = number.to_string();
            let id = id(&name, &name);
            limiters.throttle_reconciliation(&id.uid, at(0));
            limiters.throttle_remote_calls(&id, "acme", at(0));
            limiters.forget(&id.uid);
        }
        limiters.throttle_remote_calls(&id("last", "last"), "acme", at(100_000));
        let limiters = lock(&limiters.0);
        assert_eq!((limiters.objects.len(), limiters.namespaces.len()), (1, 1));
    }
}
