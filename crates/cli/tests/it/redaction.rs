//! What a message repeats of somebody's input holds no secret.

use crate::exec_plugin::token_of;
use crate::people::{ADMIN, CLUSTER};
use crate::process::{finish, kube_iam};

#[tokio::test]
async fn a_token_typed_in_the_wrong_place_is_not_repeated() {
    let token = token_of(ADMIN).await;
    for args in [
        &["verify", "-i", CLUSTER, &token][..],
        &["token", "-i", CLUSTER, &token],
        &["server", &token],
        &["verify", "-i", CLUSTER, "--output", &token],
        &[&token],
    ] {
        // `finish` itself searches stderr for tokens.
        let finished = finish(kube_iam().args(args)).await;
        assert!(matches!(finished.code, Some(1 | 2)), "{finished:?}");
        assert!(finished.stderr.starts_with("error: unexpected token on the command line\nhint: "), "{finished:?}");
    }
}

#[tokio::test]
async fn a_password_in_a_url_is_not_repeated() {
    const PASSWORD: &str = "hunter2-pa/ss@word";
    let home = tempfile::TempDir::new().unwrap();
    let endpoint = format!("ftp://user:{PASSWORD}@sts.example.com/");
    let proxy = format!("ftp://user:{PASSWORD}@proxy.example.com:3128");
    let api_server = format!("https://user:{PASSWORD}@api example.com/");
    let mut token = kube_iam();
    token.args(["token", "-i", CLUSTER]).envs(ADMIN.environment()).env("AWS_ENDPOINT_URL_STS", &endpoint);
    let mut verify = kube_iam();
    verify.args(["verify", "-i", CLUSTER, "-t", &token_of(ADMIN).await]).env("HTTPS_PROXY", &proxy);
    let mut server = kube_iam();
    server.args([
        "server",
        "-i",
        CLUSTER,
        "--port",
        "0",
        "--backend-mode",
        "EKSConfigMap",
        "--kubeconfig-pregenerated",
    ]);
    server.arg("--state-dir").arg(home.path()).args(["--master", &api_server]);
    for (command, part) in
        [(&mut token, "sts.example.com"), (&mut verify, "HTTPS_PROXY"), (&mut server, "api example.com")]
    {
        let stderr = finish(command).await.failure(1);
        assert!(stderr.contains(part), "{stderr}");
        for secret in ["hunter2", "pa/ss", "word@"] {
            assert!(!stderr.contains(secret), "{stderr}");
        }
    }
}
