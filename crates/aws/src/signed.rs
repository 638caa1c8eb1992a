//! Requests signed in a header, for services whose SDK would cost minutes of building.

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http::header::{ACCEPT, HOST, USER_AGENT};
use http::{HeaderValue, Request};
use http_body_util::Full;
use hyper::body::Bytes;
use jiff::Timestamp;

use crate::credentials::{Credentials, system_time};
use crate::endpoint::Target;
use crate::http::USER_AGENT_VALUE;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A GET of `path`, which has neither a slash in front nor anything that needs encoding.
///
/// # Errors
///
/// When a credential holds characters that no request can carry.
pub(crate) fn get(
    credentials: &Credentials,
    target: &Target,
    service: &str,
    path: &str,
    at: Timestamp,
) -> Result<Request<Full<Bytes>>, BoxError> {
    let identity = credentials.to_sdk().into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(&target.region)
        .name(service)
        .time(system_time(at))
        .settings(SigningSettings::default())
        .build()?
        .into();
    let url = format!("{}{path}", target.url);
    let headers = [("host", target.host.as_str())];
    let signable = SignableRequest::new("GET", &url, headers.into_iter(), SignableBody::empty())?;
    let (instructions, _) = sign(signable, &parameters)?.into_parts();
    let (added, _) = instructions.into_parts();
    let mut request = Request::get(&url)
        .header(HOST, &target.host)
        .header(ACCEPT, HeaderValue::from_static("application/json"))
        .header(USER_AGENT, USER_AGENT_VALUE);
    for header in added {
        let mut value = HeaderValue::from_str(header.value())?;
        value.set_sensitive(true);
        request = request.header(header.name(), value);
    }
    Ok(request.body(Full::default())?)
}
