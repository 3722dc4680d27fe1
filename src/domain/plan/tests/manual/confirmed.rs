//! The record of the slot after a confirmation, and after its loss.

use super::*;
use crate::domain::conditions::Progress;
use crate::domain::ledger::{Ledger, Origin};
use crate::domain::plan::Step;

#[test]
fn a_confirmed_upload_is_ready_and_its_condition_names_the_basis() {
    let confirmed = || requested().source_signs_in(accepted());
    for (scenario, reason) in
        [(slot_is_confirmed(confirmed(), "2"), Reason::Confirmed), (confirmed().slot_is_ours("2"), Reason::Uploaded)]
    {
        let settlement = scenario.slot_holds(&key()).settlement();
        let conditions = settlement.conditions.expect("conditions");
        assert_eq!(verdict(&conditions.uploaded), (Status::True, reason));
        assert_eq!(verdict(&conditions.ready), (Status::True, Reason::Uploaded));
        assert_eq!(conditions.progress, Progress::Done);
        let uploaded = settlement.ledger.uploaded.clone().expect("an entry");
        assert_eq!((uploaded.origin, &uploaded.revision), (Origin::Uploaded, &revision("2")));
        assert_eq!((&uploaded.fingerprint, uploaded.document), (key().fingerprint(), None));
        let Ledger { pending, overwritten, action, unconfirmed, .. } = settlement.ledger;
        assert_eq!((pending, overwritten, action, unconfirmed), (None, None, None, None));
    }
}

#[test]
fn the_key_of_a_recorded_revision_is_not_read_again() {
    let scenario = slot_is_confirmed(uploaded().source_signs_in(accepted()), "1");
    assert_eq!(verdict(&scenario.conditions().uploaded), (Status::True, Reason::Confirmed));
    assert_eq!(slot_is_confirmed(uploaded().source_signs_in(accepted()), "2").plan(), Step::ReadContent);
}

#[test]
fn a_confirmed_key_that_the_source_no_longer_has_is_to_be_replaced() {
    let scenario = requested().source(present(Ok(rotated()))).source_signs_in(accepted());
    let scenario = slot_is_confirmed(scenario, "2").slot_holds(&key()).slot_signs_in(accepted());
    let Requested { action, settlement, conditions } = asked(scenario);
    assert_asks(&action, ActionOperation::Replace, &rotated(), "2");
    assert_eq!(verdict(&conditions.uploaded), (Status::True, Reason::Confirmed));
    assert_eq!(verdict(&conditions.ready), (Status::True, Reason::ActionRequired));
    assert_eq!(settlement.ledger.unconfirmed.expect("keys").keys, [rotated().fingerprint().clone()]);
}

#[test]
fn a_lost_record_keeps_the_ledger_and_asks_anew() {
    let Requested { action, settlement, conditions } =
        asked(uploaded().source_signs_in(accepted()).slot_is_unknown("7"));
    assert_asks(&action, ActionOperation::Upload, &key(), "7");
    assert_eq!(settlement.ledger.uploaded, uploaded().facts.ledger.uploaded, "it is all that is known of the slot");
    assert_eq!(verdict(&conditions.uploaded), (Status::False, Reason::ActionRequired));
    assert_eq!(verdict(&conditions.ready), (Status::Unknown, Reason::ActionRequired));
}

#[test]
fn a_key_that_may_be_in_the_slot_is_remembered_when_the_record_is_lost() {
    let Requested { settlement, .. } = asked(requested().source_signs_in(accepted()).slot_is_unknown("7"));
    let unconfirmed = settlement.ledger.unconfirmed.expect("a key");
    assert_eq!((unconfirmed.revision, unconfirmed.keys), (revision("7"), vec![key().fingerprint().clone()]));
    let deleted = requested().object_deleted().slot_is_unknown("7");
    assert_eq!(deleted.record().1, delete_at("7"), "the adapter asks the admin to remove it");
}

#[test]
fn a_slot_that_is_empty_by_confirmation_has_no_key_of_the_ledger() {
    let Requested { action, settlement, .. } = asked(uploaded().source_signs_in(accepted()).slot_is_empty("7"));
    assert_asks(&action, ActionOperation::Upload, &key(), "7");
    assert_eq!(settlement.ledger.uploaded, None);
}
