//! The rights of the operator: sufficient, all needed, and withdrawn at run time.

use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::scenarios::{alone, scenario};
use testkit::bed::cluster::package;
use testkit::bed::{Setup, Tenant, TestBed};
use xtask::rights::requests::{self, Request};
use xtask::rights::verdict::Verdict;
use xtask::rights::{Mode, Right, declared, shipped};

const ROLE: &str = "alm-key-operator-sources";

// proves: reason SourceUnreadable
#[test]
fn a_forbidden_read_is_not_an_absence() {
    alone(Setup::default(), async |bed| {
        let tenant = Tenant::create(&bed, "rights", bed.client.clone()).await;
        let key = tenant.make_key().await;
        tenant.bind("plain", &key).await;
        let spec = json!({ "source": { "serviceBindingRef": { "name": "plain" } }, "gracePeriod": "1h" });
        tenant.apply("calm", spec).await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        // The binding is recreated under its name, as GitOps tools do, while its Secret cannot be read.
        let roles: Api<ClusterRole> = Api::all(bed.client.clone());
        let whole = roles.get(ROLE).await.expect("the role exists").rules.expect("its rules");
        let reads_secrets = |rule: &k8s_openapi::api::rbac::v1::PolicyRule| {
            rule.resources.iter().flatten().any(|resource| resource == "secrets")
        };
        let without: Vec<_> = whole.iter().filter(|rule| !reads_secrets(rule)).collect();
        let patch = Patch::Merge(json!({ "rules": without }));
        roles.patch(ROLE, &PatchParams::default(), &patch).await.expect("an admin can change roles");
        tenant.unbind("plain", &key).await;
        tenant.restore(&key).await;
        tenant.bind("plain", &key).await;
        tenant.await_ready("calm", "Unknown", "SourceUnreadable").await;

        let patch = Patch::Merge(json!({ "rules": whole }));
        roles.patch(ROLE, &PatchParams::default(), &patch).await.expect("an admin can change roles");
        tenant.await_ready("calm", "True", "Uploaded").await;

        assert_eq!(tenant.slot_key().await, key);
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

#[test]
fn the_shipped_role_suffices_for_the_whole_life_of_a_key() {
    let setup = Setup { audit: true, controller_manager: true, ..Setup::default() };
    alone(setup, async |bed| {
        let tenant = Tenant::create(&bed, "audited", bed.client.clone()).await;
        let (old, new) = (tenant.make_key().await, tenant.make_key().await);
        tenant.bind("plain", &old).await;
        tenant.apply_for_binding("calm", "plain").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.rotate_binding("plain", &new).await;
        tenant.await_uploaded("calm", &new).await;
        tenant.write_secret("pasted", &old).await;
        tenant.apply_for_secret("second", "pasted").await;
        tenant.await_ready("second", "False", "NotSlotOwner").await;
        tenant.unbind("plain", &new).await;
        tenant.await_ready("calm", "False", "SourceGone").await;
        // A terminating namespace still cleans up.
        tenant.fill_slot(&old, Some(tenant.owner("second").await)).await;
        bed.kubectl(&["delete", "namespace", "audited", "--timeout=60s"]);
        assert!(tenant.slot_key().await.is_null());

        let mode = if bed.manifests().ends_with("deploy") { Mode::ClusterWide } else { Mode::NamespaceScoped };
        audited_requests(&bed, mode);
    });
}

#[test]
fn the_manifests_grant_exactly_the_declared_rights() {
    scenario("declared", async |tenant| {
        let render = |folder: &str| tenant.bed.kubectl(&["kustomize", &package().join(folder).display().to_string()]);
        let everywhere = render("deploy");
        let single = format!("{}\n---\n{}", render("deploy/namespaced"), render("deploy/namespaced/namespace"));
        for (mode, manifests) in [(Mode::ClusterWide, everywhere), (Mode::NamespaceScoped, single)] {
            let (declared, shipped) = (declared::of(mode), shipped::of(&manifests));
            let list = |rights: &mut dyn Iterator<Item = &Right>| rights.map(ToString::to_string).collect::<Vec<_>>();
            let undeclared = list(&mut shipped.difference(&declared));
            let missing = list(&mut declared.difference(&shipped));
            assert!(
                undeclared.is_empty() && missing.is_empty(),
                "{}: not in docs/rights.md: {undeclared:#?}; not in the manifests: {missing:#?}",
                mode.name()
            );
        }
    });
}

/// Returns the operator's requests to the API server. Fails if one was denied, or is not in the table of docs/rights.md.
pub(super) fn audited_requests(bed: &TestBed, mode: Mode) -> Vec<Request> {
    let log = bed.control_plane.audit_log().expect("the API server writes an audit log");
    let requests = requests::of_log("this test", log);
    assert!(requests.len() > 20, "the audit log misses the operator");
    let verdict = Verdict::of(declared::of(mode), &requests);
    assert!(verdict.wrong.is_empty(), "{:#?}", verdict.wrong);
    requests
}
