//! What a day costs from the second hour on, for an object that nobody mends.

use std::time::Duration;

use super::models::*;
use super::object::*;
use crate::domain::plan::Source;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::examples::{key, key_with_secret, rules};

const REMOTE: [&str; 5] = ["sign in", "read", "read content", "put", "delete"];

/// The external calls of a day, after a first hour that does not count.
async fn calls_of_a_day(bed: &World, object: &mut Object) -> usize {
    object.lives(bed, Duration::from_hours(1)).await;
    bed.calls();
    object.lives(bed, Duration::from_hours(24)).await;
    bed.calls().iter().filter(|call| REMOTE.contains(&call.as_str())).count()
}

/// An object whose key stands in the slot.
async fn uploaded() -> (World, Object) {
    let (bed, mut object) = (World::new(), Object::new());
    object.settles(&bed).await;
    (bed, object)
}

fn invalid() -> Source {
    let findings = ServiceKey::parse(b"{}", &rules()).expect_err("an empty object is no key");
    let Source::Present { identity, suspected_lost, .. } = present(key()) else { unreachable!("it is present") };
    Source::Present { identity, key: Err(findings), suspected_lost }
}

#[tokio::test]
async fn a_key_that_stays_dead_costs_at_most_a_hundred_calls() {
    let (bed, mut object) = uploaded().await;
    bed.revokes(&key());
    let calls = calls_of_a_day(&bed, &mut object).await;
    assert!((12..=100).contains(&calls), "{calls}");
}

#[tokio::test]
async fn a_rotation_to_a_key_that_stays_dead_costs_at_most_a_hundred_calls() {
    let (bed, mut object) = uploaded().await;
    object.source = present(key_with_secret("never alive"));
    let calls = calls_of_a_day(&bed, &mut object).await;
    assert!((12..=100).contains(&calls), "{calls}");
}

#[tokio::test]
async fn a_token_endpoint_that_stays_down_costs_at_most_a_hundred_calls() {
    let (bed, mut object) = uploaded().await;
    bed.begins(Trouble::TokenEndpointDown);
    let calls = calls_of_a_day(&bed, &mut object).await;
    assert!((6..=100).contains(&calls), "{calls}");
}

#[tokio::test]
async fn a_landscape_management_that_stays_down_costs_at_most_a_hundred_calls() {
    let (bed, mut object) = uploaded().await;
    bed.begins(Trouble::LandscapeDown);
    let calls = calls_of_a_day(&bed, &mut object).await;
    assert!((6..=100).contains(&calls), "{calls}");
}

#[tokio::test]
async fn a_slot_that_stays_occupied_costs_at_most_a_hundred_calls() {
    let (bed, mut object) = (World::new(), Object::new());
    bed.a_person_fills_the_slot();
    let calls = calls_of_a_day(&bed, &mut object).await;
    assert!((12..=100).contains(&calls), "{calls}");
}

#[tokio::test]
async fn a_source_that_stays_invalid_costs_at_most_a_hundred_calls() {
    for (bed, mut object) in [(World::new(), Object::new()), uploaded().await] {
        object.source = invalid();
        let calls = calls_of_a_day(&bed, &mut object).await;
        assert!((12..=100).contains(&calls), "{calls}");
    }
}
