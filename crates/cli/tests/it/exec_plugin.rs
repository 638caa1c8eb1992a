//! `kube-iam token`, as kubectl and people call it.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use kube_iam_standin::{Mfa, Role, Settings};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::aws::Aws;
use crate::people::{ADMIN, CLUSTER, DEV, Person};
use crate::process::{Finished, finish, kube_iam};

/// `kube-iam token` for the test's cluster, signed by somebody.
fn token(person: Person) -> Command {
    kube_iam_token(person.environment())
}

/// `kube-iam token` for the test's cluster, in this environment.
pub(crate) fn kube_iam_token(environment: Vec<(String, String)>) -> Command {
    let mut command = kube_iam();
    command.args(["token", "--cluster-id", CLUSTER]).envs(environment);
    command
}

/// A bare token signed by somebody.
pub(crate) async fn token_of(person: Person) -> String {
    finish(token(person).arg("--token-only")).await.success().trim_end().to_string()
}

fn parse(stdout: &str) -> Value {
    assert_eq!(stdout.matches('\n').count(), 1, "one line: {stdout:?}");
    serde_json::from_str(stdout).unwrap()
}

#[tokio::test]
async fn the_version_that_kubectl_asks_for_is_answered() {
    for version in ["v1", "v1beta1", "v1alpha1"] {
        let version = format!("client.authentication.k8s.io/{version}");
        let info = json!({"kind": "ExecCredential", "apiVersion": version, "spec": {"interactive": false}});
        let credential = parse(&finish(token(ADMIN).env("KUBERNETES_EXEC_INFO", info.to_string())).await.success());
        assert_eq!((&credential["apiVersion"], &credential["kind"]), (&json!(version), &json!("ExecCredential")));
        assert_eq!(credential["spec"], json!({"interactive": false}));
    }
    for (info, version) in [(None, "v1beta1"), (Some("garbage"), "v1beta1"), (Some("{}"), "v1beta1")] {
        let mut command = token(ADMIN);
        command.envs(info.map(|info| ("KUBERNETES_EXEC_INFO", info)));
        let credential = parse(&finish(&mut command).await.success());
        assert_eq!(credential["apiVersion"], format!("client.authentication.k8s.io/{version}"));
    }
}

#[tokio::test]
async fn an_unknown_version_names_the_line_to_change() {
    let refused = async |version: &str| {
        let info = json!({"apiVersion": version}).to_string();
        finish(token(ADMIN).env("KUBERNETES_EXEC_INFO", info)).await.failure(1)
    };
    assert!(refused("foo/bar").await.starts_with("error: kubectl asks for `foo/bar`"));
    let stderr = refused("client.authentication.k8s.io/v9").await;
    insta::assert_snapshot!(stderr, @r"
    error: kubectl asks for `client.authentication.k8s.io/v9`, which this exec plugin does not speak
    hint: write `apiVersion: client.authentication.k8s.io/v1` under `users[].user.exec` of your kubeconfig
    ");
}

#[tokio::test]
async fn success_is_silent_on_stderr() {
    let finished = finish(&mut token(ADMIN)).await;
    assert_eq!(finished.stderr, "");
    finished.success();
}

#[tokio::test]
async fn without_credentials_stdout_stays_empty() {
    let mut command = kube_iam();
    command.args(["token", "-i", CLUSTER]).env("AWS_EC2_METADATA_DISABLED", "true").env("AWS_REGION", "us-east-1");
    let stderr = finish(&mut command).await.failure(1);
    assert!(stderr.starts_with("error: ") && stderr.contains("\nhint: "), "{stderr}");
}

#[tokio::test]
async fn without_a_cluster_id_nothing_is_signed() {
    let stderr = finish(kube_iam().arg("token").envs(ADMIN.environment())).await.failure(1);
    assert!(stderr.contains("cluster ID not specified"), "{stderr}");
    let mut both = token(ADMIN);
    both.args(["--session-name", "x", "--forward-session-name", "--role", "arn:aws:iam::111122223333:role/Other"]);
    let stderr = finish(&mut both).await.failure(1);
    assert!(stderr.contains("cannot specify both --forward-session-name and --session-name"), "{stderr}");
}

#[tokio::test]
async fn an_empty_flag_is_one_all_the_same() {
    let home = crate::webhook::Home::new("");
    let mut command = kube_iam();
    command.args(["token", "-i", "", "-c"]).arg(home.path("config.yaml")).envs(ADMIN.environment());
    let stderr = finish(&mut command).await.failure(1);
    insta::assert_snapshot!(stderr, @"
    error: cluster ID not specified
    hint: `--cluster-id` is empty: give it a value, or leave it out to use the configuration file
    ");
    // An empty variable is as good as none.
    let mut command = kube_iam();
    command.args(["token", "-c"]).arg(home.path("config.yaml")).envs(ADMIN.environment());
    finish(command.env("KUBERNETES_AWS_AUTHENTICATOR_CLUSTER_ID", "")).await.success();
}

#[tokio::test]
async fn what_cannot_become_a_token_is_refused_before_anybody_is_asked() {
    let refusal = async |command: &mut Command| finish(command).await.failure(1);
    // Whatever is asked over the network here fails, and with other words.
    let offline = || {
        let mut command = token(ADMIN);
        command.env("HTTPS_PROXY", "http://127.0.0.1:1").env("AWS_EC2_METADATA_DISABLED", "true");
        command
    };
    let mut told = Vec::new();
    for role in ["notanarn", "arn:aws:iam::111122223333:user/alice", "arn:aws:sts::111122223333:assumed-role/Admin/x"] {
        told.push(refusal(offline().args(["-r", role])).await);
    }
    told.push(refusal(offline().env_remove("AWS_SECRET_ACCESS_KEY")).await);
    told.push(refusal(offline().env_remove("AWS_ACCESS_KEY_ID")).await);
    told.push(refusal(offline().env("AWS_SESSION_TOKEN", "x".repeat(3000))).await);
    for switch in ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"] {
        told.push(refusal(offline().env(switch, "1")).await);
    }
    insta::assert_snapshot!(told.join("\n"), @"
    error: `notanarn` can't be assumed: an ARN starts with `arn:`
    hint: write the ARN of the role as IAM shows it: `--role arn:aws:iam::ACCOUNT:role/NAME`

    error: `arn:aws:iam::111122223333:user/alice` can't be assumed: it must be the ARN of a role
    hint: write the ARN of the role as IAM shows it: `--role arn:aws:iam::ACCOUNT:role/NAME`

    error: `arn:aws:sts::111122223333:assumed-role/Admin/x` can't be assumed: it must be the ARN of a role
    hint: write the ARN of the role as IAM shows it: `--role arn:aws:iam::ACCOUNT:role/NAME`

    error: found no AWS credentials: `AWS_SECRET_ACCESS_KEY` is missing in the environment beside the other half of the key
    hint: run `export AWS_SECRET_ACCESS_KEY=…`, or unset the other half to use a profile

    error: found no AWS credentials: `AWS_ACCESS_KEY_ID` is missing in the environment beside the other half of the key
    hint: run `export AWS_ACCESS_KEY_ID=…`, or unset the other half to use a profile

    error: the token would be 4522 bytes long, and no server accepts more than 4096
    hint: its session token is too long: sign in with fewer session policies and session tags

    error: `AWS_USE_FIPS_ENDPOINT` must be `true` or `false`
    hint: set `AWS_USE_FIPS_ENDPOINT` to one of them, or remove it

    error: `AWS_USE_DUALSTACK_ENDPOINT` must be `true` or `false`
    hint: set `AWS_USE_DUALSTACK_ENDPOINT` to one of them, or remove it
    ");
}

#[tokio::test]
async fn flag_environment_and_file_have_their_order() {
    let home = crate::webhook::Home::new("");
    std::fs::write(home.path("client.yaml"), "clusterID: from-the-file\ntokenOnly: true\nregion: eu-west-1\n").unwrap();
    let url = async |command: &mut Command| {
        let token = finish(command.arg("--config").arg(home.path("client.yaml"))).await.success();
        crate::tokens_of_others::url_of(token.trim_end())
    };
    // The flag of the region decides, then the file; AWS_REGION is not asked.
    let mut from_file = kube_iam();
    from_file.arg("token").envs(ADMIN.environment());
    assert!(url(&mut from_file).await.starts_with("https://sts.eu-west-1.amazonaws.com/?"));
    let mut from_flag = kube_iam();
    from_flag.args(["token", "--region", "us-west-2"]).envs(ADMIN.environment());
    assert!(url(&mut from_flag).await.starts_with("https://sts.us-west-2.amazonaws.com/?"));
}

/// A world of roles: one that anybody may take, one with an external ID, one with MFA.
async fn roles() -> Aws {
    let role = |name: &str| Role::new(format!("arn:aws:iam::111122223333:role/{name}"), format!("AROAEXAMPLE{name}"));
    let external = Role { external_id: Some("partner".into()), ..role("External") };
    let mfa = Mfa { serial: "arn:aws:iam::111122223333:mfa/dev".into(), code: "123456".into() };
    let guarded = Role { mfa: Some(mfa), ..role("Guarded") };
    Aws::start_with(Settings { roles: vec![role("Plain"), external, guarded], ..Settings::default() }).await
}

fn actions(aws: &Aws) -> Vec<String> {
    aws.standin.calls().into_iter().map(|call| call.action).collect()
}

#[tokio::test]
async fn a_role_is_assumed_once() {
    let aws = roles().await;
    let mut command = token(DEV);
    command.envs(aws.client_environment()).args(["--role", "arn:aws:iam::111122223333:role/Plain", "-s", "my-session"]);
    finish(&mut command).await.success();
    assert_eq!(actions(&aws), ["AssumeRole"]);

    let mut command = token(DEV);
    command.envs(aws.client_environment()).args(["--role", "arn:aws:iam::111122223333:role/External", "-e", "partner"]);
    finish(&mut command).await.success();
    let mut command = token(DEV);
    command.envs(aws.client_environment()).args(["--role", "arn:aws:iam::111122223333:role/External"]);
    let stderr = finish(&mut command).await.failure(1);
    assert!(stderr.contains("may not assume role `arn:aws:iam::111122223333:role/External`"), "{stderr}");
}

#[tokio::test]
async fn the_session_name_can_be_forwarded() {
    let aws = roles().await;
    let mut command = token(ADMIN);
    command.envs(aws.client_environment()).args(["--role", "arn:aws:iam::111122223333:role/Plain"]);
    let signed = finish(command.args(["--forward-session-name", "--token-only"])).await.success();
    assert_eq!(actions(&aws), ["GetCallerIdentity", "AssumeRole"]);
    let mut verify = kube_iam();
    verify.args(["verify", "-i", CLUSTER, "-o", "json", "-t", signed.trim_end()]).envs(aws.server_environment());
    let identity: Value = serde_json::from_str(&finish(&mut verify).await.success()).unwrap();
    assert_eq!(identity["ARN"], "arn:aws:sts::111122223333:assumed-role/Plain/alice");
}

/// A home directory with a profile that needs MFA.
fn mfa_home() -> tempfile::TempDir {
    let home = tempfile::TempDir::new().unwrap();
    std::fs::create_dir(home.path().join(".aws")).unwrap();
    let keys = DEV.environment().into_iter().collect::<std::collections::HashMap<_, _>>();
    let credentials = format!(
        "[base]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"]
    );
    let config = "[profile guarded]\nrole_arn = arn:aws:iam::111122223333:role/Guarded\nsource_profile = base\n\
                  mfa_serial = arn:aws:iam::111122223333:mfa/dev\nregion = us-east-1\n";
    std::fs::write(home.path().join(".aws/credentials"), credentials).unwrap();
    std::fs::write(home.path().join(".aws/config"), config).unwrap();
    home
}

fn guarded_token(aws: &Aws, home: &tempfile::TempDir) -> Command {
    let mut command = kube_iam();
    command.args(["token", "-i", CLUSTER]).env("HOME", home.path()).env("AWS_PROFILE", "guarded");
    command.env("AWS_EC2_METADATA_DISABLED", "true").envs(aws.client_environment());
    command
}

#[tokio::test]
async fn mfa_is_asked_for_on_a_real_terminal() {
    let (aws, home) = (roles().await, mfa_home());
    let inner = guarded_token(&aws, &home);
    // `script` gives its child a terminal of its own, and types what it reads.
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command"]);
    script.arg(format!("{} token -i {CLUSTER}", env!("CARGO_BIN_EXE_kube-iam"))).arg("/dev/null");
    script.env_clear().envs(inner.as_std().get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"123456\n").await.unwrap();
    let finished = Finished::from(child.wait_with_output().await.unwrap());
    drop(stdin);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stdout.contains("Assume Role MFA token code: "), "{finished:?}");
    assert!(finished.stdout.contains("\"kind\":\"ExecCredential\""), "{finished:?}");
}

#[tokio::test]
async fn mfa_fails_at_once_where_nobody_can_be_asked() {
    let (aws, home) = (roles().await, mfa_home());
    // No input at all.
    let stderr = finish(&mut guarded_token(&aws, &home)).await.failure(1);
    assert!(
        stderr.contains("\nerror: ") && stderr.contains("needs a code of the MFA device") && stderr.contains("hint: "),
        "{stderr}"
    );
    // kubectl says so; then stdin is not read, even if something stands there.
    let info = r#"{"apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false}}"#;
    let mut command = guarded_token(&aws, &home);
    command.env("KUBERNETES_EXEC_INFO", info);
    let stderr = crate::process::finish_with_input(&mut command, "123456\n").await.failure(1);
    assert!(stderr.contains("needs a code of the MFA device"), "{stderr}");
    assert!(!stderr.contains("Assume Role MFA token code"), "{stderr}");
}

#[tokio::test]
async fn the_cache_file_is_private_and_never_a_symlink() {
    let (aws, home) = (roles().await, tempfile::TempDir::new().unwrap());
    let keys = DEV.environment().into_iter().collect::<std::collections::HashMap<_, _>>();
    std::fs::create_dir(home.path().join(".aws")).unwrap();
    std::fs::write(
        home.path().join(".aws/config"),
        format!(
            "[default]\nrole_arn = arn:aws:iam::111122223333:role/Plain\nsource_profile = base\nregion = us-east-1\n\
             [profile base]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"]
        ),
    )
    .unwrap();
    let cached = || {
        let mut command = kube_iam();
        command.args(["token", "-i", CLUSTER, "--cache"]).env("HOME", home.path()).envs(aws.client_environment());
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        command
    };
    finish(&mut cached()).await.success();
    finish(&mut cached()).await.success();
    assert_eq!(actions(&aws), ["AssumeRole"], "the second call uses the file");

    let file = home.path().join(".kube/cache/aws-iam-authenticator/credentials.yaml");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(file.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);

    // A file that others may read is left alone, and said so.
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let before = std::fs::read(&file).unwrap();
    let finished = finish(&mut cached()).await;
    assert!(finished.stderr.contains("is not private"), "{finished:?}");
    finished.success();
    assert_eq!(std::fs::read(&file).unwrap(), before);

    // Neither is a symlink followed.
    let elsewhere = home.path().join("elsewhere");
    std::fs::rename(&file, &elsewhere).unwrap();
    std::fs::set_permissions(&elsewhere, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
    let finished = finish(&mut cached()).await;
    assert!(finished.stderr.contains("symlink") || finished.stderr.contains("symbolic link"), "{finished:?}");
    finished.success();
    assert_eq!(std::fs::read(&elsewhere).unwrap(), before);
}
