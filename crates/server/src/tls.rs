//! The server's certificate and key: loaded, or made when there are none, and
//! exchanged when the files change.

mod not_after;
mod self_signed;

use std::io;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, ServerConfig};
use rustls_pki_types::pem::{self, PemObject as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::{files, limits};

/// The two files of a certificate.
#[derive(Debug, Clone)]
pub(crate) struct PairFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl PairFiles {
    /// Under the names that the Go authenticator gives them.
    pub(crate) fn of(state_dir: &Path) -> Self {
        Self { certificate: state_dir.join("cert.pem"), key: state_dir.join("key.pem") }
    }

    /// Whether others than its owner may read the key: the Go authenticator
    /// leaves the mode of a file that was there before.
    pub(crate) fn key_is_shared(&self) -> bool {
        self.key.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
    }
}

/// Whom a certificate is made for.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    /// The name kube-apiserver calls, a host name or an address.
    pub(crate) hostname: String,
    /// Where the server listens.
    pub(crate) address: IpAddr,
}

/// Why there is no certificate to serve with.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read.
    #[error("`{path}` can't be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file can't be written.
    #[error("`{path}` can't be written")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file without what it should hold.
    #[error("`{path}` holds no {what} in PEM form")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// Why.
        source: pem::Error,
    },
    /// A certificate whose validity can't be read.
    #[error("`{0}` holds no readable X.509 certificate")]
    Certificate(PathBuf),
    /// One of the two is not there.
    #[error("there is `{present}` but no `{missing}`")]
    Half {
        /// The file that is there.
        present: PathBuf,
        /// The one that is not.
        missing: PathBuf,
    },
    /// The two don't belong together.
    #[error("the key in `{key}` is not that of the certificate in `{certificate}`")]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// A key of a kind that can't be used.
    #[error("the key in `{path}` can't be used")]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// No certificate could be made.
    #[error("no certificate for `{hostname}` could be made")]
    Generate {
        /// The name it was for.
        hostname: String,
        /// Why.
        source: rcgen::Error,
    },
}

/// A certificate with its key, ready to be served.
pub(crate) struct Pair {
    certified: Arc<CertifiedKey>,
    /// The server's own certificate in PEM form.
    pub(crate) certificate_pem: String,
    pub(crate) not_after: Timestamp,
}

impl Pair {
    /// Reads the two files.
    pub(crate) fn load(paths: &PairFiles) -> Result<Self, TlsError> {
        let read = |path: &PathBuf| {
            files::read(path, limits::PEM_BYTES).map_err(|source| TlsError::Read { path: path.clone(), source })
        };
        let pem = |path: &PathBuf, what, source| TlsError::Pem { path: path.clone(), what, source };
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&read(&paths.certificate)?)
            .collect::<Result<_, _>>()
            .map_err(|source| pem(&paths.certificate, "certificate", source))?;
        let own = chain.first().ok_or_else(|| pem(&paths.certificate, "certificate", pem::Error::NoItemsFound))?;
        let not_after = not_after::not_after(own).ok_or_else(|| TlsError::Certificate(paths.certificate.clone()))?;
        let certificate_pem = to_pem(own);
        let key = PrivateKeyDer::from_pem_slice(&read(&paths.key)?)
            .map_err(|source| pem(&paths.key, "private key", source))?;
        let certified = CertifiedKey::from_der(chain, key, &default_provider()).map_err(|source| match source {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                TlsError::Mismatch { certificate: paths.certificate.clone(), key: paths.key.clone() }
            }
            rustls::Error::InvalidCertificate(_) => TlsError::Certificate(paths.certificate.clone()),
            source => TlsError::Key { path: paths.key.clone(), source },
        })?;
        Ok(Self { certified: Arc::new(certified), certificate_pem, not_after })
    }

    /// Reads the two files, after making them if there are none. Says whether
    /// they were made.
    ///
    /// One without the other may be all that is left of a start that was cut
    /// short, or of somebody's own pair: which is not for us to say.
    pub(crate) fn load_or_generate(paths: &PairFiles, names: &Names, now: Timestamp) -> Result<(Self, bool), TlsError> {
        let missing = |path: &PathBuf| matches!(path.try_exists(), Ok(false));
        let half = |present: &PathBuf, missing: &PathBuf| TlsError::Half {
            present: present.clone(),
            missing: missing.clone(),
        };
        match (missing(&paths.certificate), missing(&paths.key)) {
            (false, false) => Ok((Self::load(paths)?, false)),
            (true, false) => Err(half(&paths.key, &paths.certificate)),
            (false, true) => Err(half(&paths.certificate, &paths.key)),
            (true, true) => {
                Self::generate(paths, names, now)?;
                Ok((Self::load(paths)?, true))
            }
        }
    }

    fn generate(paths: &PairFiles, names: &Names, now: Timestamp) -> Result<(), TlsError> {
        let made = self_signed::generate(names, now)
            .map_err(|source| TlsError::Generate { hostname: names.hostname.clone(), source })?;
        let write = |path: &PathBuf, pem: &str, mode| {
            files::write(path, pem.as_bytes(), mode).map_err(|source| TlsError::Write { path: path.clone(), source })
        };
        write(&paths.key, made.key_pem.expose(), 0o600)?;
        write(&paths.certificate, &made.certificate_pem, 0o644)
    }

    /// Whether the certificate ends soon, and so should be replaced.
    pub(crate) fn warn_of_expiry(&self, now: Timestamp) {
        let left = self.not_after.duration_since(now);
        if left < SignedDuration::ZERO {
            tracing::warn!(not_after = %self.not_after, "the serving certificate has expired");
        } else if left < SignedDuration::from_hours(30 * 24) {
            tracing::warn!(not_after = %self.not_after, "the serving certificate expires in less than 30 days");
        }
    }
}

fn to_pem(certificate: &CertificateDer<'_>) -> String {
    let text = STANDARD.encode(certificate);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(64).unwrap_or((rest, ""));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}

/// The pair served at the moment.
pub(crate) struct Served(ArcSwap<CertifiedKey>);

impl Served {
    pub(crate) fn new(pair: &Pair) -> Arc<Self> {
        Arc::new(Self(ArcSwap::new(Arc::clone(&pair.certified))))
    }

    /// Serves this pair to everybody who connects from now on.
    pub(crate) fn exchange(&self, pair: &Pair) {
        self.0.store(Arc::clone(&pair.certified));
    }

    /// TLS 1.2 and 1.3 with this certificate, HTTP/2 preferred.
    pub(crate) fn config(self: &Arc<Self>) -> Result<ServerConfig, rustls::Error> {
        let provider: Arc<CryptoProvider> = Arc::new(default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl std::fmt::Debug for Served {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Served")
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

#[cfg(test)]
mod tests;
