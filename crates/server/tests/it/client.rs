//! An HTTPS client that trusts the server's own certificate and nothing else.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// An answer, read whole.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: u16,
    /// Headers.
    pub(crate) headers: HeaderMap,
    /// Body.
    pub(crate) body: String,
}

impl Answer {
    /// Whether somebody is let in.
    pub(crate) fn lets_in(&self) -> bool {
        self.status == 200 && self.body.contains(r#""authenticated":true"#)
    }

    /// Whether the answer's error holds this reason code.
    pub(crate) fn tells(&self, reason: &str) -> bool {
        self.body.contains(&format!(r#""error":"kube-iam: {reason} (request "#))
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A TLS connection that offers these protocols.
pub(crate) async fn tls(
    address: SocketAddr,
    certificate: &Path,
    protocols: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(certificate).unwrap() {
        roots.add(root.unwrap()).unwrap();
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

/// A connection on which requests can be sent.
#[derive(Clone)]
pub(crate) enum Client {
    /// One request at a time.
    Http1(Arc<tokio::sync::Mutex<http1::SendRequest<Full<Bytes>>>>),
    /// Many.
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Client {
    /// Speaks HTTP/1.1 over TLS.
    pub(crate) async fn http1(address: SocketAddr, certificate: &Path) -> Self {
        Self::try_http1(address, certificate).await.unwrap()
    }

    /// Speaks HTTP/1.1 over TLS, if the server lets it.
    pub(crate) async fn try_http1(address: SocketAddr, certificate: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        let stream = TokioIo::new(tls(address, certificate, &[b"http/1.1"]).await?);
        let (sender, connection) = http1::handshake(stream).await?;
        tokio::spawn(connection);
        Ok(Self::Http1(Arc::new(tokio::sync::Mutex::new(sender))))
    }

    /// Speaks HTTP/2 over TLS, as kube-apiserver does.
    pub(crate) async fn http2(address: SocketAddr, certificate: &Path) -> Self {
        let stream = TokioIo::new(tls(address, certificate, &[b"h2"]).await.unwrap());
        assert_eq!(stream.inner().get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(connection);
        Self::Http2(sender)
    }

    /// Speaks HTTP/1.1 without TLS.
    pub(crate) async fn plain(address: SocketAddr) -> Self {
        let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (sender, connection) = http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Self::Http1(Arc::new(tokio::sync::Mutex::new(sender)))
    }

    /// Posts a review.
    pub(crate) async fn review(&self, body: impl Into<Bytes>) -> Answer {
        self.send("POST", "/authenticate", body).await.unwrap()
    }

    /// Asks for a page.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "").await.unwrap()
    }

    /// Sends any request.
    pub(crate) async fn send(&self, method: &str, path: &str, body: impl Into<Bytes>) -> hyper::Result<Answer> {
        let request = Request::builder().method(method).header("content-type", "application/json");
        let body = Full::new(body.into());
        let response = match self {
            Self::Http1(sender) => {
                let request = request.uri(path).header("host", "localhost").body(body).unwrap();
                sender.lock().await.send_request(request).await?
            }
            Self::Http2(sender) => {
                let request = request.uri(format!("https://localhost{path}")).body(body).unwrap();
                sender.clone().send_request(request).await?
            }
        };
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        })
    }
}
