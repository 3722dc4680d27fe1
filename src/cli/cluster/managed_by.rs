//! The tools for continuous delivery that would undo a change which a person makes by a command.

use kube::Resource;

use crate::domain::untrusted::sanitize;

/// Maximum length of the name of a manager, in characters.
const MAX_NAME_CHARS: usize = 256;

/// Labels by which Flux marks what it has applied: kind of the manager, label of its name, label of its namespace.
const FLUX: [(&str, &str, &str); 2] = [
    ("Kustomization", "kustomize.toolkit.fluxcd.io/name", "kustomize.toolkit.fluxcd.io/namespace"),
    ("HelmRelease", "helm.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/namespace"),
];
/// Annotation by which Argo CD marks what it has applied: name of the Application, a colon, and the object.
const ARGO_CD_TRACKING_ID: &str = "argocd.argoproj.io/tracking-id";
/// Label by which Argo CD marks what it has applied, if it is configured to use one.
const ARGO_CD_INSTANCE: &str = "argocd.argoproj.io/instance";

/// Describes the Flux or Argo CD object that manages an object, if one does.
pub(in crate::cli) fn managed_by(object: &impl Resource) -> Option<String> {
    let label = |name: &str| object.meta().labels.as_ref().and_then(|labels| labels.get(name));
    let annotation = |name: &str| object.meta().annotations.as_ref().and_then(|annotations| annotations.get(name));
    let flux = FLUX.into_iter().find_map(|(kind, name, namespace)| {
        Some(format!("the Flux {kind} \"{}\" in namespace \"{}\"", label(name)?, label(namespace)?))
    });
    let argo_cd = || {
        let tracked = annotation(ARGO_CD_TRACKING_ID).and_then(|id| id.split(':').next());
        let application = tracked.or_else(|| label(ARGO_CD_INSTANCE).map(String::as_str))?;
        Some(format!("the Argo CD Application \"{application}\""))
    };
    flux.or_else(argo_cd).map(|manager| sanitize(&manager, MAX_NAME_CHARS))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::api::ALMServiceKey;

    fn manager(metadata: &Value) -> Option<String> {
        let object = json!({
            "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey", "metadata": metadata,
            "spec": { "tenantRef": { "name": "t" }, "source": { "secretRef": { "name": "s" } } },
        });
        managed_by(&serde_json::from_value::<ALMServiceKey>(object).expect("an object"))
    }

    #[test]
    fn an_object_of_flux_or_argo_cd_is_recognised_by_its_marks() {
        for (metadata, expected) in [
            (json!({}), None),
            (json!({ "labels": { "app.kubernetes.io/instance": "calm" } }), None),
            (
                json!({ "labels": {
                    "kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
                } }),
                Some("the Flux Kustomization \"apps\" in namespace \"flux-system\""),
            ),
            (
                json!({ "labels": {
                    "helm.toolkit.fluxcd.io/name": "calm", "helm.toolkit.fluxcd.io/namespace": "team-a",
                } }),
                Some("the Flux HelmRelease \"calm\" in namespace \"team-a\""),
            ),
            (
                json!({ "annotations": {
                    "argocd.argoproj.io/tracking-id": "landscape:almkey.dev/ALMServiceKey:team-a/calm",
                } }),
                Some("the Argo CD Application \"landscape\""),
            ),
            (
                json!({ "labels": { "argocd.argoproj.io/instance": "landscape" } }),
                Some("the Argo CD Application \"landscape\""),
            ),
        ] {
            assert_eq!(manager(&metadata).as_deref(), expected, "{metadata}");
        }
    }
}
