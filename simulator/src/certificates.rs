//! A certificate authority made at the start, and certificates for any name below `.localhost`, and for the loopback
//! address, made when asked for. The gate of the tests has one, too.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// Whose certificate is shown in place of the right one.
const ANOTHER: &str = "another.localhost";

/// Which certificate is shown to who asks for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// One of that name.
    Fitting,
    /// One of another name.
    OfAnother,
    /// One of that name, which ended years ago.
    Expired,
}

/// The certificate authority.
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

    /// The CA certificate.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server that shows such a certificate to whoever asks for a name below `.localhost`, or for no name.
    pub fn server_config(self: &Arc<Self>, shown: Shown) -> ServerConfig {
        let resolver = Certificates { authority: Arc::clone(self), shown, made: Mutex::new(HashMap::new()) };
        ServerConfig::builder().with_no_client_auth().with_cert_resolver(Arc::new(resolver))
    }

    fn issue(&self, name: &str, shown: Shown) -> Result<CertifiedKey, Box<dyn Error>> {
        let key = KeyPair::generate()?;
        let name = if shown == Shown::OfAnother { ANOTHER } else { name };
        let mut parameters = CertificateParams::new(vec![name.to_owned()])?;
        if shown == Shown::Expired {
            parameters.not_after = date_time_ymd(2020, 1, 1);
        }
        let certificate = parameters.signed_by(&key, &self.0)?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok(CertifiedKey::new(vec![certificate.der().clone()], any_supported_type(&private)?))
    }
}

/// Who is asked for by a client that names no host.
const LOOPBACK: &str = "127.0.0.1";

struct Certificates {
    authority: Arc<Authority>,
    shown: Shown,
    made: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().unwrap_or(LOOPBACK);
        if !name.ends_with(".localhost") && name != LOOPBACK {
            return None;
        }
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(certificate) = made.get(name) {
            return Some(Arc::clone(certificate));
        }
        let certificate = Arc::new(self.authority.issue(name, self.shown).ok()?);
        made.insert(name.to_owned(), Arc::clone(&certificate));
        Some(certificate)
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificates")
    }
}
