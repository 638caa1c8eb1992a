//! Our HTTP client in the form the AWS SDK takes.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::Full;
use hyper::body::Bytes;

use super::{Bounds, Http, HttpFailure};
use crate::limits;

/// Lets the SDK's clients use [`Http`].
#[derive(Clone, Debug)]
pub(crate) struct SdkHttp(pub(crate) Arc<Http>);

impl HttpClient for SdkHttp {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        let asked = match (settings.connect_timeout(), settings.read_timeout()) {
            (None, None) => limits::SDK_CALL_TIMEOUT,
            (connect, read) => connect.unwrap_or_default() + read.unwrap_or_default(),
        };
        SharedHttpConnector::new(SdkConnector { http: Arc::clone(&self.0), time: asked.min(limits::SDK_CALL_TIMEOUT) })
    }
}

#[derive(Debug)]
struct SdkConnector {
    http: Arc<Http>,
    time: Duration,
}

impl HttpConnector for SdkConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let http = Arc::clone(&self.http);
        let bounds = Bounds { time: self.time, body: limits::SDK_REPLY_BYTES };
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let (head, body) = request.into_parts();
            let body = body.bytes().map(Bytes::copy_from_slice).unwrap_or_default();
            let request = http::Request::from_parts(head, Full::new(body));
            let response = http.send(request, bounds).await.map_err(connector_error)?;
            HttpResponse::try_from(response.map(SdkBody::from))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

fn connector_error(failure: HttpFailure) -> ConnectorError {
    match failure {
        HttpFailure::Timeout => ConnectorError::timeout(failure.into()),
        HttpFailure::Connect(_) | HttpFailure::Closed(_) => ConnectorError::io(failure.into()),
        HttpFailure::Roots(_) | HttpFailure::Tls(_) => ConnectorError::user(failure.into()),
        HttpFailure::TooLarge => ConnectorError::other(failure.into(), None),
    }
}
