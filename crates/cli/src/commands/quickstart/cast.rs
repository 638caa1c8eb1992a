//! The people and machines of the quickstart, and what is staged for each.

use kube_iam_aws::credentials::Credentials;
use kube_iam_core::secret::Secret;
use kube_iam_standin::{Key, Principal};

/// The cluster of the quickstart.
pub const CLUSTER_ID: &str = "quickstart";

/// The sample mappings, as an operator would write them.
pub const CONFIG: &str = r#"# The mappings of the quickstart. Change them and sign in again: the server
# follows this file without a restart.
clusterID: quickstart
server:
  mapRoles:
  # IAM shows this role with its path, /platform/; STS never does. Both match.
  - rolearn: arn:aws:iam::111122223333:role/platform/PlatformAdmin
    username: admin:{{SessionName}}
    groups: [system:masters]
  # A permission set of IAM Identity Center, without its random suffix.
  - sso:
      permissionSetName: Developer
      accountID: "111122223333"
    username: dev:{{SessionName}}
    groups: [developers]
  - rolearn: arn:aws:iam::111122223333:role/WorkerNode
    username: system:node:{{SessionName}}
    groups: [system:bootstrappers, system:nodes]
  mapUsers:
  - userarn: arn:aws:iam::111122223333:user/ci/deployer
    username: deployer
    groups: [deployers]
  # Everybody of this account, under the name of the IAM principal.
  mapAccounts: ["444455556666"]
"#;

/// What is done with a sample's request on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staged {
    /// Nothing: an honest login.
    Honest,
    /// Signed for another cluster.
    OtherCluster,
    /// Signed with a secret that is not the key's.
    Forged,
    /// Signed twenty minutes ago.
    Expired,
}

/// Somebody who signs in.
pub struct Sample {
    /// Short name, of the kubeconfig too.
    pub name: &'static str,
    /// In words.
    pub who: &'static str,
    /// As STS knows them.
    pub arn: &'static str,
    user_id: &'static str,
    access_key_id: &'static str,
    /// What is staged.
    pub staged: Staged,
    /// The username to expect, or the reason code.
    pub expected: Result<&'static str, &'static str>,
}

const fn honest(
    name: &'static str,
    who: &'static str,
    arn: &'static str,
    user_id: &'static str,
    access_key_id: &'static str,
    username: &'static str,
) -> Sample {
    Sample { name, who, arn, user_id, access_key_id, staged: Staged::Honest, expected: Ok(username) }
}

const ADMIN_ARN: &str = "arn:aws:sts::111122223333:assumed-role/PlatformAdmin/alice";

const fn spoilt(
    name: &'static str,
    who: &'static str,
    staged: Staged,
    access_key_id: &'static str,
    reason: &'static str,
) -> Sample {
    Sample {
        name,
        who,
        arn: ADMIN_ARN,
        user_id: "AROAEXAMPLEADMIN00001:alice",
        access_key_id,
        staged,
        expected: Err(reason),
    }
}

/// Everybody who signs in, in the order of the table.
pub const SAMPLES: &[Sample] = &[
    honest("admin", "platform admin", ADMIN_ARN, "AROAEXAMPLEADMIN00001:alice", "ASIAEXAMPLEADMIN0001", "admin:alice"),
    honest(
        "developer",
        "developer through SSO",
        "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Developer_0123456789abcdef/bob@example.com",
        "AROAEXAMPLEDEVEL00001:bob@example.com",
        "ASIAEXAMPLEDEVEL0001",
        "dev:bob-example.com",
    ),
    honest(
        "node",
        "worker node",
        "arn:aws:sts::111122223333:assumed-role/WorkerNode/i-0123456789abcdef0",
        "AROAEXAMPLENODE000001:i-0123456789abcdef0",
        "ASIAEXAMPLENODE00001",
        "system:node:i-0123456789abcdef0",
    ),
    honest(
        "deployer",
        "IAM user",
        "arn:aws:iam::111122223333:user/ci/deployer",
        "AIDAEXAMPLEDEPLOY0001",
        "AKIAEXAMPLEDEPLOY001",
        "deployer",
    ),
    honest(
        "partner",
        "whole account",
        "arn:aws:sts::444455556666:assumed-role/Auditor/carol",
        "AROAEXAMPLEAUDIT00001:carol",
        "ASIAEXAMPLEAUDIT0001",
        "arn:aws:iam::444455556666:role/Auditor",
    ),
    Sample {
        name: "stranger",
        who: "role nobody mapped",
        arn: "arn:aws:sts::111122223333:assumed-role/Stranger/mallory",
        user_id: "AROAEXAMPLESTRANG0001:mallory",
        access_key_id: "ASIAEXAMPLESTRANG001",
        staged: Staged::Honest,
        expected: Err("not_mapped"),
    },
    spoilt(
        "other-cluster",
        "admin, signed for another cluster ID",
        Staged::OtherCluster,
        "ASIAEXAMPLEADMIN0002",
        "sts_signature",
    ),
    spoilt("forgery", "admin's key ID, forged signature", Staged::Forged, "ASIAEXAMPLEADMIN0003", "sts_signature"),
    spoilt("expired", "admin, signed 20 minutes ago", Staged::Expired, "ASIAEXAMPLEADMIN0004", "token_expired"),
];

impl Sample {
    /// The secret key: made up, and good for this stand-in only.
    fn secret(&self) -> String {
        format!("quickstart-secret-key-of-{}", self.name)
    }

    fn session_token(&self) -> Option<String> {
        self.access_key_id.starts_with("ASIA").then(|| format!("quickstart-session-token-of-{}", self.name))
    }

    /// The key as the stand-in knows it.
    pub fn key(&self) -> Key {
        Key {
            access_key_id: self.access_key_id.to_string(),
            secret_access_key: self.secret(),
            session_token: self.session_token(),
            principal: Principal::new(self.arn, self.user_id),
            expires: None,
        }
    }

    /// The key as its holder has it; a forger does not know the secret.
    pub fn credentials(&self) -> Credentials {
        let secret = if self.staged == Staged::Forged { "guessed".to_string() } else { self.secret() };
        Credentials {
            access_key_id: self.access_key_id.to_string(),
            secret_access_key: Secret::new(secret),
            session_token: self.session_token().map(Secret::new),
            expires: None,
        }
    }

    /// The environment in which `kube-iam token` signs for this sample.
    pub fn environment(&self) -> Vec<(String, String)> {
        let credentials = self.credentials();
        let mut variables = vec![
            ("AWS_ACCESS_KEY_ID".to_string(), credentials.access_key_id),
            ("AWS_SECRET_ACCESS_KEY".to_string(), credentials.secret_access_key.expose().to_string()),
            ("AWS_REGION".to_string(), "us-east-1".to_string()),
        ];
        variables.extend(
            credentials.session_token.map(|token| ("AWS_SESSION_TOKEN".to_string(), token.expose().to_string())),
        );
        variables
    }
}
