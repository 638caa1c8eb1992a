//! A client for kube-apiserver.

mod error;
mod proxy;
#[cfg(test)]
mod tests;

use std::env;
use std::path::{Path, PathBuf};

use http::Uri;
use hyper::rt::{Read, Write};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::{Body, ClientBuilder, ConfigExt as _};
use kube::config::{Kubeconfig, KubeconfigError};
use kube::{Client, Config};
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
    connect_with(settings, &|name| env::var(name).ok().filter(|value| !value.is_empty()))
}

/// Looks up an environment variable; an empty one is none.
type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

fn connect_with(settings: &ConnectSettings, environment: Environment<'_>) -> Result<Client, ConnectError> {
    let ConnectSettings { kubeconfig, context, master } = settings;
    let mut config = match (kubeconfig, context, master) {
        (Some(path), _, _) => from_kubeconfig(settings, path, Kubeconfig::read_from(path))?,
        (None, Some(_), _) => from_kubeconfig(settings, Path::new("~/.kube/config"), Kubeconfig::read())?,
        (None, None, Some(master)) => Config::new(server_url(master, "http")?),
        (None, None, None) => from_service_account(environment)?,
    };
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
    let tls = config.rustls_https_connector_with_connector(connector).map_err(unusable)?;
    let http = HttpClient::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build::<_, Body>(tls);
    // The layers below want one kind of error from whatever is inside them.
    let http = MapErr::new(http, BoxError::from as fn(_) -> BoxError);
    let builder = ClientBuilder::new(http, "default")
        .with_layer(&config.extra_headers_layer().map_err(unusable)?)
        .with_layer(&config.base_uri_layer());
    Ok(match config.auth_layer().map_err(unusable)? {
        Some(auth) => builder.with_layer(&auth).build(),
        None => builder.build(),
    })
}
