//! Bad input gets its own reason and a clear answer, and others go on being served.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use kube_iam_standin::{Fault, Times};
use serde_json::Value;

use crate::aws::Aws;
use crate::exec_plugin::token_of;
use crate::people::{ADMIN, CLUSTER};
use crate::process::{finish, kube_iam};
use crate::webhook::{Home, Webhook};

const MAPPINGS: &str = "mapRoles:\n- {rolearn: 'arn:aws:iam::111122223333:role/Admin', username: admin}";

#[tokio::test]
async fn reviews_that_are_none_have_their_reasons() {
    let (_aws, _home, webhook) = Webhook::with_mappings(MAPPINGS).await;
    for (body, status, reason) in [
        ("", 400, "review_truncated"),
        (r#"{"kind":"TokenReview","spec":{"#, 400, "review_truncated"),
        ("hello", 400, "review_not_json"),
        ("[]", 400, "review_not_json"),
        (r#"{"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1"}"#, 400, "review_wrong_kind"),
        (r#"{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v2"}"#, 400, "review_wrong_version"),
        (r#"{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1"}"#, 200, "token_missing"),
    ] {
        let answer = webhook.post("/authenticate", body).await;
        assert_eq!((answer.status, answer.refusal()), (status, reason), "{body}");
    }
    // Also clients that write all before they read have the answer, each time.
    for options in [
        &["--http1.1"][..],
        &["--http1.1", "-H", "Expect:"],
        &["--http1.1", "-H", "Expect:", "-H", "Transfer-Encoding: chunked"],
        &["--http2"],
        &["--http2", "-H", "Expect:"],
    ] {
        for length in [65 * 1024, 70_000, 1 << 20, 10 << 20] {
            let large = webhook.post_by(options, "/authenticate", &" ".repeat(length)).await;
            assert_eq!((large.status, large.refusal()), (413, "review_too_large"), "{options:?}, {length} bytes");
        }
    }
    for version in ["--http1.1", "--http2"] {
        for (path, status) in [("/authenticate", 405), ("/healthz", 200), ("/nope", 404)] {
            for length in [1, 10 << 20] {
                let options = [version, "-X", "PUT", "-H", "Expect:"];
                let early = webhook.post_by(&options, path, &" ".repeat(length)).await;
                assert_eq!(early.status, status, "{version} {path}, {length} bytes");
            }
        }
    }
    let method = webhook.fetch("/authenticate").await;
    assert_eq!((method.status, method.refusal()), (405, "review_method"));
    webhook.review(&token_of(ADMIN).await).await.user();
    assert_eq!(webhook.terminate().await, Some(0));
}

#[tokio::test]
async fn slow_and_silent_clients_keep_nobody_waiting() {
    let (_aws, _home, webhook) = Webhook::with_mappings(MAPPINGS).await;
    let mut held: Vec<TcpStream> = Vec::new();
    for index in 0..200 {
        let mut stream = TcpStream::connect(("127.0.0.1", webhook.port())).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        match index % 3 {
            0 => {}
            1 => stream.write_all(b"\x16\x03\x01").unwrap(),
            _ => stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap(),
        }
        held.push(stream);
    }
    webhook.review(&token_of(ADMIN).await).await.user();
    // Each of them is let go by the server itself.
    for mut stream in held {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
    }
    webhook.review(&token_of(ADMIN).await).await.user();
    assert_eq!(webhook.terminate().await, Some(0));
}

/// Runs a server that must not start, and gives what it says.
async fn refused(home: &Home, aws: &Aws, args: &[&str]) -> String {
    let finished = finish(home.command(aws).args(args)).await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    // Before there is a log, and in it.
    let said = finished.stderr.lines().filter_map(|line| match serde_json::from_str::<Value>(line) {
        Err(_) => Some(line.to_string()),
        Ok(event) if event["level"] == "ERROR" => {
            let text = |field: &str| event[field].as_str().unwrap_or("none").to_string();
            Some(format!("{}\ncause: {}\nhint: {}", text("message"), text("cause"), text("hint")))
        }
        Ok(_) => None,
    });
    said.collect::<Vec<_>>().join("\n").replace(&home.directory.path().display().to_string(), "DIR")
}

#[tokio::test]
async fn every_problem_of_a_configuration_is_listed_at_once() {
    let aws = Aws::start().await;
    let home = Home::new(
        "port: many\nmapRoles:\n- {rolearn: 'arn:aws:iam::111122223333:instance-profile/x'}\nbackendMode: [CRD]\nsourceARN: x",
    );
    insta::assert_snapshot!(refused(&home, &aws, &[]).await, @"
    error: `DIR/config.yaml` can't be used, 4 problems:
      line 3: `server.port`: it must be a port number, 0 to 65535 (for example `port: 21362`)
      line 5: in `mapRoles`: `rolearn` is not the ARN of a principal: an instance profile is not a principal; use the ARN of the role inside it (for example `mapRoles: [{rolearn: 'arn:aws:iam::111122223333:role/NAME', username: NAME, groups: [GROUP]}]`)
      line 6: `server.backendMode`: backend mode `CRD` is not supported by this version (for example `backendMode: [EKSConfigMap, MountedFile]`)
      line 7: `server.sourceARN`: it must be an ARN with an account (for example `sourceARN: arn:aws:eks:us-east-1:111122223333:cluster/NAME`)
    ");
    assert!(!home.path("cert.pem").exists(), "nothing was started");
}

#[tokio::test]
async fn unknown_keys_warn_or_are_refused() {
    let aws = Aws::start().await;
    let home = Home::new("prot: 1");
    insta::assert_snapshot!(refused(&home, &aws, &["--strict-config"]).await, @"
    error: `DIR/config.yaml` can't be used, 1 problem:
      line 3: unknown key `server.prot` (did you mean `server.port`?)
    ");
    let webhook = Webhook::start(&home, &aws).await;
    assert!(webhook.log().contains("did you mean `server.port`?"));
    assert_eq!(webhook.terminate().await, Some(0));
}

#[tokio::test]
async fn what_keeps_a_server_from_starting_is_one_clear_error() {
    let aws = Aws::start().await;
    let home = Home::new("");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let error = refused(&home, &aws, &["--port", &port]).await.replace(&port, "PORT");
    insta::assert_snapshot!(error, @"
    can't listen on 127.0.0.1:PORT
    cause: Address already in use (os error 98)
    hint: another process listens there; stop it, or choose another port with `--port`
    ");

    let error =
        refused(&home, &aws, &["--port", "0", "--backend-mode", "EKSConfigMap", "--kubeconfig", "/nonexistent/config"])
            .await;
    insta::assert_snapshot!(error, @"
    could not read kubeconfig `/nonexistent/config`
    cause: No such file or directory (os error 2)
    hint: name one that exists with `--kubeconfig`
    ");

    std::fs::write(home.path("key.pem"), "not a key").unwrap();
    std::fs::write(home.path("cert.pem"), "not a certificate").unwrap();
    insta::assert_snapshot!(refused(&home, &aws, &["--port", "0"]).await, @"
    no certificate to serve with
    cause: `DIR/cert.pem` holds no certificate in PEM form: no items found
    hint: mend `DIR/cert.pem`, or remove certificate and key to have new ones made
    ");

    let nowhere =
        finish(kube_iam().args(["server", "-i", CLUSTER, "--state-dir", "/nonexistent/dir", "--port", "0"])).await;
    assert_eq!(nowhere.code, Some(1));
    assert!(nowhere.stderr.contains("/nonexistent/dir"), "{nowhere:?}");
}

#[tokio::test]
async fn sts_is_trusted_only_with_a_certificate_of_the_hosts_roots() {
    let aws = Aws::start().await;
    let home = Home::new(MAPPINGS);
    let mut command = home.command(&aws);
    // The host's own roots, which do not know the stand-in's authority.
    command.env_remove("SSL_CERT_FILE").args(["--port", "0"]);
    let webhook = Webhook::run(&home, &mut command).await;
    let answer = webhook.review(&token_of(ADMIN).await).await;
    assert_eq!((answer.status, answer.refusal()), (504, "sts_unavailable"));
    assert_eq!(aws.standin.calls().len(), 0);
    assert_eq!(webhook.terminate().await, Some(0));
}

/// Waits for the next second: a token of the same second is the same token, and
/// may be in the identity cache.
async fn next_second() {
    let now = jiff::Timestamp::now().as_second();
    crate::webhook::eventually("the next second", async || (jiff::Timestamp::now().as_second() > now).then_some(()))
        .await;
}

#[tokio::test]
async fn faults_of_sts_are_answered_by_their_kind() {
    let (aws, _home, webhook) = Webhook::with_mappings(MAPPINGS).await;
    let redirect = |status, location: &str| Fault::Redirect { status, location: location.into() };
    for (fault, status, reason) in [
        (Fault::Throttling, 429, "sts_throttled"),
        (Fault::Status(503), 504, "sts_unavailable"),
        (Fault::Hang, 504, "sts_unavailable"),
        (Fault::Reset, 504, "sts_unavailable"),
        (Fault::HugeBody(1 << 20), 504, "sts_unavailable"),
        (Fault::ContentType("text/html".into()), 504, "sts_reply"),
        // Never followed, wherever they lead.
        (redirect(301, "http://127.0.0.1:1/"), 504, "sts_redirect"),
        (redirect(302, "https://sts.us-west-2.amazonaws.com/"), 504, "sts_redirect"),
        (redirect(307, "https://evil.example/"), 504, "sts_redirect"),
        (redirect(308, "/"), 504, "sts_redirect"),
    ] {
        let shown = format!("{fault:?}");
        aws.standin.inject(fault, Times::UntilCleared);
        let token = token_of(ADMIN).await;
        let answer = webhook.review(&token).await;
        assert_eq!((answer.status, answer.refusal()), (status, reason), "{shown}");
        aws.standin.clear_faults();
        // The same token is good as soon as STS is: nothing bad is remembered.
        webhook.review(&token).await.user();
        next_second().await;
    }
    assert_eq!(aws.standin.proxy_refusals(), Vec::<String>::new(), "nobody else was asked for");
    assert_eq!(webhook.terminate().await, Some(0));
}

/// What an attacker who has a say in the reply would like to be read as an identity.
#[tokio::test]
async fn replies_that_are_not_exactly_caller_identity_are_denied() {
    const CALLER: &str =
        r#"{"Account":"111122223333","Arn":"arn:aws:sts::111122223333:assumed-role/Admin/x","UserId":"AROAX:x"}"#;
    let (aws, _home, webhook) = Webhook::with_mappings(MAPPINGS).await;
    let good = format!(
        r#"{{"GetCallerIdentityResponse":{{"GetCallerIdentityResult":{CALLER},"ResponseMetadata":{{"RequestId":"r"}}}}}}"#
    );
    let xml = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::111122223333:assumed-role/Admin/x</Arn>\
               <UserId>AROAX:x</UserId><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
    let json = "application/json";
    let replies = [
        (200, "text/xml", xml.to_string()),
        (200, json, xml.to_string()),
        (200, json, format!("<x>{good}</x>")),
        (200, json, good.replace("GetCallerIdentity", "AssumeRoleWithWebIdentity")),
        (200, json, good.replacen('{', "{\"Extra\":1,", 1)),
        (200, json, good.replace("\"Arn\"", "\"Arn\":\"x\",\"Arn\"")),
        (200, json, format!("{good} x")),
        (200, json, good.replace("111122223333\",\"Arn", "444455556666\",\"Arn")),
        (200, json, good.replace("arn:aws:", "arn:aws-cn:")),
        (200, "text/html", good.clone()),
        (201, json, good.clone()),
        (404, json, good.clone()),
        (200, json, format!("{}{good}", " ".repeat(1 << 20))),
    ];
    for (status, content_type, body) in replies {
        let shown = format!("{status} {content_type} {}", &body[..body.len().min(200)]);
        aws.standin.inject(
            Fault::Body { status, content_type: content_type.into(), bytes: body.into_bytes() },
            Times::UntilCleared,
        );
        let answer = webhook.review(&token_of(ADMIN).await).await;
        assert!(answer.refusal().starts_with("sts_"), "{shown}: {answer:?}");
        aws.standin.clear_faults();
    }
    // The staged reply itself is good where it is whole: the test can fail.
    next_second().await;
    aws.standin
        .inject(Fault::Body { status: 200, content_type: json.into(), bytes: good.into_bytes() }, Times::Next(1));
    webhook.review(&token_of(ADMIN).await).await.user();
    assert_eq!(webhook.terminate().await, Some(0));
}

/// A mebibyte of aliases on aliases, which a reader that copies would blow up to more than there is memory.
#[tokio::test]
async fn a_bomb_in_a_section_costs_little_memory() {
    let mut bomb = "server:\n  mapRoles:\n  - &a0 [x, x, x, x, x, x, x, x]\n".to_string();
    for level in 1.. {
        let line = format!("  - &a{level} [{}]\n", vec![format!("*a{}", level - 1); 8].join(", "));
        if bomb.len() + line.len() > 1 << 20 {
            break;
        }
        bomb.push_str(&line);
    }
    let aws = Aws::start().await;
    let home = Home::new(MAPPINGS);
    let webhook = Webhook::start(&home, &aws).await;
    // As configuration it is refused, and the old one stays in force.
    std::fs::write(home.path("config.yaml"), bomb).unwrap();
    webhook.logged("the old one stays in force").await;
    webhook.review(&token_of(ADMIN).await).await.user();
    let status = std::fs::read_to_string(format!("/proc/{}/status", webhook.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim().trim_end_matches(" kB");
    let peak: u64 = peak.parse().unwrap();
    assert!(peak < 128 * 1024, "the server's peak is {peak} kB");
    assert_eq!(webhook.terminate().await, Some(0));
}

#[tokio::test]
async fn calls_to_ec2_are_bounded_by_the_flags_of_the_go_authenticator() {
    let aws = Aws::start().await;
    let home = Home::new("ec2DescribeInstancesQps: 20\nec2DescribeInstancesBurst: 10");
    let flags = ["--port", "0", "--ec2-describeInstances-qps=30", "--ec2-describeInstances-burst", "1"];
    drop(Webhook::run(&home, home.command(&aws).args(flags)).await);
    for flag in ["--ec2-describeInstances-qps=0", "--ec2-describeInstances-burst=-1"] {
        let finished = finish(home.command(&aws).arg(flag)).await;
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert!(finished.stderr.contains("it must be a whole number, at least 1"), "{finished:?}");
    }
}
