//! The events that withdraw the request to upload a key, and those that leave it as it is.

use super::*;
use crate::domain::plan::{Verdict, settle_exhausted};
use crate::domain::policy::{Adapter, Scopes};
use crate::domain::service_key::examples::key_with_secret;
use crate::domain::service_key::fingerprint::KeyFingerprint;

/// Asserts that the request is withdrawn, and that the key is remembered: a person may act late.
fn assert_withdrawn(scenario: &Scenario, reason: Reason) {
    let settlement = asks_for_nothing(scenario);
    assert_eq!(settlement.ledger.unconfirmed, requested().facts.ledger.unconfirmed, "{reason}");
    assert_eq!(settlement.conditions.expect("conditions").ready.reason, reason);
}

#[test]
fn what_blocks_the_upload_withdraws_the_request() {
    let analytics = Verdict::Accepted { scopes: Scopes::new("calm-api.analytics.read") };
    assert_withdrawn(&requested().tenant_closed().slot_is_unknown("1"), Reason::NamespaceNotAllowed);
    assert_withdrawn(&requested().tenant_terminating().slot_is_unknown("1"), Reason::TenantTerminating);
    assert_withdrawn(&requested().tenant_missing(), Reason::WaitingForTenant);
    assert_withdrawn(&requested().source(present(Err(findings()))).slot_is_unknown("1"), Reason::MissingCredentials);
    assert_withdrawn(&requested().source_signs_in(analytics).slot_is_unknown("1"), Reason::ForbiddenScope);
    assert_withdrawn(&requested().source_signs_in(refused()).slot_is_unknown("1"), Reason::CredentialsRefused);
    assert_withdrawn(&requested().with(|facts| facts.policy.suspend = true), Reason::Suspended);
}

#[test]
fn what_is_uncertain_leaves_the_request_as_it_is() {
    let action = requested().facts.ledger.action;
    let accepted = requested().source_signs_in(accepted());
    for (trouble, scenario) in [
        ("the token endpoint", requested().source_signs_in(unclear()).slot_is_unknown("1")),
        ("the record", accepted.clone().with(|facts| facts.learn_slot(Err(unavailable())))),
        ("the source", requested().source_is_unknown().source_unchanged_for(60).slot_is_unknown("1")),
        (
            "both",
            requested().source_is_unknown().source_unchanged_for(60).with(|facts| facts.learn_slot(Err(unavailable()))),
        ),
    ] {
        assert_eq!(scenario.settlement().ledger.action, action, "{trouble}");
    }
    assert_eq!(settle_exhausted(&accepted.facts, accepted.now).ledger.action, action);
}

#[test]
fn neither_an_uncertain_source_nor_an_outage_withdraws_a_replacement() {
    let scenario = rotated_source().slot_signs_in(accepted()).ask().1.after_settlement(60);
    let action = scenario.facts.ledger.action.clone();
    assert!(action.is_some());
    for seconds in [60, 3_600] {
        let scenario = scenario.clone().source_is_unknown().source_unchanged_for(seconds);
        let scenario = scenario.slot_is_ours("1").slot_holds_unavailable(&key());
        assert_eq!(scenario.settlement().ledger.action, action, "after {seconds} seconds");
    }
    let unavailable = scenario.clone().source_signs_in(accepted()).with(|facts| facts.learn_slot(Err(unavailable())));
    for scenario in [unavailable, scenario.source_signs_in(unclear())] {
        let settlement = scenario.settlement();
        assert_eq!((settlement.conditions, settlement.ledger.action), (None, action.clone()), "an outage keeps Ready");
    }
}

#[test]
fn a_request_to_delete_what_a_sibling_wants_now_is_withdrawn() {
    let leaving = key_with_secret("third").fingerprint().clone();
    let slot = Slot::Unknown { revision: revision("1"), leaving: vec![leaving.clone()] };
    let scenario = new().with(|facts| facts.learn_slot(Ok(slot))).ask().1.after_settlement(60).source_is_unknown();
    let wanted = |keys: Vec<KeyFingerprint>| {
        let scenario = scenario.clone().source_unchanged_for(60).slot_is_unknown("1");
        scenario.with(|facts| facts.siblings.requested = keys)
    };
    let action = scenario.facts.ledger.action.clone();
    assert!(action.is_some());
    for keys in [vec![], vec![key().fingerprint().clone(), rotated().fingerprint().clone()]] {
        assert_eq!(wanted(keys).settlement().ledger.action, action, "no other key is to be deleted");
    }
    let contradicted = wanted(vec![leaving]);
    assert_ne!(contradicted.facts.change_marker(), wanted(vec![]).facts.change_marker());
    asks_for_nothing(&contradicted);
}

#[test]
fn an_uncertain_source_does_not_keep_a_request_at_an_earlier_revision() {
    let scenario = requested().source_is_unknown().source_unchanged_for(60);
    let confirmed = asks_for_nothing(&scenario.clone().slot_is_empty("2"));
    assert_eq!(confirmed.ledger.unconfirmed, None, "a person has said since what the slot holds");
    let lost = asks_for_nothing(&scenario.slot_is_unknown("2"));
    assert_eq!(lost.ledger.unconfirmed.map(|unconfirmed| unconfirmed.revision), Some(revision("2")));
}

#[test]
fn an_object_that_left_manual_mode_asks_for_nothing() {
    let http = requested().with(|facts| facts.policy.adapter = Adapter::Http).source_signs_in(accepted());
    asks_for_nothing(&http.clone().with(|facts| facts.learn_slot(Err(unavailable()))));
    assert_eq!(http.slot_is_empty("remote").record().1, put_at("remote"));
}
