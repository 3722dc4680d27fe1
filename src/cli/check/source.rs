//! The key in the source of an object, or why there is nothing to compare with.

use crate::api::ALMServiceKey;
use crate::cli::cluster::{Cluster, Failure};
use crate::cli::key_file::lenient;
use crate::cli::stored_key::{Absence, read_source};
use crate::domain::service_key::{Findings, ServiceKey};
use crate::source::resolve::Located;

/// Reads the key in an object's source. The error says why that is not possible.
pub(super) async fn read_key(cluster: &Cluster, key: &ALMServiceKey) -> Result<ServiceKey, String> {
    match read_source(cluster, key).await {
        Ok(Ok(Located { identity, document, .. })) => {
            let found = document.map_err(Findings::from).and_then(lenient::parse);
            found.map_err(|_| format!("the Secret \"{}\" holds no valid key", identity.secret_name))
        }
        Ok(Err(Absence { message, .. })) => Err(message),
        Err(Failure::Call { access, source, .. }) if source.status() == Some(403) => {
            Err(format!("you may not {access} ({})", access.role()))
        }
        Err(failure) => Err(failure.to_string()),
    }
}
