//! The slot of one tenant: its state and the rules for writes.

use alm_key_operator::landscape::contract::{OwnerDto, ProblemDto, SlotDto};
use jiff::Timestamp;
use serde_json::Value;

/// A slot with one key or none, under a revision that is never used twice.
pub(crate) struct Slot {
    counter: u64,
    content: Option<Content>,
}

struct Content {
    key: Value,
    owner: Option<OwnerDto>,
    uploaded_at: Timestamp,
}

/// The reason why a write is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No `If-Match` (428).
    NoCondition,
    /// An `If-Match` that is not one strong tag (400).
    BadCondition,
    /// Another revision (412).
    Changed,
    /// A new owner for an empty slot (409).
    Empty,
    /// A key that fails the format check (422).
    Format(ProblemDto),
}

impl Slot {
    pub(crate) fn new() -> Self {
        Self { counter: 1, content: None }
    }

    /// Returns the strong entity tag.
    pub(crate) fn etag(&self) -> String {
        format!("\"r{}\"", self.counter)
    }

    /// Returns the key, if there is one.
    pub(crate) fn key(&self) -> Option<&Value> {
        self.content.as_ref().map(|content| &content.key)
    }

    /// Returns the owner, if there is one.
    pub(crate) fn owner(&self) -> Option<&OwnerDto> {
        self.content.as_ref().and_then(|content| content.owner.as_ref())
    }

    /// Returns the description of the content, without secrets. Returns none if the slot is empty.
    pub(crate) fn description(&self) -> Option<SlotDto> {
        let content = self.content.as_ref()?;
        let text = |field: &str| content.key["uaa"][field].as_str().unwrap_or_default().to_owned();
        Some(SlotDto {
            identityzone: text("identityzone"),
            clientid: text("clientid"),
            credential_type: text("credential-type"),
            uploaded_at: content.uploaded_at,
            owner: content.owner.clone(),
        })
    }

    /// Puts a key into the slot. Returns true if it was empty before.
    pub(crate) fn put(
        &mut self,
        if_match: Option<&str>,
        zone: &str,
        owner: OwnerDto,
        key: Value,
    ) -> Result<bool, Refusal> {
        self.check(if_match)?;
        check_format(&key, zone)?;
        let was_empty = self.content.is_none();
        self.fill(key, Some(owner));
        Ok(was_empty)
    }

    /// Gives the key another owner, or none.
    pub(crate) fn patch(&mut self, if_match: Option<&str>, owner: Option<OwnerDto>) -> Result<(), Refusal> {
        self.check(if_match)?;
        let content = self.content.as_mut().ok_or(Refusal::Empty)?;
        content.owner = owner;
        self.counter += 1;
        Ok(())
    }

    /// Empties the slot. An empty slot gets a new revision, too.
    pub(crate) fn delete(&mut self, if_match: Option<&str>) -> Result<(), Refusal> {
        self.check(if_match)?;
        self.empty();
        Ok(())
    }

    /// Fills the slot, as a user of the app would.
    pub(crate) fn fill(&mut self, key: Value, owner: Option<OwnerDto>) {
        self.content = Some(Content { key, owner, uploaded_at: Timestamp::now() });
        self.counter += 1;
    }

    /// Empties the slot, as a user of the app would.
    pub(crate) fn empty(&mut self) {
        self.content = None;
        self.counter += 1;
    }

    /// Gives the same content a new revision.
    pub(crate) fn bump_revision(&mut self) {
        self.counter += 1;
    }

    fn check(&self, if_match: Option<&str>) -> Result<(), Refusal> {
        let tag = if_match.ok_or(Refusal::NoCondition)?;
        let strong = tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"') && !tag.contains(',');
        if !strong {
            return Err(Refusal::BadCondition);
        }
        if tag == self.etag() { Ok(()) } else { Err(Refusal::Changed) }
    }
}

/// Checks the format of a key, as the app does before an upload.
fn check_format(key: &Value, zone: &str) -> Result<(), Refusal> {
    let text = |field: &str| key["uaa"][field].as_str().filter(|text| !text.is_empty());
    let problem = |code: &str, message: &str, field: &str| {
        Refusal::Format(ProblemDto { code: code.into(), message: message.into(), field: Some(field.into()) })
    };
    if !text("identityzone").is_some_and(|found| found.eq_ignore_ascii_case(zone)) {
        return Err(problem("WrongTenant", "the key belongs to another tenant", "$.uaa.identityzone"));
    }
    for field in ["clientid", "clientsecret", "credential-type"] {
        if text(field).is_none() {
            return Err(problem("MissingField", "the key lacks a field", &format!("$.uaa.{field}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn owner(name: &str) -> OwnerDto {
        OwnerDto { cluster_id: "c".into(), namespace: "n".into(), name: name.into(), adopted: true }
    }

    fn key() -> Value {
        json!({ "uaa": { "identityzone": "z", "clientid": "c", "clientsecret": "s", "credential-type": "t" } })
    }

    #[test]
    fn no_revision_is_ever_used_twice() {
        let mut slot = Slot::new();
        let mut seen = std::collections::BTreeSet::from([slot.etag()]);
        for _ in 0..3 {
            let tag = slot.etag();
            slot.put(Some(&tag), "z", owner("a"), key()).expect("the write is accepted");
            assert!(seen.insert(slot.etag()));
            let tag = slot.etag();
            slot.patch(Some(&tag), None).expect("the write is accepted");
            assert!(seen.insert(slot.etag()));
            let tag = slot.etag();
            slot.delete(Some(&tag)).expect("the write is accepted");
            assert!(seen.insert(slot.etag()));
            let tag = slot.etag();
            slot.delete(Some(&tag)).expect("an empty slot can be deleted too");
            assert!(seen.insert(slot.etag()), "and gets a new revision");
        }
    }

    #[test]
    fn every_write_needs_the_current_strong_tag() {
        let mut slot = Slot::new();
        assert_eq!(slot.put(None, "z", owner("a"), key()), Err(Refusal::NoCondition));
        for bad in ["*", "W/\"r1\"", "r1", "\"r1\", \"r2\""] {
            assert_eq!(slot.delete(Some(bad)), Err(Refusal::BadCondition), "{bad}");
        }
        assert_eq!(slot.delete(Some("\"r0\"")), Err(Refusal::Changed));
        assert_eq!(slot.etag(), "\"r1\"", "a refused write changes nothing");
    }

    #[test]
    fn a_key_that_is_put_is_adopted_if_the_request_says_so() {
        for adopted in [true, false] {
            let mut slot = Slot::new();
            let tag = slot.etag();
            slot.put(Some(&tag), "z", OwnerDto { adopted, ..owner("a") }, key()).expect("the write is accepted");
            assert_eq!(slot.owner().map(|owner| owner.adopted), Some(adopted));
        }
    }

    #[test]
    fn a_key_of_another_tenant_is_refused_with_its_field() {
        let mut slot = Slot::new();
        let tag = slot.etag();
        let Err(Refusal::Format(problem)) = slot.put(Some(&tag), "other", owner("a"), key()) else {
            panic!("the key must be refused")
        };
        assert_eq!(problem.field.as_deref(), Some("$.uaa.identityzone"));
    }

    #[test]
    fn an_empty_slot_has_nothing_to_own() {
        let mut slot = Slot::new();
        let tag = slot.etag();
        assert_eq!(slot.patch(Some(&tag), Some(owner("a"))), Err(Refusal::Empty));
    }
}
