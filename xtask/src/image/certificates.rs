//! CA certificates of the image.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

/// Length of a line of base64 in PEM.
const LINE: usize = 64;

/// Returns Mozilla's CA certificates for TLS servers, in PEM.
#[must_use]
pub fn bundle() -> String {
    TLS_SERVER_ROOT_CERTS.iter().map(|certificate| pem(certificate)).collect()
}

fn pem(certificate: &[u8]) -> String {
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = STANDARD.encode(certificate);
    while !rest.is_empty() {
        let next = rest.split_off(rest.len().min(LINE));
        text.push_str(&rest);
        text.push('\n');
        rest = next;
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tls_client_reads_every_certificate_of_the_bundle() {
        let read = reqwest::Certificate::from_pem_bundle(bundle().as_bytes()).expect("PEM");
        assert_eq!(read.len(), TLS_SERVER_ROOT_CERTS.len());
        assert!(read.len() > 100, "{}", read.len());
    }
}
