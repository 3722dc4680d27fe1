//! Every fault during every operation.

use futures::future::join_all;
use serde_json::Value;

use super::faults::Fault;
use super::operations::Operation;
use crate::beds::{report, run_with_bed};
use testkit::bed::{Setup, Tenant, TestBed};

/// One operation in a tenant of its own.
struct Cell {
    operation: Operation,
    tenant: String,
    key: Value,
}

impl Cell {
    fn tenant<'a>(&self, bed: &'a TestBed) -> Tenant<'a> {
        Tenant::existing(bed, &self.tenant, bed.client.clone())
    }
}

/// Runs all operations at once, with one fault during each.
async fn run_fault(bed: &mut TestBed, fault: Fault) {
    let cells = {
        let bed: &TestBed = bed;
        let preparing = Operation::ALL.map(|operation| async move {
            let tenant = format!("{}-{}", fault.name(), operation.name());
            let key = operation.prepare(bed, &tenant).await;
            Cell { operation, tenant, key }
        });
        let beginning = join_all(preparing).await.into_iter().map(|cell| async move {
            let key = cell.operation.begin(&cell.tenant(bed), cell.key.clone()).await;
            Cell { key, ..cell }
        });
        join_all(beginning).await
    };
    let tenants: Vec<_> = cells.iter().map(|cell| cell.tenant.clone()).collect();

    let overload = fault.begin(bed, &tenants).await;
    for cell in &cells {
        cell.tenant(bed).release_held_calls().await;
    }
    // Each operation met the fault: its status could not be written. For a settled key a second reconciliation began during
    // the fault, and could not read the source.
    for cell in &cells {
        let times = if cell.operation.is_settled() && fault.lasts() { 2 } else { 1 };
        bed.operator.as_ref().expect("the operator runs").await_lines(&failed_reconciliation(&cell.tenant), times);
    }
    fault.end(bed, overload).await;

    let bed: &TestBed = bed;
    join_all(
        cells.iter().map(|cell| async move { cell.operation.assert_completed(&cell.tenant(bed), &cell.key).await }),
    )
    .await;
    join_all(cells.iter().map(|cell| async move { cell.operation.assert_next_rotation(&cell.tenant(bed)).await }))
        .await;
    report(&format!(
        "api-server: {}: {} operations met it, {} of them checks of a settled key: each completed as if nothing had happened",
        fault.name(),
        cells.len(),
        cells.iter().filter(|cell| cell.operation.is_settled()).count()
    ));
}

/// Returns a part of the log line about a failed reconciliation in this tenant, whose name is in the span.
fn failed_reconciliation(tenant: &str) -> String {
    format!("tenant=\"{tenant}\"}}: alm_key_operator::controller::events: reconciliation failed, retrying")
}

#[test]
fn every_operation_completes_after_any_fault_of_the_api_server() {
    run_with_bed(Setup::default(), async |mut bed| {
        for fault in Fault::ALL {
            run_fault(&mut bed, fault).await;
        }
        report(&format!(
            "api-server: {} faults during {} operations: 0 living keys deleted, 0 uploads repeated",
            Fault::ALL.len(),
            Operation::ALL.len()
        ));
    });
}
