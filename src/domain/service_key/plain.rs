//! What every reader reads alike. The key is handed on as it was written, to readers of other makes: where they see
//! another host, or another field, than the one that was checked here, the check was for nothing.

use serde_json::{Map, Value};
use url::Url;

/// Whether `text`, which was read as `url`, names its host plainly.
///
/// The reader that is used here, and by browsers, mends a lot: it takes `\\` for `/`, drops tabs and line breaks, decodes
/// `%2e`, maps other scripts to ASCII and reads `0x7f.1` as an address. Others do not, and see another host.
pub(super) fn is_plain(text: &str, url: &Url) -> bool {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let Some(rest) = text.strip_prefix("https://").filter(|_| visible) else { return false };
    let written = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some(host) = url.host_str() else { return false };
    let port = url.port_or_known_default().map(|port| format!("{host}:{port}"));
    let same = |read: &str| written.eq_ignore_ascii_case(read);
    (url.port().is_none() && same(host)) || port.is_some_and(|with_port| same(&with_port))
}

/// Whether a field has the name `name` but for its letter case: some readers (those of Go and .NET) take it for that one.
pub(super) fn has_lookalike(object: &Map<String, Value>, name: &str) -> bool {
    object.keys().any(|found| found != name && found.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> bool {
        is_plain(text, &Url::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")))
    }

    #[test]
    fn a_url_as_sap_writes_it_is_plain() {
        for text in [
            "https://acme-calm.authentication.eu10.hana.ondemand.com",
            "https://acme-calm.authentication.eu10.hana.ondemand.com/",
            "https://ACME-calm.authentication.eu10.hana.ondemand.com:443/uaa",
            "https://eu10.alm.cloud.sap/api?a=b",
            "https://z.authentication.localhost:8443",
            "https://10.0.0.1:8443/x",
        ] {
            assert!(plain(text), "{text}");
        }
    }

    #[test]
    fn a_url_in_which_another_reader_sees_another_host_is_not_plain() {
        for text in [
            "https://eu10.alm.cloud.sap\\@evil.example/api",
            "https:\\\\eu10.alm.cloud.sap/api",
            "https:eu10.alm.cloud.sap/api",
            "https:/eu10.alm.cloud.sap/api",
            "https:///eu10.alm.cloud.sap/api",
            "https://eu10.alm\t.cloud.sap/api",
            "https://eu10.alm.cloud.sap/\r\nHost: evil.example",
            " https://eu10.alm.cloud.sap/api",
            "https://eu10.alm.cloud.sap/api\u{0}",
            "https://eu10%2ealm.cloud.sap/api",
            "https://eu10\u{3002}alm.cloud.sap/api",
            "https://\u{ff45}u10.alm.cloud.sap/api",
            "https://eu10.alm.cl\u{00ad}oud.sap/api",
            "https://@eu10.alm.cloud.sap/api",
            "https://eu10.alm.cloud.sap:0443/api",
            "https://eu10.alm.cloud.sap:/api",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://[0:0:0:0:0:0:0:1]/",
        ] {
            assert!(!plain(text), "{text:?}");
        }
    }

    #[test]
    fn a_name_in_other_letter_case_is_a_lookalike_and_the_name_itself_is_none() {
        let object = |name: &str| Map::from_iter([(name.to_owned(), Value::Null)]);
        assert!(has_lookalike(&object("Endpoints"), "endpoints"));
        assert!(!has_lookalike(&object("endpoints"), "endpoints"));
        assert!(!has_lookalike(&object("endpoint"), "endpoints"));
    }
}
