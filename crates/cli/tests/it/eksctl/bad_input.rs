//! What can't be: one error, exit code 1, and nothing is written.

use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{ROLE, log, run, stored, world};
use crate::cluster::World;
use crate::people::{ADMIN, DEV};
use crate::process::{finish, finish_with_input, kube_iam};

/// Writes aws-auth as the administrator.
async fn seed(world: &World, data: serde_json::Value) {
    let metadata = json!({ "name": "aws-auth", "namespace": "kube-system" });
    let object = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data });
    let path = world.home.path("aws-auth.json");
    std::fs::write(&path, object.to_string()).unwrap();
    world.admin(&["delete", "configmap", "aws-auth", "-n", "kube-system", "--ignore-not-found"]).await;
    world.admin(&["create", "-f", path.to_str().unwrap()]).await;
}

#[tokio::test]
async fn a_cluster_that_says_no_is_one_error_and_nothing_is_written() {
    let Some(world) = world().await else { return };
    let create = format!("create iamidentitymapping -c web --arn {ROLE} --username dev");

    // Unreadable: the place and the reason, and not half an edit.
    seed(&world, json!({ "mapRoles": "- rolearn: [\n", "mapUsers": "[]\n" })).await;
    let before = stored(&world).await;
    for line in ["get iamidentitymapping -c web", &create, "delete iamidentitymapping -c web --all --arn x"] {
        let refused = run(&world, ADMIN, line).await;
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{refused:?}");
        let words = "Error: unmarshalling \"mapRoles\": line 2, column 1: ";
        assert!(refused.stderr.starts_with(words) && refused.stderr.lines().count() == 1, "{refused:?}");
    }
    assert_eq!(stored(&world).await, before);

    // Past what a ConfigMap holds: refused before it is sent.
    seed(&world, json!({ "other": "x".repeat(1_048_576 - 40) })).await;
    let long = run(&world, ADMIN, &create).await;
    let words = "Error: the object is too large: aws-auth would hold ";
    assert!(long.stderr.contains(words) && long.code == Some(1), "{long:?}");
    assert_eq!(stored(&world).await.as_object().unwrap().len(), 1);

    // No right to read, and no right to write.
    seed(&world, json!({ "mapUsers": "[]\n" })).await;
    let forbidden = run(&world, DEV, &create).await.failure(1);
    insta::assert_snapshot!(forbidden, @r#"
    Error: getting auth ConfigMap: `get` on `configmaps` `kube-system/aws-auth` is not allowed: configmaps "aws-auth" is forbidden: User "dev" cannot get resource "configmaps" in API group "" in the namespace "kube-system"
    hint: ask an administrator to allow `get` on `configmaps` `kube-system/aws-auth`
    "#);
    world.admin(&["create", "role", "r", "-n", "kube-system", "--verb=get", "--resource=configmaps"]).await;
    world.admin(&["create", "rolebinding", "r", "-n", "kube-system", "--role=r", "--user=dev"]).await;
    let forbidden = run(&world, DEV, &create).await;
    assert_eq!((forbidden.code, log(&forbidden.stdout).len()), (Some(1), 2));
    insta::assert_snapshot!(forbidden.stderr, @r#"
    Error: `patch` on `configmaps` `kube-system/aws-auth` is not allowed: configmaps "aws-auth" is forbidden: User "dev" cannot patch resource "configmaps" in API group "" in the namespace "kube-system"
    hint: ask an administrator to allow `patch` on `configmaps` `kube-system/aws-auth`
    "#);
    assert_eq!(stored(&world).await, json!({ "mapUsers": "[]\n" }));
    world.stop().await;
}

#[tokio::test]
async fn a_dead_api_server_is_one_error() {
    let Some(world) = world().await else { return };
    world.control_plane.stop_apiserver().await;
    for line in ["get iamidentitymapping -c web", "delete iamidentitymapping -c web --account 111122223333"] {
        let dead = run(&world, ADMIN, line).await;
        assert_eq!((dead.code, dead.stdout.as_str()), (Some(1), ""), "{dead:?}");
        let words = "Error: getting auth ConfigMap: kube-apiserver can't be reached: ";
        assert!(dead.stderr.starts_with(words), "{dead:?}");
        assert_eq!(dead.stderr.matches("Error: ").count(), 1, "{dead:?}");
    }
    world.control_plane.start_apiserver().await.unwrap();
    world.stop().await;
}

/// An API server in which somebody else is always faster.
async fn always_conflicts(listener: TcpListener) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(answer(stream));
    }
}

async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let (mut request, mut buffer) = (String::new(), [0; 4096]);
    // Requests are short, and end with their head or with the body of a patch.
    while !request.ends_with("\r\n\r\n") && !request.ends_with("}}") {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            count => request.push_str(&String::from_utf8_lossy(&buffer[..count])),
        }
    }
    let status = |code: u16, reason: &str| json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code, "message": reason });
    let metadata = json!({ "name": "aws-auth", "namespace": "kube-system", "uid": "u", "resourceVersion": "1" });
    let (code, body) = match (request.starts_with("PATCH "), request.contains("/configmaps/aws-auth")) {
        (true, _) => (409, status(409, "Conflict")),
        (false, true) => (200, json!({ "kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata })),
        (false, false) => (403, status(403, "Forbidden")),
    };
    let body = body.to_string();
    let head = format!("HTTP/1.1 {code} x\r\ncontent-type: application/json\r\nconnection: close\r\n");
    stream.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes()).await
}

#[tokio::test]
async fn a_stream_of_conflicts_ends_with_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(always_conflicts(listener));
    let home = TempDir::new().unwrap();
    let kubeconfig = home.path().join("kubeconfig");
    let text = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{ "name": "x", "cluster": { "server": url } }],
        "users": [{ "name": "x", "user": {} }],
        "contexts": [{ "name": "x", "context": { "cluster": "x", "user": "x" } }],
    });
    std::fs::write(&kubeconfig, text.to_string()).unwrap();
    let mut command = kube_iam();
    command.args(["create", "iamidentitymapping", "--arn", ROLE, "--username", "u", "--timeout", "2s", "--kubeconfig"]);
    let finished = finish(command.arg(&kubeconfig).env("NO_PROXY", "127.0.0.1")).await;
    server.abort();
    assert_eq!((finished.code, log(&finished.stdout).len()), (Some(1), 2), "{finished:?}");
    let error = "Error: aws-auth is not changed: others changed it before each of ";
    assert!(finished.stderr.starts_with(error), "{finished:?}");
    assert!(
        finished.stderr.ends_with(" attempts within 2 s\nhint: try again with a longer `--timeout`\n"),
        "{finished:?}"
    );
}

#[tokio::test]
async fn a_cluster_config_that_cant_be_used_is_one_error() {
    let head = "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\n";
    let mut said = String::new();
    for text in [
        "",
        "kind: [",
        "apiVersion: v1\nkind: ConfigMap\n",
        head,
        &format!("{head}metadata: {{region: eu-west-1}}\n"),
        &format!("{head}metadata: {{name: web, region: eu-west-1}}\niamIdentityMappings: {{}}\n"),
        &format!("{head}metadata: {{name: web, region: eu-west-1}}\niamIdentityMappings:\n- rolearn: {ROLE}\n"),
        &format!("{head}metadata: {{name: web, region: eu-west-1}}\niamIdentityMappings:\n- arn: {ROLE}\n"),
    ] {
        let mut command = kube_iam();
        let finished = finish_with_input(command.args(["create", "iamidentitymapping", "-f", "-"]), text).await;
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(1), ""), "{finished:?}");
        said.push_str(&finished.stderr);
    }
    insta::assert_snapshot!(said, @r#"
    Error: loading config file "-": line 1, column 1: there is nothing in it
    Error: loading config file "-": line 2, column 1: while parsing a node, did not find expected node content
    Error: loading config file "-": line 1, column 13: `apiVersion` must be `eksctl.io/v1alpha5`, this is `v1`
    Error: metadata must be set
    Error: metadata.name must be set
    Error: loading config file "-": line 4, column 22: `iamIdentityMappings` must be a list, this is a map
    Error: loading config file "-": line 5, column 3: unknown field `iamIdentityMappings[0].rolearn`
    Error: neither username nor group are set for iam identity
    "#);
}
