//! The few requests that this crate itself makes to kube-apiserver.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::limits;

/// A client of one API server, as administrator. One connection per request and no
/// more of HTTP than kube-apiserver needs; whoever wants more uses a kubeconfig.
pub(crate) struct Api {
    address: SocketAddr,
    tls: TlsConnector,
    token: String,
}

/// An answer of kube-apiserver.
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Header fields and body as they came, for error messages.
    pub(crate) text: String,
}

impl Api {
    pub(crate) fn new(port: u16, ca_pem: &str, token: &str) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_slice(ca_pem.as_bytes()).map_err(io::Error::other)?;
        roots.add(ca).map_err(io::Error::other)?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            address: (Ipv4Addr::LOCALHOST, port).into(),
            tls: TlsConnector::from(Arc::new(config)),
            token: token.to_owned(),
        })
    }

    pub(crate) async fn get(&self, path: &str) -> io::Result<Reply> {
        self.send("GET", path, "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> io::Result<Reply> {
        self.send("POST", path, &body.to_string()).await
    }

    async fn send(&self, method: &str, path: &str, body: &str) -> io::Result<Reply> {
        timeout(limits::REQUEST, self.exchange(method, path, body)).await?
    }

    async fn exchange(&self, method: &str, path: &str, body: &str) -> io::Result<Reply> {
        let tcp = TcpStream::connect(self.address).await?;
        let mut stream = self.tls.connect(ServerName::from(self.address.ip()), tcp).await?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.address,
            self.token,
            body.len(),
        );
        stream.write_all(request.as_bytes()).await?;
        let mut bytes = Vec::new();
        stream.take(limits::REPLY_BYTES).read_to_end(&mut bytes).await?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other("the reply has no status line"))?;
        Ok(Reply { status, text })
    }
}
