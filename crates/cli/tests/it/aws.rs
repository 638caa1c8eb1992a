//! The stand-in for AWS, and how programs are led to it.

use std::path::PathBuf;

use kube_iam_standin::{Settings, StandIn};
use tempfile::TempDir;

use crate::people::{PEOPLE, Person};

/// A running stand-in that knows everybody.
pub(crate) struct Aws {
    pub(crate) standin: StandIn,
    directory: TempDir,
}

impl Aws {
    pub(crate) async fn start() -> Self {
        Self::start_with(Settings::default()).await
    }

    /// With more than the keys of [`PEOPLE`].
    pub(crate) async fn start_with(mut settings: Settings) -> Self {
        settings.keys.extend(PEOPLE.into_iter().map(Person::key));
        let standin = StandIn::start(settings).await.unwrap();
        let directory = TempDir::new().unwrap();
        standin.write_ca(directory.path().join("ca.pem")).unwrap();
        Self { standin, directory }
    }

    /// The file with the stand-in's authority.
    pub(crate) fn ca(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// The environment of a server whose STS is the stand-in: a proxy, and the
    /// authority in place of the host's roots.
    pub(crate) fn server_environment(&self) -> Vec<(String, String)> {
        vec![
            ("HTTPS_PROXY".into(), format!("http://{}", self.standin.proxy_address())),
            ("SSL_CERT_FILE".into(), self.ca().display().to_string()),
        ]
    }

    /// The environment of a client of AWS.
    pub(crate) fn client_environment(&self) -> Vec<(String, String)> {
        vec![
            ("HTTPS_PROXY".into(), format!("http://{}", self.standin.proxy_address())),
            ("AWS_CA_BUNDLE".into(), self.ca().display().to_string()),
        ]
    }
}
