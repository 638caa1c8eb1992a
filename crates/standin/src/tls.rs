//! The stand-in's certificates: an authority of its own, made at its start, and a leaf
//! for each host when it is first asked for.

use std::collections::HashMap;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType, SerialNumber, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SigningKey};
use tokio_rustls::TlsAcceptor;

use crate::settings::Certificate;
use crate::{clock, hosts, limits, random};

/// TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate could not be made.
    #[error("could not make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// The key or the settings were refused.
    #[error("could not set up TLS")]
    Settings(#[from] rustls::Error),
}

/// The acceptor of the HTTPS listener and the authority's certificate as PEM.
pub(crate) fn acceptor(kind: Certificate) -> Result<(TlsAcceptor, String), TlsError> {
    let authority = authority("kube-iam stand-in")?;
    let pem = authority.pem();
    let issuer = match kind {
        Certificate::Trusted | Certificate::WrongName => authority,
        Certificate::UntrustedAuthority => self::authority("kube-iam stand-in, not to be trusted")?,
    };
    let key = KeyPair::generate()?;
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let leaves = Leaves { kind, issuer, signing_key: ring::sign::any_ecdsa_type(&der)?, key, made: Mutex::default() };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(leaves));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((TlsAcceptor::from(Arc::new(config)), pem))
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Result<Authority, TlsError> {
    let mut params = params(name)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

/// Valid from yesterday for a year, within the 398 days that strict clients allow.
fn params(name: &str) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
    let (year, month) = year_and_month();
    // The first of the last month, so that no clock's small error matters.
    let (from_year, from_month) = match month {
        1 => (year - 1, 12),
        month => (year, month - 1),
    };
    params.not_before = date_time_ymd(from_year, from_month, 1);
    params.not_after = date_time_ymd(from_year + 1, from_month, 28);
    let serial: [u8; 16] = random::bytes().map_err(|_| rcgen::Error::RingUnspecified)?;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}

fn year_and_month() -> (i32, u8) {
    let text = clock::system_time().strftime("%Y %m").to_string();
    text.split_once(' ').and_then(|(year, month)| Some((year.parse().ok()?, month.parse().ok()?))).unwrap_or((1970, 2))
}

/// Makes the leaf certificate a client asks for.
struct Leaves {
    kind: Certificate,
    issuer: Authority,
    key: KeyPair,
    signing_key: Arc<dyn SigningKey>,
    made: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl fmt::Debug for Leaves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaves").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Leaves {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // A client that connects to an address sends no name.
        let host = hello.server_name().unwrap_or("localhost");
        if host != "localhost" && !hosts::is_aws(host) {
            return None;
        }
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(leaf) = made.get(host) {
            return Some(Arc::clone(leaf));
        }
        let leaf = self.leaf(host).inspect_err(|error| tracing::error!(host, %error, "no certificate")).ok()?;
        let leaf = Arc::new(leaf);
        if made.len() == limits::CERTIFICATES {
            made.clear();
        }
        made.insert(host.to_owned(), Arc::clone(&leaf));
        Some(leaf)
    }
}

impl Leaves {
    fn leaf(&self, host: &str) -> Result<CertifiedKey, TlsError> {
        let mut params = params("kube-iam stand-in")?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.subject_alt_names = match (self.kind, host) {
            (Certificate::WrongName, _) => vec![dns_name("wrong-name.invalid")?],
            (_, "localhost") => vec![
                dns_name("localhost")?,
                SanType::IpAddress(Ipv4Addr::LOCALHOST.into()),
                SanType::IpAddress(Ipv6Addr::LOCALHOST.into()),
            ],
            _ => vec![dns_name(host)?],
        };
        let certificate = params.signed_by(&self.key, &self.issuer)?;
        Ok(CertifiedKey::new(vec![certificate.der().clone()], Arc::clone(&self.signing_key)))
    }
}

fn dns_name(name: &str) -> Result<SanType, rcgen::Error> {
    Ok(SanType::DnsName(name.try_into()?))
}
