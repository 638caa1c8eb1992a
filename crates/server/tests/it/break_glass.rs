//! The way in when everything else is gone.

use kube_iam_core::mapping::Backend;
use kube_iam_server::StaticMappings;

use crate::scripted::Act;
use crate::stage::{Stage, log_lines, mounted_file, rows};
use crate::tokens::{fingerprint, review, token};

#[tokio::test]
async fn break_glass_works_with_aws_auth_gone_and_is_loud() {
    let stage = Stage::with(
        |_| Act::role("Ops", "alice"),
        |settings| {
            settings.backends = vec![Backend::EksConfigMap];
            settings.mappings = StaticMappings {
                break_glass: rows(&[("Ops", "break-glass:{{SessionName}}")]),
                ..StaticMappings::default()
            };
        },
    )
    .await;
    stage.aws_auth.unreachable();
    let answer = stage.http2().await.review(review(&token(77))).await;
    assert!(answer.lets_in() && answer.body.contains(r#""username":"break-glass:alice""#), "{answer:?}");
    assert_eq!(stage.metric("kube_iam_break_glass_logins_total").await, 1);
    let lines = log_lines(&["WARN", "break-glass mapping used", &fingerprint(&token(77))]);
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[tokio::test]
async fn break_glass_comes_before_every_backend_and_can_be_exchanged() {
    let stage = Stage::new().await;
    let client = stage.http2().await;
    let files = StaticMappings { break_glass: rows(&[("Dev", "last-resort")]), ..mounted_file(&[("Dev", "everyday")]) };
    stage.running.reload(&files);
    assert!(client.review(review(&token(1))).await.body.contains("last-resort"));
    stage.running.reload(&mounted_file(&[("Dev", "everyday")]));
    assert!(client.review(review(&token(1))).await.body.contains("everyday"));
    assert_eq!(stage.metric("kube_iam_break_glass_logins_total").await, 1);
}
