//! Rules that every verdict must obey, whatever the table says.

use testkit::health::Verdicts;

use super::recording::Point;

/// Returns the rules that the verdicts on an object break.
pub fn violations(point: &Point, verdicts: &Verdicts) -> Vec<String> {
    let Verdicts { kstatus, argocd, flux, .. } = verdicts;
    let said = [kstatus, argocd, flux].map(|verdict| verdict.status.as_str());
    let says = |status: &str, health: &str| said == [status, health, status];
    let is_any = |words: &[&str]| said.iter().any(|status| words.contains(status));

    let ready = point.condition("Ready");
    let is = |kind: &str| point.condition(kind)["status"] == "True";
    let is_deleting = point.object["metadata"]["deletionTimestamp"].is_string();
    let is_observed = point.object["status"]["observedGeneration"] == point.object["metadata"]["generation"];
    let waits_for_removal = !point.is_key() && ready["reason"] == "ActionRequired";
    let is_suspended = ready["reason"] == "Suspended";

    let rules = [
        (
            "no tool says Current before the key of this generation is in order",
            !is_any(&["Current", "Healthy"]) || (is_observed && !is_deleting && (is("Ready") || waits_for_removal)),
        ),
        (
            "no tool says Failed of an object that is worked on",
            !is_any(&["Failed", "Degraded"]) || is("Stalled") || is_suspended,
        ),
        ("every tool says Failed of a stalled object", !is("Stalled") || is_deleting || says("Failed", "Degraded")),
        (
            "an object in progress names what it waits for",
            !is_any(&["InProgress"]) || !is_observed || names_cause(point),
        ),
        (
            "all tools agree, except where the documentation says so",
            says("Current", "Healthy")
                || says("Failed", "Degraded")
                || says("InProgress", "Progressing")
                || (says("InProgress", "Suspended") && ready["reason"] == "ActionRequired")
                || said == ["Terminating", "Progressing", "InProgress"]
                || (said == ["InProgress", "Healthy", "Current"] && waits_for_removal)
                || (said == ["InProgress", "Degraded", "Failed"] && is_suspended),
        ),
    ];
    let broken = rules.into_iter().filter(|(_, holds)| !holds);
    broken.map(|(rule, _)| format!("{}: {rule}, but the verdicts are {said:?}: {ready}", point.name)).collect()
}

/// Returns true if `Ready` has a message, and the object is being worked on, waits for its deletion, or is suspended.
fn names_cause(point: &Point) -> bool {
    let ready = point.condition("Ready");
    let ends = point.condition("Reconciling")["status"] == "True"
        || point.object["metadata"]["deletionTimestamp"].is_string()
        || ready["reason"] == "Suspended";
    ends && ready["message"].as_str().is_some_and(|message| !message.is_empty())
}
