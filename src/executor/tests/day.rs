//! The calls of a day, from the second hour on, for an object that stays in the same state.

use std::time::Duration;

use super::models::*;
use super::object::*;
use crate::domain::plan::Source;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::examples::{key, key_with_secret, rules};

const REMOTE: [&str; 5] = ["sign in", "read", "read content", "put", "delete"];

/// Returns the number of remote calls of a day, after a first hour that does not count.
async fn count_calls_of_a_day(bed: &TestBed, object: &mut Object) -> usize {
    object.run_for(bed, Duration::from_hours(1)).await;
    bed.calls();
    object.run_for(bed, Duration::from_hours(24)).await;
    bed.calls().iter().filter(|call| REMOTE.contains(&call.as_str())).count()
}

/// Returns an object whose key is in the slot.
async fn uploaded() -> (TestBed, Object) {
    let (bed, mut object) = (TestBed::new(), Object::new());
    object.settle(&bed).await;
    (bed, object)
}

fn invalid() -> Source {
    let findings = ServiceKey::parse(b"{}", &rules()).expect_err("an empty object is no key");
    let Source::Present { identity, suspected_lost, .. } = present(key()) else {
        unreachable!("the source is present")
    };
    Source::Present { identity, key: Err(findings), suspected_lost }
}

#[tokio::test]
async fn a_key_that_stays_dead_costs_at_most_a_hundred_calls() {
    let (bed, mut object) = uploaded().await;
    bed.revoke(&key());
    let calls = count_calls_of_a_day(&bed, &mut object).await;
    assert!((12..=100).contains(&calls), "{calls}");
}

#[tokio::test]
async fn a_rotation_to_a_key_that_stays_dead_costs_at_most_a_hundred_calls() {
    let (bed, mut object) = uploaded().await;
    object.source = present(key_with_secret("never alive"));
    let calls = count_calls_of_a_day(&bed, &mut object).await;
    assert!((12..=100).contains(&calls), "{calls}");
}

#[tokio::test]
async fn a_token_endpoint_that_stays_down_costs_at_most_a_hundred_calls() {
    let (bed, mut object) = uploaded().await;
    bed.start(Trouble::TokenEndpointDown);
    let calls = count_calls_of_a_day(&bed, &mut object).await;
    assert!((6..=100).contains(&calls), "{calls}");
}

#[tokio::test]
async fn a_landscape_management_that_stays_down_costs_at_most_a_hundred_calls() {
    let (bed, mut object) = uploaded().await;
    bed.start(Trouble::LandscapeDown);
    let calls = count_calls_of_a_day(&bed, &mut object).await;
    assert!((6..=100).contains(&calls), "{calls}");
}

#[tokio::test]
async fn a_slot_that_stays_occupied_costs_at_most_a_hundred_calls() {
    let (bed, mut object) = (TestBed::new(), Object::new());
    bed.fill_slot_by_person();
    let calls = count_calls_of_a_day(&bed, &mut object).await;
    assert!((12..=100).contains(&calls), "{calls}");
}

#[tokio::test]
async fn a_source_that_stays_invalid_costs_at_most_a_hundred_calls() {
    for (bed, mut object) in [(TestBed::new(), Object::new()), uploaded().await] {
        object.source = invalid();
        let calls = count_calls_of_a_day(&bed, &mut object).await;
        assert!((12..=100).contains(&calls), "{calls}");
    }
}
