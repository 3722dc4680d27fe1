//! `almkey done`.

use std::error::Error;
use std::process::ExitCode;

use clap::ValueHint;
use clap::builder::NonEmptyStringValueParser;

use super::cluster::{ACTION_REQUIRED, ClusterFlags, WaitFlags, print_outcome, print_result};
use super::completion;
use super::confirmation::{confirm, print_reason};
use super::output::{self, Format};
use super::slot_key::SlotKeyFlags;
use super::text::{item, width};
use crate::api::action::{ActionOperation, ActionStatus};
use crate::api::{ALMServiceKey, ALMTenant};
use crate::domain::record::Confirmation;
use crate::domain::service_key::fingerprint::KeyFingerprint;

/// Text below the options in the help.
const AFTER_HELP: &str = "\
In manual mode a person changes the key in Landscape Management, and the operator cannot see it. This command tells it.
The ID is typed from the steps that the person was sent (almkey explain NAME --steps): it is never filled in, so that
nothing is confirmed that was not done. A file that was downloaded in the app after that, or its fingerprint, proves what
is there now, whatever the ID was. A file from the BTP cockpit or from almkey download proves nothing.

Exit codes:
  0  recorded, and Ready is True; or with --tenant, recorded
  1  recorded, and Ready is False; or ignored, because of what standard output says; or the file holds no valid key
  2  wrong usage, or the file could not be read, or the cluster could not be asked
  3  recorded, and Ready is Unknown; or the operator has not acted in time
  4  recorded, and a person must still act in Landscape Management, as standard output says

It needs the rights to get, list and watch (role almkey-view) and patch (role almkey-edit) almservicekeys; with --tenant,
to get, list, watch and patch almtenants, which a cluster admin has.

Examples:
  almkey done calm kfwzt-r2hbn
  almkey done calm --file key.txt
  almkey done calm --fingerprint 2:00112233445566778899aabbccddeeff
  almkey done --tenant acme kfwzt-r2hbn";

/// The four forms of the command.
const FORMS: &str = "\
almkey done [OPTIONS] <NAME> <ID>
       almkey done [OPTIONS] <NAME> --file <FILE>
       almkey done [OPTIONS] <NAME> --fingerprint <FINGERPRINT>
       almkey done [OPTIONS] --tenant <NAME> <ID>";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP, override_usage = FORMS)]
pub(super) struct Arguments {
    /// Name of the ALMServiceKey or, with --tenant, of the ALMTenant.
    #[arg(add = completion::key_or_tenant_names())]
    name: String,

    /// ID of the action that was carried out, as the steps for it say.
    // No shell may complete it: a person confirms the very action that was carried out.
    #[arg(
        value_hint = ValueHint::Other,
        value_parser = NonEmptyStringValueParser::new(),
        required_unless_present_any = ["file", "fingerprint"],
        conflicts_with_all = ["file", "fingerprint"]
    )]
    id: Option<String>,

    #[command(flatten)]
    slot_key: SlotKeyFlags,

    /// Confirm for an ALMTenant that the key of a deleted ALMServiceKey was deleted.
    #[arg(long, conflicts_with_all = ["file", "fingerprint", "namespace"])]
    tenant: bool,

    #[command(flatten)]
    wait: WaitFlags,

    #[command(flatten)]
    cluster: ClusterFlags,
}

#[tokio::main(flavor = "current_thread")]
pub(super) async fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let Arguments { name, id, slot_key, tenant, wait, cluster } = arguments;
    let statement = match (slot_key.key()?, id) {
        (Err(report), _) => return Ok(report.print(Format::Text)?),
        (Ok(Some(key)), _) => Confirmation::DoneWith(key.fingerprint().clone()),
        (Ok(None), id) => Confirmation::Done(id.unwrap_or_default().trim().to_ascii_lowercase()),
    };
    let cluster = cluster.connect().await?;
    Ok(if tenant {
        match confirm::<ALMTenant>(&cluster, &name, &statement, wait).await? {
            // The condition `Ready` of a tenant is written a moment later.
            Ok(_) => {
                let message = "the key is deleted, and nothing is left to be removed";
                print_result::<ALMTenant>(&name, "recorded", message)?;
                ExitCode::SUCCESS
            }
            Err(reason) => print_reason::<ALMTenant>(&name, &reason)?,
        }
    } else {
        match confirm::<ALMServiceKey>(&cluster, &name, &statement, wait).await? {
            Ok(key) => {
                let code = print_outcome(&name, Some(&key))?;
                let action = key.status.as_ref().and_then(|status| status.action.as_ref());
                if let (Some(action), Confirmation::DoneWith(found)) = (action, &statement) {
                    output::print(&item(&still_asked(action, found), width()))?;
                }
                if action.is_some() { ExitCode::from(ACTION_REQUIRED) } else { code }
            }
            Err(reason) => print_reason::<ALMServiceKey>(&name, &reason)?,
        }
    })
}

/// Says why a person is still asked for an action after the key in the app was confirmed.
fn still_asked(action: &ActionStatus, found: &KeyFingerprint) -> String {
    match (action.operation, &action.fingerprint) {
        (ActionOperation::Upload | ActionOperation::Replace, Some(wanted)) => {
            format!("This is not the key that was asked for ({wanted}): the app holds {found}.")
        }
        (ActionOperation::Upload | ActionOperation::Replace, None) | (ActionOperation::Delete, _) => {
            format!("The app still holds a key: {found}.")
        }
    }
}
