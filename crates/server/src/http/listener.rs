//! From a listening socket to requests, with a bound on everything that a peer
//! can make us wait for.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use hyper::rt::{Read, Write};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

use super::connections::{Admitted, Connections};
use super::lingering::Lingering;
use super::{Door, Site};
use crate::draining::Draining;
use crate::limits;

/// One listening socket and how its connections are served.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) door: Door,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) site: Arc<Site>,
    pub(crate) draining: Draining,
}

impl Listener {
    /// Serves until the server shuts down and requests under way have ended or
    /// used up their time.
    pub(crate) async fn run(self) {
        let mut draining = self.draining.clone();
        let connections = Connections::new(&self.site.limits, self.site.metrics.connections.clone());
        let server = Arc::new(server());
        let mut tasks = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.socket.accept() => match accepted {
                    Ok((stream, client)) => match connections.admit() {
                        Some(place) => {
                            let task = self.connection(stream, client, place, Arc::clone(&server));
                            tasks.spawn(task);
                        }
                        None => warn!(%client, "connection refused: all others wait for an answer"),
                    },
                    Err(error) => pause_after(&error).await,
                },
                Some(ended) = tasks.join_next() => note_panic(&self.site, ended),
                () = draining.begun() => break,
            }
        }
        drop(self.socket);
        let drained = async {
            while let Some(ended) = tasks.join_next().await {
                note_panic(&self.site, ended);
            }
        };
        if timeout(self.site.limits.drain, drained).await.is_err() {
            warn!(connections = tasks.len(), "connections still open at the end of the drain are closed");
        }
        tasks.shutdown().await;
    }

    /// The whole life of a connection.
    fn connection(
        &self,
        stream: TcpStream,
        client: SocketAddr,
        place: Admitted,
        server: Arc<auto::Builder<TokioExecutor>>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (tls, site, door, draining) = (self.tls.clone(), Arc::clone(&self.site), self.door, self.draining.clone());
        async move {
            let served = async {
                // Answers are small and complete: there is nothing to wait for.
                let _ = stream.set_nodelay(true);
                let peer = Peer { site: &site, door, client, place: &place };
                match tls {
                    None => peer.serve(&server, TokioIo::new(Lingering::new(stream)), draining).await,
                    Some(tls) => match timeout(site.limits.tls_handshake, tls.accept(stream)).await {
                        Ok(Ok(stream)) => peer.serve(&server, TokioIo::new(Lingering::new(stream)), draining).await,
                        Ok(Err(error)) => debug!(%client, %error, "TLS handshake failed"),
                        Err(_) => debug!(%client, "TLS handshake took too long"),
                    },
                }
            };
            tokio::select! {
                () = served => {}
                () = place.evicted() => debug!(%client, "connection closed to make room for another"),
            }
        }
    }
}

/// One connection on which HTTP is spoken.
struct Peer<'a> {
    site: &'a Arc<Site>,
    door: Door,
    client: SocketAddr,
    place: &'a Admitted,
}

impl Peer<'_> {
    async fn serve<I>(&self, server: &auto::Builder<TokioExecutor>, io: I, mut draining: Draining)
    where
        I: Read + Write + Unpin + Send + 'static,
    {
        let (door, client) = (self.door, self.client);
        let service = service_fn(|request| {
            let (site, connection) = (Arc::clone(self.site), self.place.share());
            async move { Ok::<_, Infallible>(site.respond(door, client, &connection, request).await) }
        });
        let mut serving = pin!(server.serve_connection(io, service));
        let (mut leaving, mut deadline) = (false, Instant::now() + self.site.limits.first_request);
        loop {
            tokio::select! {
                ended = serving.as_mut() => {
                    if let Err(error) = ended {
                        debug!(%client, %error, "connection ended");
                    }
                    return;
                }
                () = draining.begun(), if !leaving => {
                    leaving = true;
                    serving.as_mut().graceful_shutdown();
                }
                () = sleep_until(deadline) => match self.quiet_deadline() {
                    Some(quiet) if quiet > Instant::now() => deadline = quiet,
                    Some(_) if leaving => return,
                    Some(_) => {
                        leaving = true;
                        serving.as_mut().graceful_shutdown();
                        deadline = Instant::now() + limits::GOODBYE;
                    }
                    None => deadline = Instant::now() + self.site.limits.first_request,
                },
            }
        }
    }

    /// Until when the connection may stay without a request; `None` while one
    /// is under way, which has a bound of its own.
    fn quiet_deadline(&self) -> Option<Instant> {
        let (since, answered_before) = self.place.quiet_since()?;
        let limits = &self.site.limits;
        Some(since + if answered_before { limits.idle } else { limits.first_request })
    }
}

/// HTTP/1.1 and HTTP/2 with our bounds. Trickling heads and idle connections
/// are ended in [`Peer::serve`], for both alike.
fn server() -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(limits::HEAD_BYTES);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits::STREAMS)
        .initial_stream_window_size(limits::STREAM_WINDOW)
        .initial_connection_window_size(limits::CONNECTION_WINDOW)
        .max_header_list_size(u32::try_from(limits::HEAD_BYTES).unwrap_or(u32::MAX));
    server
}

/// A peer that left before it was accepted is its own matter; anything else,
/// such as a lack of file descriptors, may last.
async fn pause_after(error: &io::Error) {
    if !matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        warn!(%error, "a connection can't be accepted");
        tokio::time::sleep(limits::ACCEPT_PAUSE).await;
    }
}

fn note_panic(site: &Site, ended: Result<(), tokio::task::JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        site.metrics.panics.inc();
        tracing::error!("the task of a connection ended by a fault of this program");
    }
}
