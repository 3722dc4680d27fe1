//! Manual mode: a person alone can change the slot. The slot of the simulator is what the app holds; the operator never calls
//! it.

// The life of a key: upload, rotation with a deadline, lost source, deleted object.
mod life;
// Confirmations: right and wrong, late, and by those who must not.
mod confirmations;
// The key of a deleted object, which a person is asked to delete.
mod removals;
// Settings and other objects: Observe, suspend, Retain, adoption, two keys for one tenant, manual to http.
mod settings;

use super::{RUNTIME, shared};
use testkit::bed::Tenant;
use testkit::bed::manual::{LANDSCAPE_CALLS, action};
pub(super) use testkit::bed::manual::{act, await_action, confirm, in_manual_mode};

/// Runs a test in the shared bed, with a tenant of its own in manual mode. Fails if the operator calls Landscape Management,
/// or if key material is found outside Secrets.
pub(super) fn manual(name: &str, test: impl AsyncFnOnce(Tenant<'static>)) {
    RUNTIME.block_on(async {
        let bed = shared().await;
        let tenant = Tenant::create_with(bed, name, bed.client.clone(), in_manual_mode).await;
        test(tenant).await;
        let tenant = Tenant::existing(bed, name, bed.client.clone());
        let calls = tenant.calls(&LANDSCAPE_CALLS).await;
        assert!(calls.is_empty(), "Landscape Management was called: {calls:?}");
        bed.expect_no_key_material();
    });
}
