//! Statements of people, and the record after them.

use super::*;
use crate::domain::action::{Action, Unconfirmed};

fn fingerprint(name: &str) -> KeyFingerprint {
    KeyFingerprint::recorded(&format!("2:{name}"))
}

fn owner(name: &str) -> Owner {
    Owner { cluster_id: "cluster".into(), namespace: "team".into(), name: name.into() }
}

fn revision(number: u32) -> Revision {
    Revision::new(number.to_string())
}

fn of(name: &str, owner: Option<Owner>) -> RecordedContent {
    let owner = owner.map(|owner| Ownership { owner, adopted: false });
    RecordedContent::Key { fingerprint: fingerprint(name), owner, basis: Basis::Content }
}

fn record(content: RecordedContent) -> Record {
    Record { revision: revision(1), content, removal: None }
}

/// Returns the ledger of an object that asks for `operation` on `key` at revision 1.
fn asking(operation: ActionOperation, key: &str) -> Ledger {
    let action = Action {
        id: "id".into(),
        operation,
        fingerprint: Some(fingerprint(key)),
        revision: revision(1),
        requested_at: Timestamp::UNIX_EPOCH,
        deadline: None,
        steps: Vec::new(),
    };
    let unconfirmed = action.upload().map(|key| Unconfirmed::with(None, key, &action.revision));
    Ledger { action: Some(action), unconfirmed, ..Ledger::default() }
}

fn removal(key: &str, id: &str, second: i64) -> Removal {
    let requested_at = Timestamp::from_second(second).expect("a time");
    Removal { id: id.into(), keys: vec![fingerprint(key)], owner: owner("gone"), requested_at }
}

fn say(record: Record, ledger: &Ledger, confirmation: &Confirmation) -> Result<RecordedContent, Ignored> {
    let others = [fingerprint("sibling")];
    record.confirmed(&owner("me"), ledger, &others, confirmation, revision(2)).map(|record| record.content)
}

#[test]
fn an_id_confirms_the_action_that_bears_it_and_no_other() {
    let upload = asking(ActionOperation::Upload, "new");
    let done = Confirmation::Done("id".into());
    let confirmed = RecordedContent::Key {
        fingerprint: fingerprint("new"),
        owner: Some(Ownership { owner: owner("me"), adopted: false }),
        basis: Basis::Confirmation,
    };
    assert_eq!(say(record(RecordedContent::Unknown), &upload, &done), Ok(confirmed.clone()));
    let delete = asking(ActionOperation::Delete, "old");
    assert_eq!(say(record(of("old", Some(owner("me")))), &delete, &done), Ok(RecordedContent::Empty));
    let other = Confirmation::Done("another".into());
    assert_eq!(say(record(RecordedContent::Unknown), &upload, &other), Err(Ignored::NotCurrent));
    let moved = |content| Record { revision: revision(7), ..record(content) };
    assert_eq!(say(moved(RecordedContent::Empty), &upload, &done), Err(Ignored::NotCurrent));
    assert_eq!(say(moved(confirmed.clone()), &upload, &done), Ok(confirmed), "it was recorded before a crash");
}

#[test]
fn a_requested_key_is_ours_unless_it_may_have_been_there_before() {
    let upload = asking(ActionOperation::Upload, "new");
    let holds = Confirmation::Holds(fingerprint("new"));
    let done = Confirmation::DoneWith(fingerprint("new"));
    let (ours, unowned) = (Ok(of("new", Some(owner("me")))), Ok(of("new", None)));
    assert_eq!(say(record(RecordedContent::Unknown), &upload, &done), ours);
    assert_eq!(say(record(RecordedContent::Unknown), &upload, &holds), unowned, "it is adopted");
    for before in [RecordedContent::Empty, of("old", Some(owner("me"))), of("other", None)] {
        assert_eq!(say(record(before), &upload, &holds), ours);
    }
    let leaving = Record { removal: Some(removal("new", "r", 0)), ..record(RecordedContent::Unknown) };
    assert_eq!(say(leaving, &upload, &holds), ours, "a person uploaded it for a deleted object");
}

#[test]
fn better_evidence_for_the_same_key_voids_no_request() {
    let owner_me = || Some(Ownership { owner: owner("me"), adopted: false });
    let by_word =
        |name| RecordedContent::Key { fingerprint: fingerprint(name), owner: owner_me(), basis: Basis::Confirmation };
    let replace = asking(ActionOperation::Replace, "new");
    for (statement, kept) in [
        (Confirmation::Holds(fingerprint("old")), true),
        (Confirmation::DoneWith(fingerprint("old")), true),
        (Confirmation::Holds(fingerprint("new")), false),
        (Confirmation::HoldsNothing, false),
    ] {
        let confirmed = record(by_word("old")).confirmed(&owner("me"), &replace, &[], &statement, revision(2));
        let confirmed = confirmed.expect("a record");
        assert_eq!(confirmed.revision == revision(1), kept, "{statement:?}");
        assert!(!kept || confirmed.content == of("old", Some(owner("me"))), "it is compared now");
    }
}

#[test]
fn what_a_sibling_has_uploaded_is_for_the_sibling_to_confirm() {
    let nothing = Ledger::default();
    let holds = Confirmation::Holds(fingerprint("sibling"));
    assert_eq!(say(record(RecordedContent::Unknown), &nothing, &holds), Err(Ignored::OfAnother));
    let taken = record(of("sibling", Some(owner("sibling"))));
    for statement in [holds, Confirmation::HoldsNothing, Confirmation::Done("id".into())] {
        assert_eq!(say(taken.clone(), &nothing, &statement), Err(Ignored::OfAnother));
    }
    let same = asking(ActionOperation::Upload, "sibling");
    let done = Confirmation::DoneWith(fingerprint("sibling"));
    assert_eq!(say(record(RecordedContent::Unknown), &same, &done), Ok(of("sibling", Some(owner("me")))));
}

#[test]
fn a_slot_can_be_confirmed_to_hold_nothing() {
    for before in [RecordedContent::Unknown, of("foreign", None), of("old", Some(owner("me")))] {
        let said = say(record(before), &Ledger::default(), &Confirmation::HoldsNothing);
        assert_eq!(said, Ok(RecordedContent::Empty));
    }
}

#[test]
fn a_removal_ends_with_a_confirmed_upload_and_not_with_another_statement() {
    let leaving = Record { removal: Some(removal("old", "r", 0)), ..record(RecordedContent::Unknown) };
    let say = |ledger: &Ledger, confirmation: &Confirmation| {
        leaving.clone().confirmed(&owner("me"), ledger, &[], confirmation, revision(2))
    };
    let replace = asking(ActionOperation::Replace, "new");
    for statement in [Confirmation::Done("id".into()), Confirmation::DoneWith(fingerprint("new"))] {
        assert_eq!(say(&replace, &statement).map(|record| record.removal), Ok(None));
    }
    let foreign = say(&Ledger::default(), &Confirmation::Holds(fingerprint("foreign"))).expect("a statement");
    assert_eq!((foreign.content, foreign.removal.is_some()), (of("foreign", None), true));
    let still_there = say(&replace, &Confirmation::Holds(fingerprint("old")));
    assert_eq!(still_there, Err(Ignored::StillThere));
}

#[test]
fn the_admin_ends_a_removal_by_its_id_or_by_what_the_slot_holds() {
    let leaving = Record { removal: Some(removal("old", "r", 0)), ..record(RecordedContent::Unknown) };
    let say = |confirmation| leaving.clone().removed(&confirmation, revision(2));
    let content = |confirmation| say(confirmation).map(|record| (record.content, record.removal));
    assert_eq!(content(Confirmation::Done("r".into())), Ok((RecordedContent::Empty, None)));
    assert_eq!(content(Confirmation::HoldsNothing), Ok((RecordedContent::Empty, None)));
    assert_eq!(content(Confirmation::Holds(fingerprint("other"))), Ok((of("other", None), None)));
    assert_eq!(say(Confirmation::Done("another".into())), Err(Ignored::NotCurrent));
    assert_eq!(say(Confirmation::Holds(fingerprint("old"))), Err(Ignored::StillThere));
    let taken = Record { content: of("new", Some(owner("me"))), ..leaving.clone() };
    assert_eq!(taken.removed(&Confirmation::HoldsNothing, revision(2)), Err(Ignored::OfAnother));
}

#[test]
fn further_removals_are_added_to_the_first_whose_time_counts() {
    let first = record(of("a", Some(owner("me")))).with_removal(removal("a", "r1", 5), revision(2));
    assert_eq!(first.content, RecordedContent::Unknown);
    let second = first.with_removal(removal("b", "r2", 9), revision(3));
    let Removal { id, keys, requested_at, .. } = second.removal.clone().expect("a removal");
    assert_eq!((id.as_str(), keys, requested_at.as_second()), ("r2", vec![fingerprint("a"), fingerprint("b")], 5));
}

#[test]
fn a_removal_that_is_withdrawn_for_some_of_its_keys_is_another_request() {
    let first = record(RecordedContent::Unknown).with_removal(removal("a", "r1", 5), revision(2));
    let both = first.with_removal(removal("b", "r2", 9), revision(3));
    let left = both.without_removal_of(&[fingerprint("a")], "r3");
    let expected = removal("b", "r3", 5);
    assert_eq!((left.revision.clone(), left.removal.clone()), (revision(3), Some(expected)));
    assert_eq!(left.without_removal_of(&[fingerprint("b")], "r4").removal, None);
}
