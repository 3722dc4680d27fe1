//! The faults of networks, servers, clocks and definitions, and their end.

use crate::domain::slot::WriteAnswer;
use crate::simulation::model::cluster::{BindingKind, mark_deleted};
use crate::simulation::ports::remote::apply_write;
use crate::simulation::state::State;
use crate::simulation::step::Fault;

impl State {
    /// Applies a fault. Those of an operator's process (`Crash`, `WatchLags`) are applied by the history.
    pub(crate) fn apply_fault(&mut self, fault: Fault) {
        match fault {
            Fault::TokenEndpointDown(down) => self.sap.token_endpoint_is_down = down,
            Fault::ZonesUnknown(unknown) => self.sap.zones_are_unknown = unknown,
            Fault::LandscapeDown(down) => self.sap.landscape_is_down = down,
            Fault::NextSlotWrite(fault) => self.sap.slot_write_faults.push_back(fault),
            Fault::DelayedWritesArrive => self.apply_delayed_writes(),
            Fault::ApiServerDown(cluster, down) => self.clusters[cluster].is_down = down,
            Fault::NextApiWrite(cluster, fault) => self.clusters[cluster].next_write_fault = Some(fault),
            Fault::ReadsFail(cluster, kind, fault) => {
                let faults = &mut self.clusters[cluster].read_faults;
                match fault {
                    Some(fault) => faults.insert(kind, fault),
                    None => faults.remove(&kind),
                };
            }
            Fault::OperatorClocksJump(seconds) => self.wall_clock_offset += i64::from(seconds),
            Fault::ApiServerClockJumps(cluster, seconds) => {
                self.clusters[cluster].clock_offset += i64::from(seconds);
            }
            Fault::BindingKindDefined(cluster, true) => self.restore_binding_kind(cluster),
            Fault::BindingKindDefined(cluster, false) => self.clusters[cluster].delete_binding_kind(self.now),
            Fault::OwnKindDeleted(cluster) => self.delete_own_kind(cluster),
            Fault::ClusterCloned => {
                self.is_cloned = true;
                self.clusters[1].id = self.clusters[0].id.clone();
            }
            Fault::Crash(_) | Fault::WatchLags(..) => {}
        }
    }

    /// Ends all faults but those of an operator's process and of clocks.
    pub(crate) fn end_faults(&mut self) {
        self.sap.token_endpoint_is_down = false;
        self.sap.zones_are_unknown = false;
        self.sap.landscape_is_down = false;
        self.apply_delayed_writes();
        self.sap.slot_write_faults.clear();
        for number in 0..self.clusters.len() {
            self.restore_binding_kind(number);
            let cluster = &mut self.clusters[number];
            cluster.is_down = false;
            cluster.next_write_fault = None;
            cluster.read_faults.clear();
        }
    }

    fn apply_delayed_writes(&mut self) {
        for request in std::mem::take(&mut self.sap.delayed_writes) {
            if let WriteAnswer::Done(_) = apply_write(self, &request) {
                self.sap.slots[request.zone].delayed_writer = Some(request.reconciliation);
            }
        }
    }

    fn restore_binding_kind(&mut self, cluster: usize) {
        let (now, cluster) = (self.now, &mut self.clusters[cluster]);
        if cluster.binding_kind == BindingKind::Terminating {
            cluster.remove_binding_kind(now);
        }
        if cluster.binding_kind == BindingKind::Missing {
            cluster.define_binding_kind(now);
        }
    }

    /// Deletes the definition of `ALMServiceKey`, and with it all objects of the kind.
    fn delete_own_kind(&mut self, cluster: usize) {
        let (now, cluster) = (self.now, &mut self.clusters[cluster]);
        let stamp = cluster.timestamp(now);
        cluster.own_kind_is_terminating = !cluster.keys.is_empty();
        let names: Vec<String> = cluster.keys.keys().cloned().collect();
        for name in names {
            cluster.change_key(&name, |key| mark_deleted(&mut key.metadata, stamp));
        }
    }
}
