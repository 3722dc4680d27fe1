//! Checks that every parser interprets a key in the same way. The key is passed on as it was written: if another parser
//! saw a different host or field from the one checked here, the check would be worthless.

use serde_json::{Map, Value};
use url::Url;

/// Returns true if every URL parser sees the same host in `text` as in `url`, its parsed form.
///
/// The parser used here, which follows the WHATWG standard as browsers do, repairs a lot: it accepts `\\` for `/`,
/// drops tabs and line breaks, decodes `%2e`, maps other scripts to ASCII and reads `0x7f.1` as an address. Other
/// parsers do not, and see another host.
pub(super) fn is_unambiguous(text: &str, url: &Url) -> bool {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let Some(rest) = text.strip_prefix("https://").filter(|_| visible) else { return false };
    let written = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some(host) = url.host_str() else { return false };
    let port = url.port_or_known_default().map(|port| format!("{host}:{port}"));
    let same = |read: &str| written.eq_ignore_ascii_case(read);
    (url.port().is_none() && same(host)) || port.is_some_and(|with_port| same(&with_port))
}

/// Returns true if a field differs from `name` only in letter case. Some parsers (of Go and .NET) treat it as that
/// field.
pub(super) fn has_lookalike(object: &Map<String, Value>, name: &str) -> bool {
    object.keys().any(|found| found != name && found.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unambiguous(text: &str) -> bool {
        is_unambiguous(text, &Url::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")))
    }

    #[test]
    fn a_url_as_sap_writes_it_is_unambiguous() {
        for text in [
            "https://acme-calm.authentication.eu10.hana.ondemand.com",
            "https://acme-calm.authentication.eu10.hana.ondemand.com/",
            "https://ACME-calm.authentication.eu10.hana.ondemand.com:443/uaa",
            "https://eu10.alm.cloud.sap/api?a=b",
            "https://z.authentication.localhost:8443",
            "https://10.0.0.1:8443/x",
        ] {
            assert!(unambiguous(text), "{text}");
        }
    }

    #[test]
    fn a_url_whose_host_depends_on_the_parser_is_ambiguous() {
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
            assert!(!unambiguous(text), "{text:?}");
        }
    }

    #[test]
    fn only_a_name_in_other_letter_case_is_a_lookalike() {
        let object = |name: &str| Map::from_iter([(name.to_owned(), Value::Null)]);
        assert!(has_lookalike(&object("Endpoints"), "endpoints"));
        assert!(!has_lookalike(&object("endpoints"), "endpoints"));
        assert!(!has_lookalike(&object("endpoint"), "endpoints"));
    }
}
