//! What has to exist before kube-apiserver starts: key, certificate and the
//! webhook kubeconfig.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustls_pki_types::ServerName;

use crate::start_error::StartError;
use crate::tls::{Names, Pair, PairFiles};
use crate::webhook_kubeconfig;

/// What the files are made for, and where.
#[derive(Debug, Clone)]
pub struct InitSettings {
    /// Directory of the certificate and its key. It must exist.
    pub state_dir: PathBuf,
    /// Where the webhook kubeconfig goes.
    pub kubeconfig: PathBuf,
    /// The name by which kube-apiserver calls.
    pub hostname: String,
    /// Where the webhook will listen.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
}

/// The files that exist now.
#[derive(Debug, Clone)]
pub struct InitDone {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The webhook kubeconfig.
    pub kubeconfig: PathBuf,
    /// Whether certificate and key are new; else they were there before.
    pub made_pair: bool,
}

/// Makes certificate and key, or keeps those that exist, and writes the
/// kubeconfig anew.
///
/// # Errors
/// [`StartError`] of a file that can't be used or written, or of the host name.
pub fn init(settings: &InitSettings, now: Timestamp) -> Result<InitDone, StartError> {
    let InitSettings { state_dir, kubeconfig, hostname, address, port } = settings;
    let files = PairFiles::of(state_dir);
    let (pair, made_pair) = pair(&files, hostname, *address, now)?;
    write_kubeconfig(kubeconfig, &pair, hostname, *port)?;
    Ok(InitDone { certificate: files.certificate, key: files.key, kubeconfig: kubeconfig.clone(), made_pair })
}

/// The certificate and key of a state directory, made if there are none.
pub(crate) fn pair(
    files: &PairFiles,
    hostname: &str,
    address: IpAddr,
    now: Timestamp,
) -> Result<(Pair, bool), StartError> {
    ServerName::try_from(hostname).map_err(|_| StartError::Hostname(hostname.to_owned()))?;
    let names = Names { hostname: hostname.to_owned(), address };
    Ok(Pair::load_or_generate(files, &names, now)?)
}

pub(crate) fn write_kubeconfig(path: &Path, pair: &Pair, hostname: &str, port: u16) -> Result<(), StartError> {
    webhook_kubeconfig::write(path, &pair.certificate_pem, hostname, port)
        .map_err(|source| StartError::Kubeconfig { path: path.to_path_buf(), source })
}
