//! Requests signed in a header, for services whose SDK would cost minutes of building.

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderValue, Request};
use http_body_util::Full;
use hyper::body::Bytes;
use jiff::Timestamp;

use crate::credentials::{Credentials, system_time};
use crate::endpoint::Target;
use crate::http::USER_AGENT_VALUE;
use crate::query::Form;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What is sent.
#[derive(Debug)]
pub(crate) enum Input {
    /// A GET of this path and query, without a slash in front and with everything encoded that needs it. The answer is JSON.
    Get(String),
    /// A POST of this form. The answer is XML.
    Post(Form),
}

/// A request to a service, by its name in signatures.
///
/// # Errors
///
/// When a credential holds characters that no request can carry.
pub(crate) fn request(
    credentials: &Credentials,
    target: &Target,
    service: &str,
    input: &Input,
    at: Timestamp,
) -> Result<Request<Full<Bytes>>, BoxError> {
    let (method, path, body, (header, value)) = match input {
        Input::Get(path) => ("GET", path.as_str(), "", (ACCEPT, "application/json")),
        Input::Post(form) => ("POST", "", form.as_str(), (CONTENT_TYPE, "application/x-www-form-urlencoded")),
    };
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
    let headers = [("host", target.host.as_str()), (header.as_str(), value)];
    let signable = SignableRequest::new(method, &url, headers.into_iter(), SignableBody::Bytes(body.as_bytes()))?;
    let (instructions, _) = sign(signable, &parameters)?.into_parts();
    let (added, _) = instructions.into_parts();
    let mut request = Request::builder()
        .method(method)
        .uri(&url)
        .header(HOST, &target.host)
        .header(header, HeaderValue::from_static(value))
        .header(USER_AGENT, USER_AGENT_VALUE);
    for header in added {
        let mut value = HeaderValue::from_str(header.value())?;
        value.set_sensitive(true);
        request = request.header(header.name(), value);
    }
    Ok(request.body(Full::from(body.to_owned()))?)
}
