//! A client for kube-apiserver.

mod error;
mod proxy;
#[cfg(test)]
mod tests;

use std::env;
use std::io;
use std::path::{Path, PathBuf};

use http::{HeaderValue, Uri, header};
use hyper::rt::{Read, Write};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::{Body, ClientBuilder, ConfigExt as _};
use kube::config::{Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use kube_iam_core::secret::Token;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tower::util::MapErr;
use tower_service::Service;

pub use self::error::ConnectError;
use self::proxy::Proxy;
use crate::limits;

/// Where kube-apiserver is and who asks it.
#[derive(Debug, Clone, Default)]
pub struct ConnectSettings {
    /// A kubeconfig. Without one it is the service account of this pod.
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig, instead of its current one. Without
    /// `kubeconfig` it is one of kubectl's own (`KUBECONFIG`, `~/.kube/config`).
    pub context: Option<String>,
    /// URL of kube-apiserver, instead of that in the kubeconfig. Without a
    /// kubeconfig it is asked without credentials.
    pub master: Option<String>,
    /// Without `kubeconfig` take kubectl's own, and only if there is none the service
    /// account of this pod.
    pub like_kubectl: bool,
    /// Whom to act as.
    pub impersonation: Impersonation,
}

/// Whom to act as (`--as`, `--as-group`), instead of what the kubeconfig says about
/// that. Needs the right to `impersonate`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Impersonation {
    /// A username.
    pub user: Option<String>,
    /// Groups; without a user it is an error.
    pub groups: Vec<String>,
}

/// A kube-apiserver that no kubeconfig names, as EKS describes one.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Its URL.
    pub url: String,
    /// Certificates of the authorities behind its certificate, as PEM.
    pub ca_pem: String,
    /// What it is shown.
    pub token: Token,
    /// Whom to act as.
    pub impersonation: Impersonation,
}

/// Makes a client for kube-apiserver, without asking anything of it: it may be
/// down. An exec plugin named by the kubeconfig is run, and waited for.
///
/// Like Go's clients it takes the proxy that the kubeconfig names, else that of
/// `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`. It must be called within a tokio
/// runtime, which the client then uses.
///
/// # Errors
/// [`ConnectError`] if the settings lead to no client.
pub fn connect(settings: &ConnectSettings) -> Result<Client, ConnectError> {
    connect_with(settings, &variable)
}

/// Makes a client for a kube-apiserver that no kubeconfig names, without asking
/// anything of it. Proxies and the runtime are as for [`connect`].
///
/// # Errors
/// [`ConnectError`] if the endpoint leads to no client.
pub fn connect_endpoint(endpoint: &Endpoint) -> Result<Client, ConnectError> {
    let Endpoint { url, ca_pem, token, impersonation } = endpoint;
    let no_pem = || ConnectError::Tls("the certificate authority of the cluster is not PEM".to_owned());
    let authorities =
        CertificateDer::pem_slice_iter(ca_pem.as_bytes()).map(|der| Ok(der.map_err(|_| no_pem())?.to_vec()));
    let authorities: Vec<Vec<u8>> = authorities.collect::<Result<_, _>>()?;
    if authorities.is_empty() {
        return Err(no_pem());
    }
    let mut config = Config::new(server_url(url, "https")?);
    config.root_cert = Some(authorities);
    config.auth_info.token = Some(token.expose().into());
    client_of(config, impersonation, &variable)
}

/// Looks up an environment variable; an empty one is none.
type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn connect_with(settings: &ConnectSettings, environment: Environment<'_>) -> Result<Client, ConnectError> {
    let ConnectSettings { kubeconfig, context, master, like_kubectl, impersonation } = settings;
    let config = match (kubeconfig, context, master) {
        (Some(path), _, _) => from_kubeconfig(settings, path, Kubeconfig::read_from(path))?,
        (None, _, _) if *like_kubectl || context.is_some() => from_kubectls_own(settings, environment)?,
        (None, _, Some(master)) => Config::new(server_url(master, "http")?),
        (None, _, None) => from_service_account(environment)?,
    };
    client_of(config, impersonation, environment)
}

/// The client of a configuration that is complete but for what all have in common.
fn client_of(
    mut config: Config,
    impersonation: &Impersonation,
    environment: Environment<'_>,
) -> Result<Client, ConnectError> {
    impersonate(&mut config, impersonation)?;
    let name = HeaderValue::from_static(concat!("kube-iam/", env!("CARGO_PKG_VERSION")));
    config.headers.push((header::USER_AGENT, name));
    let named = config.proxy_url.take().filter(|proxy| *proxy != NO_PROXY_NAMED);
    let proxy = proxy::towards(&config.cluster_url, named.as_ref(), environment)?;

    let mut tcp = HttpConnector::new();
    // TLS is added around it.
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(limits::CONNECT));
    match proxy {
        None => client(&config, tcp),
        Some(Proxy::Http { uri, authorization }) => {
            let tunnel = Tunnel::new(uri, tcp);
            client(&config, authorization.into_iter().fold(tunnel, Tunnel::with_auth))
        }
        Some(Proxy::Socks { uri, user }) => {
            let tunnel = SocksV5::new(uri, tcp);
            client(&config, user.into_iter().fold(tunnel, |tunnel, (name, password)| tunnel.with_auth(name, password)))
        }
    }
}

/// What is given on the command line replaces what the kubeconfig says: its groups
/// belong to its user.
fn impersonate(config: &mut Config, impersonation: &Impersonation) -> Result<(), ConnectError> {
    let Impersonation { user, groups } = impersonation;
    let auth = &mut config.auth_info;
    if user.is_some() {
        auth.impersonate.clone_from(user);
        (auth.impersonate_uid, auth.impersonate_groups, auth.impersonate_user_extra) = (None, None, None);
    }
    if !groups.is_empty() {
        auth.impersonate_groups = Some(groups.clone());
    }
    match auth.impersonate.is_none() && auth.impersonate_groups.is_some() {
        true => Err(ConnectError::GroupsOfNobody),
        false => Ok(()),
    }
}

/// Keeps the library from reading `HTTPS_PROXY`: it would overlook `NO_PROXY`.
const NO_PROXY_NAMED: &str = "http://none.invalid/";

fn from_kubeconfig(
    settings: &ConnectSettings,
    path: &Path,
    read: Result<Kubeconfig, KubeconfigError>,
) -> Result<Config, ConnectError> {
    let unusable = |error| ConnectError::kubeconfig(path, error);
    let mut kubeconfig = read.map_err(unusable)?;
    for cluster in kubeconfig.clusters.iter_mut().filter_map(|named| named.cluster.as_mut()) {
        if settings.master.is_some() {
            cluster.server.clone_from(&settings.master);
        }
        cluster.proxy_url.get_or_insert_with(|| NO_PROXY_NAMED.to_owned());
    }
    if settings.context.is_some() {
        kubeconfig.current_context.clone_from(&settings.context);
    }
    let mut config = Config::try_from(kubeconfig).map_err(unusable)?;
    // As Go's clients do with a server that is named without a scheme.
    let encrypted = config.root_cert.is_some() || config.accept_invalid_certs;
    config.cluster_url = server_url(&config.cluster_url.to_string(), if encrypted { "https" } else { "http" })?;
    Ok(config)
}

/// The kubeconfig that kubectl takes: the files of `KUBECONFIG` merged, those that are
/// missing left out, else `~/.kube/config`.
fn from_kubectls_own(settings: &ConnectSettings, environment: Environment<'_>) -> Result<Config, ConnectError> {
    let named = environment("KUBECONFIG").unwrap_or_default();
    let mut paths: Vec<PathBuf> = env::split_paths(&named).filter(|path| !path.as_os_str().is_empty()).collect();
    if paths.is_empty() {
        paths.extend(environment("HOME").map(|home| Path::new(&home).join(".kube/config")));
    }
    let first = paths.first().cloned().unwrap_or_else(|| "~/.kube/config".into());
    paths.retain(|path| path.exists());
    if paths.is_empty() {
        // In a pod kubectl goes by the service account.
        if settings.context.is_none() && environment("KUBERNETES_SERVICE_HOST").is_some() {
            return from_service_account(environment);
        }
        return Err(ConnectError::ReadKubeconfig {
            path: first,
            source: io::Error::new(io::ErrorKind::NotFound, "no such file"),
        });
    }
    let mut merged = Kubeconfig::default();
    for path in &paths {
        let read = Kubeconfig::read_from(path).and_then(|read| merged.merge(read));
        merged = read.map_err(|error| ConnectError::kubeconfig(path, error))?;
    }
    from_kubeconfig(settings, &first, Ok(merged))
}

/// A URL of kube-apiserver, which need not name its scheme.
fn server_url(text: &str, default_scheme: &str) -> Result<Uri, ConnectError> {
    let url = match text.contains("://") {
        true => text.to_owned(),
        false => format!("{default_scheme}://{text}"),
    };
    let not_one = || ConnectError::Server(text.rsplit_once('@').map_or(text, |(_, rest)| rest).to_owned());
    let url: Uri = url.parse().map_err(|_| not_one())?;
    match url.scheme_str() {
        Some("http" | "https") if url.host().is_some_and(|host| !host.is_empty()) => Ok(url),
        _ => Err(not_one()),
    }
}

/// The configuration that Kubernetes gives every pod.
fn from_service_account(environment: Environment<'_>) -> Result<Config, ConnectError> {
    if environment("KUBERNETES_SERVICE_HOST").is_none() {
        return Err(ConnectError::NoCluster);
    }
    Config::incluster().map_err(|error| ConnectError::ServiceAccount(error.to_string()))
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The client on top of a way to make connections.
fn client<C>(config: &Config, connector: C) -> Result<Client, ConnectError>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: Read + Write + Connection + Send + Unpin + 'static,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    // The library takes what the process has. A provider that is there already is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let unusable = ConnectError::client;
    let auth = config.auth_layer().map_err(unusable)?;
    let tls = match &auth {
        // The library would run the exec plugin a second time, to see whether it gives
        // a certificate. It has given a token.
        Some(_) if config.auth_info.exec.is_some() => {
            let mut config = config.clone();
            config.auth_info.exec = None;
            config.rustls_https_connector_with_connector(connector)
        }
        _ => config.rustls_https_connector_with_connector(connector),
    };
    let tls = tls.map_err(unusable)?;
    let http = HttpClient::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build::<_, Body>(tls);
    // The layers below want one kind of error from whatever is inside them.
    let http = MapErr::new(http, BoxError::from as fn(_) -> BoxError);
    let builder = ClientBuilder::new(http, "default")
        .with_layer(&config.extra_headers_layer().map_err(unusable)?)
        .with_layer(&config.base_uri_layer());
    Ok(match auth {
        Some(auth) => builder.with_layer(&auth).build(),
        None => builder.build(),
    })
}
