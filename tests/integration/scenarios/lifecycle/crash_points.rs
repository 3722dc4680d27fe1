//! The most dangerous crash points, injected by the proxy; `tests/slow/crash_matrix` has every one.

use crate::scenarios::alone;
use testkit::crash::{ConcurrentEvent, CrashMode, Lifecycle, Point, SETUP, run_lifecycle};
use testkit::proxy::RequestName;

const STATUS: &str = "PATCH almservicekeys/*/status";
const PUT: &str = "PUT landscape/v1/service-key";
const DELETE: &str = "DELETE landscape/v1/service-key";

/// Request, its number in the life, crash mode, concurrent event. The second status records the pending upload; the
/// second upload is a rotation.
const POINTS: [(&str, usize, CrashMode, ConcurrentEvent); 6] = [
    (STATUS, 2, CrashMode::After, ConcurrentEvent::Unbound),
    (PUT, 1, CrashMode::After, ConcurrentEvent::Nothing),
    (PUT, 1, CrashMode::LateFirst, ConcurrentEvent::Rotated),
    (PUT, 1, CrashMode::LateLast, ConcurrentEvent::Unbound),
    (PUT, 2, CrashMode::After, ConcurrentEvent::Nothing),
    (DELETE, 1, CrashMode::LateLast, ConcurrentEvent::Nothing),
];

#[test]
fn an_operator_killed_at_the_most_dangerous_requests_recovers() {
    alone(SETUP, async |bed| {
        let undisturbed = run_lifecycle(&bed, "undisturbed", Lifecycle::Uploaded, None).await;
        assert_eq!(undisturbed.failure, None);
        assert_eq!(undisturbed.history.writes, ["Put", "Put", "Delete"]);
        for kind in ["WATCH almservicekeys", "POST authentication/oauth/token", STATUS, PUT, DELETE] {
            let seen = undisturbed.requests.iter().any(|(request, _)| request.kind == kind);
            assert!(seen, "the proxy did not see {kind}");
        }

        for (number, (kind, nth, mode, event)) in POINTS.into_iter().enumerate() {
            let request = RequestName { kind: kind.into(), nth };
            let point = Point { lifecycle: Lifecycle::Uploaded, request, mode, event };
            let outcome = run_lifecycle(&bed, &format!("crashed-{number}"), point.lifecycle, Some(&point)).await;
            assert_eq!(outcome.failure, None, "{point}");
            assert!(outcome.reached, "the life never made this request: {point}");
        }
    });
}
