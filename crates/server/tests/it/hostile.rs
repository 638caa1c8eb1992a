//! Peers that send too much, too slowly, or something else altogether. The
//! server goes on serving others.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use kube_iam_core::limits::REVIEW_BYTES;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::tls;
use crate::scripted::Act;
use crate::stage::{Stage, eventually};
use crate::tokens::{review, token};

/// Sends some bytes over TLS as HTTP/1.1 and nothing more; gives what comes back.
pub(crate) async fn trickle(stage: &Stage, bytes: &str) -> String {
    let mut stream = tls(stage.running.address(), &stage.certificate(), &[b"http/1.1"]).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // An end without goodbye is an error, and as good.
    let _ = timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await.expect("the server never let go");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn quick() -> Stage {
    Stage::with(
        |_| Act::role("Dev", "bob"),
        |settings| {
            settings.limits.tls_handshake = Duration::from_secs(1);
            settings.limits.first_request = Duration::from_secs(1);
            settings.limits.body = Duration::from_secs(1);
            settings.limits.idle = Duration::from_secs(1);
        },
    )
    .await
}

async fn assert_serves(stage: &Stage) {
    assert!(stage.http1().await.review(review(&token(1))).await.lets_in());
    assert!(stage.http2().await.review(review(&token(1))).await.lets_in());
}

#[tokio::test]
async fn slow_heads_bodies_and_handshakes_are_ended() {
    let stage = quick().await;
    assert_eq!(trickle(&stage, "POST /authenticate HTTP/1.1\r\nhost: x\r\nx-slow: ").await, "");
    assert_eq!(trickle(&stage, "").await, "");
    let answer =
        trickle(&stage, "POST /authenticate HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{\"spec\":").await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("connection: close"), "{answer}");
    let mut silent = TcpStream::connect(stage.running.address()).await.unwrap();
    let ended = timeout(Duration::from_secs(30), silent.read(&mut [0; 16])).await.unwrap();
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    assert_serves(&stage).await;
}

#[tokio::test]
async fn idle_connections_are_ended() {
    let stage = quick().await;
    for http2 in [false, true] {
        let client = if http2 { stage.http2().await } else { stage.http1().await };
        assert!(client.review(review(&token(1))).await.lets_in());
        eventually("the idle connection is closed", || async {
            tokio::time::sleep(Duration::from_millis(1500)).await;
            client.send("GET", "/healthz", "").await.is_err()
        })
        .await;
    }
    assert_serves(&stage).await;
}

#[tokio::test]
async fn a_body_of_ten_megabytes_is_not_read() {
    let stage = Stage::new().await;
    let answer = trickle(&stage, "POST /authenticate HTTP/1.1\r\nhost: x\r\ncontent-length: 10000000\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("(review_too_large)"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");

    // Nor if its length is not announced.
    let chunk = format!("{:x}\r\n{}\r\n", REVIEW_BYTES + 1, " ".repeat(REVIEW_BYTES + 1));
    let head = "POST /authenticate HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    let answer = trickle(&stage, &format!("{head}{chunk}")).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");

    let client = stage.http2().await;
    let answer = client.review(vec![b' '; 10_000_000]).await;
    assert_eq!(answer.status, 413);
    assert!(client.review(review(&token(1))).await.lets_in());
}

/// A body that is too long and has no end: it stalls, or goes on.
struct Endless {
    stalls: bool,
    sent: usize,
}

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.stalls && self.sent > REVIEW_BYTES {
            return Poll::Pending;
        }
        self.sent += 16_000;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b' '; 16_000])))))
    }
}

/// On HTTP/2 the rest is thrown away, so that its sender sees the answer; but not for ever.
#[tokio::test]
async fn a_body_that_never_ends_is_answered() {
    let stage = quick().await;
    for stalls in [true, false] {
        let stream = tls(stage.running.address(), &stage.certificate(), &[b"h2"]).await.unwrap();
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = http::Request::post("https://localhost/authenticate").body(Endless { stalls, sent: 0 }).unwrap();
        let answer = timeout(Duration::from_secs(30), sender.send_request(request)).await.expect("never answered");
        assert_eq!(answer.unwrap().status(), 413);
    }
    assert_serves(&stage).await;
}

#[tokio::test]
async fn a_review_may_be_as_long_as_the_limit() {
    let stage = Stage::new().await;
    let review = review(&token(1));
    let padded = |len: usize| format!("{}{review}", " ".repeat(len - review.len()));
    for client in [stage.http1().await, stage.http2().await] {
        assert!(client.review(padded(REVIEW_BYTES)).await.lets_in());
        assert_eq!(client.review(padded(REVIEW_BYTES + 1)).await.status, 413);
    }
}

#[tokio::test]
async fn a_body_cut_off_is_answered_by_its_end() {
    let stage = Stage::new().await;
    let mut stream = tls(stage.running.address(), &stage.certificate(), &[b"http/1.1"]).await.unwrap();
    stream.write_all(b"POST /authenticate HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{\"spec\"").await.unwrap();
    stream.shutdown().await.unwrap();
    eventually("the cut is counted", || async {
        stage.metric(r#"kube_iam_denials_total{reason="review_truncated"}"#).await == 1
    })
    .await;
    assert_serves(&stage).await;
}

#[tokio::test]
async fn what_is_no_tls_disturbs_nobody() {
    let stage = Stage::new().await;
    for bytes in [
        &b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\xff\xff\x01garbage garbage garbage",
        b"\x00\x01\x02\x03",
    ] {
        let mut stream = TcpStream::connect(stage.running.address()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        // The end of our side: what is no TLS yet could still become some.
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await.expect("never closed");
        assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");
    }
    assert_serves(&stage).await;
}

#[tokio::test]
async fn garbage_inside_tls_disturbs_nobody() {
    let stage = quick().await;
    for bytes in ["\0\0\0\0", "GET\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nxxxxxxxxxxxx", &"x".repeat(100_000)] {
        let answer = trickle(&stage, bytes).await;
        assert!(!answer.contains(" 200 "), "{answer}");
    }
    let long = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(20_000));
    let answer = trickle(&stage, &long).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    assert_serves(&stage).await;
}

#[tokio::test]
async fn a_crowd_of_slow_connections_starves_nobody() {
    let stage = Stage::with(|_| Act::role("Dev", "bob"), |settings| settings.limits.connections = 20).await;
    let useful = stage.http2().await;
    assert!(useful.review(review(&token(1))).await.lets_in());
    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.push(TcpStream::connect(stage.running.address()).await.unwrap());
    }
    eventually("the crowd is bounded", || async { stage.metric("kube_iam_connections").await <= 21 }).await;
    assert!(useful.review(review(&token(1))).await.lets_in(), "the connection that was useful was closed");
    assert_serves(&stage).await;
}

#[tokio::test]
async fn many_slow_bodies_starve_nobody() {
    let stage = Stage::with(|_| Act::role("Dev", "bob"), |settings| settings.limits.body_bytes = 1000).await;
    let mut slow = Vec::new();
    for _ in 0..10 {
        let mut stream = tls(stage.running.address(), &stage.certificate(), &[b"http/1.1"]).await.unwrap();
        stream.write_all(b"POST /authenticate HTTP/1.1\r\nhost: x\r\ncontent-length: 60000\r\n\r\n").await.unwrap();
        stream.write_all(&[b' '; 50_000]).await.unwrap();
        slow.push(stream);
    }
    assert_serves(&stage).await;
}
