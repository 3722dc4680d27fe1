//! The operator's own credentials for Landscape Management, as their Secret holds them.

use secrecy::SecretString;

use crate::cluster::OpenSecret;
use crate::controller::misconfiguration::Misconfiguration;
use crate::landscape::http::ClientCredentials;

/// Names of an entry: our own, and that of the SAP BTP service operator.
type Spellings = [&'static str; 2];

const CLIENT_ID: Spellings = ["clientId", "clientid"];
const CLIENT_SECRET: Spellings = ["clientSecret", "clientsecret"];

/// Reads the credentials. `described` names the Secret in messages.
pub(crate) fn client_credentials(secret: &OpenSecret, described: &str) -> Result<ClientCredentials, Misconfiguration> {
    let entry = |spellings| text(secret, spellings, described);
    Ok(ClientCredentials {
        client_id: entry(CLIENT_ID)?.to_owned(),
        client_secret: SecretString::from(entry(CLIENT_SECRET)?),
    })
}

/// Returns the text of an entry in either spelling. Two texts that differ are a mistake: one of them is out of date.
fn text<'a>(secret: &'a OpenSecret, [ours, btp]: Spellings, described: &str) -> Result<&'a str, Misconfiguration> {
    let find = |name: &str| {
        let text = secret.entries.get(name).and_then(|bytes| std::str::from_utf8(&bytes.0).ok()).map(str::trim);
        text.filter(|text| !text.is_empty())
    };
    match (find(ours), find(btp)) {
        (Some(text), Some(other)) if text != other => Err(Misconfiguration::lasting(format!(
            "{described} has different texts in its entries \"{ours}\" and \"{btp}\"; remove the outdated one"
        ))),
        (Some(text), _) | (None, Some(text)) => Ok(text),
        (None, None) => {
            Err(Misconfiguration::passing(format!("{described} has no text in its entry \"{ours}\", nor in \"{btp}\"")))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use k8s_openapi::ByteString;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use secrecy::ExposeSecret;

    use super::*;

    fn read(entries: &[(&str, &str)]) -> Result<(String, String), Misconfiguration> {
        let entries: BTreeMap<_, _> =
            entries.iter().map(|(name, text)| ((*name).to_owned(), ByteString(text.as_bytes().to_vec()))).collect();
        let secret = OpenSecret { metadata: ObjectMeta::default(), entries };
        let credentials = client_credentials(&secret, "Secret \"s\"")?;
        Ok((credentials.client_id, credentials.client_secret.expose_secret().to_owned()))
    }

    #[test]
    fn credentials_are_read_in_both_spellings_and_in_a_mixture() {
        for entries in [
            [("clientId", "id"), ("clientSecret", "secret")],
            [("clientid", "id\n"), ("clientsecret", " secret")],
            [("clientId", "id"), ("clientsecret", "secret")],
        ] {
            assert_eq!(read(&entries), Ok(("id".into(), "secret".into())), "{entries:?}");
        }
        let twice = [("clientId", "id"), ("clientid", "id\n"), ("clientSecret", ""), ("clientsecret", "secret")];
        assert_eq!(read(&twice), Ok(("id".into(), "secret".into())), "equal texts, and an empty one");
    }

    #[test]
    fn two_spellings_with_different_texts_are_refused_without_a_value() {
        let found = read(&[("clientId", "CANARY-1"), ("clientid", "CANARY-2"), ("clientSecret", "CANARY-3")]);
        let problem =
            "Secret \"s\" has different texts in its entries \"clientId\" and \"clientid\"; remove the outdated one";
        assert_eq!(found, Err(Misconfiguration::lasting(problem.into())));
    }

    #[test]
    fn the_message_for_a_missing_entry_names_both_spellings() {
        let problem = "Secret \"s\" has no text in its entry \"clientSecret\", nor in \"clientsecret\"";
        for secret in [[("clientId", "id"), ("client_secret", "x")], [("clientId", "id"), ("clientSecret", " ")]] {
            assert_eq!(read(&secret), Err(Misconfiguration::passing(problem.into())));
        }
    }
}
