//! What people ask an object for by annotations: text that nobody has looked at before.

use kube::ResourceExt;

use super::ALMServiceKey;
use crate::names::annotation;

/// Of the word by which a pass is asked for, in characters: it is copied into the status.
pub const LONGEST_WORD: usize = 256;

/// The word by which a pass was asked for, if it was not answered yet.
#[must_use]
pub fn requested(object: &ALMServiceKey) -> Option<String> {
    let word = object.annotations().get(annotation::RECONCILE_REQUESTED_AT)?;
    let word: String = word.chars().take(LONGEST_WORD).collect();
    let answered = object.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_ref());
    (answered != Some(&word)).then_some(word)
}

/// Whether the object is to go without anything being done in Landscape Management. The annotation counts only with this
/// very object's uid: one that is left in a manifest does nothing.
#[must_use]
pub fn is_abandoned(object: &ALMServiceKey) -> bool {
    let uid = object.uid().filter(|uid| !uid.is_empty());
    uid.is_some() && object.annotations().get(annotation::ABANDON) == uid.as_ref()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::names::{GROUP, VERSION};

    // proves: limit api/annotations LONGEST_WORD
    #[test]
    fn of_a_word_that_asks_for_a_pass_two_hundred_and_fifty_six_characters_count() {
        let asked = |word: &str, answered: &str| {
            let object = json!({
                "apiVersion": format!("{GROUP}/{VERSION}"), "kind": "ALMServiceKey",
                "metadata": { "name": "calm", "annotations": { annotation::RECONCILE_REQUESTED_AT: word } },
                "spec": { "tenantRef": { "name": "t" }, "source": { "secretRef": { "name": "s" } } },
                "status": { "observedGeneration": 1, "conditions": [], "lastHandledReconcileAt": answered },
            });
            requested(&serde_json::from_value(object).expect("an object"))
        };
        let longest = "é".repeat(LONGEST_WORD);
        assert_eq!(asked(&longest, "before"), Some(longest.clone()));
        assert_eq!(asked(&format!("{longest}x"), "before"), Some(longest.clone()));
        assert_eq!(asked(&format!("{longest}x"), &longest), None, "it was answered, as far as it counts");
    }
}
