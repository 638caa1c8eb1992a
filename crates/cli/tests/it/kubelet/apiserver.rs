//! Reviews as kube-apiserver sends them: many at once, over few connections of HTTP/2.

use std::sync::Arc;

use http::{Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;

use crate::webhook::{Answer, Home, Webhook};

/// How many connections: a webhook allows 100 reviews on each.
const CONNECTIONS: usize = 4;

/// Connections to a webhook.
pub(super) struct Apiserver {
    clients: Vec<Client<HttpsConnector<HttpConnector>, Full<Bytes>>>,
    authenticate: Uri,
}

impl Apiserver {
    /// Connections are made when they are needed; nothing but the webhook's own certificate is trusted.
    pub(super) fn of(home: &Home, webhook: &Webhook) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(home.path("cert.pem")).unwrap()).unwrap();
        let mut tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let client = || {
            let mut tcp = HttpConnector::new();
            tcp.enforce_http(false);
            Client::builder(TokioExecutor::new()).http2_only(true).build(HttpsConnector::from((tcp, tls.clone())))
        };
        let authenticate = format!("https://localhost:{}/authenticate", webhook.port()).parse().unwrap();
        Self { clients: std::iter::repeat_with(client).take(CONNECTIONS).collect(), authenticate }
    }

    /// Asks about a token, by the connection whose turn it is with this number.
    pub(super) fn review(&self, number: usize, token: &str) -> impl Future<Output = Answer> + use<> {
        let client = self.clients[number % CONNECTIONS].clone();
        let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}});
        let request = Request::post(self.authenticate.clone()).header("content-type", "application/json");
        let request = request.body(Full::new(Bytes::from(review.to_string()))).unwrap();
        async move {
            let (head, body) = client.request(request).await.unwrap().into_parts();
            let reason = head.headers.get("x-kube-iam-reason").map(|reason| reason.to_str().unwrap().to_owned());
            let body = body.collect().await.unwrap().to_bytes();
            Answer { status: head.status.as_u16(), reason, body: String::from_utf8(body.to_vec()).unwrap() }
        }
    }
}
