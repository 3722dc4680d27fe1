//! What others do to the status of an object: it is lost, comes from a backup, or is forged.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use crate::api::status::{ALMServiceKeyStatus, PendingOperation, PendingStatus, UploadedStatus};
use crate::simulation::operator::zone;
use crate::simulation::state::State;
use crate::simulation::step::{Tamper, Who};

/// A fingerprint that no key has.
pub(crate) const NO_KEY: &str = "00000000000000000000000000000000";

/// A revision that no slot ever has.
const NEVER: &str = "\"never\"";

impl State {
    /// Somebody else writes a status.
    pub(crate) fn tampers(&mut self, who: Who, how: Tamper) {
        let zone = zone(who.tenant());
        let is_ours = self.holds(who.cluster(), who.name(), zone);
        let (revision, begun) = (self.sap.places[zone].revision(), self.passes.len());
        let (now, cluster, name) = (self.now, &mut self.clusters[who.cluster()], who.name());
        let Some(key) = cluster.keys.get(name) else { return };
        let past = cluster.past.get(name).map(Vec::as_slice).unwrap_or_default();
        let uploaded = || past.iter().rev().find_map(|status| status.uploaded.clone());
        let status = match (how, key.status.clone()) {
            (Tamper::Restores(back), found) => {
                let at = past.len().checked_sub(usize::from(back));
                at.and_then(|at| past.get(at).cloned()).or(found)
            }
            (Tamper::Loses, _) | (_, None) => None,
            (Tamper::NamesAnotherKey, Some(found)) => {
                let forged = |it: UploadedStatus| UploadedStatus { fingerprint: NO_KEY.into(), ..it };
                Some(ALMServiceKeyStatus { uploaded: found.uploaded.map(forged), ..found })
            }
            (Tamper::NamesAnotherRevision, Some(found)) => {
                let uploaded = found.uploaded.map(|it| UploadedStatus { revision: NEVER.into(), ..it });
                let pending = found.pending.map(|it| PendingStatus { revision: NEVER.into(), ..it });
                Some(ALMServiceKeyStatus { uploaded, pending, ..found })
            }
            // Of its own slot the ledger is believed what it holds at the revision that it names: who forges both makes an
            // older key stay there, which is no loss of it and harms nobody else's.
            (Tamper::ClaimsTheSlot, Some(found)) if !is_ours => {
                let claimed = |it: UploadedStatus| UploadedStatus { revision: revision.as_str().into(), ..it };
                Some(ALMServiceKeyStatus { uploaded: uploaded().map(claimed), ..found })
            }
            (Tamper::ClaimsTheSlot, found) => found,
            (Tamper::ClaimsAWrite, Some(found)) => {
                let (operation, revision) = (PendingOperation::Upload, revision.as_str().into());
                let started_at = Time(cluster.stamp(now));
                let pending = Some(PendingStatus { operation, fingerprint: None, revision, started_at });
                Some(ALMServiceKeyStatus { pending, ..found })
            }
        };
        if status != key.status {
            cluster.tampered.insert(key.uid().unwrap_or_default(), begun);
            cluster.change_key(name, |key| key.status = status);
        }
    }
}
