//! A webhook is asked about tokens, in the version and with the audiences chosen.

use std::path::Path;
use std::time::Duration;

use kube_iam_control_plane::{ControlPlane, ExecUser, InteractiveMode, Options, WebhookVersion};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::{binaries, stdout};

/// Reads one TokenReview and lets its token in as `from-webhook`.
async fn answer(connection: TcpStream) -> Value {
    let mut connection = BufReader::new(connection);
    let mut length = 0;
    let mut line = String::new();
    while connection.read_line(&mut line).await.unwrap() > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await.unwrap();
    let review: Value = serde_json::from_slice(&body).unwrap();
    let status = json!({ "authenticated": true, "user": { "username": "from-webhook" } });
    let reply = json!({ "apiVersion": review["apiVersion"], "kind": "TokenReview", "status": status }).to_string();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length:";
    connection.write_all(format!("{head} {}\r\n\r\n{reply}", reply.len()).as_bytes()).await.unwrap();
    review
}

/// A user with a token that kube-apiserver itself does not know.
fn stranger() -> ExecUser {
    let credential = json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": { "token": "a-token" },
    });
    ExecUser {
        command: "/bin/echo".to_owned(),
        args: vec![credential.to_string()],
        interactive_mode: InteractiveMode::Never,
        ..ExecUser::default()
    }
}

async fn review_in(version: WebhookVersion, folder: &Path) -> Option<Value> {
    let webhook = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let kubeconfig = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "webhook", "cluster": {
            "server": format!("http://{}/authenticate", webhook.local_addr().unwrap()),
        }}],
        "contexts": [{ "name": "webhook", "context": { "cluster": "webhook", "user": "" } }],
        "current-context": "webhook",
    });
    let webhook_kubeconfig = folder.join("webhook");
    std::fs::write(&webhook_kubeconfig, kubeconfig.to_string()).unwrap();
    let options = Options {
        webhook_kubeconfig: Some(webhook_kubeconfig),
        webhook_version: version,
        webhook_cache_ttl: Some(Duration::from_secs(1)),
        api_audiences: vec!["one".to_owned(), "two".to_owned()],
        ..Options::default()
    };
    let plane = ControlPlane::start(&binaries().await?, options).await.unwrap();

    let user = folder.join("user");
    plane.write_kubeconfig(&user, &stranger()).unwrap();
    let mut whoami = plane.kubectl().unwrap();
    whoami.args(["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"]).env("KUBECONFIG", &user);
    let (who, review) = tokio::join!(stdout(&mut whoami), async { answer(webhook.accept().await.unwrap().0).await });
    assert_eq!(who, "from-webhook");
    plane.stop().await;
    Some(review)
}

#[tokio::test]
async fn a_webhook_is_asked_in_the_version_chosen() {
    let folder = tempfile::tempdir().unwrap();
    for (version, spelled) in
        [(WebhookVersion::V1, "authentication.k8s.io/v1"), (WebhookVersion::V1beta1, "authentication.k8s.io/v1beta1")]
    {
        let Some(review) = review_in(version, folder.path()).await else { return };
        assert_eq!(review["apiVersion"], spelled);
        assert_eq!(review["spec"]["token"], "a-token");
        assert_eq!(review["spec"]["audiences"], json!(["one", "two"]));
    }
}
