//! The steps of an action in manual mode, in the words of SAP's app, for a person who has never opened it.

use super::policy::KeyRules;
use super::service_key::fingerprint::KeyFingerprint;

/// The words between a comparison of the downloaded key and the fingerprints of the keys that may be deleted.
const COMPARISON: &str = "If it does not print the fingerprint ";
/// The words between two such fingerprints.
const ALTERNATIVE: &str = " or ";

/// Returns the steps of the removal `id`: the object of these keys was deleted, and one of them may be in the slot of the
/// tenant `name` with these rules.
#[must_use]
pub fn removal(rules: &KeyRules, name: &str, keys: &[KeyFingerprint], id: &str) -> Vec<String> {
    let mut steps = vec![open(rules)];
    let keys: Vec<_> = keys.iter().collect();
    let report = format!("the cluster admin, who runs \"almkey check --tenant {name} --fingerprint FINGERPRINT\"");
    steps.extend(delete(&keys, &report));
    steps.push(format!(
        "Send the ID {id} to the cluster admin, who confirms with \"almkey done --tenant {name} {id}\"."
    ));
    steps
}

/// Returns the step that opens the place of the key.
pub(super) fn open(rules: &KeyRules) -> String {
    let zone = rules.identity_zone.as_deref().unwrap_or_default();
    format!(
        "With the role Landscape Management Security Administrator, open SAP Cloud ALM of the tenant {zone}. In the \
         launchpad, choose Administration, then Landscape Management. Choose the gear icon (configuration), and expand the \
         section SAP Cloud ALM Service Key. Some steps run the program almkey: whoever sent you the steps can give it to you."
    )
}

/// Returns the steps that delete the key in the slot if it is one of `keys`. `report` is who gets the fingerprint of any
/// other key.
pub(super) fn delete(keys: &[&KeyFingerprint], report: &str) -> Vec<String> {
    let keys: Vec<_> = keys.iter().map(|key| key.as_str()).collect();
    vec![
        format!(
            "If there is a plus sign, there is no key: skip the next step. Otherwise: choose Download, save the file as \
             old-key.txt, and {}. {COMPARISON}{}, do not delete the key: send the fingerprint that it prints to {report}. \
             Delete all files that you downloaded, and stop here.",
            validate("old-key.txt"),
            keys.join(ALTERNATIVE)
        ),
        "Choose Delete, and confirm it. Delete the file old-key.txt.".to_owned(),
    ]
}

/// Returns the keys that steps let a person delete.
#[must_use]
pub fn deletable(steps: &[String]) -> Vec<KeyFingerprint> {
    let keys = steps.iter().filter_map(|step| Some(step.split_once(COMPARISON)?.1.split_once(',')?.0));
    keys.flat_map(|keys| keys.split(ALTERNATIVE)).map(KeyFingerprint::recorded).collect()
}

/// Returns the part of a step that prints the fingerprint of a downloaded file. Settings of the tenant do not matter for it.
pub(super) fn validate(file: &str) -> String {
    format!("run \"almkey validate {file}\" (only the fingerprint in its output matters)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_that_may_be_deleted_are_those_that_the_steps_name_for_it() {
        let keys = ["2:a", "2:b"].map(KeyFingerprint::recorded);
        let steps = delete(&keys.iter().collect::<Vec<_>>(), "the cluster admin");
        assert_eq!(deletable(&steps), keys);
        assert!(deletable(&["Upload the key with the fingerprint 2:c, and stop.".to_owned()]).is_empty());
    }
}
