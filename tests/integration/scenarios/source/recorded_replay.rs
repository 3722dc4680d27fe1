//! The recording of the real SAP BTP service operator, replayed as fast as the API server takes it.
//! `tests/slow/recorded_pace.rs` replays it at its own pace.

use crate::scenarios::scenario;
use testkit::bed::follow::follow_recording;
use testkit::bed::replay::Pace;

#[test]
fn the_slot_follows_the_recorded_operator_at_full_speed() {
    scenario("recorded", async |tenant| follow_recording(&tenant, Pace::Fast).await);
}
