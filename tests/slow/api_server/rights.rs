//! Rights that the operator loses: a refused read of a Secret is no absence, and without a status there is no remote write.

use std::time::Duration;

use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule};
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::operations::effective_writes;
use crate::beds::{report, run_with_bed};
use testkit::bed::tenant::create;
use testkit::bed::waiting::wait_for;
use testkit::bed::{Setup, Tenant, TestBed};
use testkit::control_plane::service_account_user;
use testkit::names::NAMESPACE;

const POLL: Duration = Duration::from_millis(20);
const READ_SECRETS: Right = Right { role: "alm-key-operator-sources", group: "", resource: "secrets", verbs: &["get"] };
const WATCH_SECRETS: Right = Right { verbs: &["list", "watch"], ..READ_SECRETS };
const LIST_KEYS: Right =
    Right { role: "alm-key-operator", group: "almkey.dev", resource: "almservicekeys", verbs: &["list"] };
const WRITE_STATUS: Right = Right { resource: "almservicekeys/status", verbs: &["patch"], ..LIST_KEYS };

/// Verbs on one resource, given to the operator by one of the shipped roles.
struct Right {
    role: &'static str,
    group: &'static str,
    resource: &'static str,
    verbs: &'static [&'static str],
}

impl Right {
    /// Takes the right from the operator and returns the shipped rules, once the API server enforces the change.
    async fn revoke(&self, bed: &TestBed) -> Vec<PolicyRule> {
        let cluster_roles: Api<ClusterRole> = Api::all(bed.client.clone());
        let shipped = cluster_roles.get(self.role).await.expect("the role is installed").rules.expect("it has rules");
        let mut rules = shipped.clone();
        for changed in rules.iter_mut().filter(|rule| rule.resources.iter().flatten().any(|name| name == self.resource))
        {
            changed.verbs.retain(|verb| !self.verbs.contains(&verb.as_str()));
        }
        rules.retain(|rule| !rule.verbs.is_empty());
        self.write(bed, &rules, false).await;
        shipped
    }

    /// Gives the right back, and returns once the API server enforces it.
    async fn restore(&self, bed: &TestBed, shipped: &[PolicyRule]) {
        self.write(bed, shipped, true).await;
    }

    async fn write(&self, bed: &TestBed, rules: &[PolicyRule], allowed: bool) {
        let cluster_roles: Api<ClusterRole> = Api::all(bed.client.clone());
        let patch = Patch::Merge(json!({ "rules": rules }));
        cluster_roles.patch(self.role, &PatchParams::default(), &patch).await.expect("an admin can change roles");
        let access: Api<SubjectAccessReview> = Api::all(bed.client.clone());
        let (resource, subresource) = self.resource.split_once('/').unwrap_or((self.resource, ""));
        for verb in self.verbs {
            let review = json!({ "spec": { "user": operator(), "resourceAttributes": {
                "verb": verb, "group": self.group, "resource": resource, "subresource": subresource,
            }}});
            let is_enforced =
                |review: SubjectAccessReview| review.status.is_some_and(|status| status.allowed == allowed);
            wait_for(&format!("the right to {verb} {} to change", self.resource), async {
                while !is_enforced(create(&access, review.clone()).await) {
                    tokio::time::sleep(POLL).await;
                }
            })
            .await;
        }
    }

    /// Waits until such a request of the operator was refused in this namespace; cluster-wide if it is empty.
    async fn await_refusal(&self, bed: &TestBed, namespace: &str) {
        let log = bed.control_plane.audit_log().expect("the bed is audited");
        wait_for(&format!("a request for {} in {namespace:?} to be refused", self.resource), async {
            loop {
                let text = std::fs::read_to_string(log).expect("the audit log");
                let refused = text.lines().filter(|line| line.contains("\"code\":403"));
                let mut refused = refused.filter_map(|line| serde_json::from_str(line).ok());
                if refused.any(|entry| self.is_named_by(&entry, namespace)) {
                    return;
                }
                tokio::time::sleep(POLL).await;
            }
        })
        .await;
    }

    fn is_named_by(&self, entry: &Value, namespace: &str) -> bool {
        let object = &entry["objectRef"];
        let text = |field: &str| object[field].as_str().unwrap_or_default();
        let resource = format!("{}/{}", text("resource"), text("subresource"));
        // Admission refuses with 403, too.
        entry["annotations"]["authorization.k8s.io/decision"] == "forbid"
            && entry["user"]["username"] == operator()
            && entry["verb"].as_str().is_some_and(|verb| self.verbs.contains(&verb))
            && resource.trim_end_matches('/') == self.resource
            && text("namespace") == namespace
    }
}

fn audited() -> Setup {
    Setup { audit: true, ..Setup::default() }
}

fn operator() -> String {
    service_account_user(NAMESPACE, NAMESPACE).name
}

fn tenant<'a>(bed: &'a TestBed, name: &str) -> Tenant<'a> {
    Tenant::existing(bed, name, bed.client.clone())
}

/// Uploads the key of a new tenant from a plain Secret. If that Secret were absent, the key would be removed at once.
async fn upload(bed: &TestBed, name: &str) -> Value {
    let tenant = Tenant::create(bed, name, bed.client.clone()).await;
    let key = tenant.make_key().await;
    tenant.write_secret("pasted", &key).await;
    let spec = json!({ "source": { "secretRef": { "name": "pasted" } }, "gracePeriod": "0s" });
    tenant.apply("calm", spec).await;
    tenant.await_ready("calm", "True", "Uploaded").await;
    key
}

#[test]
fn a_refused_read_of_secrets_removes_no_key() {
    run_with_bed(audited(), async |mut bed| {
        let key = upload(&bed, "pasted").await;
        let bound = Tenant::create(&bed, "bound", bed.client.clone()).await;
        let bound_key = bound.make_key().await;
        bound.bind("plain", &bound_key).await;
        bound.apply_for_binding("calm", "plain").await;
        bound.await_ready("calm", "True", "Uploaded").await;

        let shipped = READ_SECRETS.revoke(&bed).await;
        for name in ["pasted", "bound"] {
            tenant(&bed, name).annotate("calm", "almkey.dev/reconcile-requested-at", "without get").await;
            tenant(&bed, name).await_ready("calm", "Unknown", "SourceUnreadable").await;
        }
        READ_SECRETS.restore(&bed, &shipped).await;
        for name in ["pasted", "bound"] {
            tenant(&bed, name).reconcile_now("calm", "with get").await;
            tenant(&bed, name).await_ready("calm", "True", "Uploaded").await;
        }
        assert!(bed.operator.take().expect("the operator runs").stop(), "the operator ends with success");
        let shipped = WATCH_SECRETS.revoke(&bed).await;
        bed.start_operator("without-watches");
        WATCH_SECRETS.await_refusal(&bed, "").await;
        tenant(&bed, "pasted").reconcile_now("calm", "without watches").await;
        WATCH_SECRETS.restore(&bed, &shipped).await;

        for (name, key) in [("pasted", key), ("bound", bound_key)] {
            let tenant = tenant(&bed, name);
            assert_eq!((tenant.slot_key().await, tenant.writes().await), (key, vec!["+Put".into()]), "{name}");
            tenant.await_ready("calm", "True", "Uploaded").await;
        }
        report("api-server: reads of Secrets refused to a running and to a starting operator: 0 keys removed");
    });
}

#[test]
fn no_remote_write_is_sent_while_the_status_cannot_be_written() {
    run_with_bed(audited(), async |bed| {
        let rotated = upload(&bed, "rotated").await;
        let deleted = upload(&bed, "deleted").await;
        let first = Tenant::create(&bed, "first", bed.client.clone()).await;
        first.await_tenant("first", "True", "Connected").await;
        let (first_key, new) = (first.make_key().await, tenant(&bed, "rotated").make_key().await);

        let shipped = WRITE_STATUS.revoke(&bed).await;
        first.write_secret("pasted", &first_key).await;
        first.apply_for_secret("calm", "pasted").await;
        tenant(&bed, "rotated").write_secret("pasted", &new).await;
        tenant(&bed, "deleted").begin_deletion("calm").await;
        for (name, key, writes) in [("first", Value::Null, 0), ("rotated", rotated, 1), ("deleted", deleted, 1)] {
            WRITE_STATUS.await_refusal(&bed, name).await;
            let tenant = tenant(&bed, name);
            assert_eq!((tenant.slot_key().await, tenant.writes().await.len()), (key, writes), "{name}");
        }
        WRITE_STATUS.restore(&bed, &shipped).await;

        first.await_ready("calm", "True", "Uploaded").await;
        tenant(&bed, "rotated").await_uploaded("calm", &new).await;
        tenant(&bed, "deleted").await_gone("calm").await;
        for (name, key, writes) in [
            ("first", first_key, vec!["+Put"]),
            ("rotated", new, vec!["+Put"; 2]),
            ("deleted", Value::Null, vec!["+Put", "+Delete"]),
        ] {
            let tenant = tenant(&bed, name);
            assert_eq!(tenant.slot_key().await, key, "{name}");
            assert_eq!(effective_writes(&tenant).await, writes, "{name}");
        }
        report(
            "api-server: an upload, a rotation and a deletion without the right to write the status: 0 remote writes",
        );
    });
}

#[test]
fn an_operator_that_cannot_list_anything_stops_at_once_when_asked_to() {
    run_with_bed(audited(), async |mut bed| {
        bed.operator.take().expect("the operator runs").kill();
        LIST_KEYS.revoke(&bed).await;
        bed.start_operator("without-lists");
        LIST_KEYS.await_refusal(&bed, "").await;

        assert!(bed.operator.take().expect("the operator runs").stop(), "the operator ends with success");
        report("api-server: an operator that could not list anything ended with success when it was asked to stop");
    });
}
