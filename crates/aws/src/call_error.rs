//! Why a call to AWS brought nothing, whatever the service, and the command that helps.

use crate::endpoint::TargetError;
use crate::error::CredentialError;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a call brought nothing, for a reason that all services share. `Display` says what, `source()` why, [`hint`](Self::hint) what to
/// do.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The caller lacks a permission.
    #[error("{} lacks the permission `{permission}`", .caller.as_ref().map_or_else(|| "the caller".to_owned(), |caller| format!("`{caller}`")))]
    Denied {
        /// The action of IAM, such as `cloudformation:DescribeStacks`.
        permission: String,
        /// The caller's ARN, if AWS told it.
        caller: Option<String>,
        /// What AWS said.
        source: BoxError,
    },
    /// AWS has had too many requests, even after a while.
    #[error("AWS has had too many `{action}` requests")]
    Throttled {
        /// The action, such as `DescribeStacks`.
        action: &'static str,
        /// What AWS said.
        source: BoxError,
    },
    /// The answer can't be understood.
    #[error("{service} gave an answer to `{action}` that makes no sense")]
    Answer {
        /// The service, as people name it.
        service: &'static str,
        /// The action.
        action: &'static str,
        /// Why.
        source: BoxError,
    },
    /// A list does not end within the pages that are read.
    #[error("{service} gave more pages to `{action}` than are read")]
    TooManyPages {
        /// The service, as people name it.
        service: &'static str,
        /// The action.
        action: &'static str,
    },
    /// Signing failed.
    #[error("could not sign the request to {service}")]
    Sign {
        /// The service, as people name it.
        service: &'static str,
        /// Why.
        source: BoxError,
    },
    /// The region or the configured endpoint is unusable.
    #[error("could not tell which {service} endpoint to use")]
    Target {
        /// The service, as people name it.
        service: &'static str,
        /// Why.
        source: TargetError,
    },
    /// The credentials are at fault, or the way to AWS.
    #[error(transparent)]
    Credential(#[from] CredentialError),
}

impl CallError {
    /// What to do about it: one line, with the command to run where there is one.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Denied { permission, .. } => format!("the caller's policy must allow `{permission}`"),
            Self::Throttled { .. } => "wait a minute and run the command again".to_owned(),
            Self::Target { service, source: TargetError::Url(_) } => {
                format!("run `unset AWS_ENDPOINT_URL AWS_ENDPOINT_URL_{}`", service.to_ascii_uppercase())
            }
            Self::Target { source: TargetError::Region(_) | TargetError::NoDualStack(_), .. } => {
                "give another region with `--region`".to_owned()
            }
            Self::Credential(error) => return error.hint(),
            Self::Answer { .. } => {
                "something else may have answered in place of AWS: check `HTTPS_PROXY` and `AWS_ENDPOINT_URL`"
                    .to_owned()
            }
            Self::TooManyPages { .. } | Self::Sign { .. } => return None,
        })
    }

    /// Whether AWS did not answer, or not to us: another time, or another way, it may.
    pub fn is_unreachable(&self) -> bool {
        use crate::error::Trouble;
        matches!(
            self,
            Self::Throttled { .. }
                | Self::Credential(CredentialError::Call { trouble: Trouble::Network | Trouble::Certificate, .. })
        )
    }
}
