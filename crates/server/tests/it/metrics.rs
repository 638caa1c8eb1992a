//! Metrics count, and nobody outside can make them grow.

use crate::scripted::{Act, Asked};
use crate::stage::{Stage, quiet};
use crate::tokens::{review, token, url, wrap};

async fn series(stage: &Stage) -> usize {
    let page = stage.health().await.get("/metrics").await.body;
    page.lines().filter(|line| !line.starts_with('#')).count()
}

/// Tokens that differ in whatever a caller can choose.
fn junk(n: usize) -> String {
    let url = url(n as u64);
    match n % 8 {
        0 => wrap(&url.replace("us-east-1.amazonaws", &format!("region-{n}.amazonaws"))),
        1 => wrap(&url.replace("sts.us-east-1", &format!("{}.us-east-1", "a".repeat(n)))),
        2 => wrap(&url.replace("ASIAIOSFODNN7EXAMPLE", &format!("ASIA{n:016}"))),
        3 => wrap(&format!("{url}&Param{n}=x")),
        4 => wrap(&url.replace("Expires=60", &format!("Expires={n}"))),
        5 => format!("k8s-aws-v1.{n}"),
        6 => format!("token {n}"),
        _ => token(n as u64),
    }
}

#[tokio::test]
async fn no_token_adds_a_series() {
    let _quiet = quiet();
    let stage = Stage::with(
        |asked: &Asked| match asked.signature % 3 {
            0 => Act::refuse(403, "SignatureDoesNotMatch"),
            1 => Act::Reply(418 + (asked.signature % 60) as u16, "text/html", "<teapot>".to_owned()),
            _ => Act::role("Dev", "bob"),
        },
        |_| {},
    )
    .await;
    let client = stage.http2().await;
    // One of each reply that STS gives here; after that the set is complete.
    for signature in [15, 31, 23] {
        client.review(review(&token(signature))).await;
    }
    let before = series(&stage).await;
    for n in 0..2000 {
        let status = client.review(review(&junk(n))).await.status;
        assert!(status == 200, "{n}: {status}");
    }
    assert_eq!(series(&stage).await, before);
}

#[tokio::test]
async fn logins_are_counted_by_their_result() {
    let script = |asked: &Asked| match asked.signature {
        1 => Act::role("Dev", "bob"),
        2 => Act::role("Stranger", "bob"),
        3 => Act::refuse(400, "Throttling"),
        4 => Act::refuse(403, "SignatureDoesNotMatch"),
        _ => Act::Fail(kube_iam_core::ports::StsFailure::Timeout),
    };
    let stage = Stage::with(script, |_| {}).await;
    let client = stage.http2().await;
    for signature in 1..=5 {
        client.review(review(&token(signature))).await;
    }
    client.review(review(&token(1))).await;
    client.review("x").await;
    client.review(review("x")).await;
    for (series, expected) in [
        (r#"aws_iam_authenticator_authenticate_latency_seconds_count{result="success"}"#, 2),
        (r#"aws_iam_authenticator_authenticate_latency_seconds_count{result="uknown_user"}"#, 1),
        (r#"aws_iam_authenticator_authenticate_latency_seconds_count{result="sts_throttling"}"#, 1),
        (r#"aws_iam_authenticator_authenticate_latency_seconds_count{result="sts_error"}"#, 2),
        (r#"aws_iam_authenticator_authenticate_latency_seconds_count{result="malformed_request"}"#, 1),
        (r#"aws_iam_authenticator_authenticate_latency_seconds_count{result="invalid_token"}"#, 1),
        (r#"aws_iam_authenticator_sts_responses_total{ResponseCode="200",StsRegion="us-east-1"}"#, 2),
        (r#"aws_iam_authenticator_sts_responses_total{ResponseCode="400",StsRegion="us-east-1"}"#, 1),
        (r#"aws_iam_authenticator_sts_throttling_total{StsRegion="us-east-1"}"#, 1),
        (r#"aws_iam_authenticator_sts_connection_failures_total{StsRegion="us-east-1"}"#, 1),
        ("kube_iam_identity_cache_hits_total", 1),
        ("kube_iam_identity_cache_misses_total", 5),
        ("kube_iam_identity_cache_entries", 2),
        (r#"kube_iam_mappings{backend="MountedFile"}"#, 1),
        (r#"kube_iam_build_info{version="0.1.0"}"#, 1),
    ] {
        assert_eq!(stage.metric(series).await, expected, "{series}");
    }
}
