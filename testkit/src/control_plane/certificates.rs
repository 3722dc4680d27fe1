//! The keys and certificates of one control plane.
//!
//! They are on disk, complete, before the first process starts. A client is built from the same CA, so that nothing has
//! to wait for a file that a server is still writing.

use std::path::{Path, PathBuf};

use almkey_simulator::files::write_atomically;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

use super::error::Error;

/// The names under which clients reach the API server.
const HOSTS: [&str; 2] = ["127.0.0.1", "localhost"];

/// Serving certificate of the API server, in PEM.
pub(super) fn serving_certificate(directory: &Path) -> PathBuf {
    directory.join("serving.crt")
}

/// Private key of the serving certificate, in PEM.
pub(super) fn serving_key(directory: &Path) -> PathBuf {
    directory.join("serving.key")
}

/// Private key that signs the tokens of service accounts, in PEM.
pub(super) fn service_account_key(directory: &Path) -> PathBuf {
    directory.join("service-account.key")
}

/// Public key that the tokens of service accounts are verified with, in PEM.
pub(super) fn service_account_public_key(directory: &Path) -> PathBuf {
    directory.join("service-account.pub")
}

/// Generates all keys and certificates, writes those that the API server reads, and returns the CA certificate in PEM.
pub(super) fn create(directory: &Path) -> Result<String, Error> {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    parameters.distinguished_name.push(DnType::CommonName, "control plane CA");
    let authority = CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)?;

    let mut parameters = CertificateParams::new(HOSTS.map(str::to_owned).to_vec())?;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.distinguished_name.push(DnType::CommonName, "kube-apiserver");
    let key = KeyPair::generate()?;
    let certificate = parameters.signed_by(&key, &authority)?;

    let service_account = KeyPair::generate()?;
    let files = [
        (serving_certificate(directory), certificate.pem()),
        (serving_key(directory), key.serialize_pem()),
        (service_account_key(directory), service_account.serialize_pem()),
        (service_account_public_key(directory), service_account.public_key_pem()),
    ];
    for (path, pem) in files {
        write_atomically(&path, pem).map_err(|error| Error::file(&path, error))?;
    }
    Ok(authority.pem())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kube::Client;
    use rustls::ServerConfig;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::control_plane::kubeconfig::{self, Token, admin};
    use crate::control_plane::readiness::client_config;

    /// Answers one HTTP request with 200, over TLS, by the files in `directory`.
    async fn answer_once(listener: TcpListener, directory: &Path) {
        let chain: Vec<_> = CertificateDer::pem_file_iter(serving_certificate(directory))
            .expect("the certificate can be read")
            .collect::<Result<_, _>>()
            .expect("the certificate is PEM");
        let key = PrivateKeyDer::from_pem_file(serving_key(directory)).expect("the key is PEM");
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).expect("they match");
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut stream =
            TlsAcceptor::from(Arc::new(config)).accept(stream).await.expect("the client trusts the server");
        let mut head = [0; 4096];
        let length = stream.read(&mut head).await.expect("a request");
        assert!(length > 0, "the client sent no request");
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
        stream.write_all(answer).await.expect("the answer can be sent");
        let _ = stream.shutdown().await;
    }

    #[tokio::test]
    async fn a_client_that_is_built_before_the_server_starts_can_connect() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a folder");
        let ca = create(folder.path()).expect("the certificates can be generated");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let server = format!("https://{}", listener.local_addr().expect("its address"));
        kubeconfig::write(folder.path(), &server, &ca, &admin(), &Token::random()).expect("the kubeconfig");
        let config = client_config(folder.path(), "admin").await.expect("the kubeconfig is complete");
        let client = Client::try_from(config).expect("a client");

        let request = kube::core::Request::new("").get("readyz", &kube::api::GetParams::default()).expect("a request");
        let (answer, ()) = tokio::join!(client.request_text(request), answer_once(listener, folder.path()));
        assert_eq!(answer.expect("the server answers"), "ok");
    }

    #[tokio::test]
    async fn a_kubeconfig_without_a_whole_ca_certificate_is_an_error_at_once() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a folder");
        let ca = create(folder.path()).expect("the certificates can be generated");
        for broken in ["", &ca[..ca.len() / 2]] {
            kubeconfig::write(folder.path(), "https://127.0.0.1:1", broken, &admin(), &Token::random())
                .expect("the kubeconfig");
            let config = client_config(folder.path(), "admin").await;
            assert!(config.is_err(), "a client of it could never connect: {broken:?}");
        }
    }
}
