//! A token that is refused before STS causes no packet: no connection, no DNS.
//!
//! The server runs in a network namespace whose only way out is a pair of
//! virtual cables; the packets on it are counted by the kernel.

use std::process::Output;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::process::Command;

use crate::aws::Aws;
use crate::people::CLUSTER;
use crate::webhook::{Home, eventually};

/// A namespace with a cable to nowhere; gone when dropped.
struct Namespace(String);

async fn ip(args: &[&str]) -> Output {
    Command::new("ip").args(args).output().await.unwrap()
}

impl Namespace {
    /// Makes one; `None`, loudly, where that is not allowed.
    #[expect(clippy::print_stderr, reason = "a skipped test must be heard of")]
    async fn new() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("kube-iam-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let made = Command::new("ip").args(["netns", "add", &name]).output().await;
        if !made.as_ref().is_ok_and(|output| output.status.success()) {
            assert!(std::env::var_os("CI").is_none(), "network namespaces need root and `ip`: {made:?}");
            eprintln!("SKIPPED: network namespaces need root and `ip` (package iproute2)");
            return None;
        }
        let namespace = Self(name);
        let name = namespace.0.as_str();
        for line in [
            format!("-n {name} link set lo up"),
            format!("-n {name} link add out type veth peer name far"),
            format!("-n {name} addr add 192.0.2.1/24 dev out"),
            format!("-n {name} link set out up"),
            format!("-n {name} link set far up"),
            format!("-n {name} route add default via 192.0.2.2 dev out"),
            format!("-n {name} neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev out"),
        ] {
            let output = ip(&line.split(' ').collect::<Vec<_>>()).await;
            assert!(output.status.success(), "ip {line}: {output:?}");
        }
        // No neighbour discovery of IPv6, which is nobody's doing.
        namespace.run("sysctl", &["-qw", "net.ipv6.conf.all.disable_ipv6=1"]).output().await.unwrap();
        Some(namespace)
    }

    fn run(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0, program]).args(args).kill_on_drop(true);
        command
    }

    /// Packets that left on the cable so far.
    async fn sent(&self) -> u64 {
        let output = self.run("cat", &["/sys/class/net/out/statistics/tx_packets"]).output().await.unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = std::process::Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

/// A token with this URL.
fn token(url: &str) -> String {
    format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(url))
}

/// A presigned URL for a host, signed now in form if not in truth.
fn url(host: &str, region: &str, at: jiff::Timestamp) -> String {
    let (day, time) = (at.strftime("%Y%m%d"), at.strftime("%Y%m%dT%H%M%SZ"));
    format!(
        "https://{host}/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=\
         AKIAIOSFODNN7EXAMPLE%2F{day}%2F{region}%2Fsts%2Faws4_request&X-Amz-Date={time}&X-Amz-Expires=60&\
         X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Signature={}",
        "0".repeat(64)
    )
}

/// One token for every way to be refused without asking anybody.
fn hopeless() -> Vec<(String, &'static str)> {
    let now = jiff::Timestamp::now();
    let good = url("sts.us-east-1.amazonaws.com", "us-east-1", now);
    let mut tokens = vec![
        ("eyJhbGciOi".to_string(), "token_foreign"),
        (
            token(&url("sts.us-east-1.amazonaws.com", "us-east-1", now - jiff::SignedDuration::from_mins(16))),
            "token_expired",
        ),
        (
            token(&url("sts.us-east-1.amazonaws.com", "us-east-1", now + jiff::SignedDuration::from_mins(6))),
            "token_future",
        ),
        (token(&good.replace("host%3Bx-k8s-aws-id", "host")), "token_signed_headers"),
        (token(&good.replace("host%3Bx-k8s-aws-id", "host%3BX-K8s-Aws-Id")), "token_signed_headers"),
        (token(&good.replace("host%3Bx-k8s-aws-id", "host%3Bx-k8s-aws-id%3Bx-k8s-aws-id")), "token_signed_headers"),
        (token(&format!("{good}#x")), "token_fragment"),
        (token(&good.replace("/?", "/x?")), "token_path"),
        (token(&good.replace("https", "http")), "token_scheme"),
        (token(&good.replace("AKIA", "AKIA%0d")), "token_control_character"),
        (token(&good.replace("AKIA", "AKIA+")), "token_query"),
        (token(&good.replace("AKIA", "AKIA;")), "token_query"),
        (token(&good.replace("AKIA", "AKIA%gh")), "token_query"),
        (token("x").replace("eA", "eB"), "token_base64"),
        (format!("{}\n", token(&good)), "token_base64"),
    ];
    for host in ["sts.\tus-east-1.amazonaws.com", "sts.us-east-1\n.amazonaws.com"] {
        tokens.push((token(&url(host, "us-east-1", now)), "token_control_character"));
    }
    for twin in [
        "Action=GetCallerIdentity",
        "action=GetCallerIdentity",
        "X-Amz-%43redential=x",
        "x-amz-credential=",
        "X-AMZ-SIGNEDHEADERS=host",
    ] {
        tokens.push((token(&format!("{good}&{twin}")), "token_duplicate_parameter"));
    }
    for host in [
        "sts.us-east-1.amazonaws.com.evil.example",
        "sts.us-east-1.amazonaws.com@evil.example",
        "evil.example",
        "sts.us-east-1.amazonaws.com.",
        "sts.us-east-1.amazonaws.com:443",
        "STS.us-east-1.amazonaws.com",
        "192.0.2.9",
        "[2001:db8::9]",
        "xn--sts-9qa.us-east-1.amazonaws.com",
        "sts.s3.amazonaws.com",
        "sts.cn-north-1.amazonaws.com.cn",
        "sts.us-gov-west-1.amazonaws.com",
        "sts.US-EAST-1.amazonaws.com",
        "sts%2eus-east-1.amazonaws.com",
        "sts..amazonaws.com",
        "sts.a.b.amazonaws.com",
        "sts.us-east-1.amazonaws.com\\evil",
        "evil.example/?sts.us-east-1.amazonaws.com",
        "evil.example#sts.us-east-1.amazonaws.com",
        &format!("sts.{}.amazonaws.com", "x".repeat(64)),
        "",
    ] {
        tokens.push((token(&url(host, "us-east-1", now)), "token_host"));
    }
    tokens.extend(
        (0..200).map(|n| (token(&url(&format!("sts.region-{n}.amazonaws.com"), "us-east-1", now)), "token_host")),
    );
    tokens
}

#[tokio::test]
async fn refused_tokens_cause_no_packet() {
    let Some(namespace) = Namespace::new().await else { return };
    let aws = Aws::start().await;
    let home = Home::new("mapRoles: []");
    // A resolver on the far end, where nobody answers: a look-up would be a packet.
    let resolver = format!("/etc/netns/{}", namespace.0);
    std::fs::create_dir_all(&resolver).unwrap();
    std::fs::write(format!("{resolver}/resolv.conf"), "nameserver 192.0.2.2\n").unwrap();
    let _cleanup = RemoveDirectory(resolver.into());

    let port = crate::cluster::free_port().to_string();
    let mut server = namespace.run(env!("CARGO_BIN_EXE_kube-iam"), &["server", "-i", CLUSTER, "--port", &port]);
    server.arg("--config").arg(home.path("config.yaml")).arg("--state-dir").arg(home.directory.path());
    server.arg("--generate-kubeconfig").arg(home.path("webhook.kubeconfig"));
    // The stand-in can't be reached from here, and must not be: only its authority is passed.
    let mut child = server.env("SSL_CERT_FILE", aws.ca()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let ask = async |token: &str| {
        let body = serde_json::json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}});
        let url = format!("https://localhost:{port}/authenticate");
        let mut curl = namespace.run("curl", &["--silent", "--include", "--max-time", "20", "--cacert"]);
        curl.arg(home.path("cert.pem")).args(["--data-binary", &body.to_string(), &url]);
        String::from_utf8(curl.output().await.unwrap().stdout).unwrap()
    };
    eventually("the server answers", async || ask("x").await.contains("x-kube-iam-reason").then_some(())).await;

    let before = namespace.sent().await;
    for (token, reason) in hopeless() {
        let answer = ask(&token).await;
        assert!(answer.contains(&format!("x-kube-iam-reason: {reason}\r\n")), "{reason}: {answer}");
    }
    assert_eq!(namespace.sent().await, before, "a refused token caused packets");

    // The counter counts: a token for a host of the list asks the resolver.
    let answer = ask(&token(&url("sts.us-east-1.amazonaws.com", "us-east-1", jiff::Timestamp::now()))).await;
    assert!(answer.contains("x-kube-iam-reason: sts_unavailable"), "{answer}");
    assert!(namespace.sent().await > before);
    child.kill().await.unwrap();
}

struct RemoveDirectory(std::path::PathBuf);

impl Drop for RemoveDirectory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn static_credentials_need_no_network() {
    let Some(namespace) = Namespace::new().await else { return };
    let mut token = namespace.run(env!("CARGO_BIN_EXE_kube-iam"), &["token", "-i", CLUSTER]);
    let before = namespace.sent().await;
    let output =
        token.envs(crate::people::ADMIN.environment()).env_remove("AWS_EC2_METADATA_DISABLED").output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(namespace.sent().await, before);
}
