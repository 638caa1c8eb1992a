//! A client that sends exactly what it is told, over HTTPS, straight or by the proxy.

use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::{http1, http2};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use kube_iam_standin::StandIn;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A request, header by header.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn get(target: impl Into<String>, host: &str) -> Self {
        Self {
            method: "GET".to_owned(),
            target: target.into(),
            headers: vec![("host".to_owned(), host.to_owned())],
            body: Vec::new(),
        }
    }

    /// Sets these headers.
    pub(crate) fn with(mut self, headers: &[(&str, &str)]) -> Self {
        for (name, value) in headers {
            self.headers.retain(|(known, _)| known != name);
            self.headers.push(((*name).to_owned(), (*value).to_owned()));
        }
        self
    }

    /// Asks for JSON.
    pub(crate) fn json(self) -> Self {
        self.with(&[("accept", "application/json")])
    }

    /// Replaces a piece of text in the target, which must occur.
    pub(crate) fn replacing(mut self, from: &str, to: &str) -> Self {
        assert!(self.target.contains(from), "{} has no {from}", self.target);
        self.target = self.target.replace(from, to);
        self
    }
}

/// A reply, read to its end.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Told {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    /// The text of the first XML element of this name.
    pub(crate) fn element(&self, name: &str) -> &str {
        self.body
            .split_once(&format!("<{name}>"))
            .and_then(|(_, rest)| rest.split_once(&format!("</{name}>")))
            .unwrap_or_else(|| panic!("no {name} in {}", self.body))
            .0
    }

    /// The ARN of an XML `GetCallerIdentity` reply.
    #[track_caller]
    pub(crate) fn arn(&self) -> &str {
        assert_eq!(self.status, 200, "{}", self.body);
        self.element("Arn")
    }

    /// Status and error code of an XML reply.
    #[track_caller]
    pub(crate) fn refusal(&self) -> (u16, &str) {
        assert_ne!(self.status, 200, "{}", self.body);
        (self.status.as_u16(), self.element("Code"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Where and how to connect.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) proxy: Option<std::net::SocketAddr>,
    pub(crate) address: std::net::SocketAddr,
    pub(crate) name: String,
    pub(crate) alpn: &'static [u8],
    pub(crate) ca: String,
}

impl Route {
    pub(crate) fn direct(standin: &StandIn) -> Self {
        Self {
            proxy: None,
            address: standin.address(),
            name: "localhost".to_owned(),
            alpn: b"http/1.1",
            ca: standin.ca_pem().to_owned(),
        }
    }

    pub(crate) fn proxied(standin: &StandIn, host: &str) -> Self {
        Self { proxy: Some(standin.proxy_address()), name: host.to_owned(), ..Self::direct(standin) }
    }

    /// A TLS connection.
    pub(crate) async fn connect(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = match self.proxy {
            None => TcpStream::connect(self.address).await?,
            Some(proxy) => tunnel(proxy, &format!("{}:443", self.name)).await?,
        };
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.ca.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![self.alpn.to_vec()];
        let name = ServerName::try_from(self.name.clone()).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// An HTTP/1.1 connection that is kept alive.
    pub(crate) async fn open(&self) -> Connection {
        let stream = self.connect().await.unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let driver = tokio::spawn(connection);
        Connection { sender, driver }
    }
}

/// Asks a proxy for a tunnel.
pub(crate) async fn tunnel(proxy: std::net::SocketAddr, target: &str) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(proxy).await?;
    let head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut reply = Vec::new();
    while !reply.ends_with(b"\r\n\r\n") {
        reply.push(stream.read_u8().await?);
    }
    let reply = String::from_utf8_lossy(&reply).into_owned();
    if reply.starts_with("HTTP/1.1 200 ") {
        return Ok(stream);
    }
    let line = reply.lines().next().unwrap_or_default();
    Err(std::io::Error::other(line.to_owned()))
}

pub(crate) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: tokio::task::JoinHandle<hyper::Result<()>>,
}

impl Connection {
    pub(crate) async fn send(&mut self, asked: &Asked) -> hyper::Result<Told> {
        self.sender.ready().await?;
        let reply = self.sender.send_request(request(asked)).await?;
        read(reply).await
    }

    /// Waits until the other side has ended the connection.
    pub(crate) async fn ended(self) -> hyper::Result<()> {
        let Self { sender, driver } = self;
        let ended = driver.await.unwrap();
        drop(sender);
        ended
    }
}

fn request(asked: &Asked) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(asked.method.as_str()).uri(asked.target.as_str());
    for (name, value) in &asked.headers {
        request = request.header(name, value);
    }
    request.body(Full::from(asked.body.clone())).unwrap()
}

async fn read(reply: hyper::Response<hyper::body::Incoming>) -> hyper::Result<Told> {
    let (head, body) = reply.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(Told { status: head.status, headers: head.headers, body: String::from_utf8(body.to_vec()).unwrap() })
}

/// Sends one request over a connection of its own.
pub(crate) async fn send(standin: &StandIn, asked: &Asked) -> Told {
    let mut connection = Route::direct(standin).open().await;
    connection.send(asked).await.unwrap()
}

/// Sends one request to the metadata listener.
pub(crate) async fn send_plain(standin: &StandIn, asked: &Asked) -> Told {
    let stream = TcpStream::connect(standin.metadata_address()).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let driver = tokio::spawn(connection);
    let reply = sender.send_request(request(asked)).await.unwrap();
    let told = read(reply).await.unwrap();
    driver.abort();
    told
}

/// Sends one request by HTTP/2: the host is the authority, not a header.
pub(crate) async fn send_http2(standin: &StandIn, asked: &Asked) -> Told {
    let route = Route { alpn: b"h2", ..Route::direct(standin) };
    let stream = route.connect().await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let driver = tokio::spawn(connection);
    let mut asked = asked.clone();
    let host = asked.headers.iter().position(|(name, _)| name == "host").unwrap();
    let (_, host) = asked.headers.remove(host);
    asked.target = format!("https://{host}{}", asked.target);
    let reply = sender.send_request(request(&asked)).await.unwrap();
    let told = read(reply).await.unwrap();
    driver.abort();
    told
}
