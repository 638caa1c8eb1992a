//! Asking the webhook, as kube-apiserver does.

use std::net::SocketAddr;

use anyhow::Context as _;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use kube_iam_core::limits;
use kube_iam_core::secret::Token;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;

type HttpsClient =
    Client<hyper_rustls::HttpsConnector<hyper_util::client::legacy::connect::HttpConnector>, Full<Bytes>>;

/// A client of the webhook that trusts its certificate alone.
pub struct Webhook {
    client: HttpsClient,
    url: String,
}

/// What the webhook says about a token.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// Kubernetes sees this user.
    User {
        /// The username.
        username: String,
        /// The groups.
        groups: Vec<String>,
    },
    /// Turned away for this reason.
    Refused {
        /// The reason code.
        reason: String,
    },
}

#[derive(Deserialize)]
struct Review {
    status: Status,
}

#[derive(Deserialize)]
struct Status {
    authenticated: bool,
    user: Option<User>,
}

#[derive(Deserialize)]
struct User {
    username: String,
    #[serde(default)]
    groups: Vec<String>,
}

impl Webhook {
    /// A client of the webhook at an address.
    pub fn new(address: SocketAddr, certificate_pem: &[u8]) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(certificate_pem) {
            roots.add(certificate?)?;
        }
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new().with_tls_config(config).https_only().enable_http1().build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, url: format!("https://localhost:{}/authenticate", address.port()) })
    }

    /// Asks about a token.
    pub async fn review(&self, token: &Token) -> anyhow::Result<Answer> {
        let review = serde_json::json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": { "token": token.expose() },
        });
        let request = Request::post(&self.url)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::from(serde_json::to_vec(&review)?))?;
        let response = self.client.request(request).await.context("the webhook does not answer")?;
        let reason =
            response.headers().get("x-kube-iam-reason").and_then(|value| value.to_str().ok()).map(str::to_string);
        let status = response.status();
        let body = Limited::new(response.into_body(), limits::REVIEW_BYTES).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("the webhook's answer can't be read: {error}"))?.to_bytes();
        match serde_json::from_slice::<Review>(&body) {
            Ok(Review { status: Status { authenticated: true, user: Some(user) } }) if status == StatusCode::OK => {
                Ok(Answer::User { username: user.username, groups: user.groups })
            }
            _ => Ok(Answer::Refused { reason: reason.unwrap_or_else(|| format!("status {status}")) }),
        }
    }
}
