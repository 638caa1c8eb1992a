//! Scripted conversations with an API server, on a clock that stands still until
//! everybody waits. Each ends by watching that nothing more is asked.

mod bounds;
mod outages;

use std::io;
use std::time::Duration;

use futures::channel::mpsc;
use http::{Request, Response, StatusCode};
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};
use tower_test::mock::{self, Handle, SendResponse};

use super::*;
use crate::limits;

type Chunk = Result<Frame<Bytes>, io::Error>;
type Reply = Response<StreamBody<mpsc::UnboundedReceiver<Chunk>>>;

/// An API server, and a source that follows aws-auth on it.
struct Conversation {
    requests: Handle<Request<Body>, Reply>,
    observations: tokio::sync::mpsc::UnboundedReceiver<Observation>,
}

/// A request that waits for its answer.
struct Asked {
    query: String,
    reply: SendResponse<Reply>,
    at: Instant,
}

/// The body of an answer, as far as it is sent.
struct Stream(mpsc::UnboundedSender<Chunk>);

fn api_server() -> (Client, Handle<Request<Body>, Reply>) {
    let (service, handle) = mock::pair();
    (Client::new(service, "default"), handle)
}

impl Conversation {
    fn start() -> Self {
        let (client, requests) = api_server();
        let (sender, observations) = tokio::sync::mpsc::unbounded_channel();
        let mut source = AwsAuthSource::new(client);
        tokio::spawn(async move { while sender.send(source.observe().await).is_ok() {} });
        Self { requests, observations }
    }

    /// The next request; it must be about nothing but aws-auth.
    async fn asked(&mut self) -> Asked {
        let request = timeout(Duration::from_secs(3600), self.requests.next_request()).await;
        let (request, reply) = request.expect("something is asked within an hour").unwrap();
        assert_eq!(request.method(), "GET");
        assert_eq!(request.uri().path(), "/api/v1/namespaces/kube-system/configmaps");
        let query = request.uri().query().unwrap().trim_start_matches('&').to_owned();
        assert!(query.contains("fieldSelector=metadata.name%3Daws-auth"), "{query}");
        Asked { query, reply, at: Instant::now() }
    }

    async fn asked_for_list(&mut self) -> Asked {
        let asked = self.asked().await;
        assert_eq!(asked.query, "fieldSelector=metadata.name%3Daws-auth");
        asked
    }

    async fn asked_for_watch(&mut self, since: &str) -> Asked {
        let asked = self.asked().await;
        let query = &asked.query;
        for parameter in ["watch=true", "allowWatchBookmarks=true", &format!("resourceVersion={since}")] {
            assert!(query.split('&').any(|one| one == parameter), "{query}");
        }
        let seconds = query.split('&').find_map(|one| one.strip_prefix("timeoutSeconds=")).unwrap();
        assert!((270..300).contains(&seconds.parse().unwrap()), "{query}");
        asked
    }

    /// Answers a list and a watch, both from version 10 on.
    async fn round(&mut self, items: &[Value]) -> Stream {
        self.asked_for_list().await.answer(&list("10", items));
        self.asked_for_watch("10").await.open()
    }

    async fn observed(&mut self) -> Observation {
        let observation = timeout(Duration::from_secs(3600), self.observations.recv()).await;
        observation.expect("something is observed within an hour").unwrap()
    }

    /// Nothing more is asked and nothing more observed for a while.
    async fn ends(mut self, quiet: Duration) {
        let request = timeout(quiet, self.requests.next_request()).await;
        assert!(request.is_err(), "one request too many: {:?}", request.unwrap().map(|(request, _)| request));
        assert_eq!(self.observations.try_recv().ok(), None);
    }
}

impl Asked {
    fn open(self) -> Stream {
        self.open_with(StatusCode::OK)
    }

    fn open_with(self, status: StatusCode) -> Stream {
        let (sender, receiver) = mpsc::unbounded();
        self.reply.send_response(Response::builder().status(status).body(StreamBody::new(receiver)).unwrap());
        Stream(sender)
    }

    fn answer(self, body: &Value) {
        self.open().send(&body.to_string());
    }

    fn refuse(self, status: StatusCode, message: &str) {
        self.open_with(status).send(&refusal(status, message).to_string());
    }

    fn break_off(self, kind: io::ErrorKind) {
        self.reply.send_error(io::Error::from(kind));
    }
}

impl Stream {
    fn send(&self, text: &str) {
        self.0.unbounded_send(Ok(Frame::data(Bytes::from(text.to_owned())))).unwrap();
    }

    fn event(&self, kind: &str, object: &Value) {
        self.send(&line(kind, object));
    }
}

fn line(kind: &str, object: &Value) -> String {
    format!("{}\n", json!({ "type": kind, "object": object }))
}

fn refusal(status: StatusCode, message: &str) -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status.as_u16(), "message": message })
}

fn aws_auth(version: &str, data: &Value) -> Value {
    json!({
        "kind": "ConfigMap", "apiVersion": "v1", "data": data,
        "metadata": { "name": "aws-auth", "namespace": "kube-system", "resourceVersion": version },
    })
}

fn list(version: &str, items: &[Value]) -> Value {
    json!({
        "kind": "ConfigMapList", "apiVersion": "v1", "items": items,
        "metadata": { "resourceVersion": version },
    })
}

fn bookmark(version: &str) -> Value {
    json!({ "kind": "ConfigMap", "apiVersion": "v1", "metadata": { "resourceVersion": version } })
}

fn users(text: &str) -> Value {
    json!({ "mapUsers": text })
}

fn shows(version: &str, data: &[(&str, &str)]) -> Observation {
    Observation::Present {
        data: data.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect(),
        resource_version: version.to_owned(),
    }
}

fn unreachable(text: &str) -> Observation {
    Observation::Unreachable(text.to_owned())
}

#[tokio::test(start_paused = true)]
async fn each_change_is_observed() {
    let mut conversation = Conversation::start();
    let watch = conversation.round(&[aws_auth("5", &users("a"))]).await;
    assert_eq!(conversation.observed().await, shows("5", &[("mapUsers", "a")]));

    let written = Instant::now();
    watch.event("MODIFIED", &aws_auth("11", &users("b")));
    assert_eq!(conversation.observed().await, shows("11", &[("mapUsers", "b")]));
    watch.event("DELETED", &aws_auth("12", &users("b")));
    assert_eq!(conversation.observed().await, Observation::Absent);
    watch.event("ADDED", &aws_auth("13", &users("c")));
    assert_eq!(conversation.observed().await, shows("13", &[("mapUsers", "c")]));
    assert_eq!(written.elapsed(), Duration::ZERO);
    conversation.ends(limits::SILENCE / 2).await;
}

#[tokio::test(start_paused = true)]
async fn an_absent_aws_auth_is_waited_for() {
    let mut conversation = Conversation::start();
    let watch = conversation.round(&[]).await;
    assert_eq!(conversation.observed().await, Observation::Absent);
    watch.event("ADDED", &aws_auth("11", &users("a")));
    assert_eq!(conversation.observed().await, shows("11", &[("mapUsers", "a")]));
    conversation.ends(limits::SILENCE / 2).await;
}

#[tokio::test(start_paused = true)]
async fn only_text_of_aws_auth_counts() {
    let mut conversation = Conversation::start();
    let mut other = aws_auth("4", &users("other"));
    other["metadata"]["name"] = "aws-auth-2".into();
    let mut binary = aws_auth("5", &Value::Null);
    binary["binaryData"] = json!({ "mapUsers": "AAEC" });
    let watch = conversation.round(&[other.clone(), binary]).await;
    assert_eq!(conversation.observed().await, shows("5", &[]));

    for kind in ["ADDED", "MODIFIED", "DELETED"] {
        watch.event(kind, &other);
    }
    watch.event("BOOKMARK", &bookmark("12"));
    watch.event("MODIFIED", &aws_auth("13", &json!({})));
    assert_eq!(conversation.observed().await, shows("13", &[]));
    conversation.ends(limits::SILENCE / 2).await;
}

#[tokio::test(start_paused = true)]
async fn events_arrive_in_pieces_of_any_size() {
    let mut conversation = Conversation::start();
    let watch = conversation.round(&[]).await;
    assert_eq!(conversation.observed().await, Observation::Absent);
    let text = ["11", "12", "13"].map(|version| line("MODIFIED", &aws_auth(version, &users(version)))).concat();
    for size in [1, 100, text.len()] {
        for piece in text.as_bytes().chunks(size) {
            watch.send(std::str::from_utf8(piece).unwrap());
        }
        for version in ["11", "12", "13"] {
            assert_eq!(conversation.observed().await, shows(version, &[("mapUsers", version)]));
        }
    }
    conversation.ends(limits::SILENCE / 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_too_old_leads_to_a_list() {
    let mut conversation = Conversation::start();
    let watch = conversation.round(&[aws_auth("5", &users("a"))]).await;
    assert_eq!(conversation.observed().await, shows("5", &[("mapUsers", "a")]));

    // Said within a watch: a deletion that it has missed is seen by the list.
    watch.event("ERROR", &refusal(StatusCode::GONE, "too old resource version"));
    conversation.asked_for_list().await.answer(&list("20", &[]));
    assert_eq!(conversation.observed().await, Observation::Absent);
    // Said instead of a watch.
    conversation.asked_for_watch("20").await.refuse(StatusCode::GONE, "too old resource version");
    let _watch = conversation.round(&[aws_auth("30", &users("b"))]).await;
    assert_eq!(conversation.observed().await, shows("30", &[("mapUsers", "b")]));
    conversation.ends(limits::SILENCE / 2).await;
}

#[tokio::test(start_paused = true)]
async fn who_stops_waiting_loses_nothing() {
    let (client, mut requests) = api_server();
    let mut source = AwsAuthSource::new(client);
    // The request is under way when the first wait is given up.
    assert!(timeout(Duration::from_secs(1), source.observe()).await.is_err());
    let (_, reply) = requests.next_request().await.unwrap();
    Asked { query: String::new(), reply, at: Instant::now() }.answer(&list("10", &[]));
    assert_eq!(source.observe().await, Observation::Absent);
}

#[tokio::test(start_paused = true)]
async fn one_look_is_one_request() {
    for (status, body, expected) in [
        (200, list("10", &[aws_auth("5", &users("a"))]), Ok(shows("5", &[("mapUsers", "a")]))),
        (200, list("10", &[]), Ok(Observation::Absent)),
        (403, refusal(StatusCode::FORBIDDEN, "no"), Err(ReadError::Refused { status: 403, message: "no".to_owned() })),
    ] {
        let (client, mut requests) = api_server();
        let (answer, ()) = tokio::join!(observe_once(&client), async {
            let (_, reply) = requests.next_request().await.unwrap();
            let asked = Asked { query: String::new(), reply, at: Instant::now() };
            asked.open_with(StatusCode::from_u16(status).unwrap()).send(&body.to_string());
        });
        assert_eq!(answer, expected);
        assert!(timeout(Duration::from_secs(60), requests.next_request()).await.is_err());
    }
}
