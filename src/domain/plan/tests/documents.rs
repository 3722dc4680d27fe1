//! Documents with the same credentials: what counts as identical, and what a change of the other fields causes.

use serde_json::json;

use super::scenario::*;
use crate::domain::ledger::{Operation, Origin, Overwritten};
use crate::domain::plan::{Heir, KeyRole, Step};
use crate::domain::policy::{AdoptionPolicy, DEFAULT_DEAD_AFTER};
use crate::domain::reason::Reason;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::examples::{key, key_with};
use crate::domain::service_key::fingerprint::KeyFingerprint;
use crate::domain::slot::WriteAnswer;

/// Returns the key with another endpoint.
fn moved() -> ServiceKey {
    key_with(|document| document["endpoints"] = json!({ "Api": "https://eu10-004.alm.cloud.sap/api" }))
}

/// Returns the key with another field, which managed systems do not use.
fn annotated() -> ServiceKey {
    key_with(|document| document["uaa"]["verificationkey"] = "another".into())
}

/// Returns an object that adopted the key at revision 1.
fn adopted() -> Scenario {
    Scenario::uploaded().with(|facts| facts.ledger.uploaded.as_mut().expect("an entry").origin = Origin::Adopted)
}

/// Returns the scenario with the ledger that an earlier version wrote: with another fingerprint and no document.
fn recorded_by_an_earlier_version(scenario: Scenario) -> Scenario {
    scenario.with(|facts| {
        let uploaded = facts.ledger.uploaded.as_mut().expect("an entry");
        uploaded.fingerprint = KeyFingerprint::recorded("00112233445566778899aabbccddeeff");
        uploaded.document = None;
    })
}

#[test]
fn each_change_of_the_document_is_put_with_the_sign_in_that_every_put_needs() {
    for changed in [moved(), annotated()] {
        let scenario = Scenario::uploaded().source(present(Ok(changed.clone())));
        assert_eq!(scenario.plan(), Step::SignIn(KeyRole::Source));
        let mut scenario = scenario.source_signs_in(accepted()).slot_is_ours("1");
        assert_eq!(scenario.clone().record().1, put_at("1"));
        scenario.facts.learn_write(Operation::Upload, Some(ours()), WriteAnswer::Done(revision("2")), scenario.now);
        let uploaded = scenario.settlement().ledger.uploaded.expect("an entry");
        assert_eq!(uploaded.document.as_ref(), Some(changed.document_fingerprint()));
    }
}

#[test]
fn a_document_that_was_put_in_our_name_is_reported_and_replaced_on_request() {
    for foreign in [moved(), annotated(), rotated()] {
        let scenario = Scenario::uploaded().source_signs_in(accepted()).slot_is_ours("2");
        assert_eq!(scenario.plan(), Step::ReadContent);
        let settlement = scenario.slot_holds(&foreign).slot_signs_in(accepted()).settlement();
        let ready = settlement.conditions.expect("conditions").ready;
        assert_eq!(ready.reason, Reason::SlotOverwritten);
        assert!(ready.message.contains("cluster ID"), "{}", ready.message);

        let later = Scenario::new().with(|facts| facts.ledger = settlement.ledger).source_signs_in(accepted());
        let later = later.slot_is_ours("2").slot_holds(&foreign).slot_signs_in(accepted());
        assert_eq!(later.conditions().ready.reason, Reason::SlotOverwritten, "also in later reconciliations");
        let requested = later.clone().with(|facts| facts.subject.requested = Some("now".into()));
        assert_eq!(requested.record().1, put_at("2"));
        let changed = later.with(|facts| facts.subject.generation = 2);
        assert_eq!(changed.record().1, put_at("2"));
    }
}

#[test]
fn a_change_of_the_source_is_put_over_a_key_that_was_put_in_our_name() {
    for changed in [moved(), annotated()] {
        let scenario = Scenario::uploaded().source_signs_in(accepted()).slot_is_ours("2").slot_holds(&rotated());
        let ledger = scenario.slot_signs_in(accepted()).settlement().ledger;
        let scenario = Scenario::new().with(|facts| facts.ledger = ledger).source(present(Ok(changed)));
        assert_eq!(
            scenario.source_signs_in(accepted()).slot_is_ours("2").slot_holds(&rotated()).record().1,
            put_at("2")
        );
    }
}

#[test]
fn a_dead_key_that_was_put_in_our_name_is_replaced() {
    let scenario = Scenario::uploaded().source_signs_in(accepted()).slot_is_ours("2").slot_holds(&rotated());
    assert_eq!(scenario.plan(), Step::SignIn(KeyRole::Slot));
    let refused_once = scenario.clone().slot_signs_in(refused());
    assert_eq!(refused_once.conditions().ready.reason, Reason::SlotOverwritten);
    let dead = scenario.refused_at(&rotated(), &[0, 60, 240, 600]).slot_signs_in(refused());
    assert_eq!(dead.record().1, put_at("2"));
}

#[test]
fn a_slot_that_was_filled_in_our_name_is_reported_whatever_the_source_does() {
    let scenario = Scenario::uploaded().source_signs_in(accepted()).slot_is_ours("2").slot_holds(&rotated());
    let ledger = scenario.slot_signs_in(accepted()).settlement().ledger;
    let scenario = Scenario::new().with(|facts| facts.ledger = ledger).source(present(Err(findings())));
    let scenario = scenario.slot_is_ours("2").slot_holds(&rotated()).slot_signs_in(accepted());
    assert_eq!(scenario.conditions().uploaded.reason, Reason::SlotOverwritten);
}

#[test]
fn a_key_of_an_earlier_attempt_of_ours_is_replaced() {
    let put = |scenario: Scenario| scenario.source_signs_in(accepted());
    let scenario = put(Scenario::uploaded().pending(Operation::Upload, Some(&rotated()), "1")).slot_is_ours("1");
    let (pending, step) = scenario.clone().record();
    assert_eq!((pending.fingerprint.clone(), step), (None, put_at("1")));
    let mut late = scenario.with(|facts| facts.note_pending_write(pending.clone()));
    late.facts.learn_write(Operation::Upload, Some(ours()), WriteAnswer::Changed, late.now);
    assert_eq!(late.slot_is_ours("2").slot_holds(&rotated()).record().1, put_at("2"), "after 412");
    let lost = put(Scenario::uploaded().with(|facts| facts.ledger.pending = Some(pending))).slot_is_ours("2");
    assert_eq!(lost.slot_holds(&rotated()).record().1, put_at("2"), "after a crash");
}

#[test]
fn a_key_that_a_pending_write_put_is_replaced_when_its_source_changed_back() {
    let scenario = Scenario::uploaded().pending(Operation::Upload, Some(&rotated()), "1").source_signs_in(accepted());
    assert_eq!(scenario.slot_is_ours("2").slot_holds(&rotated()).record().1, put_at("2"));
}

#[test]
fn a_field_that_managed_systems_do_not_use_is_never_put_over_an_adopted_key() {
    let scenario = adopted().source(present(Ok(annotated()))).source_signs_in(accepted());
    let recorded = scenario.clone().slot_is_adopted("1");
    assert_eq!(recorded.conditions().ready.reason, Reason::Uploaded, "according to the ledger");
    let read = scenario.slot_is_adopted("2").slot_holds(&key());
    assert_eq!(read.conditions().ready.reason, Reason::Uploaded, "according to the content of the slot");
}

#[test]
fn corrected_endpoints_are_put_over_an_adopted_key_which_stays_adopted() {
    let scenario = adopted().source(present(Ok(moved()))).source_signs_in(accepted()).slot_is_adopted("1");
    assert_eq!(scenario.plan(), Step::ReadContent);
    let (pending, step) = scenario.slot_holds(&key()).record();
    assert_eq!(pending.operation, Operation::Upload);
    assert_eq!(step, Step::Put { revision: revision("1"), adopted: true });
}

#[test]
fn a_rotation_replaces_an_adopted_key_by_one_that_was_uploaded() {
    let scenario = adopted().source(present(Ok(rotated()))).source_signs_in(accepted()).slot_is_adopted("1");
    assert_eq!(scenario.slot_holds(&key()).record().1, put_at("1"));
}

#[test]
fn an_unowned_key_is_identical_if_credentials_and_endpoints_are_the_same() {
    for adoption in [AdoptionPolicy::IfIdentical, AdoptionPolicy::Replace] {
        let scenario = Scenario::new().source_signs_in(accepted()).slot_is_owned_by("1", None);
        let scenario = scenario.with(|facts| facts.policy.adoption = adoption);
        let adopts = scenario.clone().slot_holds(&annotated()).record().1;
        assert_eq!(adopts, Step::Adopt { revision: revision("1") });
        let other = scenario.slot_holds(&moved());
        match adoption {
            AdoptionPolicy::Replace => assert_eq!(other.record().1, put_at("1")),
            _ => assert_eq!(other.conditions().ready.reason, Reason::SlotOccupied),
        }
    }
}

#[test]
fn a_ledger_of_an_earlier_version_is_compared_by_content_and_written_anew() {
    for (scenario, is_adopted) in [(Scenario::uploaded(), false), (adopted(), true)] {
        let before = scenario.facts.ledger.uploaded.clone().expect("an entry");
        let scenario = recorded_by_an_earlier_version(scenario).source_signs_in(accepted());
        let scenario = if is_adopted { scenario.slot_is_adopted("1") } else { scenario.slot_is_ours("1") };
        assert_eq!(scenario.plan(), Step::ReadContent);
        let settlement = scenario.slot_holds(&key()).settlement();
        assert_eq!(settlement.ledger.uploaded, Some(before), "also with the times of the upload");
    }
}

#[test]
fn a_ledger_of_an_earlier_version_keeps_ready_while_nothing_can_be_compared() {
    let scenario = recorded_by_an_earlier_version(Scenario::uploaded()).source_signs_in(accepted());
    assert_eq!(scenario.with(|facts| facts.learn_slot(Err(unavailable()))).settlement().conditions, None);
}

#[test]
fn a_change_that_an_earlier_version_did_not_upload_is_put() {
    let scenario = recorded_by_an_earlier_version(Scenario::uploaded()).source(present(Ok(moved())));
    let scenario = scenario.source_signs_in(accepted()).slot_is_ours("1").slot_holds(&key());
    assert_eq!(scenario.record().1, put_at("1"));
}

#[test]
fn an_overwritten_key_that_an_earlier_version_recorded_is_not_put_back() {
    let fingerprint = KeyFingerprint::recorded("00112233445566778899aabbccddeeff");
    let scenario = Scenario::new().with(|facts| {
        facts.policy.adoption = AdoptionPolicy::Replace;
        facts.ledger.overwritten = Some(Overwritten { fingerprint, generation: 1 });
    });
    let scenario = scenario.source_signs_in(accepted()).slot_is_owned_by("2", None).slot_holds(&rotated());
    let settlement = scenario.settlement();
    assert_eq!(settlement.conditions.expect("conditions").ready.reason, Reason::SlotOverwritten);
    let rotation = scenario.source(present(Ok(key_with(|document| document["uaa"]["clientsecret"] = "third".into()))));
    let rotation = rotation.with(|facts| facts.ledger = settlement.ledger);
    assert_eq!(rotation.record().1, put_at("2"), "the record is written anew, so a rotation is recognized");
}

#[test]
fn a_change_of_the_document_voids_no_refusal_and_no_probe() {
    let scenario = Scenario::uploaded().source(present(Ok(annotated()))).refused_at(&key(), &[0, 60, 240, 600]);
    let scenario = scenario.source_signs_in(refused()).slot_is_ours("1").slot_holds(&key());
    assert_eq!(scenario.record().1, delete_at("1"), "the same credentials have failed all four probes");
}

#[test]
fn refusals_are_kept_while_the_slot_is_not_read() {
    let scenario = Scenario::uploaded().slot_is_ours("1").slot_holds(&rotated());
    let mut observations = scenario.facts.observations;
    observations.refused(rotated().credentials_fingerprint(), now_at(START).monotonic, DEFAULT_DEAD_AFTER);
    let later = Scenario::uploaded().with(|facts| facts.observations = observations).source_signs_in(unclear());
    let kept = later.settlement().observations;
    assert!(kept.refusals.contains_key(rotated().credentials_fingerprint()));
    let not_ours = later.with(|facts| facts.previous = None).slot_is_owned_by("2", None);
    assert!(!not_ours.settlement().observations.refusals.contains_key(rotated().credentials_fingerprint()));
}

#[test]
fn during_an_outage_ready_is_not_kept_for_another_document() {
    let scenario = Scenario::uploaded().source(present(Ok(moved()))).source_signs_in(accepted());
    let scenario = scenario.with(|facts| facts.learn_slot(Err(unavailable())));
    assert_eq!(scenario.conditions().ready.reason, Reason::LandscapeManagementUnavailable);
}

#[test]
fn a_key_is_handed_over_to_an_heir_with_the_same_credentials_in_another_document() {
    let heir = Heir {
        owner: sibling(),
        credentials: moved().credentials_fingerprint().clone(),
        key: moved().fingerprint().clone(),
    };
    let scenario = Scenario::uploaded().object_deleted().with(|facts| facts.siblings.heir = Some(heir));
    let scenario = scenario.slot_is_ours("1").slot_holds(&key()).source_signs_in(accepted());
    assert_eq!(scenario.record().0.operation, Operation::Release);
}
