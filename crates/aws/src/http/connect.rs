//! Connections: straight, to one fixed address, or through a proxy.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use http::{Extensions, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connect, Connected, Connection, HttpConnector};
use hyper_util::client::legacy::{Client, Error, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use rustls::crypto::ring;
use tokio::net::TcpStream;
use tower_service::Service;

use super::{HttpFailure, HttpSettings, Proxy, Roots};
use crate::limits;

/// An address of this very host. What trusts a stand-in can thereby never be pointed at another machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoopbackAddress(SocketAddr);

/// The address is not one of this host's loopback addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a loopback address")]
pub struct NotLoopback(SocketAddr);

impl TryFrom<SocketAddr> for LoopbackAddress {
    type Error = NotLoopback;

    fn try_from(address: SocketAddr) -> Result<Self, NotLoopback> {
        if address.ip().is_loopback() { Ok(Self(address)) } else { Err(NotLoopback(address)) }
    }
}

/// A pool of connections, whatever they are made of.
pub(super) trait Transport: Send + Sync {
    fn request(&self, request: Request<Full<Bytes>>) -> ResponseFuture;
}

impl<C: Connect + Clone + Send + Sync + 'static> Transport for Client<C, Full<Bytes>> {
    fn request(&self, request: Request<Full<Bytes>>) -> ResponseFuture {
        Self::request(self, request)
    }
}

/// The TLS settings: rustls with ring, TLS 1.2 and 1.3, no client certificate.
pub(super) fn tls(roots: &Roots) -> Result<ClientConfig, HttpFailure> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| HttpFailure::Tls(error.into()))?
        .with_root_certificates(roots.load()?)
        .with_no_client_auth();
    Ok(config)
}

pub(super) fn plain(settings: &HttpSettings) -> Box<dyn Transport> {
    pool(settings, tcp())
}

pub(super) fn direct(settings: &HttpSettings, tls: &ClientConfig) -> Box<dyn Transport> {
    match settings.connect {
        Some(address) => over_tls(settings, tls, Fixed(address)),
        None => over_tls(settings, tls, tcp()),
    }
}

/// TLS to the destination inside the proxy's tunnel. The way to the proxy itself is TLS when its URL says `https`.
pub(super) fn proxied(settings: &HttpSettings, tls: &ClientConfig, proxy: &Proxy) -> Box<dyn Transport> {
    let to_proxy =
        HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http().enable_http1().wrap_connector(tcp());
    let destination = proxy.uri.clone();
    match &proxy.socks {
        Some(socks) => {
            let mut tunnel = SocksV5::new(destination, tcp());
            if let Some((user, password)) = socks.credentials.clone() {
                tunnel = tunnel.with_auth(user, password);
            }
            over_tls(settings, tls, tunnel)
        }
        None => {
            let mut tunnel = Tunnel::new(destination, to_proxy);
            if let Some(authorization) = proxy.authorization.clone() {
                tunnel = tunnel.with_auth(authorization);
            }
            over_tls(settings, tls, tunnel)
        }
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

fn over_tls<C>(settings: &HttpSettings, tls: &ClientConfig, connector: C) -> Box<dyn Transport>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: Read + Write + Connection + Send + Unpin + 'static,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_only().enable_http1().wrap_connector(connector);
    pool(settings, connector)
}

fn pool<C>(settings: &HttpSettings, connector: C) -> Box<dyn Transport>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: Read + Write + Connection + Send + Unpin + 'static,
    C::Future: Send + Unpin + 'static,
    C::Error: Into<BoxError>,
{
    let client = Client::builder(TokioExecutor::new())
        .pool_idle_timeout(limits::IDLE_CONNECTION)
        .pool_max_idle_per_host(settings.idle_connections)
        .pool_timer(TokioTimer::new())
        .build::<_, Full<Bytes>>(Tracking(connector));
    Box::new(client)
}

fn tcp() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(limits::CONNECT_TIMEOUT));
    connector
}

/// Connects to one address whatever the URL says.
#[derive(Clone)]
struct Fixed(LoopbackAddress);

impl Service<Uri> for Fixed {
    type Response = TokioIo<TcpStream>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let LoopbackAddress(address) = self.0;
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(TokioIo::new(stream))
        })
    }
}

/// Whether a connection has answered a request already.
#[derive(Clone, Default)]
pub(super) struct Served(Arc<AtomicBool>);

impl Served {
    /// Notes that the connection of this reply works.
    pub(super) fn mark(response: &Response<Incoming>) {
        if let Some(Self(served)) = response.extensions().get() {
            served.store(true, Ordering::Relaxed);
        }
    }

    /// True if the failed request was sent on a connection that had worked before.
    pub(super) fn before(error: &Error) -> bool {
        let mut extensions = Extensions::new();
        if let Some(connected) = error.connect_info() {
            connected.get_extras(&mut extensions);
        }
        extensions.get().is_some_and(|Self(served)| served.load(Ordering::Relaxed))
    }
}

/// Gives each connection its [`Served`] mark.
#[derive(Clone)]
struct Tracking<C>(C);

impl<C> Service<Uri> for Tracking<C>
where
    C: Service<Uri>,
    C::Future: Send + Unpin + 'static,
{
    type Response = Tracked<C::Response>;
    type Error = C::Error;
    type Future = TrackingFuture<C::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        TrackingFuture(self.0.call(uri))
    }
}

struct TrackingFuture<F>(F);

impl<F, S, E> Future for TrackingFuture<F>
where
    F: Future<Output = Result<S, E>> + Unpin,
{
    type Output = Result<Tracked<S>, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map_ok(|stream| Tracked { stream, served: Served::default() })
    }
}

struct Tracked<S> {
    stream: S,
    served: Served,
}

impl<S: Connection> Connection for Tracked<S> {
    fn connected(&self) -> Connected {
        self.stream.connected().extra(self.served.clone())
    }
}

impl<S: Read + Unpin> Read for Tracked<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: Write + Unpin> Write for Tracked<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }
}
