//! The HTTPS listener: from a connection to an answer, faults included.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, DATE, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::http::request::Parts;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::net::TcpStream;

use crate::calls::{Call, Outcome, Service};
use crate::faults::Fault;
use crate::hosts::{self, Place};
use crate::parameters::{Malformed, Parameters};
use crate::refusal::Refusal;
use crate::render::Format;
use crate::reply::{Reply, ReplyBody, WhenSent};
use crate::sigv4::{Claim, Received};
use crate::socket::{Ending, Socket};
use crate::standin::Shared;
use crate::sts::{self, Asked, Sts};
use crate::{cloudformation, ec2, eks, iam, limits, sso};

/// HTTP/1.1 with the stand-in's bounds.
pub(crate) fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits::REQUEST_HEAD).max_buf_size(limits::REQUEST_HEAD_BYTES);
    builder
}

fn http2() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(limits::REQUEST_HEAD)
        .max_header_list_size(limits::REQUEST_HEAD_BYTES as u32);
    builder
}

/// Serves one connection, whether it came directly or through the proxy.
pub(crate) async fn serve(shared: Arc<Shared>, stream: TcpStream) {
    let ending = Arc::new(Ending::default());
    let socket = Socket::new(stream, Arc::clone(&ending));
    let handshake = tokio::time::timeout(limits::HANDSHAKE, shared.tls.accept(socket)).await;
    let stream = match handshake {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(%error, "TLS handshake failed");
            return;
        }
        Err(_) => {
            tracing::debug!("TLS handshake took too long");
            return;
        }
    };
    let service = service_fn(|request| {
        let (shared, ending) = (Arc::clone(&shared), Arc::clone(&ending));
        async move { Ok::<_, Infallible>(respond(&shared, &ending, request).await) }
    });
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let io = TokioIo::new(stream);
    let ended = if is_http2 {
        drive(http2().serve_connection(io, service), &ending).await
    } else {
        drive(http1().serve_connection(io, service), &ending).await
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

/// Runs a connection to its end, or to the end a fault asks for.
async fn drive<C>(connection: C, ending: &Ending) -> hyper::Result<()>
where
    C: GracefulConnection<Error = hyper::Error>,
{
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => ended,
        // Dropping the connection drops the socket, which resets.
        () = ending.now.notified() => Ok(()),
        () = ending.after_reply.notified() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    }
}

/// Answers one request, or never if a fault says so.
async fn respond(shared: &Shared, ending: &Ending, request: Request<Incoming>) -> Response<ReplyBody> {
    let (head, body) = request.into_parts();
    let body = match read(body).await {
        Ok(body) => body,
        Err(status) => return response(shared, Reply::text(status, ""), None, 0, None),
    };
    let request_id = shared.request_id();
    let inputs = Inputs::read(&head, &body).ok();
    let arrival = Arrival::new(&head, &body, inputs.as_ref());
    let fault = shared.faults.next(arrival.access_key_id());
    let (reply, outcome) = match &fault {
        Some(fault) if fault.replaces_reply() => {
            let reply = arrival.staged(fault, &request_id);
            (reply, Outcome::Faulted(fault.name()))
        }
        _ => {
            let (reply, code) = arrival.answer(shared, &request_id);
            (Some(reply), code.map_or(Outcome::Accepted, Outcome::Refused))
        }
    };
    shared.record(arrival.describe(outcome));
    let Some(mut reply) = reply else {
        if matches!(fault, Some(Fault::Hang)) {
            tokio::time::sleep(limits::HANG).await;
        }
        ending.reset();
        return std::future::pending().await;
    };
    let (mut blanks, mut when_sent) = (0, None);
    match fault {
        Some(Fault::Slow(delay)) => tokio::time::sleep(delay).await,
        Some(Fault::ContentType(content_type)) => reply.content_type = content_type,
        Some(Fault::HugeBody(bytes)) => blanks = bytes.saturating_sub(reply.body.len() as u64),
        Some(Fault::CloseAfterReply) => when_sent = Some(WhenSent(Arc::clone(&ending.after_reply))),
        _ => {}
    }
    response(shared, reply, Some(&request_id), blanks, when_sent)
}

async fn read(body: Incoming) -> Result<Bytes, StatusCode> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let body = Limited::new(body, limits::REQUEST_BODY_BYTES).collect();
    match tokio::time::timeout(limits::REQUEST_BODY, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(_)) => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

/// The parameters of a request.
struct Inputs<'a> {
    query: Parameters<'a>,
    /// Of the form if one was posted, and then of the query.
    posted: Option<Parameters<'a>>,
}

impl<'a> Inputs<'a> {
    fn read(head: &'a Parts, body: &'a [u8]) -> Result<Self, Malformed> {
        let query = head.uri.query().unwrap_or_default();
        let form = head.headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(FORM.as_bytes()));
        let posted = if form && !body.is_empty() {
            let mut posted = Parameters::parse(str::from_utf8(body).map_err(|_| Malformed)?)?;
            posted.append(Parameters::parse(query)?);
            Some(posted)
        } else {
            None
        };
        Ok(Self { query: Parameters::parse(query)?, posted })
    }

    fn all(&self) -> &Parameters<'a> {
        self.posted.as_ref().unwrap_or(&self.query)
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

/// A request as it arrived, read as far as it can be without judging it.
struct Arrival<'a> {
    head: &'a Parts,
    host: &'a str,
    body: &'a [u8],
    place: Place<'a>,
    /// None if malformed.
    inputs: Option<&'a Inputs<'a>>,
    claim: Result<Option<Claim<'a>>, Refusal>,
}

impl<'a> Arrival<'a> {
    fn new(head: &'a Parts, body: &'a [u8], inputs: Option<&'a Inputs<'a>>) -> Self {
        let host = host(&head.headers, &head.uri);
        let place = match hosts::place(host) {
            Place::Loopback if head.uri.path() == sso::ROLE_CREDENTIALS => Place::SsoPortal,
            Place::Loopback if head.uri.path().starts_with(eks::CLUSTERS) => Place::Eks { region: None },
            // The services of the query protocol differ in the version of their API.
            Place::Loopback => match inputs.and_then(|inputs| inputs.all().first("Version")) {
                Some(ec2::VERSION) => Place::Ec2 { region: None },
                Some(iam::VERSION) => Place::Iam { region: None },
                Some(cloudformation::VERSION) => Place::CloudFormation { region: None },
                _ => Place::Loopback,
            },
            place => place,
        };
        Self {
            head,
            host,
            body,
            place,
            inputs,
            claim: inputs.map_or(Ok(None), |inputs| Claim::read(&inputs.query, &head.headers)),
        }
    }

    fn access_key_id(&self) -> Option<&str> {
        let claim = self.claim.as_ref().ok()?.as_ref()?;
        Some(claim.scope.access_key_id)
    }

    fn describe(&self, outcome: Outcome) -> Described<'_> {
        let action = self.inputs.and_then(|inputs| inputs.all().first("Action"));
        let (service, action) = match self.place {
            Place::Sts { .. } | Place::Loopback => (Service::Sts, action.unwrap_or_default()),
            Place::Eks { .. } => (Service::Eks, eks::action(&self.head.method, self.head.uri.path())),
            Place::Ec2 { .. } => (Service::Ec2, action.unwrap_or_default()),
            Place::Iam { .. } => (Service::Iam, action.unwrap_or_default()),
            Place::CloudFormation { .. } => (Service::CloudFormation, action.unwrap_or_default()),
            Place::SsoPortal => (Service::SsoPortal, "GetRoleCredentials"),
            Place::Other => (Service::Other, action.unwrap_or_default()),
        };
        Described {
            service,
            action,
            access_key_id: self.access_key_id(),
            host: self.host,
            method: &self.head.method,
            headers: &self.head.headers,
            outcome,
        }
    }

    /// The true answer, with the error code if it is a refusal.
    fn answer(&self, shared: &Shared, request_id: &str) -> (Reply, Option<&'static str>) {
        let Some(inputs) = self.inputs else {
            let refusal = Refusal::malformed_query();
            return (self.refused(&refusal, request_id), Some(refusal.code));
        };
        let Parts { method, headers, .. } = self.head;
        let path = self.head.uri.path();
        let received = Received { method, path, query: &inputs.query, headers, host: self.host, body: self.body };
        let query_api = path == "/" && matches!(*method, Method::GET | Method::POST);
        let region = match self.place {
            Place::SsoPortal => return sso::answer(shared, method, path, &inputs.query, headers),
            Place::Eks { region } => return eks::answer(shared, &received, &self.claim, region),
            Place::Sts { region } if query_api => Some(region),
            Place::Ec2 { region } | Place::CloudFormation { region } | Place::Iam { region } if query_api => region,
            Place::Loopback if query_api => None,
            _ => return unknown_operation(),
        };
        let asked = Asked { received, form: inputs.all(), claim: &self.claim, region };
        match self.place {
            Place::Ec2 { .. } => return ec2::answer(shared, &asked, request_id),
            Place::CloudFormation { .. } => return cloudformation::answer(shared, &asked, request_id),
            Place::Iam { .. } => return iam::answer(shared, &asked, request_id),
            _ => {}
        }
        let sts = Sts {
            keys: &shared.keys,
            roles: &shared.roles,
            web_identities: &shared.web_identities,
            now: shared.clock.now(),
        };
        sts.answer(&asked, Format::accepted(headers), request_id)
    }

    /// A refusal as the service asked would write it.
    fn refused(&self, refusal: &Refusal, request_id: &str) -> Reply {
        match self.place {
            Place::Eks { .. } => eks::reply(refusal),
            Place::Ec2 { .. } => ec2::reply(refusal, request_id),
            Place::Iam { .. } => Format::Xml.refusal(iam::NAMESPACE, refusal, request_id),
            Place::CloudFormation { .. } => Format::Xml.refusal(cloudformation::NAMESPACE, refusal, request_id),
            _ => Format::accepted(&self.head.headers).refusal(sts::NAMESPACE, refusal, request_id),
        }
    }

    /// A fault's own reply; none if it gives none.
    fn staged(&self, fault: &Fault, request_id: &str) -> Option<Reply> {
        match fault {
            Fault::Throttling => Some(self.refused(&Refusal::throttled(), request_id)),
            Fault::Status(code) => Some(self.refused(&Refusal::failure(status(*code)), request_id)),
            Fault::Redirect { status: code, location } => {
                Some(Reply::text(status(*code), "").with_header("location", location.as_str()))
            }
            Fault::Body { status: code, content_type, bytes } => {
                Some(Reply::new(status(*code), content_type.as_str(), bytes.clone()))
            }
            _ => None,
        }
    }
}

/// What an AWS service says of a path or host it does not serve.
fn unknown_operation() -> (Reply, Option<&'static str>) {
    let reply = Reply::new(StatusCode::NOT_FOUND, "application/xml", "<UnknownOperationException/>\n");
    (reply, Some("UnknownOperationException"))
}

/// A status a test asked for; 500 if there is no such status.
fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The host a request names: HTTP/1.1's header, or HTTP/2's authority.
pub(crate) fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> &'a str {
    headers
        .get(HOST)
        .and_then(|value| value.to_str().ok())
        .or_else(|| uri.authority().map(hyper::http::uri::Authority::as_str))
        .unwrap_or_default()
}

/// A request as it is remembered.
pub(crate) struct Described<'a> {
    pub(crate) service: Service,
    pub(crate) action: &'a str,
    pub(crate) access_key_id: Option<&'a str>,
    pub(crate) host: &'a str,
    pub(crate) method: &'a Method,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) outcome: Outcome,
}

impl Described<'_> {
    pub(crate) fn call(self, number: u64) -> Call {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Call {
            number,
            service: self.service,
            action: self.action.to_owned(),
            access_key_id: self.access_key_id.map(str::to_owned),
            host: self.host.to_owned(),
            method: self.method.to_string(),
            outcome: self.outcome,
            user_agent: self.headers.get(USER_AGENT).map(text),
            header_names: self.headers.keys().map(HeaderName::to_string).collect(),
        }
    }
}

/// Completes a reply: date, request id and the body that carries it.
pub(crate) fn response(
    shared: &Shared,
    reply: Reply,
    request_id: Option<&str>,
    blanks: u64,
    when_sent: Option<WhenSent>,
) -> Response<ReplyBody> {
    let Reply { status, content_type, headers, body } = reply;
    let mut response = Response::new(ReplyBody::new(body, blanks, when_sent));
    *response.status_mut() = status;
    let out = response.headers_mut();
    if let Ok(value) = HeaderValue::try_from(content_type) {
        out.insert(CONTENT_TYPE, value);
    }
    if let Some(value) = request_id.and_then(|id| HeaderValue::from_str(id).ok()) {
        out.insert(HeaderName::from_static("x-amzn-requestid"), value);
    }
    if let Some(value) = shared.date() {
        out.insert(DATE, value);
    }
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            out.insert(HeaderName::from_static(name), value);
        }
    }
    response
}
