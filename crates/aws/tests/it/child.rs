//! Makes a token in a process of its own.
//!
//! The SSO, container and metadata parts of `aws-config` read the environment of the process, and tests share theirs. So each token is
//! made by this very test binary, started again with nothing but the variables of the test.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::process::Stdio;

use jiff::Timestamp;
use kube_iam_aws::environment::Environment;
use kube_iam_aws::error::CredentialError;
use kube_iam_aws::mfa::{MfaPrompt, NobodyToAsk};
use kube_iam_aws::token::{TokenRequest, mint};
use kube_iam_core::secret::Token;
use serde::{Deserialize, Serialize};

/// Carries the [`Asked`] to the child.
const VARIABLE: &str = "KUBE_IAM_TEST_ASKED";

/// Before the line that holds the [`Told`].
const MARK: &str = "told: ";

/// What a test wants of `mint`.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) region: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) session_name: Option<String>,
    pub(crate) forward_session_name: bool,
    pub(crate) cache: bool,
    /// What the person at the terminal answers; without it there is nobody.
    pub(crate) code: Option<String>,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Told {
    Made {
        token: String,
        expires: Timestamp,
        warnings: Vec<String>,
        /// Questions put to the person.
        questions: Vec<String>,
    },
    Failed {
        error: String,
        causes: Vec<String>,
        hint: Option<String>,
    },
}

/// A token as a test looks at it.
pub(crate) struct Made {
    pub(crate) token: Token,
    pub(crate) expires: Timestamp,
    pub(crate) warnings: Vec<String>,
    pub(crate) questions: Vec<String>,
}

/// A failure as a test looks at it.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: String,
    pub(crate) causes: Vec<String>,
    pub(crate) hint: String,
}

impl Told {
    pub(crate) fn made(self) -> Made {
        match self {
            Self::Made { token, expires, warnings, questions } => {
                Made { token: Token::new(token), expires, warnings, questions }
            }
            Self::Failed { error, causes, .. } => panic!("no token: {error}: {causes:?}"),
        }
    }

    pub(crate) fn failed(self) -> Failed {
        match self {
            Self::Made { .. } => panic!("a token was made"),
            Self::Failed { error, causes, hint } => Failed { error, causes, hint: hint.unwrap_or_default() },
        }
    }
}

/// Makes a token with exactly these variables.
pub(crate) async fn told(asked: &Asked, variables: &BTreeMap<String, String>) -> Told {
    let child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child::token_of_a_child", "--ignored", "--nocapture"])
        .env_clear()
        .envs(variables)
        .env(VARIABLE, serde_json::to_string(asked).unwrap())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let stdout = String::from_utf8(child.stdout).unwrap();
    // The test runner writes its own words in front, on the same line.
    let told = stdout.split_once(MARK).unwrap_or_else(|| panic!("no result: {stdout}")).1;
    serde_json::from_str(told.lines().next().unwrap()).unwrap()
}

struct Person {
    code: Option<String>,
    questions: std::sync::Mutex<Vec<String>>,
}

impl MfaPrompt for Person {
    fn ask(&self, question: &str) -> Result<String, NobodyToAsk> {
        self.questions.lock().unwrap().push(question.to_owned());
        self.code.clone().ok_or_else(|| NobodyToAsk("this is a test".to_owned()))
    }
}

/// The child. The other tests start it; by itself it has nothing to make a token from.
#[tokio::test]
#[ignore = "started by the other tests, each with its own environment"]
async fn token_of_a_child() {
    let asked = std::env::var(VARIABLE).unwrap_or_else(|_| panic!("started by the other tests only"));
    let Asked { region, role, external_id, session_name, forward_session_name, cache, code } =
        serde_json::from_str(&asked).unwrap();
    let request = TokenRequest {
        cluster_id: "test.example.com".parse().unwrap(),
        region,
        role,
        external_id,
        session_name,
        forward_session_name,
        cache,
    };
    let person = Person { code, questions: std::sync::Mutex::default() };
    let told = match mint(&request, &Environment::from_process(), Timestamp::now(), &person).await {
        Ok(minted) => Told::Made {
            token: minted.token.expose().to_owned(),
            expires: minted.expires,
            warnings: minted.warnings.iter().map(ToString::to_string).collect(),
            questions: person.questions.into_inner().unwrap(),
        },
        Err(error) => Told::Failed { causes: causes(&error), hint: error.hint(), error: error.to_string() },
    };
    println(&format!("{MARK}{}", serde_json::to_string(&told).unwrap()));
}

fn causes(error: &CredentialError) -> Vec<String> {
    std::iter::successors(error.source(), |error| (*error).source()).map(ToString::to_string).collect()
}

#[expect(clippy::print_stdout, reason = "the child's answer goes to its parent by stdout")]
fn println(line: &str) {
    println!("{line}");
}
