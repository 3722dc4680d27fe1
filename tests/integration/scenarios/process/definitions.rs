//! An operator whose kinds are not defined: not yet, or not any more.

use super::leadership::{LEADS, WAITS, with_leader_election};
use crate::scenarios::alone;
use testkit::bed::Tenant;

/// The log line of an operator whose kinds are not defined.
const UNDEFINED: &str = "the API server does not define this kind";

#[test]
fn an_operator_whose_kinds_are_not_defined_says_so_and_continues_once_they_are() {
    alone(with_leader_election(), async |bed| {
        let leader = bed.operator.as_ref().expect("the operator runs");
        leader.await_lines(LEADS, 1);
        leader.await_ready().await;
        bed.kubectl(&["delete", "crd/almservicekeys.almkey.dev", "crd/almtenants.almkey.dev", "--timeout=60s"]);
        leader.await_lines(UNDEFINED, 2);
        assert_eq!(leader.admin("/readyz").await.0, 200, "a restart would not help");
        let second = bed.start_replica("second");
        second.await_lines(WAITS, 1);
        second.await_lines(UNDEFINED, 2);
        assert_eq!(second.admin("/readyz").await.0, 503);

        bed.control_plane.apply_path(&bed.manifests()).expect("the manifests can be applied");

        second.await_ready().await;
        leader.await_lines("the kind is defined now", 2);
        let tenant = Tenant::create(&bed, "undefined", bed.client.clone()).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(leader.await_lines(UNDEFINED, 2).len(), 2, "one line for each kind");
    });
}
