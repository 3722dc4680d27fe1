//! The steps of an action, in the words of SAP's app, for a person who has never opened it.

use super::facts::{Facts, Source};
use super::possible_keys;
use crate::domain::action::ActionOperation;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::fingerprint::KeyFingerprint;
use crate::domain::slot::{Holder, Owner, Slot};
use crate::domain::steps;

/// Returns the steps of an action on `fingerprint` with this ID.
pub(super) fn steps(
    facts: &Facts,
    operation: ActionOperation,
    fingerprint: Option<&KeyFingerprint>,
    id: &str,
) -> Vec<String> {
    let owner = &facts.subject.owner;
    let mut steps = vec![steps::open(&facts.policy.rules)];
    let report = report(owner);
    match operation {
        ActionOperation::Upload => {
            steps.push(look(facts));
            steps.extend(upload(facts, fingerprint));
        }
        ActionOperation::Replace => {
            // The new file comes first: a person who cannot get it leaves the key that is there.
            let [get, check, put] = upload(facts, fingerprint);
            steps.extend([get, check]);
            steps.extend(steps::delete(&keys_in_slot(facts), &report));
            steps.push(put);
        }
        ActionOperation::Delete => {
            steps.extend(steps::delete(&possible_keys::keys_to_delete(facts), &report));
        }
    }
    steps.push(confirm(owner, operation, id));
    steps
}

/// Returns the keys that the slot may hold and that are to be replaced, as far as known.
fn keys_in_slot(facts: &Facts) -> Vec<&KeyFingerprint> {
    match &facts.answers.slot {
        Some(Ok(Slot::Unknown { leaving, .. })) => leaving.iter().collect(),
        Some(Ok(slot)) if matches!(slot.holder(&facts.subject.owner), Holder::Us(_)) => {
            let wanted = facts.source_key().map(ServiceKey::fingerprint);
            possible_keys::keys_to_delete(facts).into_iter().filter(|key| Some(*key) != wanted).collect()
        }
        _ => facts.slot_fingerprint().into_iter().collect(),
    }
}

fn look(facts: &Facts) -> String {
    format!(
        "Look what is there. A plus sign means that there is no key: go on with the next step. If there is a key, do not \
         delete it: choose Download, {} with the downloaded file as FILE, and send the fingerprint that it prints to {}. \
         Delete the file, and stop here.",
        steps::validate("FILE"),
        report(&facts.subject.owner)
    )
}

/// Returns who gets a fingerprint, and what is done with it.
fn report(owner: &Owner) -> String {
    format!(
        "the platform team, who runs \"almkey check {} -n {} --fingerprint FINGERPRINT\"",
        owner.name, owner.namespace
    )
}

/// Returns the steps that upload the source's key.
fn upload(facts: &Facts, fingerprint: Option<&KeyFingerprint>) -> [String; 3] {
    let source = match &facts.source {
        Source::Present { identity, .. } if identity.binding_id.is_some() => {
            format!("the service binding of the ServiceBinding {}", identity.name)
        }
        Source::Present { .. } | Source::Unknown { .. } | Source::Gone { .. } => {
            "its service key or binding".to_owned()
        }
    };
    let owner = &facts.subject.owner;
    let fingerprint = fingerprint.map(KeyFingerprint::to_string).unwrap_or_default();
    [
        format!(
            "In the SAP BTP cockpit, open the global account, then the subaccount of SAP Cloud ALM. Choose Services, then \
             Instances and Subscriptions. Under Instances, open the instance of SAP Cloud ALM API and view the credentials \
             of {source}. Download them, and save the file as new-key.txt. Without access to the cockpit, the platform team \
             has them by \"almkey download {} -n {}\"; they are a secret, and do not belong into a mail.",
            owner.name, owner.namespace
        ),
        format!(
            "Run \"almkey validate new-key.txt\". It must print the fingerprint {fingerprint}, whatever else it prints. \
             Otherwise it is another key: delete the file, stop here, and ask the platform team."
        ),
        "In Landscape Management, choose the plus sign, choose the file new-key.txt, and choose Upload. Delete the file \
         new-key.txt."
            .to_owned(),
    ]
}

/// Returns the step after which the platform team confirms. A key that was downloaded in the app proves what is there.
fn confirm(owner: &Owner, operation: ActionOperation, id: &str) -> String {
    let Owner { namespace, name, .. } = owner;
    let by_id =
        format!("Send the ID {id} to the platform team, who confirms with \"almkey done {name} {id} -n {namespace}\".");
    match operation {
        ActionOperation::Delete => by_id,
        ActionOperation::Upload | ActionOperation::Replace => format!(
            "{by_id} Better still, choose Download in Landscape Management, {} with that very file as FILE, send the \
             fingerprint as well, and delete the file: \"almkey done {name} --fingerprint FINGERPRINT -n {namespace}\" proves \
             what is there.",
            steps::validate("FILE")
        ),
    }
}
