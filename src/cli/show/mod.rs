//! `almkey show`.

mod mask;

use std::error::Error;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::cluster::{ClusterFlags, object_name};
use super::completion;
use super::confirm::ConfirmFlags;
use super::output::Format;
use super::stored_key::StoredKey;
use super::text;

/// Text below the options in the help.
const AFTER_HELP: &str = "\
The key is read from the Secret in the cluster, never from Landscape Management. Shown are identity zone, client, type
of the credentials, IDs and addresses; everything else, also each field that is not known, is replaced by \"***\".

Exit codes:
  0  the key was shown
  1  there is no key in the source, or the answer to the question was no
  2  wrong usage, or the cluster could not be asked

It needs the rights to get almservicekeys (role almkey-view), secrets and, for a binding, servicebindings. No role of
alm-key-operator has a right on secrets, so that a user who may manage keys cannot read them.

Examples:
  almkey show calm
  almkey show calm -o json | jq .comparison
  almkey show calm --reveal";

/// Exit code without a key to show.
const NOT_SHOWN: u8 = 1;

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Arguments {
    /// Name of the ALMServiceKey.
    #[arg(add = completion::key_names(), value_parser = object_name)]
    name: String,

    /// Show all values, also the secrets. At a terminal it asks first.
    #[arg(long)]
    reveal: bool,

    #[command(flatten)]
    confirm: ConfirmFlags,

    /// Output format.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,

    #[command(flatten)]
    cluster: ClusterFlags,
}

#[tokio::main(flavor = "current_thread")]
pub(super) async fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let Arguments { name, reveal, confirm, output, cluster } = arguments;
    let cluster = cluster.connect().await?;
    let key = match StoredKey::read(&cluster, &name).await? {
        Ok(key) => key,
        Err(no_key) => {
            text::print_error(&no_key);
            return Ok(ExitCode::from(NOT_SHOWN));
        }
    };
    let step = "--reveal prints the secrets of the key";
    if reveal && !confirm.confirm(step, &format!("Print the secrets of {name} here?"))? {
        return Ok(ExitCode::from(NOT_SHOWN));
    }
    output.print(|| describe(&key, reveal, text::width()), || report(&key, reveal))?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the key as JSON, below its description.
fn describe(key: &StoredKey, reveal: bool, width: u16) -> String {
    let note = "Secrets and unknown fields are masked; --reveal shows them.";
    let note = if reveal { String::new() } else { text::item(note, width) };
    format!("{}{note}\n{}", key.description(width), text::json(&shown(key, reveal)))
}

/// Returns the key and what is known of it, for machines.
fn report(key: &StoredKey, reveal: bool) -> Value {
    let StoredKey { namespace, name, source, document: _, comparison, fingerprint } = key;
    json!({
        "object": { "namespace": namespace, "name": name },
        "source": { "kind": source.kind, "name": source.name, "secretName": source.secret_name },
        "comparison": comparison.name(),
        "fingerprint": fingerprint,
        "key": shown(key, reveal),
    })
}

fn shown(key: &StoredKey, reveal: bool) -> Value {
    if reveal { Value::Object(key.document.clone()) } else { mask::masked(&key.document) }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::cli::stored_key::Comparison;
    use crate::domain::plan::SourceIdentity;

    fn key(comparison: Comparison) -> StoredKey {
        let document = json!({
            "endpoints": { "Api": "https://eu10.alm.cloud.sap/api" },
            "uaa": {
                "clientid": "sb-acme-calm!b1234|sapcloudalm!b16907", "clientsecret": "CANARY$+/",
                "url": "https://acme-calm.authentication.eu10.hana.ondemand.com", "identityzone": "acme-calm",
                "verificationkey": "CANARY", "credential-type": "instance-secret",
            },
        });
        StoredKey {
            namespace: "team-a".into(),
            name: "calm".into(),
            source: SourceIdentity {
                kind: "ServiceBinding",
                name: "calm".into(),
                uid: "u".into(),
                binding_id: None,
                secret_name: "calm-credentials\u{1b}[2J".into(),
            },
            document: document.as_object().expect("an object").clone(),
            comparison,
            fingerprint: Some(format!("2:{}", "0123456789abcdef".repeat(2))),
        }
    }

    #[test]
    fn a_key_is_described_above_its_public_fields() {
        assert_snapshot!(describe(&key(Comparison::Identical), false, 100));
    }

    #[test]
    fn the_description_of_a_key_fits_into_eighty_columns() {
        let key = key(Comparison::Unknown("an earlier version of the operator recorded the uploaded key"));
        let text = describe(&key, false, 80);
        let description = text.lines().take_while(|line| !line.is_empty());
        assert!(description.clone().all(|line| line.chars().count() <= 80), "{text}");
        assert_snapshot!(text);
    }

    #[test]
    fn all_values_are_shown_on_request() {
        let text = describe(&key(Comparison::Different), true, 100);
        assert!(text.contains("\"CANARY$+/\"") && !text.contains("***") && !text.contains("masked"), "{text}");
        assert_eq!(report(&key(Comparison::Different), true)["key"]["uaa"]["clientsecret"], "CANARY$+/");
        assert_eq!(report(&key(Comparison::Different), false)["key"]["uaa"]["clientsecret"], "***");
    }
}
