//! Tokens of other programs are accepted, and ours hold before others' eyes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kube_iam_aws::http::{HttpSettings, Roots};
use kube_iam_aws::sts_client::{StsClient, StsSettings};
use kube_iam_core::partition::{Partition, StsHosts};
use kube_iam_core::ports::Sts as _;
use kube_iam_core::secret::Token;
use kube_iam_core::sts::conclude;
use kube_iam_core::token::{TokenPolicy, check};
use kube_iam_standin::{MovableClock, Settings};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::process::Command;

use crate::aws::Aws;
use crate::exec_plugin::token_of;
use crate::people::{ADMIN, CLUSTER, DEV, Person};
use crate::process::finish;
use crate::webhook::Webhook;

const MAPPINGS: &str = "\
mapRoles:
- {rolearn: 'arn:aws:iam::111122223333:role/Admin', username: admin}
mapUsers:
- {userarn: 'arn:aws:iam::111122223333:user/team/dev', username: dev}";

/// The URL inside a token.
pub(crate) fn url_of(token: &str) -> String {
    let encoded = token.strip_prefix("k8s-aws-v1.").unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap()
}

/// Whether Python can import the AWS clients; loud where it can't.
#[expect(clippy::print_stderr, reason = "a skipped test must be heard of")]
async fn python_has_boto3() -> bool {
    let found = Command::new("python3").args(["-c", "import boto3, botocore, awscli"]).output().await;
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        assert!(std::env::var_os("CI").is_none(), "python3 with boto3 and awscli is needed: pip install boto3 awscli");
        eprintln!("SKIPPED: python3 with boto3 and awscli is needed, run `pip install boto3 awscli`");
    }
    found
}

/// Runs a Python program as somebody; its output is what it printed.
async fn python(person: Person, program: &str, args: &[&str]) -> String {
    let mut command = Command::new("python3");
    command.arg("-c").arg(program).args(args).envs(person.environment());
    finish(&mut command).await.success().trim_end().to_string()
}

#[tokio::test]
async fn aws_cli_tokens_are_accepted() {
    if !python_has_boto3().await {
        return;
    }
    let (_aws, _home, webhook) = Webhook::with_mappings(MAPPINGS).await;
    for (person, username) in [(ADMIN, "admin"), (DEV, "dev")] {
        let mut aws = Command::new("aws");
        aws.args(["eks", "get-token", "--cluster-name", CLUSTER]).envs(person.environment());
        let credential: serde_json::Value = serde_json::from_str(&finish(&mut aws).await.success()).unwrap();
        let answer = webhook.review(credential["status"]["token"].as_str().unwrap()).await;
        assert_eq!(answer.user()["username"], username);
    }
    let mut aws = Command::new("aws");
    aws.args(["eks", "get-token", "--cluster-name", "another"]).envs(ADMIN.environment());
    let credential: serde_json::Value = serde_json::from_str(&finish(&mut aws).await.success()).unwrap();
    assert_eq!(webhook.review(credential["status"]["token"].as_str().unwrap()).await.refusal(), "sts_signature");
    assert_eq!(webhook.terminate().await, Some(0));
}

#[tokio::test]
async fn boto3_tokens_are_accepted() {
    const PROGRAM: &str = r#"
import base64, sys, boto3
from botocore.signers import RequestSigner
session = boto3.session.Session()
client = session.client("sts")
signer = RequestSigner(client.meta.service_model.service_id, "us-east-1", "sts", "v4", session.get_credentials(), session.events)
url = signer.generate_presigned_url({
    "method": "GET", "body": {}, "context": {},
    "url": "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
    "headers": {"x-k8s-aws-id": sys.argv[1]},
}, region_name="us-east-1", expires_in=60, operation_name="")
print("k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("="))
"#;
    if !python_has_boto3().await {
        return;
    }
    let (_aws, _home, webhook) = Webhook::with_mappings(MAPPINGS).await;
    for (person, username) in [(ADMIN, "admin"), (DEV, "dev")] {
        let token = python(person, PROGRAM, &[CLUSTER]).await;
        assert_eq!(webhook.review(&token).await.user()["username"], username);
    }
    assert_eq!(webhook.terminate().await, Some(0));
}

#[tokio::test]
async fn our_signature_is_what_botocore_computes() {
    const PROGRAM: &str = r#"
import datetime, sys
from urllib.parse import urlsplit, parse_qs
import botocore.auth, boto3
from botocore.awsrequest import AWSRequest
given = parse_qs(urlsplit(sys.argv[1]).query, strict_parsing=True)
signed_at = datetime.datetime.strptime(given["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ")
for name in ("get_current_datetime",):
    if hasattr(botocore.auth, name):
        setattr(botocore.auth, name, lambda remove_tzinfo=True: signed_at)
class Fixed(datetime.datetime):
    @classmethod
    def utcnow(cls): return signed_at
    @classmethod
    def now(cls, tz=None): return signed_at.replace(tzinfo=tz)
botocore.auth.datetime = Fixed if isinstance(botocore.auth.__dict__.get("datetime"), type) else botocore.auth.__dict__.get("datetime")
request = AWSRequest("GET", "https://" + urlsplit(sys.argv[1]).netloc + "/?Action=GetCallerIdentity&Version=2011-06-15",
                     headers={"x-k8s-aws-id": sys.argv[2]})
credentials = boto3.session.Session().get_credentials().get_frozen_credentials()
botocore.auth.SigV4QueryAuth(credentials, "sts", given["X-Amz-Credential"][0].split("/")[2], expires=60).add_auth(request)
ours = {name: values[0] for name, values in given.items()}
theirs = {name: values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}
assert ours["X-Amz-Date"] == theirs["X-Amz-Date"], (ours["X-Amz-Date"], theirs["X-Amz-Date"])
print("same" if ours == theirs else f"differs in {sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))}")
"#;
    if !python_has_boto3().await {
        return;
    }
    for person in [ADMIN, DEV] {
        let url = url_of(&token_of(person).await);
        assert_eq!(python(person, PROGRAM, &[&url, CLUSTER]).await, "same");
        assert_ne!(python(person, PROGRAM, &[&url, "another"]).await, "same", "the check can fail");
    }
}

/// A token that another program once made, with the keys of [`PEOPLE`](crate::people::PEOPLE).
#[derive(serde::Deserialize)]
struct Golden {
    client: String,
    person: String,
    signed_at: jiff::Timestamp,
    token: String,
}

/// Tokens of the SDKs for Go and JavaScript and of botocore, each the way users of that SDK make them, kept as they came: the checks
/// must go on accepting them, and the signature must hold for the rebuilt request.
#[tokio::test]
async fn golden_tokens_of_other_sdks_hold() {
    let golden: Vec<Golden> = serde_json::from_str(include_str!("../golden-tokens.json")).unwrap();
    assert!(golden.len() >= 6);
    for Golden { client, person, signed_at, token } in golden {
        let clock = MovableClock::at(signed_at);
        let aws = Aws::start_with(Settings { clock: clock.clock(), ..Settings::default() }).await;
        let policy = TokenPolicy { hosts: StsHosts::of(Partition::Aws), cluster_id: CLUSTER.parse().unwrap() };
        let request = check(&Token::new(token), &policy, signed_at).unwrap_or_else(|error| panic!("{client}: {error}"));
        let roots = CertificateDer::pem_slice_iter(aws.standin.ca_pem().as_bytes()).map(Result::unwrap).collect();
        let http = HttpSettings {
            roots: Roots::Given(roots),
            connect: Some(aws.standin.address().try_into().unwrap()),
            ..HttpSettings::default()
        };
        let sts = StsClient::new(StsSettings { http, ..StsSettings::default() });
        let identity = conclude(&request, Partition::Aws, sts.call(&request).await);
        let identity = identity.unwrap_or_else(|error| panic!("{client}: {error}"));
        let wanted = if person == "admin" { "role/Admin" } else { "user/team/dev" };
        assert!(identity.canonical.as_str().ends_with(wanted), "{client}: {identity:?}");
    }
}
