//! Health as `GitOps` tools see it: kstatus, Argo CD and Flux assess the objects as the API server stores them at each turning
//! point of their lives. docs/gitops.md shows the table of the verdicts.

mod customizations;
mod keys;
mod manual;
mod recording;
mod rules;
mod table;
mod tenants;

use std::path::PathBuf;
use std::process::Command;

use futures::future::{LocalBoxFuture, join_all};
use serde_json::Value;

use crate::beds::{report, run_with_bed};
use recording::Point;
use testkit::bed::cluster::package;
use testkit::bed::{Setup, TestBed};
use testkit::health::{self, Verdicts};

/// Returns the verdicts on these objects by the scripts and expressions that are shipped.
fn assess(objects: &[Value]) -> Vec<Verdicts> {
    let flux = package().join("deploy/flux/kustomizations.yaml");
    health::assess(objects, &customizations(), &flux).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the folder of the resource customizations for Argo CD.
fn customizations() -> PathBuf {
    package().join("deploy/argocd/resource_customizations")
}

#[test]
fn each_gitops_tool_assesses_every_turning_point_as_the_documentation_says() {
    run_with_bed(Setup::default(), async |bed| {
        let mut points = record(&bed).await;
        points.sort_by_key(|point| !point.is_key());
        let objects: Vec<Value> = points.iter().map(|point| point.object.clone()).collect();
        let verdicts = assess(&objects);
        let rows: Vec<_> = points.iter().zip(&verdicts).collect();
        let printed = table::print(&rows);
        report(&printed);
        let violations: Vec<String> =
            rows.iter().flat_map(|(point, verdicts)| rules::violations(point, verdicts)).collect();
        assert!(violations.is_empty(), "{}", violations.join("\n"));
        let is_documented = printed == table::documented();
        assert!(is_documented, "docs/gitops.md does not show the table that is printed above");
    });
}

/// Records the turning points of all scenes, which do not share a tenant.
async fn record(bed: &TestBed) -> Vec<Point> {
    let scenes: [LocalBoxFuture<'_, Vec<Point>>; 9] = [
        Box::pin(keys::life(bed)),
        Box::pin(keys::waiting(bed)),
        Box::pin(keys::refused(bed)),
        Box::pin(keys::slot_of_another(bed)),
        Box::pin(keys::not_admitted(bed)),
        Box::pin(keys::observed_and_suspended(bed)),
        Box::pin(manual::life(bed)),
        Box::pin(manual::rotation(bed)),
        Box::pin(tenants::all(bed)),
    ];
    join_all(scenes).await.into_iter().flatten().collect()
}

#[test]
fn our_own_go_code_is_formatted_and_passes_the_checks_of_go() {
    let folder = package().join("testkit/go/health");
    for (program, arguments) in [("gofmt", ["-l", "."]), ("go", ["vet", "."])] {
        let mut command = Command::new(program);
        let output =
            command.args(arguments).current_dir(&folder).env("GOWORK", "off").output().expect("Go is installed");
        let printed = [output.stdout, output.stderr].concat();
        assert!(output.status.success() && printed.is_empty(), "{program}: {}", String::from_utf8_lossy(&printed));
    }
}
