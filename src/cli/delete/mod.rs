//! `almkey delete`.

mod forecast;
mod made_secret;

use std::error::Error;
use std::process::ExitCode;

use kube::ResourceExt;

use super::cluster::{
    ACTION_REQUIRED, Cluster, ClusterFlags, Failure, Kind, Tenant, WaitFlags, managed_by, object_name, qualified,
    ready_text,
};
use super::completion;
use super::confirm::ConfirmFlags;
use super::evidence;
use super::output::print;
use super::steps;
use super::text::{self, item};
use crate::api::slot::PendingRemoval;
use crate::api::{ALMServiceKey, ALMTenant};
use made_secret::MadeSecret;

/// Text below the options in the help.
const AFTER_HELP: &str = "\
It says what the deletion changes in Landscape Management, asks, deletes the ALMServiceKey, and waits until the operator
has let go of it. A Secret that almkey upload has made is deleted after it, unless another ALMServiceKey of the
namespace names it. Other sources stay. In manual mode the operator asks a person to delete the key.

Exit codes:
  0  the object is gone
  1  the answer to the question was no, and nothing was deleted
  2  wrong usage, or the cluster could not be asked
  3  the object is being deleted, and was not gone in time
  4  in manual mode: the object is gone, and a person must delete its key, by the steps on standard output

It needs the rights to get, list and watch (role almkey-view) and delete (role almkey-edit) almservicekeys; to get and
delete secrets if almkey upload has made one; and shows the tenant with the right to get almtenants (role
almkey-tenant-viewer).

Examples:
  almkey delete calm
  almkey delete calm -n team-a --yes --timeout 300";

/// Exit code without a deletion.
const NOT_DELETED: u8 = 1;
/// Exit code of a deletion that has not ended.
const NOT_GONE: u8 = 3;

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Arguments {
    /// Name of the ALMServiceKey.
    #[arg(add = completion::key_names(), value_parser = object_name)]
    name: String,

    #[command(flatten)]
    confirm: ConfirmFlags,

    #[command(flatten)]
    wait: WaitFlags,

    #[command(flatten)]
    cluster: ClusterFlags,
}

#[tokio::main(flavor = "current_thread")]
pub(super) async fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let Arguments { name, confirm, wait, cluster } = arguments;
    let cluster = cluster.connect().await?;
    let evidence = evidence::read(&cluster, &name).await?;
    let object = &evidence.key;
    let secret = MadeSecret::find(&cluster, object).await?;
    let (shown, namespace) = (qualified(&name), &cluster.namespace);
    print(&forecast::text(&evidence, &secret, text::width()))?;
    if let Some(manager) = managed_by(object) {
        warn_of_return(&manager);
    }
    let step = format!("almkey delete deletes {shown} in namespace \"{namespace}\"");
    if !confirm.confirm(&step, &format!("Delete {shown} in namespace \"{namespace}\"?"))? {
        return Ok(ExitCode::from(NOT_DELETED));
    }
    cluster.delete::<ALMServiceKey>(Kind::Keys, &object.metadata).await?;
    if let Some(object) = cluster.await_gone(object, wait).await? {
        print(&delay(&object, &secret, text::width()))?;
        return Ok(ExitCode::from(NOT_GONE));
    }
    print(&format!("{shown} -n {namespace}: gone\n"))?;
    if let Some(line) = secret.delete(&cluster, object).await? {
        print(&line)?;
    }
    if let Some(tenant) = tenant_with_removal(&cluster, object).await? {
        print(&steps::of_removal(&tenant, text::width()))?;
        return Ok(ExitCode::from(ACTION_REQUIRED));
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the tenant of an object that is gone, if a person is asked to delete the key of that object.
async fn tenant_with_removal(cluster: &Cluster, object: &ALMServiceKey) -> Result<Option<ALMTenant>, Failure> {
    let Tenant::Found(tenant) = cluster.tenant(&object.spec.tenant_ref.name).await? else { return Ok(None) };
    let is_of_object = |PendingRemoval { key_ref, .. }: &PendingRemoval| {
        Some(&key_ref.namespace) == object.metadata.namespace.as_ref() && key_ref.name == object.name_any()
    };
    let mut removals = tenant.status.iter().flat_map(|status| &status.pending_removals);
    Ok(removals.any(is_of_object).then_some(*tenant))
}

/// Says what keeps an object that is being deleted.
fn delay(object: &ALMServiceKey, secret: &MadeSecret, width: u16) -> String {
    let lines = [
        Some(ready_text(object)),
        Some("The deletion goes on; almkey delete again waits for it.".into()),
        secret.if_left(),
    ];
    let lines: String = lines.into_iter().flatten().map(|line| item(&line, width)).collect();
    let namespace = object.namespace().unwrap_or_default();
    format!("{} -n {namespace}: not gone yet\n{lines}", qualified(&object.name_any()))
}

/// Says that Flux or Argo CD may create the object again.
#[expect(clippy::print_stderr, reason = "a warning does not belong to the output")]
fn warn_of_return(manager: &str) {
    eprintln!("almkey: {manager} manages this object and may create it again: remove it from its source, too");
}
