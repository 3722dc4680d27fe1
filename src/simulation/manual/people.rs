//! The people who change the slots in manual mode. They know what they have read, which may be old when they act.

use std::collections::BTreeMap;

use kube::ResourceExt;
use serde_json::json;

use crate::api::ALMServiceKey;
use crate::api::action::ActionOperation;
use crate::api::resolve::admits;
use crate::domain::service_key::fingerprint::KeyFingerprint;
use crate::domain::slot::Revision;
use crate::domain::steps::deletable;
use crate::names::annotation;
use crate::simulation::model::cluster::NAMESPACE;
use crate::simulation::model::document::KeyDocument;
use crate::simulation::model::sap::{SlotContent, zone_index};
use crate::simulation::state::State;
use crate::simulation::step::Actor;

/// A thing that a person is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Errand {
    /// The action in the status of an `ALMServiceKey`.
    Action(Actor),
    /// The pending removal in the status of the first cluster's tenant with this name.
    Removal(&'static str),
}

/// The care with which a person acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Care {
    /// The person looks first, and compares fingerprints.
    Honest,
    /// The person deletes what is there, and uploads the key that the source holds now.
    Hasty,
}

/// The form of a confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// The ID of the request that was read last.
    Done,
    /// The fingerprint of the key in the app, after a request was carried out.
    DoneWith,
    /// The fingerprint of the key in the app, or that there is none.
    Holds,
}

/// A deed of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// The person reads the current request, and downloads the key for it.
    Read,
    /// The person does in the app what was read last.
    Act(Care),
    /// The person confirms: with an ID only one that was read.
    Confirm(Word),
    /// The person reads the current request, follows it at once, and confirms or reports.
    Follow(Word),
}

/// A request as a person has read it.
#[derive(Clone)]
struct Note {
    id: String,
    /// The uid of the object that asks for an action.
    uid: String,
    operation: ActionOperation,
    /// The revision that an action is based on.
    revision: Option<Revision>,
    /// The key to upload, if the person could download it.
    file: Option<KeyDocument>,
    /// The keys that may be deleted.
    deletable: Vec<KeyFingerprint>,
}

/// The result of following a request.
enum Result {
    /// The app is as the request wants it.
    Done,
    /// The app holds another key, which the person reports.
    AnotherKey,
    /// The person could not go on.
    Stuck,
}

/// A key that a person uploaded for an object.
pub(crate) struct Upload {
    pub(crate) cluster: usize,
    pub(crate) name: String,
    pub(crate) uid: String,
    /// The revision of the record that the request was based on.
    pub(crate) based_on: Option<Revision>,
    /// The revision of the slot with this key.
    revision: Revision,
}

/// All people.
#[derive(Default)]
pub(crate) struct People {
    notes: BTreeMap<Errand, Note>,
    /// The number of confirmations that were ever made.
    confirmations: u64,
    /// The last upload in each app.
    uploads: [Option<Upload>; 2],
}

impl People {
    /// Returns the last upload in an app.
    pub(crate) fn last_upload(&self, zone: usize) -> Option<&Upload> {
        self.uploads[zone].as_ref()
    }

    /// Returns true if an even number of confirmations was made.
    pub(crate) fn is_even(&self) -> bool {
        self.confirmations.is_multiple_of(2)
    }
}

impl Errand {
    fn zone(self) -> usize {
        match self {
            Self::Action(actor) => zone_index(actor.tenant()),
            Self::Removal(tenant) => zone_index(tenant),
        }
    }
}

impl State {
    /// Does a deed.
    pub(crate) fn do_deed(&mut self, errand: Errand, deed: Deed) {
        if !self.is_manual {
            return;
        }
        match deed {
            Deed::Read => self.read_request(errand),
            Deed::Act(care) => drop(self.act(errand, care)),
            Deed::Confirm(word) => self.confirm(errand, word),
            Deed::Follow(word) => drop(self.follow(errand, word)),
        }
    }

    /// Follows a request as an honest person does. Returns true if there was one and something came of it.
    pub(crate) fn follow(&mut self, errand: Errand, word: Word) -> bool {
        self.people.notes.remove(&errand);
        self.read_request(errand);
        match self.act(errand, Care::Honest) {
            Some(Result::Done) if self.sap.slots[errand.zone()].content.is_none() => self.confirm(errand, Word::Done),
            Some(Result::Done) => {
                let is_removal = matches!(errand, Errand::Removal(_));
                self.confirm(errand, if is_removal { Word::Done } else { word });
            }
            Some(Result::AnotherKey) => return self.report(errand),
            Some(Result::Stuck) | None => return false,
        }
        true
    }

    /// Reports the key in the app to the platform team, who confirms it: for the object that has uploaded this key, if there
    /// is one, as the answer to any other confirmation demands. The cluster admin confirms it for the tenant if that does not
    /// admit the object, which is not the recorded owner either.
    fn report(&mut self, errand: Errand) -> bool {
        match errand {
            Errand::Action(actor) if !self.is_admitted(actor.tenant()) && !self.is_recorded_owner(actor) => {
                self.confirm(Errand::Removal(actor.tenant()), Word::Holds);
            }
            Errand::Action(actor) => {
                let uploader = self.uploader_of_key_in_app(actor.tenant());
                self.confirm(Errand::Action(uploader.unwrap_or(actor)), Word::Holds);
            }
            Errand::Removal(_) => self.confirm(errand, Word::Holds),
        }
        true
    }

    /// Returns the object whose status has the key in the app as its own.
    fn uploader_of_key_in_app(&self, tenant: &str) -> Option<Actor> {
        let held = self.sap.slot_fingerprint(zone_index(tenant))?;
        let actors = Actor::ALL.into_iter().filter(|actor| actor.cluster() == 0 && actor.tenant() == tenant);
        let mut objects = actors.filter_map(|actor| Some((actor, self.clusters[0].keys.get(actor.name())?)));
        let has_uploaded = |object: &ALMServiceKey| {
            let uploaded = object.status.as_ref().and_then(|status| status.uploaded.as_ref());
            uploaded.is_some_and(|uploaded| uploaded.fingerprint == held.as_str())
        };
        objects.find(|(_, object)| has_uploaded(object)).map(|(actor, _)| actor)
    }

    fn is_recorded_owner(&self, actor: Actor) -> bool {
        let record = self.record(actor.cluster(), actor.tenant());
        record.is_some_and(|record| record.owner() == Some(&self.clusters[actor.cluster()].owner(actor.name())))
    }

    fn is_admitted(&self, tenant: &str) -> bool {
        self.clusters[0].tenants.get(tenant).is_some_and(|tenant| admits(&tenant.spec, NAMESPACE))
    }

    /// Returns the object for which a key in the app is reported: the recorded owner, or any.
    fn object_to_report_for(&self, tenant: &str) -> Option<Actor> {
        let owner = self.record(0, tenant).and_then(|record| record.owner().map(|owner| owner.name.clone()));
        let exists = |actor: &Actor| actor.cluster() == 0 && self.clusters[0].keys.contains_key(actor.name());
        if !self.is_admitted(tenant) {
            return None;
        }
        let mut actors = Actor::ALL.into_iter().filter(|actor| actor.tenant() == tenant).filter(exists);
        let is_owner = |actor: &Actor| owner.as_deref() == Some(actor.name());
        actors.clone().find(is_owner).or_else(|| actors.next())
    }

    /// Compares the key in the app with the record, as a careful person does now and then. Returns true if they differ and
    /// the person could say so.
    pub(crate) fn check_app(&mut self, tenant: &'static str) -> bool {
        let held = self.sap.slot_fingerprint(zone_index(tenant));
        let record = self.record(0, tenant);
        let recorded = record.as_ref().and_then(|record| record.fingerprint());
        if !self.is_admitted(tenant) || recorded.is_none() || held.as_ref() == recorded {
            return false;
        }
        match self.object_to_report_for(tenant) {
            Some(actor) => self.report(Errand::Action(actor)),
            None => false,
        }
    }

    fn read_request(&mut self, errand: Errand) {
        let note = match errand {
            Errand::Action(actor) => self.read_action(actor),
            Errand::Removal(tenant) => self.read_removal(tenant),
        };
        if let Some(note) = note {
            self.trace(|| format!("a person reads {:?} {} for {errand:?}", note.operation, note.id));
            self.people.notes.insert(errand, note);
        }
    }

    fn read_action(&self, actor: Actor) -> Option<Note> {
        let cluster = &self.clusters[actor.cluster()];
        let object = cluster.keys.get(actor.name())?;
        let action = object.status.as_ref()?.action.as_ref()?;
        let is_requested =
            |document: &KeyDocument| action.fingerprint.as_deref() == Some(self.sap.fingerprint(*document).as_str());
        Some(Note {
            id: action.id.clone(),
            uid: object.uid().unwrap_or_default(),
            operation: action.operation,
            revision: Some(Revision::new(&action.revision)),
            file: cluster.source_document(object).or(cluster.document_in_btp(object)).filter(is_requested),
            deletable: deletable(&action.steps),
        })
    }

    fn read_removal(&self, tenant: &str) -> Option<Note> {
        let status = self.clusters[0].tenants.get(tenant)?.status.as_ref()?;
        let removal = status.pending_removals.first()?;
        Some(Note {
            id: removal.id.clone(),
            uid: String::new(),
            operation: ActionOperation::Delete,
            revision: None,
            file: None,
            deletable: deletable(&removal.steps),
        })
    }

    /// Acts in the app as the person has read it. Returns none if the person has read nothing.
    fn act(&mut self, errand: Errand, care: Care) -> Option<Result> {
        let note = self.people.notes.get(&errand)?.clone();
        let zone = errand.zone();
        if (note.operation, care) == (ActionOperation::Replace, Care::Honest) && note.file.is_none() {
            // The steps begin with the new file, so that no person deletes a key without another one.
            return Some(Result::Stuck);
        }
        let held = self.sap.slot_fingerprint(zone);
        let may_delete = match (note.operation, care) {
            (_, Care::Hasty) => true,
            (ActionOperation::Upload, Care::Honest) => false,
            (ActionOperation::Replace | ActionOperation::Delete, Care::Honest) => {
                held.as_ref().is_some_and(|held| note.deletable.contains(held))
            }
        };
        if held.is_some() && !may_delete {
            return Some(Result::AnotherKey);
        }
        if held.is_some() {
            self.trace(|| format!("a person deletes the key in the app for {errand:?}"));
            self.sap.slots[zone].set(None);
        }
        if note.operation == ActionOperation::Delete {
            return Some(Result::Done);
        }
        let Errand::Action(actor) = errand else { return Some(Result::Stuck) };
        let file = match care {
            Care::Honest => note.file,
            Care::Hasty => self.source_document_of(actor).or(note.file),
        };
        let Some(document) = file else { return Some(Result::Stuck) };
        self.upload(actor, document, note.uid, note.revision);
        Some(Result::Done)
    }

    fn source_document_of(&self, actor: Actor) -> Option<KeyDocument> {
        let cluster = &self.clusters[actor.cluster()];
        cluster.source_document(cluster.keys.get(actor.name())?)
    }

    fn upload(&mut self, actor: Actor, document: KeyDocument, uid: String, based_on: Option<Revision>) {
        let zone = zone_index(actor.tenant());
        let slot = &mut self.sap.slots[zone];
        slot.set(Some(SlotContent { document, owner: None }));
        let revision = slot.revision();
        let is_missing = !self.clusters[actor.cluster()].has_key(actor.name(), &uid);
        let record = self.record(actor.cluster(), actor.tenant());
        if is_missing || record.is_none_or(|record| Some(&record.revision) != based_on.as_ref()) {
            // The steps are no longer current, so the operator cannot know of this key.
            self.clusters[actor.cluster()].released_uncleaned.insert(uid.clone());
        }
        self.trace(|| format!("a person uploads key {} ({:?}) for {actor:?}", document.key, document.edition));
        self.people.uploads[zone] =
            Some(Upload { cluster: actor.cluster(), name: actor.name().into(), uid, based_on, revision });
    }

    /// Returns the upload that the key in the app comes from, if a person uploaded it for an object.
    pub(crate) fn upload_in_app(&self, zone: usize) -> Option<&Upload> {
        let slot = &self.sap.slots[zone];
        let upload = self.people.uploads[zone].as_ref()?;
        (slot.content.is_some() && upload.revision == slot.revision()).then_some(upload)
    }

    /// Confirms. A person who has read no ID says nothing of it.
    fn confirm(&mut self, errand: Errand, word: Word) {
        let held = self.sap.slot_fingerprint(errand.zone());
        let id = self.people.notes.get(&errand).map(|note| note.id.clone());
        let statement = match (word, id, held) {
            (Word::Done, Some(id), _) => json!({ "done": id }),
            (Word::DoneWith, _, Some(held)) => json!({ "doneWith": held.as_str() }),
            (Word::Holds, _, Some(held)) => json!({ "holds": held.as_str() }),
            (Word::Holds, _, None) => json!({ "holdsNothing": true }),
            (Word::Done, None, _) | (Word::DoneWith, _, None) => return,
        };
        let metadata = match errand {
            Errand::Action(actor) => self.clusters[actor.cluster()].keys.get(actor.name()).map(|key| &key.metadata),
            Errand::Removal(tenant) => self.clusters[0].tenants.get(tenant).map(|tenant| &tenant.metadata),
        };
        let Some(uid) = metadata.map(|metadata| metadata.uid.clone()) else { return };
        self.people.confirmations += 1;
        let mut value = statement;
        value["uid"] = json!(uid);
        value["at"] = json!(self.people.confirmations.to_string());
        let value = value.to_string();
        self.trace(|| format!("a person confirms {value} for {errand:?}"));
        match errand {
            Errand::Action(actor) => self.clusters[actor.cluster()].change_key(actor.name(), |key| {
                key.annotations_mut().insert(annotation::CONFIRMATION.into(), value);
            }),
            Errand::Removal(tenant) => self.clusters[0].change_tenant(tenant, |tenant| {
                tenant.annotations_mut().insert(annotation::CONFIRMATION.into(), value);
            }),
        }
    }
}
