//! A certificate authority, and certificates that it issues on demand for names below `.localhost` and for the loopback
//! address. The proxy of the tests uses one, too.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::sync::lock;

/// Host of the certificates that are wrong on purpose.
const OTHER_HOST: &str = "another.localhost";

/// The certificate that a server shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateKind {
    /// A certificate for the requested host.
    Valid,
    /// A certificate for another host.
    WrongHost,
    /// A certificate for the requested host that expired years ago.
    Expired,
}

/// A certificate authority.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// Generates a CA with a key of its own.
    ///
    /// # Errors
    /// The key or the certificate cannot be generated.
    pub fn generate() -> Result<Self, Box<dyn Error>> {
        let mut parameters = CertificateParams::new(Vec::new())?;
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "almkey-simulator");
        Ok(Self(CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)?))
    }

    /// Returns the CA certificate in PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// Returns the configuration of a server that shows such certificates to clients that ask for a host below `.localhost`,
    /// or for none.
    #[must_use]
    pub fn server_config(self: &Arc<Self>, kind: CertificateKind) -> ServerConfig {
        let resolver = Certificates { authority: Arc::clone(self), kind, issued: Mutex::new(HashMap::new()) };
        ServerConfig::builder().with_no_client_auth().with_cert_resolver(Arc::new(resolver))
    }

    fn issue(&self, name: &str, kind: CertificateKind) -> Result<CertifiedKey, Box<dyn Error>> {
        let key = KeyPair::generate()?;
        let name = if kind == CertificateKind::WrongHost { OTHER_HOST } else { name };
        let mut parameters = CertificateParams::new(vec![name.to_owned()])?;
        if kind == CertificateKind::Expired {
            parameters.not_after = date_time_ymd(2020, 1, 1);
        }
        let certificate = parameters.signed_by(&key, &self.0)?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok(CertifiedKey::new(vec![certificate.der().clone()], any_supported_type(&private)?))
    }
}

/// Host of clients that send no server name.
const LOOPBACK: &str = "127.0.0.1";

struct Certificates {
    authority: Arc<Authority>,
    kind: CertificateKind,
    issued: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().unwrap_or(LOOPBACK);
        if !name.ends_with(".localhost") && name != LOOPBACK {
            return None;
        }
        let mut issued = lock(&self.issued);
        if let Some(certificate) = issued.get(name) {
            return Some(Arc::clone(certificate));
        }
        let certificate = Arc::new(self.authority.issue(name, self.kind).ok()?);
        issued.insert(name.to_owned(), Arc::clone(&certificate));
        Some(certificate)
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificates")
    }
}
