//! The faults.

use super::throttle::NoTime;
use testkit::bed::{Tenant, TestBed};
use testkit::control_plane::Part;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A part is killed, and started again later.
    Killed(Part),
    /// A part stands still with its connections open, for longer than anybody waits for an answer.
    Stopped(Part),
    /// Priority and fairness leaves the operator no time: 429.
    NoTime,
    /// Somebody else writes the objects in the midst of a pass: 409.
    Conflict,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Killed(Part::ApiServer),
        Self::Stopped(Part::ApiServer),
        Self::Killed(Part::Etcd),
        Self::Stopped(Part::Etcd),
        Self::NoTime,
        Self::Conflict,
    ];

    /// For names of tenants.
    pub fn name(self) -> &'static str {
        match self {
            Self::Killed(Part::ApiServer) => "api-killed",
            Self::Stopped(Part::ApiServer) => "api-stopped",
            Self::Killed(Part::Etcd) => "etcd-killed",
            Self::Stopped(Part::Etcd) => "etcd-stopped",
            Self::NoTime => "no-time",
            Self::Conflict => "conflict",
        }
    }

    /// Whether whatever begins after it meets it too, until it ends.
    pub fn lasts(self) -> bool {
        self != Self::Conflict
    }

    /// It begins; it concerns the objects `calm` of these tenants. It lasts until it is ended with what this answers.
    pub async fn begin(self, bed: &mut TestBed, tenants: &[String]) -> Option<NoTime> {
        match self {
            Self::Killed(part) => bed.control_plane.kill(part),
            Self::Stopped(part) => bed.control_plane.suspend(part),
            Self::NoTime => return Some(NoTime::for_the_operator(bed).await),
            Self::Conflict => {
                for name in tenants {
                    let tenant = Tenant::existing(bed, name, bed.client.clone());
                    tenant.annotate("calm", "example.com/touched", "by somebody").await;
                }
            }
        }
        None
    }

    /// It ends.
    pub async fn end(self, bed: &mut TestBed, no_time: Option<NoTime>) {
        match self {
            Self::Killed(part) => bed.control_plane.restart(part).await.expect("it comes back"),
            Self::Stopped(part) => bed.control_plane.resume(part).await.expect("it comes back"),
            Self::NoTime | Self::Conflict => {}
        }
        if let Some(no_time) = no_time {
            no_time.ends(bed);
        }
    }
}
