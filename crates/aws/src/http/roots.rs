//! Which certificate authorities are trusted.

use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::environment::Environment;

/// Where the trusted certificate authorities come from. Nothing is read until the first TLS connection.
#[derive(Clone, Debug)]
pub enum Roots {
    /// The host's store, as Go's `crypto/x509` finds it.
    System(SystemRoots),
    /// Only the certificates of one PEM file: `AWS_CA_BUNDLE` or `ca_bundle` of the profile.
    Bundle(PathBuf),
    /// Only these certificates.
    Given(Vec<CertificateDer<'static>>),
}

/// The host's store and what the environment says about it.
#[derive(Clone, Debug, Default)]
pub struct SystemRoots {
    /// `SSL_CERT_FILE`: replaces the host's bundle.
    pub file: Option<PathBuf>,
    /// `SSL_CERT_DIR`, split at `:`; replaces the host's directories.
    pub directories: Vec<PathBuf>,
}

impl SystemRoots {
    /// Reads `SSL_CERT_FILE` and `SSL_CERT_DIR`.
    pub fn from_environment(environment: &Environment) -> Self {
        let directories = environment.get("SSL_CERT_DIR").map(std::env::split_paths);
        Self {
            file: environment.get("SSL_CERT_FILE").map(PathBuf::from),
            directories: directories.into_iter().flatten().filter(|path| !path.as_os_str().is_empty()).collect(),
        }
    }
}

/// The trusted certificate authorities could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// The bundle named by the user can't be read or holds something else.
    #[error("could not read the CA bundle `{}`", path.display())]
    Bundle {
        /// The file named.
        path: PathBuf,
        /// Why.
        source: rustls_pki_types::pem::Error,
    },
    /// The bundle named by the user has no certificate in it.
    #[error("the CA bundle `{}` holds no certificate", path.display())]
    EmptyBundle {
        /// The file named.
        path: PathBuf,
    },
    /// The host has no certificate authorities.
    #[error("found no trusted CA certificates on this host")]
    NoneOnHost {
        /// The first problem met, if there was one.
        source: Option<rustls_native_certs::Error>,
    },
}

/// Bundles of the Linux distributions, in the order Go tries them; the first that exists is used.
const HOST_BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Directories of the Linux distributions; Go reads them all, also when `SSL_CERT_FILE` is set.
const HOST_DIRECTORIES: [&str; 2] = ["/etc/ssl/certs", "/etc/pki/tls/certs"];

impl Roots {
    /// Loads the certificates.
    ///
    /// # Errors
    ///
    /// When the named bundle is unusable, or the host has no certificate at all. A single broken file of the host's store is
    /// only logged, as a broken bundle must not keep a control plane from working with the rest.
    pub(super) fn load(&self) -> Result<RootCertStore, RootsError> {
        let mut store = RootCertStore::empty();
        match self {
            Self::Given(certificates) => {
                store.add_parsable_certificates(certificates.iter().cloned());
            }
            Self::Bundle(path) => {
                store.add_parsable_certificates(read_bundle(path)?);
                if store.is_empty() {
                    return Err(RootsError::EmptyBundle { path: path.clone() });
                }
            }
            Self::System(system) => {
                let found = system.find();
                for problem in &found.errors {
                    tracing::warn!(%problem, "a file of the CA store was skipped");
                }
                store.add_parsable_certificates(found.certs);
                if store.is_empty() {
                    return Err(RootsError::NoneOnHost { source: found.errors.into_iter().next() });
                }
            }
        }
        Ok(store)
    }
}

impl SystemRoots {
    /// Go replaces the bundle when `SSL_CERT_FILE` is set and the directories when `SSL_CERT_DIR` is set, each on its own. A server
    /// that runs today with one of the two must not lose the other half of its trust.
    fn find(&self) -> CertificateResult {
        if self.file.is_none() && self.directories.is_empty() {
            return load_native_certs();
        }
        let host_bundle = || HOST_BUNDLES.iter().map(PathBuf::from).find(|path| path.is_file());
        let file = self.file.clone().or_else(host_bundle);
        let host_directories = || HOST_DIRECTORIES.iter().map(PathBuf::from).filter(|path| path.is_dir()).collect();
        let directories = if self.directories.is_empty() { host_directories() } else { self.directories.clone() };

        let mut found = load_certs_from_paths(file.as_deref(), None);
        for directory in &directories {
            let more = load_certs_from_paths(None, Some(directory));
            found.certs.extend(more.certs);
            found.errors.extend(more.errors);
        }
        found
    }
}

fn read_bundle(path: &Path) -> Result<Vec<CertificateDer<'static>>, RootsError> {
    let unreadable = |source| RootsError::Bundle { path: path.to_owned(), source };
    CertificateDer::pem_file_iter(path).map_err(unreadable)?.collect::<Result<_, _>>().map_err(unreadable)
}
