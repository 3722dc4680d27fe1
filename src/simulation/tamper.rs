//! Status changes by another client: a status is lost, restored from a backup, or forged.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use crate::api::status::{ALMServiceKeyStatus, PendingOperation, PendingStatus, UploadedStatus};
use crate::simulation::model::sap::zone_index;
use crate::simulation::state::State;
use crate::simulation::step::{Actor, Tamper, TenantAction};

/// A fingerprint that no key has.
pub(crate) const FORGED_FINGERPRINT: &str = "2:00000000000000000000000000000000";

/// A revision that no slot has.
const FORGED_REVISION: &str = "\"never\"";

impl State {
    /// Writes the status of a tenant as another client does.
    pub(crate) fn tamper_with_tenant(&mut self, cluster: usize, name: &str, action: TenantAction) {
        let (begun, cluster) = (self.reconciliations.len(), &mut self.clusters[cluster]);
        let history = cluster.tenant_status_history.get(name).map(Vec::as_slice).unwrap_or_default();
        let status = match action {
            TenantAction::RestoreStatus(back) => {
                let index = history.len().checked_sub(usize::from(back));
                let Some(status) = index.and_then(|index| history.get(index)).cloned() else { return };
                Some(status)
            }
            _ => None,
        };
        let upload = self.people.last_upload(zone_index(name));
        if let Some(upload) = upload.filter(|upload| !cluster.has_key(&upload.name, &upload.uid)) {
            // The request to remove the key of an object that is gone may be lost.
            cluster.released_uncleaned.insert(upload.uid.clone());
        }
        cluster.tampered_tenants.insert(name.to_owned(), begun);
        let revision = status.as_ref().and_then(|status| status.slot.as_ref()?.revision.clone());
        cluster.change_tenant(name, |tenant| tenant.status = status);
        self.log.restored.extend(revision);
    }

    /// Writes a status as another client does.
    pub(crate) fn tamper_with_status(&mut self, actor: Actor, tamper: Tamper) {
        let zone = zone_index(actor.tenant());
        let holds_slot = self.holds_slot(actor.cluster(), actor.name(), zone);
        let (revision, begun) = (self.sap.slots[zone].revision(), self.reconciliations.len());
        let copy = match tamper {
            Tamper::CopyStatus(other) => self.clusters[other.cluster()].keys.get(other.name()).cloned(),
            _ => None,
        };
        let (now, cluster, name) = (self.now, &mut self.clusters[actor.cluster()], actor.name());
        let Some(key) = cluster.keys.get(name) else { return };
        let history = cluster.status_history.get(name).map(Vec::as_slice).unwrap_or_default();
        let last_uploaded = || history.iter().rev().find_map(|status| status.uploaded.clone());
        let status = match (tamper, key.status.clone()) {
            (Tamper::RestoreStatus(back), current) => {
                let index = history.len().checked_sub(usize::from(back));
                index.and_then(|index| history.get(index).cloned()).or(current)
            }
            (Tamper::CopyStatus(_), current) => copy.and_then(|other| other.status).or(current),
            (Tamper::ClearStatus, _) | (_, None) => None,
            (Tamper::ForgeFingerprint, Some(current)) => {
                let forge = |uploaded| UploadedStatus {
                    fingerprint: FORGED_FINGERPRINT.into(),
                    document: Some(FORGED_FINGERPRINT.into()),
                    ..uploaded
                };
                Some(ALMServiceKeyStatus { uploaded: current.uploaded.map(forge), ..current })
            }
            (Tamper::ForgeRevision, Some(current)) => {
                let forge_uploaded = |uploaded| UploadedStatus { revision: FORGED_REVISION.into(), ..uploaded };
                let forge_pending = |pending| PendingStatus { revision: FORGED_REVISION.into(), ..pending };
                let uploaded = current.uploaded.map(forge_uploaded);
                let pending = current.pending.map(forge_pending);
                Some(ALMServiceKeyStatus { uploaded, pending, ..current })
            }
            // The operator trusts the ledger about its own slot. A ledger with an older fingerprint at the slot's present
            // revision would keep that key in the slot, which loses no key and harms no other owner.
            (Tamper::ClaimSlot, current) if holds_slot => current,
            (Tamper::ClaimSlot, Some(current)) => {
                let claim = |uploaded| UploadedStatus { revision: revision.as_str().into(), ..uploaded };
                Some(ALMServiceKeyStatus { uploaded: last_uploaded().map(claim), ..current })
            }
            (Tamper::ClaimWrite, Some(current)) => {
                let (operation, revision) = (PendingOperation::Upload, revision.as_str().into());
                let started_at = Time(cluster.timestamp(now));
                let pending = Some(PendingStatus { operation, fingerprint: None, revision, started_at });
                Some(ALMServiceKeyStatus { pending, ..current })
            }
        };
        if status != key.status {
            cluster.tampered.insert(key.uid().unwrap_or_default(), begun);
            cluster.change_key(name, |key| key.status = status);
        }
    }
}
