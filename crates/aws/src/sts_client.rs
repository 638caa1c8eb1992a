//! Asks STS who signed a token.

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderName, HeaderValue, Request};
use http_body_util::Full;
use hyper::body::Bytes;
use kube_iam_core::ports::{BoxFuture, Sts, StsFailure, StsReply};
use kube_iam_core::sts::StsRequest;

use crate::environment::Environment;
use crate::http::{
    Bounds, Http, HttpFailure, HttpSettings, Proxy, ProxyError, Roots, SystemRoots, USER_AGENT_VALUE, causes,
};
use crate::limits;

/// The signed header that carries the cluster ID.
static CLUSTER_ID_HEADER: HeaderName = HeaderName::from_static("x-k8s-aws-id");

/// How STS is reached.
#[derive(Clone, Debug, Default)]
pub struct StsSettings {
    /// How connections are made.
    pub http: HttpSettings,
    /// One call in all; [`limits::STS_TIMEOUT`] if not set.
    pub timeout: Option<Duration>,
}

impl StsSettings {
    /// What the reference server does: the host's roots with `SSL_CERT_FILE` and `SSL_CERT_DIR`, the proxy of `HTTPS_PROXY` and
    /// `NO_PROXY`. `AWS_CA_BUNDLE` has no say here.
    ///
    /// # Errors
    ///
    /// When the proxy's URL can't be understood.
    pub fn from_environment(environment: &Environment) -> Result<Self, ProxyError> {
        let http = HttpSettings {
            roots: Roots::System(SystemRoots::from_environment(environment)),
            proxy: Proxy::from_environment(environment)?,
            ..HttpSettings::default()
        };
        Ok(Self { http, timeout: None })
    }
}

/// Sends the rebuilt request of a token to STS over kept-alive connections.
#[derive(Debug)]
pub struct StsClient {
    http: Http,
    bounds: Bounds,
}

impl StsClient {
    /// A client that connects as `settings` say. Nothing is read or connected yet.
    pub fn new(settings: StsSettings) -> Self {
        let time = settings.timeout.unwrap_or(limits::STS_TIMEOUT);
        let bounds = Bounds { time, body: limits::STS_REPLY_BYTES };
        Self { http: Http::new(settings.http), bounds }
    }

    async fn ask(&self, request: &StsRequest) -> Result<StsReply, StsFailure> {
        let request = build(request).ok_or_else(|| StsFailure::Connect("the request can't be written".to_owned()))?;
        let response = self.http.send(request, self.bounds).await.map_err(|failure| sts_failure(&failure))?;
        let content_type =
            response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(StsReply {
            status: response.status().as_u16(),
            content_type: content_type.to_owned(),
            body: response.body().to_vec(),
        })
    }
}

/// Exactly four headers, none of them the caller's.
fn build(request: &StsRequest) -> Option<Request<Full<Bytes>>> {
    Request::get(request.url().expose())
        .header(HOST, request.host().name())
        .header(ACCEPT, HeaderValue::from_static("application/json"))
        .header(&CLUSTER_ID_HEADER, request.cluster_id().as_str())
        .header(USER_AGENT, USER_AGENT_VALUE)
        .body(Full::default())
        .ok()
}

impl Sts for StsClient {
    fn call<'a>(&'a self, request: &'a StsRequest) -> BoxFuture<'a, Result<StsReply, StsFailure>> {
        Box::pin(self.ask(request))
    }
}

fn sts_failure(failure: &HttpFailure) -> StsFailure {
    let why = |source: &(dyn std::error::Error + Send + Sync + 'static)| causes(source);
    match failure {
        HttpFailure::Roots(error) => StsFailure::Tls(why(error)),
        HttpFailure::Tls(error) => StsFailure::Tls(why(&**error)),
        HttpFailure::Connect(error) => StsFailure::Connect(why(&**error)),
        HttpFailure::Closed(error) => StsFailure::Broken(why(&**error)),
        HttpFailure::Timeout => StsFailure::Timeout,
        HttpFailure::TooLarge => StsFailure::TooLarge,
    }
}
