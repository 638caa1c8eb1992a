//! Load on a webhook: kept-alive HTTPS connections, one review after another on each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use http::{Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// What a load has shown.
#[derive(Debug)]
pub struct Outcome {
    /// Reviews answered with yes.
    pub allowed: usize,
    /// All others.
    pub refused: usize,
    /// From the first request to the last answer.
    pub elapsed: Duration,
    latencies: Vec<Duration>,
}

impl Outcome {
    /// The time within which this share of the answers came, in thousandths.
    pub fn within(&self, thousandths: usize) -> Duration {
        let index = (self.latencies.len() * thousandths / 1000).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(index).copied().unwrap_or_default()
    }

    /// Answers per second.
    pub fn rate(&self) -> f64 {
        (self.allowed + self.refused) as f64 / self.elapsed.as_secs_f64()
    }
}

/// A TLS client configuration that trusts one PEM file.
///
/// # Errors
/// If the text holds no certificate.
pub fn trusting(pem: &[u8]) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate?)?;
    }
    Ok(ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// Posts every body once, over so many connections.
///
/// # Errors
/// If a connection can't be made, or breaks.
pub async fn run(
    address: SocketAddr,
    tls: ClientConfig,
    bodies: Vec<Bytes>,
    connections: usize,
) -> anyhow::Result<Outcome> {
    let (bodies, next, tls) = (Arc::new(bodies), Arc::new(AtomicUsize::new(0)), TlsConnector::from(Arc::new(tls)));
    let start = Instant::now();
    let workers: Vec<_> = (0..connections)
        .map(|_| tokio::spawn(worker(address, tls.clone(), Arc::clone(&bodies), Arc::clone(&next))))
        .collect();
    let (mut allowed, mut latencies) = (0, Vec::with_capacity(bodies.len()));
    for worker in workers {
        let (yes, times) = worker.await??;
        allowed += yes;
        latencies.extend(times);
    }
    let elapsed = start.elapsed();
    latencies.sort_unstable();
    Ok(Outcome { allowed, refused: latencies.len() - allowed, elapsed, latencies })
}

async fn worker(
    address: SocketAddr,
    tls: TlsConnector,
    bodies: Arc<Vec<Bytes>>,
    next: Arc<AtomicUsize>,
) -> anyhow::Result<(usize, Vec<Duration>)> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let stream = tls.connect(ServerName::try_from("localhost")?, socket).await.context("TLS to the webhook")?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let (mut allowed, mut latencies) = (0, Vec::new());
    while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
        let request = Request::post("/authenticate")
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body.clone()))?;
        let start = Instant::now();
        let answer = sender.send_request(request).await?.into_body().collect().await?.to_bytes();
        latencies.push(start.elapsed());
        allowed += usize::from(answer.windows(20).any(|window| window == b"\"authenticated\":true"));
    }
    Ok((allowed, latencies))
}
