//! `almkey test`.

mod target;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};

use super::cluster::{Cluster, ClusterFlags, Failure, qualified};
use super::completion;
use super::key_file::{KeyFlags, Outcome, Report, check, file_name};
use super::output::Format;
use super::sign_in::SignInFlags;
use super::stored_key::{Absence, read_source};
use super::tenant_rules::TenantRules;
use crate::source::resolve::Located;
use target::Target;

/// Text below the options in the help.
const AFTER_HELP: &str = "\
A file that exists, `-`, and a path are files. Anything else is the name of an ALMServiceKey, as is almkey/NAME in any
case. Its key is read from the Secret in the cluster, checked by the rules of its ALMTenant, and used to sign in from
here. Without the right to read the tenant, the options above count, and the report says so.

Exit codes:
  0  valid, and signs in
  1  invalid, or refused by the token endpoint: the key cannot be used
  2  wrong usage, a file could not be read, or the cluster could not be asked
  3  unknown: no key in the source, or no clear answer of the token endpoint, so the key may still be good

No value of the key is ever printed. Only a valid key is sent to a token endpoint, and only to a permitted address.
Redirects are not followed, and no proxy but that of --egress-proxy is used.

A file needs no cluster. An ALMServiceKey needs the rights to get almservicekeys (role almkey-view), secrets and, for a
binding, servicebindings, and almtenants (role almkey-tenant-viewer) for the rules.

Examples:
  almkey test --identity-zone acme-calm key.txt
  kubectl get secret calm -o yaml | almkey test -
  almkey test --allow-host '*.authentication.example.com' --allow-private-networks --ca-bundle ca.pem -o json key.txt
  almkey test calm -n team-a";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Arguments {
    /// Name of an ALMServiceKey; or a file with the service key as downloaded from the BTP cockpit, or with the manifest
    /// of a Secret that holds it (YAML or JSON, any layout of the SAP BTP service operator). `-` reads standard input.
    #[arg(
        value_name = "NAME|FILE",
        add = completion::key_names_and_files(),
        value_parser = OsStringValueParser::new().map(Target::from)
    )]
    target: Target,

    #[command(flatten)]
    flags: KeyFlags,

    /// Output format.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,

    #[command(flatten)]
    sign_in: SignInFlags,

    /// Timeout of the sign-in, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=60))]
    timeout: u64,

    #[command(flatten)]
    cluster: ClusterFlags,
}

/// An object cannot be tested.
#[derive(Debug, thiserror::Error)]
enum Untested {
    /// The user may have meant a file.
    #[error("there is no file \"{0}\", and as an ALMServiceKey it cannot be tested")]
    NoFile(String, #[source] Failure),
    /// The option holds for files.
    #[error("--entry is for files: the entry of an ALMServiceKey is in its spec.source.secretRef.key")]
    Entry,
}

#[tokio::main(flavor = "current_thread")]
pub(super) async fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let Arguments { target, flags, output, sign_in, timeout, cluster } = arguments;
    let timeout = Duration::from_secs(timeout);
    let report = match target {
        Target::File(file) => test_file(&file, &flags, sign_in, timeout).await?,
        Target::Object { name, is_certain } => {
            if flags.name_an_entry() {
                return Err(Untested::Entry.into());
            }
            let read = read_object(cluster, &name, &flags).await;
            let read = read.map_err(|failure| -> Box<dyn Error> {
                if is_certain { failure.into() } else { Untested::NoFile(name.clone(), failure).into() }
            })?;
            test_object(&name, read, sign_in, timeout).await?
        }
    };
    Ok(report.print(output)?)
}

async fn test_file(
    file: &Path,
    flags: &KeyFlags,
    sign_in: SignInFlags,
    timeout: Duration,
) -> Result<Report, Box<dyn Error>> {
    let rules = flags.rules();
    let sign_in = sign_in.prepare(None, timeout)?;
    let outcome = match flags.key(file, &rules)? {
        Ok(key) => sign_in.run(key).await,
        Err(invalid) => *invalid,
    };
    Ok(Report::new(file_name(file), &rules, Vec::new(), outcome))
}

/// Reads the source of an object, and the rules of its tenant.
async fn read_object(
    cluster: ClusterFlags,
    name: &str,
    flags: &KeyFlags,
) -> Result<(Result<Located, Absence>, TenantRules), Failure> {
    let cluster: Cluster = cluster.connect().await?;
    let object = cluster.key(name).await?;
    let tenant = &object.spec.tenant_ref.name;
    let rules = TenantRules::new(tenant, cluster.tenant(tenant).await?, flags);
    Ok((read_source(&cluster, &object).await?, rules))
}

async fn test_object(
    name: &str,
    (found, rules): (Result<Located, Absence>, TenantRules),
    sign_in: SignInFlags,
    timeout: Duration,
) -> Result<Report, Box<dyn Error>> {
    let TenantRules { rules, tenant, unchecked } = rules;
    let sign_in = sign_in.prepare(tenant.as_deref().map(|tenant| &tenant.spec), timeout)?;
    let unchecked = unchecked.into_iter().chain(sign_in.unchecked.clone()).collect();
    let outcome = match found {
        Err(Absence { reason, message }) => {
            Outcome::Absent(reason, message, format!("almkey explain {name} says what the operator waits for"))
        }
        Ok(Located { document, .. }) => match check(document, &rules) {
            Ok(key) => sign_in.run(key).await,
            Err(invalid) => *invalid,
        },
    };
    let report = Report::new(qualified(name), &rules, unchecked, outcome);
    Ok(if tenant.is_some() { report.without_options() } else { report })
}
