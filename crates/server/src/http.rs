//! HTTP: which path gives which answer, on the webhook's listener and on that
//! of health.

mod body;
mod connections;
mod lingering;
mod listener;

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use ::http::header::{ALLOW, CONNECTION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use ::http::request::Parts;
use ::http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use kube_iam_core::decision::{ContentType, Decision};
use kube_iam_core::reason::Reason;
use tokio::time::Instant;

use crate::health::Health;
use crate::http::connections::Connection;
use crate::limits::Limits;
use crate::login::{Call, Login, RequestIds};
use crate::metrics::{self, Metrics};

pub(crate) use listener::Listener;

type Answer = Response<Full<Bytes>>;

/// Which of the two listeners a request came in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// TLS: reviews, and what kops probes.
    Webhook,
    /// Plain HTTP: health and metrics.
    Health,
}

/// What requests are answered from.
pub(crate) struct Site {
    pub(crate) login: Login,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) health: Arc<Health>,
    pub(crate) limits: Limits,
    pub(crate) request_ids: RequestIds,
}

impl Site {
    /// Answers one request. Over HTTP/2 nobody else takes the body away from the
    /// answer to a HEAD, nor reads what is left of the request's: an answer before
    /// its end is followed by a reset of the stream (RFC 9113, section 8.1), at which
    /// curl and others throw the answer away.
    async fn respond(
        &self,
        door: Door,
        client: SocketAddr,
        connection: &Connection,
        request: Request<Incoming>,
    ) -> Answer {
        let (head, mut body) = request.into_parts();
        let deadline = Instant::now() + self.limits.body;
        let answer = self.page(door, client, connection, &head, &mut body).await;
        if head.version >= Version::HTTP_2 {
            body::discard(&mut body, deadline).await;
        }
        if head.method == Method::HEAD { answer.map(|_| Full::default()) } else { answer }
    }

    async fn page(
        &self,
        door: Door,
        client: SocketAddr,
        connection: &Connection,
        head: &Parts,
        body: &mut Incoming,
    ) -> Answer {
        match (door, head.uri.path()) {
            (Door::Webhook, "/authenticate") => {
                let call = Call { id: self.request_ids.next(), client, arrived: Instant::now() };
                let answered = survive(self.authenticate(call, connection, head, body)).await;
                let decision = answered.unwrap_or_else(|| {
                    self.metrics.panics.inc();
                    self.login.refuse(Reason::Internal, call)
                });
                answer_of(decision, head.version)
            }
            (Door::Webhook | Door::Health, "/healthz") | (Door::Health, "/livez") => text(StatusCode::OK, "ok"),
            (Door::Webhook | Door::Health, "/metrics") => {
                let mut answer = text(StatusCode::OK, self.metrics.encode());
                answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(metrics::CONTENT_TYPE));
                answer
            }
            (Door::Health, "/readyz") => {
                let (ready, body) = self.health.readiness();
                let mut answer = text(if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, body);
                answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                answer
            }
            _ => text(StatusCode::NOT_FOUND, "404 page not found\n"),
        }
    }

    async fn authenticate(&self, call: Call, connection: &Connection, head: &Parts, body: &mut Incoming) -> Decision {
        if head.method != Method::POST {
            return self.login.refuse(Reason::ReviewMethod, call);
        }
        let mut visit = connection.begin();
        match body::read(body, call.arrived + self.limits.body, &mut visit).await {
            Ok(body) => {
                visit.body_has_arrived();
                self.login.answer(body, call).await
            }
            Err(reason) => self.login.refuse(reason, call),
        }
    }
}

/// Runs a future to its end; `None` if it panics on the way.
async fn survive<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        // Nothing of the future is looked at again after a panic.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Some(value)),
            Err(_) => Poll::Ready(None),
        }
    })
    .await
}

/// Tells the reason code to whoever asks the webhook itself; kube-apiserver
/// ignores it, so that its callers learn nothing.
const REASON: HeaderName = HeaderName::from_static("x-kube-iam-reason");

fn answer_of(decision: Decision, version: Version) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(decision.body)));
    *answer.status_mut() = StatusCode::from_u16(decision.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(decision.content_type.as_str()));
    if decision.content_type == ContentType::Text {
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    }
    if let Some(reason) = decision.reason {
        headers.insert(REASON, HeaderValue::from_static(reason.as_str()));
    }
    match decision.reason {
        Some(Reason::ReviewMethod) => drop(headers.insert(ALLOW, HeaderValue::from_static("POST"))),
        // The rest of the body is not read. HTTP/2 ends the stream alone.
        Some(Reason::ReviewTooLarge | Reason::ReviewTimeout) if version < Version::HTTP_2 => {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        _ => {}
    }
    answer
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_ends_its_own_future_only() {
        assert_eq!(survive(async { 5 }).await, Some(5));
        assert_eq!(survive(async { panic!("on purpose") }).await, None::<u8>);
    }
}
