//! Health, metrics and an orderly end.

use crate::aws::Aws;
use crate::exec_plugin::token_of;
use crate::people::{ADMIN, STRANGER};
use crate::webhook::{Home, PATIENCE, Webhook};

const MAPPINGS: &str = "mapRoles:\n- {rolearn: 'arn:aws:iam::111122223333:role/Admin', username: admin}";

async fn health(webhook: &Webhook, path: &str) -> (u16, String) {
    let mut curl = tokio::process::Command::new("curl");
    curl.args(["--silent", "--noproxy", "*", "--write-out", "\n%{http_code}"])
        .arg(format!("http://{}{path}", webhook.health));
    let stdout = crate::process::finish(&mut curl).await.success();
    let (body, status) = stdout.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), body.to_string())
}

#[tokio::test]
async fn both_ports_tell_how_it_is() {
    let aws = Aws::start().await;
    let home = Home::new(MAPPINGS);
    let webhook = Webhook::start(&home, &aws).await;
    webhook.review(&token_of(ADMIN).await).await.user();
    assert_eq!(webhook.review(&token_of(STRANGER).await).await.refusal(), "not_mapped");

    let healthz = webhook.fetch("/healthz").await;
    assert_eq!((healthz.status, healthz.body.as_str()), (200, "ok"));
    let metrics = webhook.fetch("/metrics").await.body;
    for line in [
        "aws_iam_authenticator_authenticate_latency_seconds_count{result=\"success\"} 1",
        "aws_iam_authenticator_authenticate_latency_seconds_count{result=\"uknown_user\"} 1",
        "aws_iam_authenticator_sts_responses_total{ResponseCode=\"200\",StsRegion=\"us-east-1\"} 2",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    for path in ["/healthz", "/livez", "/readyz"] {
        assert_eq!(health(&webhook, path).await.0, 200, "{path}");
    }
    assert!(health(&webhook, "/metrics").await.1.contains("authenticate_latency_seconds"));
    assert_eq!(webhook.fetch("/debug/pprof/").await.status, 404);
    assert_eq!(webhook.terminate().await, Some(0));
}

#[tokio::test]
async fn a_changed_configuration_is_followed_and_a_bad_one_is_not() {
    let aws = Aws::start().await;
    let home = Home::new(MAPPINGS);
    let webhook = Webhook::start(&home, &aws).await;
    webhook.review(&token_of(ADMIN).await).await.user();

    home.configure("mapRoles:\n- {rolearn: 'arn:aws:iam::111122223333:role/Admin', username: renamed}");
    crate::webhook::eventually("the new username is answered", async || {
        let user = webhook.review(&token_of(ADMIN).await).await.user();
        (user["username"] == "renamed").then_some(())
    })
    .await;

    home.configure("mapRoles:\n- {rolearn: nonsense}");
    webhook.logged("stays in force").await;
    assert_eq!(webhook.review(&token_of(ADMIN).await).await.user()["username"], "renamed");
    assert_eq!(webhook.terminate().await, Some(0));
}

#[tokio::test]
async fn a_gate_that_cannot_be_closed_is_warned_about() {
    let aws = Aws::start().await;
    let home = Home::new(MAPPINGS);
    for (gate, warned) in [("SSORoleMatch=false", true), ("SSORoleMatch=true", false)] {
        let mut command = home.command(&aws);
        let webhook = Webhook::run(&home, command.args(["--port", "0", "--feature-gates", gate])).await;
        let log = webhook.log();
        assert_eq!(log.contains("the feature gate `SSORoleMatch=false` has no effect"), warned, "{log}");
        assert_eq!(webhook.terminate().await, Some(0));
    }
}

#[tokio::test]
async fn what_a_changed_configuration_leaves_undone_is_said() {
    let aws = Aws::start().await;
    let home = Home::new(MAPPINGS);
    let webhook = Webhook::start(&home, &aws).await;
    home.configure(&format!("{MAPPINGS}\nport: 1\nbackendMode: [MountedFile]"));
    let line = webhook.logged("the changed configuration needs a restart to be obeyed in full").await;
    assert!(line.contains("\"WARN\"") && line.contains("\"keys\":\"server.port, server.backendMode\""), "{line}");

    // Of a file that can't be used the warnings are told, too, all on one line.
    home.configure("prot: 1\nport: many");
    let line = webhook.logged("the old one stays in force").await;
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    let problem = event["problem"].as_str().unwrap().replace(&home.directory.path().display().to_string(), "DIR");
    insta::assert_snapshot!(problem, @"`DIR/config.yaml` can't be used, 1 problem: line 4: `server.port`: it must be a port number, 0 to 65535 (for example `port: 21362`); warning: line 3: unknown key `server.prot` (did you mean `server.port`?)");
    assert_eq!(webhook.terminate().await, Some(0));
}

/// A spoilt break-glass file costs neither the way back in nor the change of another file.
#[tokio::test]
async fn a_break_glass_file_that_is_spoilt_keeps_its_mappings_while_others_change() {
    let (aws, home) = (Aws::start().await, Home::new(""));
    let break_glass = home.path("break-glass.yaml");
    let row = "mapRoles:\n- {rolearn: 'arn:aws:iam::111122223333:role/Admin', username: last-resort}\n";
    std::fs::write(&break_glass, row).unwrap();
    let mut command = home.command(&aws);
    let webhook = Webhook::run(&home, command.args(["--port", "0", "--break-glass-file"]).arg(&break_glass)).await;
    assert_eq!(webhook.review(&token_of(STRANGER).await).await.refusal(), "not_mapped");

    std::fs::write(&break_glass, "mapRoles: [").unwrap();
    home.configure("mapRoles:\n- {rolearn: 'arn:aws:iam::444455556666:role/Stranger', username: known-now}");
    crate::webhook::eventually("the other change is obeyed", async || {
        let answer = webhook.review(&token_of(STRANGER).await).await;
        (answer.reason.is_none()).then(|| assert_eq!(answer.user()["username"], "known-now"))
    })
    .await;
    let line = webhook.logged("the changed break-glass file can't be used; its old mappings stay in force").await;
    assert!(line.contains("\"ERROR\"") && line.contains("break-glass.yaml"), "{line}");
    assert_eq!(webhook.review(&token_of(ADMIN).await).await.user()["username"], "last-resort");
    assert_eq!(webhook.terminate().await, Some(0));
}

#[tokio::test]
async fn the_first_signal_ends_it_in_order() {
    let aws = Aws::start().await;
    let home = Home::new(MAPPINGS);
    for signal in ["TERM", "INT"] {
        let webhook = Webhook::start(&home, &aws).await;
        aws.standin.inject(
            kube_iam_standin::Fault::Slow(std::time::Duration::from_millis(500)),
            kube_iam_standin::Times::Next(1),
        );
        let token = token_of(ADMIN).await;
        // A login in flight is answered before the end.
        let (answer, ()) = tokio::join!(webhook.review(&token), async {
            let calls = aws.standin.call_count();
            crate::webhook::eventually("STS is asked", async || {
                (aws.standin.call_count() > calls || webhook.log().contains("STS")).then_some(())
            })
            .await;
            webhook.signal(signal).await;
        });
        answer.user();
        assert_eq!(tokio::time::timeout(PATIENCE, webhook.terminate()).await.unwrap(), Some(0), "{signal}");
    }
}
