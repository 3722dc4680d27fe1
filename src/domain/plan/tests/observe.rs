//! `Observe`, `suspend`, `abandon`, and a request to look again.

use super::scenario::*;
use crate::domain::conditions::Status;
use crate::domain::ledger::Operation;
use crate::domain::plan::Verdict;
use crate::domain::plan::{Evidence, Step};
use crate::domain::policy::{Mode, Scopes};
use crate::domain::reason::Reason;
use crate::domain::service_key::examples::key;

fn observing(bed: World) -> World {
    bed.with(|facts| facts.policy.mode = Mode::Observe)
}

fn suspended(bed: World) -> World {
    bed.with(|facts| facts.policy.suspend = true)
}

#[test]
fn who_observes_asks_all_and_says_what_enforce_would_do() {
    let bed = observing(World::new());
    assert!(matches!(bed.plan(), Step::SignIn(_)));
    let bed = bed.source_signs_in(accepted());
    assert_eq!(bed.plan(), Step::ReadSlot);
    let cases: [(World, &str); 4] = [
        (bed.clone().slot_is_empty("1"), "put the source's key there"),
        (bed.slot_is_held("1", None).slot_holds(&key()), "take over the key there"),
        (
            observing(World::kept().source_is_gone(Evidence::DeletionSeen)).slot_is_ours("1"),
            "delete the key of this object there",
        ),
        (
            observing(World::kept().source(present(Ok(rotated())))).source_signs_in(accepted()).slot_is_ours("1"),
            "put the source's key there",
        ),
    ];
    for (bed, what) in cases {
        let ready = bed.verdict().ready;
        assert_eq!((ready.status, ready.reason), (Status::False, Reason::WouldChange));
        assert!(ready.message.contains(what), "{}", ready.message);
    }
}

#[test]
fn who_observes_and_would_change_nothing_is_ready() {
    let ready = observing(World::kept()).source_signs_in(accepted()).slot_is_ours("1").verdict().ready;
    assert_eq!((ready.status, ready.reason), (Status::True, Reason::Observed));
}

#[test]
fn a_deleted_object_that_only_observed_goes_and_says_if_it_left_something() {
    let new = observing(World::new().object_deleted()).settlement();
    assert!(new.release && !new.orphan);
    let kept = observing(World::kept().object_deleted()).settlement();
    assert!(kept.release && kept.orphan);
}

#[test]
fn a_suspended_object_asks_nobody_and_keeps_what_was_found() {
    let beds = [
        suspended(World::new()),
        suspended(World::kept().source_is_gone(Evidence::DeletionSeen)),
        suspended(World::kept().tenant_missing()),
    ];
    for bed in beds {
        let conditions = bed.verdict();
        assert_eq!((conditions.ready.status, conditions.ready.reason), (Status::Unknown, Reason::Suspended));
        assert!(conditions.others_stand, "the other conditions stay as they are");
    }
}

#[test]
fn a_suspended_object_that_is_deleted_still_takes_its_key_along() {
    let bed = suspended(World::kept().object_deleted());
    assert_eq!(bed.plan(), Step::ReadSlot);
    assert_eq!(bed.slot_is_ours("1").record().1, delete_at("1"));
}

#[test]
fn an_abandoned_object_goes_at_once_whatever_is_in_the_way_and_says_that_its_key_may_stay() {
    let beds = [
        World::kept().object_deleted(),
        World::kept().object_deleted().tenant_missing(),
        World::new().object_deleted().pending(Operation::Upload, Some(&key()), "1"),
    ];
    for bed in beds {
        let settlement = bed.with(|facts| facts.subject.abandoned = true).settlement();
        assert!(settlement.release && settlement.orphan);
    }
    let nothing = World::new().object_deleted().with(|facts| facts.subject.abandoned = true).settlement();
    assert!(nothing.release && !nothing.orphan);
}

#[test]
fn a_key_with_a_forbidden_scope_is_not_put_and_the_one_that_stands_there_stays() {
    let analytics = || Verdict::Accepted { scopes: Scopes::new("openid sb-1!b2.calm-api.analytics.read") };
    let new = World::new().source_signs_in(analytics()).slot_is_empty("1").verdict();
    assert_eq!(new.ready.reason, Reason::ForbiddenScope);
    assert_eq!((new.valid.status, new.valid.reason), (Status::False, Reason::ForbiddenScope));
    assert_eq!(new.signed_in.status, Status::True, "it does sign in");
    assert!(new.ready.message.contains("calm-api.analytics.read"), "{}", new.ready.message);

    let kept = World::kept().source(present(Ok(rotated()))).source_signs_in(analytics()).slot_is_ours("1");
    assert_eq!(kept.plan(), Step::ReadContent);
    let kept = kept.slot_holds(&key()).slot_signs_in(accepted()).verdict();
    assert_eq!((kept.ready.reason, kept.uploaded.status), (Reason::ForbiddenScope, Status::True));
}

#[test]
fn no_scope_is_forbidden_if_the_tenant_says_so() {
    let scopes = Scopes::new("calm-api.analytics.read");
    let bed = World::new().with(|facts| facts.policy.forbidden_scopes = Vec::new());
    let bed = bed.source_signs_in(Verdict::Accepted { scopes }).slot_is_empty("1");
    assert_eq!(bed.record().1, put_at("1"));
}
