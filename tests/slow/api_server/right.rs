//! One right of the operator: taken away, missed, and given back.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, Role};
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use testkit::bed::TestBed;
use testkit::bed::tenant::create;
use testkit::bed::waiting::wait_for;
use testkit::control_plane::service_account_user;
use testkit::names::NAMESPACE;

const POLL: Duration = Duration::from_millis(20);

/// One verb on one resource, or on one object of it.
pub struct Right {
    role: String,
    /// In the operator's own namespace, and not in the whole cluster.
    is_local: bool,
    /// The rules of the role.
    shipped: Vec<PolicyRule>,
    /// Which of the parts of all these rules it is.
    part: usize,
    verb: String,
    /// With its subresource, if it is one.
    resource: String,
    /// Empty if it is any.
    object: String,
}

impl Right {
    /// Such as `get almservicekeys`, or `get namespaces kube-system`.
    pub fn name(&self) -> String {
        format!("{} {} {}", self.verb, self.resource, self.object).trim_end().to_owned()
    }

    /// Takes it from the operator, and waits until that holds.
    pub async fn taken(&self, bed: &TestBed) {
        let mut rules: Vec<_> = self.shipped.iter().flat_map(parts).collect();
        rules.remove(self.part);
        self.write(bed, &rules).await;
        self.becomes(bed, false).await;
    }

    /// Gives it back, and waits until that holds.
    pub async fn given_back(&self, bed: &TestBed) {
        self.write(bed, &self.shipped).await;
        self.becomes(bed, true).await;
    }

    /// Waits until the operator has been refused this very thing, by what the audit log tells from that byte on.
    pub async fn missed(&self, bed: &TestBed, from: u64) {
        wait_for(&format!("the operator to miss the right to {}", self.name()), async {
            while !self.was_missed(bed, from) {
                tokio::time::sleep(POLL).await;
            }
        })
        .await;
    }

    fn was_missed(&self, bed: &TestBed, from: u64) -> bool {
        let log = bed.control_plane.audit_log().expect("it was asked for");
        let (mut log, mut told) = (File::open(log).expect("the audit log"), Vec::new());
        log.seek(SeekFrom::Start(from)).and_then(|_| log.read_to_end(&mut told)).expect("it can be read");
        let told = String::from_utf8_lossy(&told);
        let refusals = told.lines().filter(|line| line.contains("\"code\":403"));
        refusals.filter_map(|line| serde_json::from_str(line).ok()).any(|entry| self.is_refused_by(&entry))
    }

    fn is_refused_by(&self, entry: &Value) -> bool {
        let (object, (resource, part)) = (&entry["objectRef"], self.resource_and_part());
        // Admission refuses with 403, too.
        entry["annotations"]["authorization.k8s.io/decision"] == "forbid"
            && entry["user"]["username"] == operator()
            && entry["verb"] == self.verb.as_str()
            && object["resource"] == resource
            && object["subresource"].as_str().unwrap_or_default() == part
            && (self.object.is_empty() || object["name"] == self.object.as_str())
    }

    fn resource_and_part(&self) -> (&str, &str) {
        self.resource.split_once('/').unwrap_or((&self.resource, ""))
    }

    async fn write(&self, bed: &TestBed, rules: &[PolicyRule]) {
        let patch = Patch::Merge(json!({ "rules": rules }));
        let (parameters, client) = (PatchParams::default(), bed.client.clone());
        if self.is_local {
            let all: Api<Role> = Api::namespaced(client, NAMESPACE);
            all.patch(&self.role, &parameters, &patch).await.expect("an admin can change roles");
        } else {
            let all: Api<ClusterRole> = Api::all(client);
            all.patch(&self.role, &parameters, &patch).await.expect("an admin can change roles");
        }
    }

    /// The API server reads a changed role a moment later.
    async fn becomes(&self, bed: &TestBed, allowed: bool) {
        let reviews: Api<SubjectAccessReview> = Api::all(bed.client.clone());
        let (resource, part) = self.resource_and_part();
        let group = self.shipped.iter().flat_map(parts).nth(self.part).and_then(|part| part.api_groups);
        let review = json!({ "spec": { "user": operator(), "resourceAttributes": {
            "verb": self.verb, "group": group.unwrap_or_default().concat(), "resource": resource, "subresource": part,
            "name": self.object, "namespace": if self.is_local { NAMESPACE } else { "" },
        }}});
        wait_for(&format!("the right to {} to change", self.name()), async {
            let is = |answer: SubjectAccessReview| answer.status.is_some_and(|status| status.allowed == allowed);
            while !is(create(&reviews, review.clone()).await) {
                tokio::time::sleep(POLL).await;
            }
        })
        .await;
    }
}

/// All rights of the operator as it is shipped.
pub async fn all(bed: &TestBed) -> Vec<Right> {
    let everywhere: Api<ClusterRole> = Api::all(bed.client.clone());
    let local: Api<Role> = Api::namespaced(bed.client.clone(), NAMESPACE);
    let mut roles = Vec::new();
    for role in everywhere.list(&ListParams::default()).await.expect("they can be read") {
        roles.push((role.name_any(), false, role.rules.unwrap_or_default()));
    }
    for role in local.list(&ListParams::default()).await.expect("they can be read") {
        roles.push((role.name_any(), true, role.rules.unwrap_or_default()));
    }
    roles.retain(|(name, ..)| name.starts_with(NAMESPACE));
    assert_eq!(roles.len(), 3, "as deploy/ says");
    let mut rights = Vec::new();
    for (role, is_local, shipped) in roles {
        for (part, one) in shipped.iter().flat_map(parts).enumerate() {
            rights.push(Right {
                role: role.clone(),
                is_local,
                shipped: shipped.clone(),
                part,
                verb: one.verbs.concat(),
                resource: one.resources.unwrap_or_default().concat(),
                object: one.resource_names.unwrap_or_default().concat(),
            });
        }
    }
    rights
}

/// A rule taken apart: one verb on one resource, or on one object of it, each.
fn parts(rule: &PolicyRule) -> Vec<PolicyRule> {
    let any = vec![String::new()];
    let names = rule.resource_names.as_ref().filter(|names| !names.is_empty()).unwrap_or(&any);
    let mut parts = Vec::new();
    for resource in rule.resources.iter().flatten() {
        for name in names {
            parts.extend(rule.verbs.iter().map(|verb| PolicyRule {
                api_groups: rule.api_groups.clone(),
                resources: Some(vec![resource.clone()]),
                resource_names: (!name.is_empty()).then(|| vec![name.clone()]),
                verbs: vec![verb.clone()],
                ..PolicyRule::default()
            }));
        }
    }
    parts
}

/// How long the audit log is by now, in bytes.
pub fn audit_end(bed: &TestBed) -> u64 {
    let log = bed.control_plane.audit_log().expect("it was asked for");
    std::fs::metadata(log).expect("the audit log").len()
}

fn operator() -> String {
    service_account_user(NAMESPACE, NAMESPACE).name
}
