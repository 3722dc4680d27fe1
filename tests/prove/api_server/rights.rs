//! Rights that are taken away and given back, one by one.

use std::time::Duration;

use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, Role};
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::moments::effects;
use crate::world::cluster::patiently;
use crate::world::operator::NAMESPACE;
use crate::world::{Setup, Tenant, World};
use crate::worlds::{alone, told};

const TERMS: &[&str] = &["--leader-elect=true", "--lease-duration=5s", "--renew-deadline=4s", "--retry-period=250ms"];

/// One verb on the resources of one rule of a role.
struct Right {
    role: String,
    /// In the operator's own namespace, and not in the whole cluster.
    is_local: bool,
    rules: Vec<PolicyRule>,
    rule: usize,
    verb: String,
}

impl Right {
    fn name(&self) -> String {
        let resources = self.rules[self.rule].resources.clone().unwrap_or_default();
        format!("{} {}", self.verb, resources.join(","))
    }

    async fn write(&self, world: &World, rules: &[PolicyRule]) {
        let patch = Patch::Merge(json!({ "rules": rules }));
        let (parameters, client) = (PatchParams::default(), world.client.clone());
        if self.is_local {
            let all: Api<Role> = Api::namespaced(client, NAMESPACE);
            all.patch(&self.role, &parameters, &patch).await.expect("an admin can change roles");
        } else {
            let all: Api<ClusterRole> = Api::all(client);
            all.patch(&self.role, &parameters, &patch).await.expect("an admin can change roles");
        }
    }

    async fn taken(&self, world: &World) {
        let mut rules = self.rules.clone();
        rules[self.rule].verbs.retain(|verb| *verb != self.verb);
        rules.retain(|rule| !rule.verbs.is_empty());
        self.write(world, &rules).await;
    }

    async fn given_back(&self, world: &World) {
        self.write(world, &self.rules).await;
    }
}

/// All rights of the operator as it is shipped.
async fn rights(world: &World) -> Vec<Right> {
    let everywhere: Api<ClusterRole> = Api::all(world.client.clone());
    let local: Api<Role> = Api::namespaced(world.client.clone(), NAMESPACE);
    let mut roles = Vec::new();
    for role in everywhere.list(&ListParams::default()).await.expect("they can be read") {
        roles.push((role.name_any(), false, role.rules.unwrap_or_default()));
    }
    for role in local.list(&ListParams::default()).await.expect("they can be read") {
        roles.push((role.name_any(), true, role.rules.unwrap_or_default()));
    }
    roles.retain(|(name, ..)| name.starts_with(NAMESPACE));
    assert_eq!(roles.len(), 3, "as deploy/ says");
    let of_role = |(role, is_local, rules): (String, bool, Vec<PolicyRule>)| {
        let each = |(rule, policy): (usize, &PolicyRule)| {
            policy.verbs.iter().map(move |verb| (rule, verb.clone())).collect::<Vec<_>>()
        };
        let pairs: Vec<_> = rules.iter().enumerate().flat_map(each).collect();
        pairs.into_iter().map(move |(rule, verb)| Right {
            role: role.clone(),
            is_local,
            rules: rules.clone(),
            rule,
            verb,
        })
    };
    roles.into_iter().flat_map(of_role).collect()
}

/// How often the operator was refused something so far.
fn refusals(world: &World) -> usize {
    let log = world.control_plane.audit_log().expect("it was asked for");
    let log = std::fs::read_to_string(log).expect("the audit log");
    let refused = log.lines().filter(|line| line.contains("\"code\":403") && line.contains(":alm-key-operator\""));
    refused.count()
}

async fn is_uploaded(world: &World, key: &Value) -> bool {
    let object = Tenant::existing(world, "rotated", world.client.clone()).keys().get("calm").await;
    let uploaded = object.expect("it is there").status.and_then(|status| status.uploaded);
    uploaded.is_some_and(|uploaded| uploaded.client_id == key["uaa"]["clientid"])
}

/// Waits until the rotation has come to its end. An operator that ended is started again, as Kubernetes would.
async fn recovered(world: &mut World, key: &Value) {
    patiently("the rotation to be followed", async {
        while !is_uploaded(world, key).await {
            if !world.operator.as_mut().expect("it was started").is_running() {
                world.start_operator("operator-again");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}

/// The operator is started without the right, in the midst of a rotation; then it gets it back. Whether it missed it.
async fn missed(world: &mut World, right: &Right, key: &Value) -> bool {
    if let Some(mut operator) = world.operator.take() {
        // One that ended because of the last right is over already.
        operator.signal("TERM");
        operator.ended();
    }
    right.taken(world).await;
    let before = refusals(world);
    let client = world.client.clone();
    Tenant::existing(world, "rotated", client.clone()).rotate_binding("plain", key).await;
    world.start_operator(&format!("without-{}", right.name().replace([' ', '/', ','], "-")));
    patiently(&format!("the operator to do without {}, or to miss it", right.name()), async {
        while !is_uploaded(world, key).await && refusals(world) == before {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let missed = refusals(world) > before;
    right.given_back(world).await;
    missed
}

#[test]
fn no_right_is_such_that_to_lose_it_loses_a_key() {
    alone(Setup { arguments: TERMS, audit: true, ..Setup::default() }, async |mut world| {
        let client = world.client.clone();
        let (kept, pasted) = {
            let tenant = Tenant::create(&world, "kept", client.clone()).await;
            let kept = tenant.make_key().await;
            tenant.bind("plain", &kept).await;
            tenant.apply_for_binding("calm", "plain").await;
            tenant.await_ready("calm", "True", "Uploaded").await;
            let tenant = Tenant::create(&world, "pasted", client.clone()).await;
            let pasted = tenant.make_key().await;
            tenant.write_secret("pasted", &pasted).await;
            let spec = json!({ "source": { "secretRef": { "name": "pasted" } }, "gracePeriod": "0s" });
            tenant.apply("calm", spec).await;
            tenant.await_ready("calm", "True", "Uploaded").await;
            let tenant = Tenant::create(&world, "rotated", client.clone()).await;
            tenant.bind("plain", &tenant.make_key().await).await;
            tenant.apply_for_binding("calm", "plain").await;
            tenant.await_ready("calm", "True", "Uploaded").await;
            (kept, pasted)
        };
        let rights = rights(&world).await;
        let mut needed = 0;
        for right in &rights {
            let key = Tenant::existing(&world, "rotated", client.clone()).make_key().await;
            if missed(&mut world, right, &key).await {
                needed += 1;
            }
            recovered(&mut world, &key).await;
        }
        let tenant = |name: &str| Tenant::existing(&world, name, client.clone());
        assert_eq!(effects(&tenant("rotated")).await, vec!["+Put"; rights.len() + 1]);
        for (name, key) in [("kept", &kept), ("pasted", &pasted)] {
            tenant(name).await_ready("calm", "True", "Uploaded").await;
            assert_eq!(
                (tenant(name).slot_key().await, effects(&tenant(name)).await),
                (key.clone(), vec!["+Put".into()])
            );
        }
        told(&format!(
            "api-server: {} rights taken away and given back one by one, {needed} of them missed at once: {} rotations, \
             0 deletions",
            rights.len(),
            rights.len()
        ));
    });
}

#[test]
fn an_operator_that_is_asked_to_stop_before_it_could_list_anything_goes_at_once() {
    alone(Setup { arguments: TERMS, audit: true, ..Setup::default() }, async |mut world| {
        let mut operator = world.operator.take().expect("it runs");
        operator.signal("KILL");
        operator.ended();
        let lists = rights(&world).await.into_iter().find(|right| right.name() == "list almservicekeys");
        lists.expect("it may list them").taken(&world).await;
        let before = refusals(&world);
        world.start_operator("without-lists");
        patiently("the operator to be refused the list", async {
            while refusals(&world) == before {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await;

        assert!(world.operator.take().expect("it runs").stop(), "it ends with success");
        told("api-server: an operator that could not list anything ended with success when it was asked to stop");
    });
}
