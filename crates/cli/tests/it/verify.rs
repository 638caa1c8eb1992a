//! `kube-iam verify`: whose token is this, and what does it map to.

use serde_json::Value;

use crate::aws::Aws;
use crate::exec_plugin::token_of;
use crate::people::{ADMIN, CLUSTER, STRANGER};
use crate::process::{finish, finish_with_input, kube_iam};
use crate::webhook::Home;

const MAPPINGS: &str = "mapRoles:\n- {rolearn: 'arn:aws:iam::111122223333:role/team/Admin', username: 'admin:{{SessionName}}', groups: [ops]}";

fn verify(aws: &Aws) -> tokio::process::Command {
    let mut command = kube_iam();
    command.arg("verify").envs(aws.server_environment());
    command
}

/// Puts `TIME` in the place of every time of day.
fn without_times(text: &str) -> String {
    let is_time = |word: &&str| word.trim_matches(['"', ',']).parse::<jiff::Timestamp>().is_ok();
    let times: Vec<_> = text.split_whitespace().filter(is_time).collect();
    times.iter().fold(text.to_string(), |text, time| text.replace(time.trim_matches(['"', ',']), "TIME"))
}

#[tokio::test]
async fn the_identity_and_its_mapping_are_shown() {
    let aws = Aws::start().await;
    let home = Home::new(MAPPINGS);
    let token = token_of(ADMIN).await;
    let mut command = verify(&aws);
    command.arg("-c").arg(home.path("config.yaml")).args(["-t", "-"]);
    let text = finish_with_input(&mut command, &token).await.success();
    insta::assert_snapshot!(without_times(&text), @"
    identity      arn:aws:sts::111122223333:assumed-role/Admin/alice
    canonical ARN arn:aws:iam::111122223333:role/Admin
    account       111122223333
    user ID       AROAEXAMPLEADMIN00001
    session       alice
    access key    ASIAEXAMPLEADMIN0001
    STS endpoint  sts.us-east-1.amazonaws.com
    signed at     TIME
    good until    TIME
    verified      yes, by STS
    mapping       MountedFile, `mapRoles`, line 4, column 5: arn:aws:iam::111122223333:role/team/Admin
    username      admin:alice
    groups        ops
    ");

    let mut command = verify(&aws);
    command.arg("-c").arg(home.path("config.yaml")).args(["-t", &token, "-o", "json"]);
    let answer: Value = serde_json::from_str(&finish(&mut command).await.success()).unwrap();
    insta::assert_snapshot!(without_times(&serde_json::to_string_pretty(&answer).unwrap()), @r#"
    {
      "ARN": "arn:aws:sts::111122223333:assumed-role/Admin/alice",
      "AccessKeyID": "ASIAEXAMPLEADMIN0001",
      "AccountID": "111122223333",
      "CanonicalARN": "arn:aws:iam::111122223333:role/Admin",
      "ExpiresAt": "TIME",
      "Mapping": {
        "User": {
          "extra": {
            "accessKeyId": [
              "ASIAEXAMPLEADMIN0001"
            ],
            "arn": [
              "arn:aws:sts::111122223333:assumed-role/Admin/alice"
            ],
            "canonicalArn": [
              "arn:aws:iam::111122223333:role/Admin"
            ],
            "principalId": [
              "AROAEXAMPLEADMIN00001"
            ],
            "sessionName": [
              "alice"
            ],
            "sigs.k8s.io/aws-iam-authenticator/principalId": [
              "AROAEXAMPLEADMIN00001"
            ]
          },
          "groups": [
            "ops"
          ],
          "uid": "aws-iam-authenticator:111122223333:AROAEXAMPLEADMIN00001",
          "username": "admin:alice"
        },
        "Why": "MountedFile, `mapRoles`, line 4, column 5: arn:aws:iam::111122223333:role/team/Admin"
      },
      "STSEndpoint": "sts.us-east-1.amazonaws.com",
      "SessionName": "alice",
      "SignedAt": "TIME",
      "UserID": "AROAEXAMPLEADMIN00001",
      "Verified": true
    }
    "#);
}

#[tokio::test]
async fn what_is_wrong_is_said_with_its_reason_code() {
    let aws = Aws::start().await;
    let home = Home::new(MAPPINGS);
    let mut command = verify(&aws);
    command.arg("-c").arg(home.path("config.yaml")).args(["-t", &token_of(STRANGER).await]);
    let finished = finish(&mut command).await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stdout.contains("not_mapped") && finished.stdout.contains("444455556666"), "{finished:?}");

    for (id, token, reason) in [
        ("another", token_of(ADMIN).await, "sts_signature"),
        (CLUSTER, "eyJhbGciOi".to_string(), "token_foreign"),
        (CLUSTER, format!("{}x", token_of(ADMIN).await), "token_base64"),
    ] {
        let stderr = finish(verify(&aws).args(["-i", id, "-t", &token])).await.failure(1);
        assert!(stderr.contains(reason), "{stderr}");
    }
}

#[tokio::test]
async fn offline_decodes_and_asks_nobody() {
    let aws = Aws::start().await;
    let mut command = verify(&aws);
    command.args(["-i", CLUSTER, "--offline", "-o", "json", "-t", &token_of(ADMIN).await]);
    let answer: Value = serde_json::from_str(&finish(&mut command).await.success()).unwrap();
    assert_eq!(
        (&answer["AccessKeyID"], &answer["STSEndpoint"]),
        (&"ASIAEXAMPLEADMIN0001".into(), &"sts.us-east-1.amazonaws.com".into())
    );
    assert_eq!((&answer["ARN"], &answer["Verified"]), (&Value::Null, &false.into()));
    assert_eq!(aws.standin.calls().len(), 0);
}

#[tokio::test]
async fn an_unreachable_cluster_is_one_clear_error() {
    let aws = Aws::start().await;
    let home = Home::new("");
    let kubeconfig = "{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}], \
                      clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}], users: [{name: u, user: {token: t}}]}";
    std::fs::write(home.path("kubeconfig"), kubeconfig).unwrap();
    let mut command = verify(&aws);
    command.args(["-i", CLUSTER, "-t", &token_of(ADMIN).await, "--kubeconfig"]).arg(home.path("kubeconfig"));
    let stderr = finish(&mut command).await.failure(3);
    assert!(stderr.starts_with("error: ") && stderr.contains("\nhint: "), "{stderr}");
}

#[tokio::test]
async fn what_go_ignores_on_the_command_line_is_refused() {
    for (args, error) in [
        (&["verify", "-i", CLUSTER, "-t", "x", "-o", "yaml"][..], "error: invalid value 'yaml' for '--output"),
        (&["token", "-i", CLUSTER, "extra"], "error: unexpected argument 'extra' found"),
        (&["server", "-i", CLUSTER, "extra"], "error: unexpected argument 'extra' found"),
    ] {
        let stderr = finish(kube_iam().args(args).envs(ADMIN.environment())).await.failure(1);
        assert!(stderr.starts_with(error), "{stderr}");
    }
}

#[tokio::test]
async fn an_sts_that_cannot_be_reached_is_told_with_a_way_out() {
    let mut command = kube_iam();
    command.args(["verify", "-i", CLUSTER, "-t", &token_of(ADMIN).await]).env("HTTPS_PROXY", "http://127.0.0.1:1");
    let stderr = finish(&mut command).await.failure(3);
    assert!(stderr.starts_with("error: could not verify token (sts_unavailable)\n"), "{stderr}");
    assert!(stderr.contains("\nhint: check the network and `HTTPS_PROXY`; `--offline` decodes"), "{stderr}");
}

#[tokio::test]
async fn a_wrong_command_line_is_said_once() {
    for (args, code) in [(&["verify", "--nope"][..], 1), (&["quickstart", "--nope"][..], 2), (&["nope"][..], 2)] {
        let stderr = finish(kube_iam().args(args)).await.failure(code);
        assert!(stderr.starts_with("error: un") && !stderr.contains("error: error"), "{stderr}");
    }
}
