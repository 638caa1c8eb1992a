//! A running etcd and kube-apiserver.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::api::Api;
use crate::credentials::{Credentials, random_hex};
use crate::kubeconfig::{self, ExecUser};
use crate::limits;
use crate::server::{Server, log_path, log_tail};
use crate::{Binaries, Missing};

const ETCD: &str = "etcd";
const KUBE_APISERVER: &str = "kube-apiserver";

/// How a control plane is started. The default is one without a webhook.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// kubeconfig of the webhook that is asked about tokens
    /// (`--authentication-token-webhook-config-file`).
    pub webhook_kubeconfig: Option<PathBuf>,
    /// Version of the TokenReview that the webhook is sent.
    pub webhook_version: WebhookVersion,
    /// How long kube-apiserver remembers what the webhook said; its default is two
    /// minutes.
    pub webhook_cache_ttl: Option<Duration>,
    /// Audiences of the API server; its default is the issuer of service account tokens.
    pub api_audiences: Vec<String>,
    /// More flags of kube-apiserver, placed last: of a repeated flag the last counts.
    pub extra_flags: Vec<String>,
}

/// Version of `authentication.k8s.io` between kube-apiserver and a webhook.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WebhookVersion {
    /// `v1`. kube-apiserver itself defaults to `v1beta1`.
    #[default]
    V1,
    /// `v1beta1`.
    V1beta1,
}

/// A control plane could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its certificates could not be made.
    #[error("could not issue certificates for the control plane")]
    Certificate(#[source] rcgen::Error),
    /// One of its files could not be written, or no port was free.
    #[error("could not prepare {what}")]
    Prepare {
        /// What was being prepared.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// A program could not be run.
    #[error("could not run `{program}`")]
    Run {
        /// Name of the program.
        program: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// A server ended instead of getting ready.
    #[error("`{program}` ended with {status}, its log ends with:\n{log_tail}")]
    Ended {
        /// Name of the program.
        program: &'static str,
        /// How it ended.
        status: std::process::ExitStatus,
        /// The last lines of its log.
        log_tail: String,
    },
    /// A server did not get ready in time.
    #[error("`{program}` was not ready after {} s, its log ends with:\n{log_tail}", limits::READY.as_secs())]
    NotReady {
        /// Name of the program.
        program: &'static str,
        /// The last lines of its log.
        log_tail: String,
    },
}

impl StartError {
    /// Whether another process has taken the port that was chosen.
    fn is_port_taken(&self) -> bool {
        matches!(self, Self::Ended { log_tail, .. } if log_tail.contains("address already in use"))
    }
}

/// A running etcd and kube-apiserver on loopback, with all their files in a directory
/// of their own.
///
/// Dropping it kills both and removes the directory; [`ControlPlane::stop`] does so in
/// order. When the process that holds it ends without either, even by SIGKILL, the
/// servers are killed and the directory is removed as well. They have process groups of
/// their own: a terminal's Ctrl-C reaches only the process that holds this.
pub struct ControlPlane {
    // The order of the fields is the order in which they are dropped.
    apiserver: Mutex<Option<Server>>,
    etcd: Mutex<Server>,
    directory: TempDir,
    binaries: Binaries,
    api: Api,
    url: String,
    ca_pem: String,
    admin_kubeconfig: PathBuf,
    apiserver_arguments: Vec<OsString>,
}

impl ControlPlane {
    /// Starts one and waits until it is ready: about three seconds.
    ///
    /// # Errors
    ///
    /// [`StartError`], with the last lines of the log of the server concerned.
    pub async fn start(binaries: &Binaries, options: Options) -> Result<Self, StartError> {
        let mut attempt = 1;
        loop {
            match Self::start_once(binaries, &options).await {
                Err(error) if error.is_port_taken() && attempt < limits::START_ATTEMPTS => {
                    tracing::debug!(attempt, "port taken, starting again with another one");
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn start_once(binaries: &Binaries, options: &Options) -> Result<Self, StartError> {
        let prepare = |what| move |source| StartError::Prepare { what, source };
        let credentials = Credentials::issue().map_err(StartError::Certificate)?;
        let directory =
            tempfile::Builder::new().prefix("kube-iam-control-plane-").tempdir().map_err(prepare("a directory"))?;
        write_files(directory.path(), &credentials).map_err(prepare("the files of kube-apiserver"))?;
        let port = free_port().map_err(prepare("a port"))?;
        let url = format!("https://127.0.0.1:{port}");
        let admin_kubeconfig = directory.path().join("admin.kubeconfig");
        let admin = kubeconfig::token_user(&credentials.admin_token);
        kubeconfig::write(&admin_kubeconfig, &url, &credentials.ca_pem, &admin)
            .map_err(prepare("the administrator's kubeconfig"))?;
        let api = Api::new(port, &credentials.ca_pem, &credentials.admin_token).map_err(prepare("a TLS client"))?;

        let control_plane = Self {
            apiserver: Mutex::new(None),
            etcd: Mutex::new(spawn(ETCD, &binaries.etcd.path, &etcd_arguments(directory.path()), directory.path())?),
            apiserver_arguments: apiserver_arguments(directory.path(), port, options),
            directory,
            binaries: binaries.clone(),
            api,
            url,
            ca_pem: credentials.ca_pem,
            admin_kubeconfig,
        };
        control_plane.start_apiserver().await?;
        Ok(control_plane)
    }

    /// Base URL of kube-apiserver, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Certificate of the authority behind kube-apiserver's certificate, as PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// A kubeconfig for an administrator in `system:masters`, who is known to
    /// kube-apiserver without any webhook.
    pub fn admin_kubeconfig(&self) -> &Path {
        &self.admin_kubeconfig
    }

    /// The programs it runs.
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// Writes a kubeconfig for a user whose credentials an exec plugin gives; only the
    /// owner may read it. An existing file is replaced.
    ///
    /// # Errors
    ///
    /// If the file can't be written.
    pub fn write_kubeconfig(&self, path: &Path, user: &ExecUser) -> io::Result<()> {
        kubeconfig::write(path, &self.url, &self.ca_pem, &kubeconfig::exec_user(user))
    }

    /// kubectl as the administrator, with a home of its own and no input; it is killed
    /// when the command is dropped. Set `KUBECONFIG` to be somebody else.
    ///
    /// # Errors
    ///
    /// [`Missing`] if there is no kubectl among the binaries.
    pub fn kubectl(&self) -> Result<Command, Missing> {
        let mut command = Command::new(self.binaries.kubectl()?);
        command
            .env("KUBECONFIG", &self.admin_kubeconfig)
            .env("HOME", self.directory.path())
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true);
        Ok(command)
    }

    /// Creates a namespace of a random name, labelled `kube-iam-test` with the name
    /// of the test, and returns its name.
    ///
    /// # Panics
    ///
    /// If kube-apiserver refuses: the test can't go on without it.
    pub async fn namespace(&self, test_name: &str) -> String {
        let label = label_value(test_name);
        let name = format!("{label}-{}", random_hex::<4>());
        let namespace = json!({ "metadata": { "name": name, "labels": { "kube-iam-test": label } } });
        let reply = self.api.post("/api/v1/namespaces", &namespace).await.expect("kube-apiserver answers");
        assert_eq!(reply.status, 201, "namespace `{name}` was not created: {}", reply.text);
        name
    }

    /// Stops kube-apiserver in order and starts it again, on the same port and with the
    /// same data.
    ///
    /// # Errors
    ///
    /// [`StartError`] if it does not get ready again.
    pub async fn restart_apiserver(&self) -> Result<(), StartError> {
        self.stop_apiserver().await;
        self.start_apiserver().await
    }

    /// Stops kube-apiserver in order; etcd keeps its data.
    pub async fn stop_apiserver(&self) {
        if let Some(apiserver) = self.apiserver.lock().await.take() {
            apiserver.stop().await;
        }
    }

    /// Starts kube-apiserver after [`ControlPlane::stop_apiserver`] and waits until it
    /// is ready.
    ///
    /// # Errors
    ///
    /// [`StartError`] if it does not get ready.
    pub async fn start_apiserver(&self) -> Result<(), StartError> {
        let mut slot = self.apiserver.lock().await;
        let directory = self.directory.path();
        let program = &self.binaries.kube_apiserver.path;
        let apiserver = slot.insert(spawn(KUBE_APISERVER, program, &self.apiserver_arguments, directory)?);
        let outcome = self.wait_until_ready(apiserver).await;
        if outcome.is_err() {
            *slot = None;
        }
        outcome
    }

    async fn wait_until_ready(&self, apiserver: &mut Server) -> Result<(), StartError> {
        let deadline = Instant::now() + limits::READY;
        while Instant::now() < deadline {
            // etcd first: without it kube-apiserver ends too, and with a lesser reason.
            self.ended(ETCD, &mut *self.etcd.lock().await)?;
            self.ended(KUBE_APISERVER, apiserver)?;
            if self.is_ready().await {
                return Ok(());
            }
            tokio::time::sleep(limits::POLL).await;
        }
        let program = KUBE_APISERVER;
        Err(StartError::NotReady { program, log_tail: log_tail(&log_path(self.directory.path(), program)) })
    }

    /// Whether kube-apiserver serves and has made the namespace that aws-auth lives in,
    /// which it does a little after it calls itself ready.
    async fn is_ready(&self) -> bool {
        for path in ["/readyz", "/api/v1/namespaces/kube-system", "/api/v1/namespaces/default"] {
            if !self.api.get(path).await.is_ok_and(|reply| reply.status == 200) {
                return false;
            }
        }
        true
    }

    /// An error if the server has ended.
    fn ended(&self, program: &'static str, server: &mut Server) -> Result<(), StartError> {
        match server.ended() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => {
                let log_tail = log_tail(&log_path(self.directory.path(), program));
                Err(StartError::Ended { program, status, log_tail })
            }
            Err(source) => Err(StartError::Run { program, source }),
        }
    }

    /// All that kube-apiserver has logged so far, over its restarts too.
    ///
    /// # Errors
    ///
    /// If the log can't be read.
    pub fn apiserver_log(&self) -> io::Result<String> {
        fs::read_to_string(log_path(self.directory.path(), KUBE_APISERVER))
    }

    /// Asks first kube-apiserver and then etcd to end, kills them if they don't, and
    /// removes their files.
    pub async fn stop(self) {
        self.stop_apiserver().await;
        self.etcd.into_inner().stop().await;
    }
}

fn spawn(program: &'static str, path: &Path, arguments: &[OsString], directory: &Path) -> Result<Server, StartError> {
    Server::spawn(path, arguments, &log_path(directory, program), directory)
        .map_err(|source| StartError::Run { program, source })
}

/// A port on loopback that was free a moment ago.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Writes what kube-apiserver is told by files, readable by the owner alone.
fn write_files(directory: &Path, credentials: &Credentials) -> io::Result<()> {
    // token, username, uid, groups
    let admin = format!("{},kube-iam-administrator,kube-iam-administrator,system:masters\n", credentials.admin_token);
    for (name, content) in [
        ("tokens.csv", &admin),
        ("serving.pem", &credentials.serving_pem),
        ("serving.key", &credentials.serving_key_pem),
        ("service-account.key", &credentials.service_account_key_pem),
        ("service-account.pub", &credentials.service_account_public_pem),
    ] {
        kubeconfig::write_private(&directory.join(name), content)?;
    }
    Ok(())
}

/// URL of the socket at which etcd serves. A socket in a private directory can't collide
/// as ports do, and nobody else on the machine reaches the data behind RBAC's back.
fn etcd_socket(directory: &Path, name: &str) -> String {
    format!("unix://{}", directory.join(name).display())
}

fn etcd_arguments(directory: &Path) -> Vec<OsString> {
    // etcd advertises no sockets. These addresses are for other members and for clients
    // that ask for members: it has neither, and nothing listens there.
    let peer = "http://127.0.0.1:2380";
    let client = "http://127.0.0.1:2379";
    vec![
        "--name=default".into(),
        format!("--data-dir={}", directory.join("etcd").display()).into(),
        format!("--listen-client-urls={}", etcd_socket(directory, "etcd.sock")).into(),
        format!("--advertise-client-urls={client}").into(),
        format!("--listen-peer-urls={}", etcd_socket(directory, "peer.sock")).into(),
        format!("--initial-advertise-peer-urls={peer}").into(),
        format!("--initial-cluster=default={peer}").into(),
        // The data lives as long as the process: nothing to lose in a power cut.
        "--unsafe-no-fsync".into(),
        "--log-level=warn".into(),
    ]
}

fn apiserver_arguments(directory: &Path, port: u16, options: &Options) -> Vec<OsString> {
    let file = |name: &str| directory.join(name).display().to_string();
    let mut flags = vec![
        format!("--etcd-servers={}", etcd_socket(directory, "etcd.sock")),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        // Else it looks for an address of the host, and a network namespace may have none.
        "--advertise-address=127.0.0.1".to_owned(),
        "--endpoint-reconciler-type=none".to_owned(),
        format!("--tls-cert-file={}", file("serving.pem")),
        format!("--tls-private-key-file={}", file("serving.key")),
        format!("--token-auth-file={}", file("tokens.csv")),
        "--authorization-mode=Node,RBAC".to_owned(),
        // Not among kube-apiserver's defaults; EKS, kubeadm and kops turn it on.
        "--enable-admission-plugins=NodeRestriction".to_owned(),
        "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local".to_owned(),
        format!("--service-account-key-file={}", file("service-account.pub")),
        format!("--service-account-signing-key-file={}", file("service-account.key")),
        // No controller makes the service accounts that it would ask of every pod.
        "--disable-admission-plugins=ServiceAccount".to_owned(),
        // Else it waits a minute for clients that watch, and is killed instead of stopped.
        "--shutdown-watch-termination-grace-period=1s".to_owned(),
    ];
    if let Some(kubeconfig) = &options.webhook_kubeconfig {
        flags.push(format!("--authentication-token-webhook-config-file={}", kubeconfig.display()));
        flags.push(match options.webhook_version {
            WebhookVersion::V1 => "--authentication-token-webhook-version=v1".to_owned(),
            WebhookVersion::V1beta1 => "--authentication-token-webhook-version=v1beta1".to_owned(),
        });
    }
    if let Some(ttl) = options.webhook_cache_ttl {
        flags.push(format!("--authentication-token-webhook-cache-ttl={}ms", ttl.as_millis()));
    }
    if !options.api_audiences.is_empty() {
        flags.push(format!("--api-audiences={}", options.api_audiences.join(",")));
    }
    flags.extend(options.extra_flags.iter().cloned());
    flags.into_iter().map(OsString::from).collect()
}

/// The name of a test as a label value that, with a suffix, is also a namespace's name
/// (RFC 1123 label: at most 63 lower-case letters, digits and inner hyphens).
fn label_value(test_name: &str) -> String {
    let hyphenated: String = test_name
        .chars()
        .map(|char| if char.is_ascii_alphanumeric() { char.to_ascii_lowercase() } else { '-' })
        .take(50)
        .collect();
    let trimmed = hyphenated.trim_matches('-');
    if trimmed.is_empty() { "test".to_owned() } else { trimmed.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tests_become_label_values() {
        assert_eq!(label_value("login::a_role_gets_in"), "login--a-role-gets-in");
        assert_eq!(label_value("__Größe__"), "gr--e");
        assert_eq!(label_value("::"), "test");
        assert_eq!(label_value(&"x".repeat(80)).len(), 50);
    }

    #[test]
    fn a_webhook_has_its_flags() {
        let options = Options {
            webhook_kubeconfig: Some("/tmp/webhook".into()),
            webhook_version: WebhookVersion::V1beta1,
            webhook_cache_ttl: Some(Duration::from_secs(1)),
            api_audiences: vec!["a".to_owned(), "b".to_owned()],
            extra_flags: vec!["--v=4".to_owned()],
        };
        let flags = apiserver_arguments(Path::new("/tmp/x"), 1, &options);
        assert_eq!(
            flags[flags.len() - 5..],
            [
                "--authentication-token-webhook-config-file=/tmp/webhook",
                "--authentication-token-webhook-version=v1beta1",
                "--authentication-token-webhook-cache-ttl=1000ms",
                "--api-audiences=a,b",
                "--v=4",
            ]
        );
    }
}
