//! Faults of the API server.

use super::overload::Overload;
use testkit::bed::{Tenant, TestBed};
use testkit::control_plane::Part;

/// A fault of the API server or of etcd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A part is killed, and started again when the fault ends.
    Killed(Part),
    /// A part is stopped with its connections open, for longer than any client waits for a response.
    Stopped(Part),
    /// Priority and fairness rejects the operator's requests with 429.
    Overloaded,
    /// Another client writes the objects during a reconciliation: 409.
    Conflict,
}

impl Fault {
    /// All faults, in the order in which they are tried.
    pub const ALL: [Self; 6] = [
        Self::Killed(Part::ApiServer),
        Self::Stopped(Part::ApiServer),
        Self::Killed(Part::Etcd),
        Self::Stopped(Part::Etcd),
        Self::Overloaded,
        Self::Conflict,
    ];

    /// Returns the name as a part of the names of tenants.
    pub fn name(self) -> &'static str {
        match self {
            Self::Killed(Part::ApiServer) => "api-killed",
            Self::Stopped(Part::ApiServer) => "api-stopped",
            Self::Killed(Part::Etcd) => "etcd-killed",
            Self::Stopped(Part::Etcd) => "etcd-stopped",
            Self::Overloaded => "overloaded",
            Self::Conflict => "conflict",
        }
    }

    /// Returns true if requests that begin later meet the fault too, until it ends.
    pub fn lasts(self) -> bool {
        self != Self::Conflict
    }

    /// Begins the fault for the objects `calm` of these tenants. The overload that it returns goes to [`Self::end`].
    pub async fn begin(self, bed: &mut TestBed, tenants: &[String]) -> Option<Overload> {
        match self {
            Self::Killed(part) => bed.control_plane.kill(part),
            Self::Stopped(part) => bed.control_plane.suspend(part),
            Self::Overloaded => return Some(Overload::of_the_operator(bed).await),
            Self::Conflict => {
                for name in tenants {
                    let tenant = Tenant::existing(bed, name, bed.client.clone());
                    tenant.annotate("calm", "example.com/touched", "by another client").await;
                }
            }
        }
        None
    }

    /// Ends the fault.
    pub async fn end(self, bed: &mut TestBed, overload: Option<Overload>) {
        match self {
            Self::Killed(part) => bed.control_plane.restart(part).await.expect("the part starts again"),
            Self::Stopped(part) => bed.control_plane.resume(part).await.expect("the part starts again"),
            Self::Overloaded | Self::Conflict => {}
        }
        if let Some(overload) = overload {
            overload.end(bed);
        }
    }
}
