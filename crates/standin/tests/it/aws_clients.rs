//! AWS's own clients against the stand-in, pointed at it by the proxy and the
//! certificate alone. They need Python with `boto3` and `awscli`.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kube_iam_standin::{
    Certificate, Container, Instance, Key, Outcome, Role, Service, Settings, SsoAccess, StandIn, Trust, WebIdentity,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::client::{Asked, Route, send};
use crate::{USER, key};

const ADMIN: &str = "arn:aws:iam::111122223333:role/team/Admin";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/aws_clients.py");

/// Starts the test, or ends it if Python, boto3 or the AWS CLI is missing: loudly, and
/// as a failure under `CI=true`.
macro_rules! clients {
    ($settings:expr) => {
        match Clients::start($settings).await {
            Some(clients) => clients,
            None => return,
        }
    };
}

mod clusters;
mod nodes;

/// A stand-in by the real clock, and what AWS's clients need to find it.
struct Clients {
    standin: StandIn,
    python: PathBuf,
    home: TempDir,
}

impl Clients {
    async fn start(settings: Settings) -> Option<Self> {
        let python = python().await?;
        let settings = Settings { keys: vec![key()], ..settings };
        let standin = StandIn::start(settings).await.unwrap();
        let home = tempfile::tempdir().unwrap();
        standin.write_ca(home.path().join("ca.pem")).unwrap();
        Some(Self { standin, python, home })
    }

    /// Runs Python with nothing of the caller's AWS settings.
    async fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let proxy = format!("http://{}", self.standin.proxy_address());
        let mut command = Command::new(&self.python);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy().to_uppercase();
            if text.starts_with("AWS_") || text.ends_with("_PROXY") {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .env("HOME", self.home.path())
            .env("HTTPS_PROXY", proxy)
            .env("AWS_CA_BUNDLE", self.home.path().join("ca.pem"))
            .env("AWS_DEFAULT_REGION", "eu-west-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_MAX_ATTEMPTS", "1")
            .envs(environment.iter().copied())
            .kill_on_drop(true);
        tokio::time::timeout(Duration::from_secs(120), command.output()).await.unwrap().unwrap()
    }

    async fn script(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Value {
        let arguments = [&[SCRIPT], arguments].concat();
        let output = self.run(&arguments, environment).await;
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    async fn cli(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Value, String> {
        let arguments = [&["-m", "awscli"], arguments, &["--output", "json"]].concat();
        let output = self.run(&arguments, environment).await;
        if output.status.success() {
            return Ok(serde_json::from_slice(&output.stdout).unwrap());
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.home.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// A Python that has boto3 and the AWS CLI.
async fn python() -> Option<PathBuf> {
    let probe = "import sys, boto3, awscli; print(sys.executable)";
    let output = Command::new("python3").args(["-c", probe]).output().await;
    let found = output
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map(|path| Path::new(path.trim()).to_owned());
    if found.is_none() {
        missing("python3 with boto3 and awscli: `pip install boto3 awscli`");
    }
    found
}

#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn missing(what: &str) {
    let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!ci, "the tests with AWS's own clients need {what}");
    eprintln!("SKIPPED: the tests with AWS's own clients need {what}");
}

fn credentials(key: &Key) -> [(&str, &str); 2] {
    [("AWS_ACCESS_KEY_ID", &key.access_key_id), ("AWS_SECRET_ACCESS_KEY", &key.secret_access_key)]
}

fn wrong_secret() -> Key {
    Key { secret_access_key: "not the secret".to_owned(), ..key() }
}

fn admin() -> Settings {
    Settings {
        roles: vec![Role {
            trust: Trust::Principals(vec![USER.to_owned()]),
            external_id: Some("partner".to_owned()),
            ..Role::new(ADMIN, "AROAADMINEXAMPLE")
        }],
        ..Settings::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_is_told_who_it_is() {
    let clients = clients!(Settings::default());
    let told = clients.script(&["identity"], &credentials(&key())).await;
    assert_eq!(told, json!({"Arn": USER, "Account": "111122223333", "UserId": "AIDACKCEVSQ6C2EXAMPLE"}));
    let call = &clients.standin.calls()[0];
    assert_eq!(call.host, "sts.eu-west-1.amazonaws.com");
    assert_eq!(call.method, "POST");
    assert!(call.user_agent.as_ref().unwrap().contains("Boto3"));

    let told = clients.script(&["identity"], &credentials(&wrong_secret())).await;
    assert_eq!(told["error"], "SignatureDoesNotMatch");
    assert_eq!(told["status"], 403);
    let unknown = Key { access_key_id: "AKIAUNKNOWN".to_owned(), ..key() };
    let told = clients.script(&["identity"], &credentials(&unknown)).await;
    assert_eq!(told["error"], "InvalidClientTokenId");
    assert_eq!(clients.standin.proxy_refusals(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_takes_a_role_and_acts_as_its_session() {
    let clients = clients!(admin());
    let request = json!({"RoleArn": ADMIN, "RoleSessionName": "jo@work", "ExternalId": "partner"});
    let told = clients.script(&["assume-role", &request.to_string()], &credentials(&key())).await;
    let session = "arn:aws:sts::111122223333:assumed-role/Admin/jo@work";
    let user = json!({"AssumedRoleId": "AROAADMINEXAMPLE:jo@work", "Arn": session});
    assert_eq!(told["AssumedRoleUser"], user);
    assert_eq!(told["Caller"], session);
    let stranger = json!({"RoleArn": ADMIN, "RoleSessionName": "jo", "ExternalId": "other"});
    let told = clients.script(&["assume-role", &stranger.to_string()], &credentials(&key())).await;
    assert_eq!(told["error"], "AccessDenied");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_client_is_told_who_it_is_and_takes_a_role() {
    let clients = clients!(admin());
    let told = clients.cli(&["sts", "get-caller-identity"], &credentials(&key())).await.unwrap();
    assert_eq!(told["Arn"], USER);
    let error = clients.cli(&["sts", "get-caller-identity"], &credentials(&wrong_secret())).await.unwrap_err();
    assert!(error.contains("(SignatureDoesNotMatch)"), "{error}");

    let request = ["sts", "assume-role", "--role-arn", ADMIN, "--role-session-name", "jo", "--external-id", "partner"];
    let told = clients.cli(&request, &credentials(&key())).await.unwrap();
    let issued = |name: &str| told["Credentials"][name].as_str().unwrap().to_owned();
    let session = [
        ("AWS_ACCESS_KEY_ID", &*issued("AccessKeyId")),
        ("AWS_SECRET_ACCESS_KEY", &*issued("SecretAccessKey")),
        ("AWS_SESSION_TOKEN", &*issued("SessionToken")),
    ];
    let told = clients.cli(&["sts", "get-caller-identity"], &session).await.unwrap();
    assert_eq!(told["Arn"], "arn:aws:sts::111122223333:assumed-role/Admin/jo");
}

/// Sends a presigned URL as a webhook does, for a cluster.
async fn use_url(clients: &Clients, url: &str, cluster: &str) -> crate::client::Told {
    let (host, target) = url.strip_prefix("https://").unwrap().split_once('/').unwrap();
    let asked = Asked::get(format!("/{target}"), host).with(&[("x-k8s-aws-id", cluster)]);
    Route::proxied(&clients.standin, host).open().await.send(&asked).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_aws_eks_get_token_are_good_for_their_cluster_alone() {
    let clients = clients!(Settings::default());
    let request = ["eks", "get-token", "--cluster-name", "prod"];
    let token = clients.cli(&request, &credentials(&key())).await.unwrap();
    let token = token["status"]["token"].as_str().unwrap().strip_prefix("k8s-aws-v1.").unwrap().to_owned();
    let cli = String::from_utf8(URL_SAFE_NO_PAD.decode(token).unwrap()).unwrap();
    let boto3 = clients.script(&["presign", "prod"], &credentials(&key())).await;
    for url in [&cli, boto3.as_str().unwrap()] {
        assert_eq!(use_url(&clients, url, "prod").await.arn(), USER);
        assert_eq!(use_url(&clients, url, "test").await.refusal(), (403, "SignatureDoesNotMatch"));
    }
    let forged = clients.script(&["presign", "prod"], &credentials(&wrong_secret())).await;
    let told = use_url(&clients, forged.as_str().unwrap(), "prod").await;
    assert_eq!(told.refusal(), (403, "SignatureDoesNotMatch"));
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_requests_are_read_as_botocore_writes_them() {
    let clients = clients!(Settings::default());
    let host = "sts.us-west-2.amazonaws.com";
    let requests = clients.script(&["odd-requests", host, "us-west-2"], &credentials(&key())).await;
    let requests = requests.as_array().unwrap();
    assert_eq!(requests.len(), 96);
    for request in requests {
        let text = |name: &str| request[name].as_str().unwrap();
        let mut asked = Asked::get(text("url").strip_prefix(&format!("https://{host}")).unwrap(), host);
        asked.method = text("method").to_owned();
        asked.body = text("body").as_bytes().to_vec();
        for (name, value) in request["headers"].as_object().unwrap() {
            asked = asked.with(&[(&name.to_lowercase(), value.as_str().unwrap())]);
        }
        let told = send(&clients.standin, &asked).await;
        assert_eq!(told.status, 200, "{asked:?}: {}", told.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_refuses_a_certificate_of_another_authority_or_name() {
    for (certificate, said) in [
        (Certificate::UntrustedAuthority, "certificate verify failed"),
        (Certificate::WrongName, "doesn't match 'wrong-name.invalid'"),
    ] {
        let clients = clients!(Settings { certificate, ..Settings::default() });
        let output = clients.run(&[SCRIPT, "identity"], &credentials(&key())).await;
        assert!(!output.status.success());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(said), "{stderr}");
        assert_eq!(clients.standin.call_count(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_finds_credentials_of_an_instance_a_container_and_a_web_identity() {
    let clients = clients!(Settings {
        roles: vec![Role::new(ADMIN, "AROAADMINEXAMPLE")],
        instance: Some(Instance {
            instance_id: "i-0123456789abcdef0".to_owned(),
            region: "eu-west-1".to_owned(),
            role_arn: ADMIN.to_owned(),
        }),
        container: Some(Container {
            role_arn: ADMIN.to_owned(),
            session_name: "task".to_owned(),
            authorization: Some("container-token".to_owned()),
        }),
        web_identities: vec![WebIdentity {
            token: "web.identity.token".to_owned(),
            role_arn: ADMIN.to_owned(),
            subject: "system:serviceaccount:default:jo".to_owned(),
            audience: "sts.amazonaws.com".to_owned(),
            provider: "arn:aws:iam::111122223333:oidc-provider/oidc.example.com".to_owned(),
        }],
        ..Settings::default()
    });
    let session = |name: &str| format!("arn:aws:sts::111122223333:assumed-role/Admin/{name}");

    let endpoint = format!("http://{}", clients.standin.metadata_address());
    let instance = [("AWS_EC2_METADATA_DISABLED", "false"), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint.as_str())];
    let told = clients.script(&["identity"], &instance).await;
    assert_eq!(told["Arn"], session("i-0123456789abcdef0"));
    assert_eq!(told["UserId"], "AROAADMINEXAMPLE:i-0123456789abcdef0");

    let uri = clients.standin.container_credentials_uri();
    let container = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "container-token"),
    ];
    let told = clients.script(&["identity"], &container).await;
    assert_eq!(told["Arn"], session("task"));

    let token = clients.write("token", "web.identity.token");
    let web = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()),
        ("AWS_ROLE_ARN", ADMIN),
        ("AWS_ROLE_SESSION_NAME", "pod"),
    ];
    let told = clients.script(&["identity"], &web).await;
    assert_eq!(told["Arn"], session("pod"));
    clients.write("token", "another.token");
    let told = clients.script(&["identity"], &web).await;
    assert_eq!(told["error"], "InvalidIdentityToken");
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_finds_the_credentials_of_a_single_sign_on() {
    const SSO_ROLE: &str =
        "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_0123456789abcdef";
    let clients = clients!(Settings {
        roles: vec![Role::new(SSO_ROLE, "AROASSOEXAMPLE")],
        sso: vec![SsoAccess {
            access_token: "signed-in".to_owned(),
            account_id: "111122223333".to_owned(),
            permission_set: "Dev".to_owned(),
            role_arn: SSO_ROLE.to_owned(),
            user: "jo@example.com".to_owned(),
        }],
        ..Settings::default()
    });
    clients.write(
        ".aws/config",
        "[profile dev]\nsso_start_url = https://example.awsapps.com/start\nsso_region = us-east-1\n\
         sso_account_id = 111122223333\nsso_role_name = Dev\n",
    );
    // The cache file is named by the SHA-1 of the start URL.
    let cache = ".aws/sso/cache/e8be5486177c5b5392bd9aa76563515b29358e6e.json";
    let sign_in = |token: &str| {
        let text = json!({
            "startUrl": "https://example.awsapps.com/start",
            "region": "us-east-1",
            "accessToken": token,
            "expiresAt": "2099-01-01T00:00:00Z",
        });
        clients.write(cache, &text.to_string());
    };
    sign_in("signed-in");
    let told = clients.script(&["identity"], &[("AWS_PROFILE", "dev")]).await;
    assert_eq!(
        told["Arn"],
        "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/jo@example.com"
    );
    let call = &clients.standin.calls()[0];
    assert_eq!((call.service, call.outcome.clone()), (Service::SsoPortal, Outcome::Accepted));
    assert_eq!(call.host, "portal.sso.us-east-1.amazonaws.com");

    sign_in("signed-out");
    let output = clients.run(&[SCRIPT, "identity"], &[("AWS_PROFILE", "dev")]).await;
    assert!(!output.status.success());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("UnauthorizedSSOTokenError"), "{stderr}");
}
