//! Each fault as a client meets it.

use std::time::Duration;

use kube_iam_standin::{Fault, Outcome, Settings, StandIn, Times};

use crate::client::{Asked, Connection, Route, send, send_http2};
use crate::signer::Signer;
use crate::{USER, at_noon, key, noon};

fn token() -> Asked {
    Signer::new(&key(), noon()).token("prod")
}

async fn standin() -> StandIn {
    at_noon(Settings::default()).await.0
}

async fn open(standin: &StandIn) -> Connection {
    Route::direct(standin).open().await
}

#[tokio::test]
async fn throttling_is_stss_own_and_ends_after_its_times() {
    let standin = standin().await;
    standin.inject(Fault::Throttling, Times::Next(2));
    let told = send(&standin, &token()).await;
    assert_eq!(told.refusal(), (400, "Throttling"));
    assert_eq!(told.element("Message"), "Rate exceeded");
    let told = send(&standin, &token().json()).await;
    assert_eq!(told.json()["Error"]["Code"], "Throttling");
    assert_eq!(send(&standin, &token()).await.arn(), USER);
    let outcomes: Vec<_> = standin.calls().into_iter().map(|call| call.outcome).collect();
    let throttled = Outcome::Faulted("Throttling");
    assert_eq!(outcomes, [throttled.clone(), throttled, Outcome::Accepted]);
}

#[tokio::test]
async fn a_fault_of_one_key_leaves_others_alone() {
    let standin = standin().await;
    standin.inject_for("AKIAOTHER", Fault::Throttling, Times::UntilCleared);
    assert_eq!(send(&standin, &token()).await.arn(), USER);
    standin.inject_for(key().access_key_id, Fault::Throttling, Times::UntilCleared);
    assert_eq!(send(&standin, &token()).await.refusal(), (400, "Throttling"));
    standin.clear_faults();
    assert_eq!(send(&standin, &token()).await.arn(), USER);
}

#[tokio::test]
async fn statuses_redirects_and_bodies_are_sent_as_asked_for() {
    let standin = standin().await;
    for (status, code) in [(500, "InternalFailure"), (502, "InternalFailure"), (503, "ServiceUnavailable")] {
        standin.inject(Fault::Status(status), Times::Next(1));
        let told = send(&standin, &token()).await;
        assert_eq!(told.refusal(), (status, code));
        assert_eq!(told.element("Type"), "Receiver");
    }
    for status in [301, 302, 307, 308] {
        let location = "http://127.0.0.1:1/".to_owned();
        standin.inject(Fault::Redirect { status, location }, Times::Next(1));
        let told = send(&standin, &token()).await;
        assert_eq!((told.status.as_u16(), told.header("location")), (status, "http://127.0.0.1:1/"));
    }
    let body = Fault::Body { status: 200, content_type: "a/b".to_owned(), bytes: b"{\"a\":".to_vec() };
    standin.inject(body, Times::Next(1));
    let told = send(&standin, &token()).await;
    assert_eq!((told.status.as_u16(), told.header("content-type"), told.body.as_str()), (200, "a/b", "{\"a\":"));
}

#[tokio::test]
async fn a_huge_body_is_the_true_reply_and_blanks_of_unannounced_length() {
    let standin = standin().await;
    let bytes = 1_000_001;
    standin.inject(Fault::HugeBody(bytes), Times::UntilCleared);
    let told = send(&standin, &token().json()).await;
    assert_eq!(told.body.len() as u64, bytes);
    assert_eq!(told.header("content-length"), "");
    assert_eq!(told.json()["GetCallerIdentityResponse"]["GetCallerIdentityResult"]["Arn"], USER);
    let told = send_http2(&standin, &token()).await;
    assert_eq!(told.body.len() as u64, bytes);
}

#[tokio::test]
async fn another_content_type_does_not_change_the_reply() {
    let standin = standin().await;
    standin.inject(Fault::ContentType("text/html".to_owned()), Times::Next(1));
    let told = send(&standin, &token()).await;
    assert_eq!(told.header("content-type"), "text/html");
    assert_eq!(told.arn(), USER);
}

#[tokio::test]
async fn a_slow_reply_comes_late_and_true() {
    let standin = standin().await;
    let delay = Duration::from_millis(300);
    standin.inject(Fault::Slow(delay), Times::Next(1));
    let started = std::time::Instant::now();
    assert_eq!(send(&standin, &token()).await.arn(), USER);
    // A lower bound holds on any machine, however slow.
    assert!(started.elapsed() >= delay);
}

#[tokio::test]
async fn a_reset_ends_the_connection_without_a_reply() {
    let standin = standin().await;
    standin.inject(Fault::Reset, Times::Next(1));
    let mut connection = open(&standin).await;
    let error = connection.send(&token()).await.unwrap_err();
    assert!(is_reset(&error), "{error:?}");
    assert_eq!(send(&standin, &token()).await.arn(), USER);
    assert_eq!(standin.calls()[0].outcome, Outcome::Faulted("Reset"));
}

/// True if the kernel reported RST rather than an orderly end.
fn is_reset(error: &hyper::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<std::io::Error>() {
            return error.kind() == std::io::ErrorKind::ConnectionReset;
        }
        source = cause.source();
    }
    false
}

#[tokio::test]
async fn a_hanging_request_gets_no_reply_while_others_are_served() {
    let standin = standin().await;
    standin.inject(Fault::Hang, Times::Next(1));
    let mut connection = open(&standin).await;
    let hanging = tokio::spawn(async move { connection.send(&token()).await });
    // Once it is counted it hangs.
    while standin.call_count() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for _ in 0..20 {
        assert_eq!(send(&standin, &token()).await.arn(), USER);
    }
    assert!(!hanging.is_finished());
    assert_eq!(standin.calls()[0].outcome, Outcome::Faulted("Hang"));
    // Stopping does not wait for it.
    standin.stop().await;
    assert!(hanging.await.unwrap().is_err());
}

#[tokio::test]
async fn a_connection_closed_after_its_reply_says_so_to_nobody() {
    let standin = standin().await;
    let mut connection = open(&standin).await;
    assert_eq!(connection.send(&token()).await.unwrap().arn(), USER);
    standin.inject(Fault::CloseAfterReply, Times::Next(1));
    let told = connection.send(&token()).await.unwrap();
    assert_eq!(told.arn(), USER);
    assert_eq!(told.header("connection"), "");
    connection.ended().await.unwrap();
}
