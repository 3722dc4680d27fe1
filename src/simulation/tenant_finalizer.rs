//! When a tenant may go.

use super::hold::is_let_go;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::slot::{Owner, Ownership, RemoteTrouble, Revision, Slot};

fn held_by(cluster_id: &str) -> Slot {
    let owner = Owner { cluster_id: cluster_id.into(), namespace: "monitoring".into(), name: "a".into() };
    Slot::Filled { revision: Revision::new("\"1\""), owner: Some(Ownership { owner, adopted: false }) }
}

fn down() -> RemoteTrouble {
    let reason = Reason::LandscapeManagementUnavailable;
    RemoteTrouble { reason, message: "no answer".into(), retry: Retry::Backoff }
}

#[test]
fn a_tenant_stays_while_a_key_of_this_cluster_owns_its_slot_though_nothing_is_recorded() {
    assert!(!is_let_go(true, Ok(held_by("one"))));
    assert!(is_let_go(true, Ok(held_by("another"))));
    assert!(is_let_go(true, Ok(Slot::Empty { revision: Revision::new("\"1\"") })));
}

#[test]
fn a_tenant_stays_while_nobody_can_say_whose_its_slot_is_unless_no_key_names_it() {
    assert!(!is_let_go(true, Err(down())));
    assert!(is_let_go(false, Err(down())));
}
