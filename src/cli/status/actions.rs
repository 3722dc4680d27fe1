//! The table of what persons must do in Landscape Management.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use super::listing::{Listing, parse};
use crate::api::action::ActionOperation;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::cli::action::{left, verb};
use crate::cli::text::{NONE, table};

/// Returns the table of what persons must do; none if there is nothing. Without a width, lines have any length.
pub(super) fn table_of(listing: &Listing, now: Timestamp, width: Option<u16>) -> Option<String> {
    let tenants = listing.tenants.iter().flatten().filter_map(|object| {
        let removal = parse::<ALMTenant>(object)?.status?.pending_removals.into_iter().next()?;
        let key = format!("{}/{}", removal.key_ref.namespace, removal.key_ref.name);
        Some((verb(ActionOperation::Delete), object.name_any(), key, None))
    });
    let keys = listing.keys.iter().filter_map(|object| {
        let ALMServiceKey { spec, status, .. } = parse(object)?;
        let action = status?.action?;
        let key = format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any());
        Some((verb(action.operation), spec.tenant_ref.name, key, action.deadline))
    });
    let row = |(verb, tenant, key, deadline): (&str, String, String, Option<Time>)| {
        let deadline = deadline.map(|deadline| [deadline.0.to_string(), left(deadline.0, now)]);
        let [by, left] = deadline.unwrap_or([NONE.to_owned(), NONE.to_owned()]);
        vec![verb.to_owned(), tenant, key, by, left]
    };
    let rows: Vec<_> = tenants.chain(keys).map(row).collect();
    (!rows.is_empty()).then(|| table(&["TO DO", "TENANT", "KEY", "BY", "TIME"], rows, width))
}
