//! Every fault in the midst of every operation.

use futures::future::join_all;
use serde_json::Value;

use super::faults::Fault;
use super::moments::Moment;
use crate::beds::{alone, told};
use testkit::bed::{Setup, Tenant, TestBed};

/// One operation in one tenant.
struct Cell {
    moment: Moment,
    tenant: String,
    key: Value,
}

impl Cell {
    fn tenant<'a>(&self, bed: &'a TestBed) -> Tenant<'a> {
        Tenant::existing(bed, &self.tenant, bed.client.clone())
    }
}

/// One fault, in the midst of all operations at once.
async fn struck(bed: &mut TestBed, fault: Fault) {
    let cells = {
        let bed: &TestBed = bed;
        let prepared = Moment::ALL.map(|moment| async move {
            let tenant = format!("{}-{}", fault.name(), moment.name());
            let key = moment.prepared(bed, &tenant).await;
            Cell { moment, tenant, key }
        });
        let begun = join_all(prepared).await.into_iter().map(|cell| async move {
            let key = cell.moment.begun(&cell.tenant(bed), cell.key.clone()).await;
            Cell { key, ..cell }
        });
        join_all(begun).await
    };
    let concerned: Vec<_> = cells.iter().map(|cell| cell.tenant.clone()).collect();

    let lasting = fault.begin(bed, &concerned).await;
    for cell in &cells {
        cell.tenant(bed).release_held_calls().await;
    }
    // Each of them has met the fault: its status could not be written. And of a key that is to stay, one more pass has
    // begun while it lasted, and knew nothing of the source.
    for cell in &cells {
        let times = if cell.moment.is_settled() && fault.lasts() { 2 } else { 1 };
        bed.operator.as_ref().expect("it runs").await_lines(&tried_again(&cell.tenant), times);
    }
    fault.end(bed, lasting).await;

    let bed: &TestBed = bed;
    join_all(cells.iter().map(|cell| async move { cell.moment.ended(&cell.tenant(bed), &cell.key).await })).await;
    join_all(cells.iter().map(|cell| async move { cell.moment.followed(&cell.tenant(bed)).await })).await;
    told(&format!(
        "api-server: {}: {} operations met it, {} of them looks at a settled key: each ended as if nothing had happened",
        fault.name(),
        cells.len(),
        cells.iter().filter(|cell| cell.moment.is_settled()).count()
    ));
}

/// What the log says of a pass over an object of this tenant that failed. The name stands in the span of the pass.
fn tried_again(tenant: &str) -> String {
    format!("tenant=\"{tenant}\"}}: alm_key_operator::controller::events: the pass is tried again")
}

#[test]
fn every_operation_ends_well_whatever_happens_to_the_api_server_in_its_midst() {
    alone(Setup::default(), async |mut bed| {
        for fault in Fault::ALL {
            struck(&mut bed, fault).await;
        }
        told(&format!(
            "api-server: {} faults in the midst of {} operations: 0 living keys deleted, 0 uploads repeated",
            Fault::ALL.len(),
            Moment::ALL.len()
        ));
    });
}
