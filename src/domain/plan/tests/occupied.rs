//! A slot that holds a key which is not ours is never written to.

use super::world::*;
use crate::domain::conditions::Progress;
use crate::domain::ledger::{Ledger, Operation};
use crate::domain::plan::{Evidence, Step};
use crate::domain::reason::Reason;
use crate::domain::service_key::examples::key;

/// The world with each of those who may hold the slot, however the ledger got to claim that the key is ours.
fn held(world: &World) -> impl Iterator<Item = World> + use<> {
    let claims = [
        world.clone(),
        world.clone().remembers(&key(), "1"),
        world.clone().remembers(&key(), "1").pending(Operation::Upload, Some(&key()), "1"),
        world.clone().remembers(&key(), "1").pending(Operation::Delete, Some(&key()), "1"),
        world.clone().pending(Operation::Delete, None, "1"),
    ];
    claims.into_iter().flat_map(|world| others().map(|owner| world.clone().slot_is_held("1", owner)))
}

#[test]
fn a_proven_key_is_not_put_over_a_key_that_is_not_ours() {
    for world in held(&World::new().source_signs_in(accepted())) {
        let settlement = world.settlement();
        assert_eq!(settlement.ledger, Ledger::default());
        let conditions = settlement.conditions.expect("a verdict");
        assert_eq!(conditions.ready.reason, Reason::SlotOccupied);
        assert_eq!(conditions.progress, Progress::Stalled);
    }
}

#[test]
fn a_deleted_object_goes_and_leaves_a_key_that_is_not_ours() {
    for world in held(&World::new().object_deleted()) {
        assert!(world.settlement().release);
    }
}

#[test]
fn a_source_that_is_gone_leaves_a_key_that_is_not_ours() {
    for evidence in [Evidence::DeletionSeen, Evidence::BindingAbsent, Evidence::SecretAbsent] {
        for world in held(&World::new().source_is_gone(evidence).lasting(1_000_000)) {
            let settlement = world.settlement();
            assert_eq!(settlement.ledger, Ledger::default());
            assert_eq!(settlement.conditions.expect("a verdict").ready.reason, Reason::SourceGone);
        }
    }
}

#[test]
fn a_key_that_is_not_ours_is_not_even_read_when_ours_is_refused() {
    for world in held(&World::new().refused_at(&key(), &[0, 60, 240, 600]).source_signs_in(refused())) {
        assert!(matches!(world.plan(), Step::Settle(_)));
    }
}

#[test]
fn a_key_that_is_not_ours_is_left_alone_whatever_else_holds_us_back() {
    let worlds =
        [World::new().source_is_unknown(), World::new().tenant_closed(), World::new().source(present(Err(findings())))];
    for world in worlds.iter().flat_map(|world| held(&world.clone().refused_at(&key(), &[0, 60, 240, 600]))) {
        assert!(matches!(world.plan(), Step::Settle(_)));
    }
}

#[test]
fn the_one_who_holds_the_slot_is_named() {
    for owner in others() {
        let world = World::new().source_signs_in(accepted()).slot_is_held("1", owner.clone());
        let message = world.verdict().ready.message;
        let expected = owner.map_or_else(|| "a person or SAP".to_owned(), |owner| owner.to_string());
        assert!(message.contains(&expected), "{message}");
    }
}
