//! The floor: the least that any server of this kind does. It reads a request,
//! makes one kept-alive HTTPS call upstream, and answers.
//!
//! `floor CERT KEY CA UPSTREAM` listens on a free port of 127.0.0.1 and prints it.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use kube_iam_dev::load::trusting;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

type Upstream = Client<hyper_rustls::HttpsConnector<HttpConnector>, Full<Bytes>>;

const ANSWER: &[u8] = br#"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","metadata":{},"spec":{},"status":{"authenticated":true,"user":{"username":"floor"}}}"#;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the port is what whoever starts it waits for")]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let [_, cert, key, ca, upstream] = args.as_slice() else { anyhow::bail!("usage: floor CERT KEY CA UPSTREAM") };
    let upstream: SocketAddr = upstream.parse().context("UPSTREAM is no address")?;
    let connector = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(trusting(&std::fs::read(ca)?)?)
        .https_only()
        .enable_http1()
        .build();
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let certificate = CertificateDer::pem_file_iter(cert)?.collect::<Result<Vec<_>, _>>()?;
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificate, PrivateKeyDer::from_pem_file(key)?)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let (acceptor, client) = (acceptor.clone(), client.clone());
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(socket).await else { return };
            let service = service_fn(move |request| answer(client.clone(), upstream, request));
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    client: Upstream,
    upstream: SocketAddr,
    request: Request<Incoming>,
) -> anyhow::Result<Response<Full<Bytes>>> {
    request.into_body().collect().await?;
    let call = Request::get(format!("https://localhost:{}/?Action=GetCallerIdentity", upstream.port()))
        .header("accept", "application/json")
        .body(Full::default())?;
    client.request(call).await?.into_body().collect().await?;
    Ok(Response::new(Full::from(ANSWER)))
}
