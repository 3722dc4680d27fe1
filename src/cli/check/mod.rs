//! `almkey check`.

mod comparison;
mod fields;
mod source;

use std::error::Error;
use std::process::ExitCode;

use clap::ArgGroup;
use serde_json::{Value, json};

use super::cluster::{
    Cluster, ClusterFlags, Failure, Object, Tenant, WaitFlags, current_ready, qualified, ready_text, result_text,
};
use super::completion;
use super::confirmation::confirm;
use super::output::{Format, print};
use super::slot_key::SlotKeyFlags;
use super::text::{item, width};
use crate::api::{ALMServiceKey, ALMTenant};
use crate::domain::record::Confirmation;
use comparison::{Comparison, KnownKeys, compare};

/// Text below the options in the help.
const AFTER_HELP: &str = "\
Compares what a person found in Landscape Management with the key of the ALMServiceKey: that of its source, if you may
read it, or else the one in its status. With --file and that right, the fields that differ are named, never their
values. In manual mode the operator records what was found there.

Exit codes:
  0  the same key: credentials and endpoints are equal; or with --empty or --tenant, recorded
  1  another key; or the file holds no valid key; or with --empty or --tenant, ignored
  2  wrong usage, or the file could not be read, or the cluster could not be asked
  3  not known, because there is no key to compare with; or with --empty or --tenant, the operator has not acted in time

It needs the right to get almservicekeys (role almkey-view). To record what was found, it needs the rights to list and
watch (role almkey-view) and patch (role almkey-edit) them; without, it compares and says that nothing was recorded.
With --tenant, it needs all these rights on almtenants, which a cluster admin has.

Examples:
  almkey check calm --file key.txt
  almkey check calm --fingerprint 2:00112233445566778899aabbccddeeff
  almkey check calm --empty
  almkey check --tenant acme --empty";

#[derive(clap::Args)]
#[command(
    after_help = AFTER_HELP,
    group = ArgGroup::new("found").required(true).args(["file", "fingerprint", "empty"]),
)]
pub(super) struct Arguments {
    /// Name of the ALMServiceKey or, with --tenant, of the ALMTenant.
    #[arg(add = completion::key_or_tenant_names())]
    name: String,

    #[command(flatten)]
    slot_key: SlotKeyFlags,

    /// Landscape Management holds no key: the app offers a plus sign.
    #[arg(long)]
    empty: bool,

    /// Record what was found for an ALMTenant that waits for the deletion of a key. Nothing is compared.
    #[arg(long, conflicts_with = "namespace")]
    tenant: bool,

    /// Output format.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,

    #[command(flatten)]
    wait: WaitFlags,

    #[command(flatten)]
    cluster: ClusterFlags,
}

#[tokio::main(flavor = "current_thread")]
pub(super) async fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let Arguments { name, slot_key, empty: _, tenant, output, wait, cluster } = arguments;
    let found = match slot_key.key()? {
        Ok(found) => found,
        Err(report) => return Ok(report.print(output)?),
    };
    let cluster = cluster.connect().await?;
    let found = match (found, tenant) {
        (Some(found), false) => found,
        (Some(found), true) => {
            let statement = Confirmation::Holds(found.fingerprint().clone());
            return record_alone(&cluster, &name, &statement, wait, output, nothing_left).await;
        }
        (None, true) => {
            return record_alone(&cluster, &name, &Confirmation::HoldsNothing, wait, output, nothing_left).await;
        }
        (None, false) => {
            return record_alone(
                &cluster,
                &name,
                &Confirmation::HoldsNothing,
                wait,
                output,
                ready_text::<ALMServiceKey>,
            )
            .await;
        }
    };
    let key = cluster.key(&name).await?;
    let known = read_known(&cluster, &key).await?;
    let comparison = compare(&found, &known);
    if output == Format::Text {
        print(&format!("{}: {}", qualified(&name), comparison.text(width())))?;
    }
    let recorded = record(&cluster, &name, Confirmation::Holds(found.fingerprint().clone()), wait).await?;
    output.print(|| item(&recorded.text(), width()), || recorded.value(&cluster, &name, &comparison))?;
    Ok(comparison.exit_code())
}

/// The result of recording what the slot holds: the object afterwards, or why nothing was recorded.
struct Recording(Result<ALMServiceKey, String>);

impl Recording {
    fn text(&self) -> String {
        match &self.0 {
            Ok(key) => format!("Recorded. {}", ready_text(key)),
            Err(why) => format!("Not recorded{why}"),
        }
    }

    /// Returns the report for machines.
    fn value(&self, cluster: &Cluster, name: &str, comparison: &Comparison) -> Value {
        json!({
            "object": { "namespace": cluster.namespace, "name": name },
            "comparison": comparison.value(),
            "recorded": self.0.is_ok(),
            "ready": self.0.as_ref().ok().map(current_ready),
            "message": self.text(),
        })
    }
}

/// Records what the slot holds where there is nothing to compare, and prints what came of it.
async fn record_alone<K: Object>(
    cluster: &Cluster,
    name: &str,
    statement: &Confirmation,
    wait: WaitFlags,
    output: Format,
    describe: fn(&K) -> String,
) -> Result<ExitCode, Box<dyn Error>> {
    let confirmed = confirm::<K>(cluster, name, statement, wait).await?;
    let (result, message, code) = match &confirmed {
        Ok(object) => ("recorded", describe(object), ExitCode::SUCCESS),
        Err(reason) => (reason.name(), reason.message().to_owned(), reason.exit_code()),
    };
    let value = || json!({ "name": name, "recorded": confirmed.is_ok(), "result": result, "message": message });
    output.print(|| result_text::<K>(name, result, &message), value)?;
    Ok(code)
}

/// Says what a statement for a tenant means. The condition `Ready` of a tenant is written a moment later.
fn nothing_left(_: &ALMTenant) -> String {
    "no key is left to be deleted there".into()
}

/// Reads all that is known of the keys of an object, with the rights of the user.
async fn read_known(cluster: &Cluster, key: &ALMServiceKey) -> Result<KnownKeys, Failure> {
    let slot = match cluster.tenant(&key.spec.tenant_ref.name).await? {
        Tenant::Found(tenant) => tenant.status.and_then(|status| status.slot),
        Tenant::Missing | Tenant::Undecodable | Tenant::Forbidden => None,
    };
    Ok(KnownKeys { source: source::read_key(cluster, key).await, status: key.status.clone().unwrap_or_default(), slot })
}

/// Records what the slot holds, and says what came of it.
async fn record(cluster: &Cluster, name: &str, statement: Confirmation, wait: WaitFlags) -> Result<Recording, Failure> {
    Ok(Recording(match confirm::<ALMServiceKey>(cluster, name, &statement, wait).await {
        Ok(Ok(key)) => Ok(key),
        Ok(Err(reason)) => Err(format!(" ({}): {}", reason.name(), reason.message())),
        Err(failure) if failure.is_forbidden() => Err(format!(": {failure}")),
        Err(failure) => return Err(failure),
    }))
}
