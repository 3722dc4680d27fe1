//! `almkey upload`.

mod objects;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;

use super::cluster::{
    ACTION_REQUIRED, Cluster, ClusterFlags, Tenant, WaitFlags, current_ready, object_name, print_outcome,
};
use super::completion;
use super::key_file::{KeyFlags, Outcome, Report, file_name};
use super::output::{self, Format};
use super::sign_in::SignInFlags;
use super::steps;
use super::tenant_rules::TenantRules;
use super::text::{print_error, width};
use crate::api::ALMServiceKey;
use crate::api::resolve::admits;
use crate::domain::reason::Reason;
use crate::domain::service_key::ServiceKey;
use objects::NewObjects;

/// Text below the options in the help.
const AFTER_HELP: &str = "\
The key is checked by the rules of the ALMTenant, and signs in from here. Then a Secret and an ALMServiceKey are made,
both called like the tenant unless --name is given, and the command waits until the operator has uploaded the key or, in
manual mode, has asked a person to do that.
Objects that exist are never changed: the same upload again changes nothing, and another one is refused.

Without the right to read the tenant, the options above count instead of its rules, and the report says so.

Exit codes:
  0  the key is in Landscape Management
  1  invalid, refused by the token endpoint, or not accepted: Ready is False, or the namespace is not admitted
  2  wrong usage, a file could not be read, the objects exist with another content, or the cluster could not be asked
  3  unknown: no clear answer of the token endpoint, and nothing was made; or not uploaded in time
  4  in manual mode: a person must upload the key, by the steps on standard output

It needs the rights to get, list and watch (role almkey-view) and create (role almkey-edit) almservicekeys, to create,
get and delete secrets, and, for the rules, to get almtenants (role almkey-tenant-viewer).

Examples:
  almkey upload key.txt --tenant acme
  almkey download calm --context old -o - | almkey upload - --tenant acme --name calm --context new";

/// Exit code of a key that no tenant accepts from here.
const NOT_ACCEPTED: u8 = 1;
/// Timeout of the sign-in: that of the operator.
const SIGN_IN_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Arguments {
    /// File with the service key as downloaded from the BTP cockpit, or with the manifest of a Secret that holds it
    /// (YAML or JSON, any layout of the SAP BTP service operator). `-` reads standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// ALMTenant to upload the key to.
    #[arg(long, value_name = "NAME", add = completion::tenant_names(), value_parser = object_name)]
    tenant: String,

    /// Name of the new ALMServiceKey and its Secret. Default: the name of the tenant.
    #[arg(long, value_name = "NAME", value_parser = object_name)]
    name: Option<String>,

    /// Do not sign in from here. The operator signs in before it uploads the key.
    #[arg(long)]
    no_sign_in: bool,

    #[command(flatten)]
    flags: KeyFlags,

    #[command(flatten)]
    sign_in: SignInFlags,

    #[command(flatten)]
    wait: WaitFlags,

    #[command(flatten)]
    cluster: ClusterFlags,
}

/// The tenant takes no key from here.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the ALMTenant \"{0}\" does not exist: almkey status shows the tenants; nothing was made")]
    NoTenant(String),
    #[error(
        "the ALMTenant \"{0}\" does not admit namespace \"{1}\": choose another one by -n, or ask the cluster admin to add \
         it to spec.allowedNamespaces; nothing was made"
    )]
    Namespace(String, String),
}

#[tokio::main(flavor = "current_thread")]
pub(super) async fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let Arguments { file, tenant, name, no_sign_in, flags, sign_in, wait, cluster } = arguments;
    let cluster = cluster.connect().await?;
    let found = cluster.tenant(&tenant).await?;
    if let Tenant::Missing = found {
        return Err(Refused::NoTenant(tenant).into());
    }
    let TenantRules { rules, tenant: known, unchecked } = TenantRules::new(&tenant, found, &flags);
    let spec = known.as_deref().map(|tenant| &tenant.spec);
    if spec.is_some_and(|spec| !admits(spec, &cluster.namespace)) {
        print_error(&Refused::Namespace(tenant, cluster.namespace));
        return Ok(ExitCode::from(NOT_ACCEPTED));
    }
    let mut unchecked: Vec<String> = unchecked.into_iter().collect();
    let (outcome, key) = match flags.key(&file, &rules)? {
        Err(invalid) => (*invalid, None),
        Ok(key) if no_sign_in => (Outcome::Valid(key.clone()), Some(key)),
        Ok(key) => {
            let sign_in = sign_in.prepare(spec, SIGN_IN_TIMEOUT)?;
            unchecked.extend(sign_in.unchecked.clone());
            (sign_in.run(key.clone()).await, Some(key))
        }
    };
    let is_good = matches!(outcome, Outcome::Valid(_) | Outcome::SignsIn(_));
    let report = Report::new(file_name(&file), &rules, unchecked, outcome);
    let report = if known.is_some() { report.without_options() } else { report };
    let code = report.print(Format::Text)?;
    match key.filter(|_| is_good) {
        Some(key) => upload(&cluster, name.as_deref().unwrap_or(&tenant), &tenant, &key, wait).await,
        None => Ok(code),
    }
}

/// Makes the objects, and waits until the operator has uploaded the key, says why not, or asks a person to do it.
async fn upload(
    cluster: &Cluster,
    name: &str,
    tenant: &str,
    key: &ServiceKey,
    wait: WaitFlags,
) -> Result<ExitCode, Box<dyn Error>> {
    let made = NewObjects { cluster, name, tenant, document: key.document() }.create().await?;
    output::print(&made)?;
    let is_settled = |key: &ALMServiceKey| current_ready(key).status != "Unknown" || needs_a_person(key);
    let settled = cluster.await_reconciled(name, wait, is_settled).await?;
    let object = match settled {
        Some(object) => object,
        // The message of the condition is what the operator waits for.
        None => cluster.key(name).await?,
    };
    let code = print_outcome(name, Some(&object))?;
    if !needs_a_person(&object) {
        return Ok(code);
    }
    output::print(&steps::of_action(&object, Timestamp::now(), width()))?;
    Ok(ExitCode::from(ACTION_REQUIRED))
}

/// Returns true if the key is not in Landscape Management until a person acts there.
fn needs_a_person(key: &ALMServiceKey) -> bool {
    let ready = current_ready(key);
    ready.status == "Unknown" && ready.reason == Reason::ActionRequired.as_str()
}
