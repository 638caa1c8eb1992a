//! The one way this crate talks HTTP.
//!
//! rustls with ring, HTTP/1.1 over kept-alive connections, no redirects, no cookies, a bound on time and on the body of every call.
//! Nothing is built or read before the first call needs it: making a token from static credentials never loads a certificate.

mod connect;
mod failure;
mod proxy;
mod roots;
mod sdk;

pub use connect::{LoopbackAddress, NotLoopback};
pub use failure::HttpFailure;
pub(crate) use failure::{causes, find};
pub use proxy::{Proxy, ProxyError};
pub use roots::{Roots, RootsError, SystemRoots};
pub(crate) use sdk::SdkHttp;

use std::sync::OnceLock;
use std::time::Duration;

use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use rustls::ClientConfig;

use crate::limits;
use connect::{Served, Transport};

/// What AWS sees of us in its logs (CloudTrail's `userAgent`).
pub(crate) const USER_AGENT_VALUE: HeaderValue =
    HeaderValue::from_static(concat!("kube-iam/", env!("CARGO_PKG_VERSION")));

/// How connections are made.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Whom to trust.
    pub roots: Roots,
    /// The proxy for HTTPS, if there is one.
    pub proxy: Option<Proxy>,
    /// Every HTTPS connection goes to this address of this host, whatever the URL says; the name in the URL is still the one the
    /// certificate must carry. For the stand-in of the quickstart, tests and benchmarks.
    pub connect: Option<LoopbackAddress>,
    /// Idle connections kept per host.
    pub idle_connections: usize,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            roots: Roots::System(SystemRoots::default()),
            proxy: None,
            connect: None,
            idle_connections: limits::STS_IDLE_CONNECTIONS,
        }
    }
}

/// An HTTP client. Reads nothing from the environment.
pub(crate) struct Http {
    settings: HttpSettings,
    tls: OnceLock<ClientConfig>,
    plain: OnceLock<Box<dyn Transport>>,
    direct: OnceLock<Box<dyn Transport>>,
    proxied: OnceLock<Box<dyn Transport>>,
}

/// What one call may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// From the first byte of the handshake to the last byte of the body.
    pub(crate) time: Duration,
    /// Bytes of the body.
    pub(crate) body: usize,
}

impl Http {
    pub(crate) fn new(settings: HttpSettings) -> Self {
        Self {
            settings,
            tls: OnceLock::new(),
            plain: OnceLock::new(),
            direct: OnceLock::new(),
            proxied: OnceLock::new(),
        }
    }

    /// Sends a request and reads the whole reply.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        bounds: Bounds,
    ) -> Result<Response<Bytes>, HttpFailure> {
        tokio::time::timeout(bounds.time, self.exchange(request, bounds.body))
            .await
            .unwrap_or(Err(HttpFailure::Timeout))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>, body: usize) -> Result<Response<Bytes>, HttpFailure> {
        let response = self.answer(request).await?;
        let (head, incoming) = response.into_parts();
        let collected = Limited::new(incoming, body).collect().await.map_err(HttpFailure::from_body)?;
        Ok(Response::from_parts(head, collected.to_bytes()))
    }

    /// Waits for the head of the reply. A GET that fell on a kept-alive connection which the peer had just closed is repeated once,
    /// as Go's transport does: the peer closed it without having seen the request.
    async fn answer(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, HttpFailure> {
        let transport = self.transport(request.uri())?;
        let repeat = request.method().is_safe().then(|| request.clone());
        let mut outcome = transport.request(request).await;
        if let (Err(error), Some(request)) = (&outcome, repeat)
            && Served::before(error)
        {
            outcome = transport.request(request).await;
        }
        let response = outcome.map_err(HttpFailure::from_client)?;
        Served::mark(&response);
        Ok(response)
    }

    fn transport(&self, uri: &Uri) -> Result<&dyn Transport, HttpFailure> {
        let settings = &self.settings;
        if uri.scheme_str() != Some("https") {
            return Ok(&**self.plain.get_or_init(|| connect::plain(settings)));
        }
        let tls = match self.tls.get() {
            Some(tls) => tls,
            None => {
                let fresh = connect::tls(&settings.roots)?;
                self.tls.get_or_init(|| fresh)
            }
        };
        match settings.proxy.as_ref().filter(|proxy| settings.connect.is_none() && proxy.covers(uri)) {
            Some(proxy) => Ok(&**self.proxied.get_or_init(|| connect::proxied(settings, tls, proxy))),
            None => Ok(&**self.direct.get_or_init(|| connect::direct(settings, tls))),
        }
    }
}

impl std::fmt::Debug for Http {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Http").field("settings", &self.settings).finish_non_exhaustive()
    }
}
