//! The recording of the real SAP BTP service operator, replayed at its own pace. It takes about two minutes.

use tokio::runtime::Runtime;

use testkit::bed::follow::follow_recording;
use testkit::bed::replay::Pace;
use testkit::bed::{Setup, Tenant, TestBed};

#[test]
fn the_slot_follows_the_recorded_operator_at_its_own_pace() {
    Runtime::new().expect("the runtime starts").block_on(async {
        let bed = TestBed::start(Setup::default()).await;
        let tenant = Tenant::create(&bed, "recorded-pace", bed.client.clone()).await;
        follow_recording(&tenant, Pace::Recorded).await;
    });
}
