//! One way for all calls that are signed here, whatever the service: where it is, how it is asked, how often, and how its refusals are
//! read.

use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Bytes;
use jiff::Timestamp;
use kube_iam_core::partition::StsEndpoint;

use crate::config::Config;
use crate::credentials::Credentials;
use crate::endpoint::{Target, TargetError};
use crate::http::{Bounds, Http, HttpFailure};
use crate::limits;
use crate::refusal::{Meaning, Refusal};
use crate::signed::{self, Input};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A service of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    CloudFormation,
    Ec2,
    Eks,
    Iam,
}

impl Service {
    /// Its name in signatures, in permissions, and in lower case in settings.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::CloudFormation => "cloudformation",
            Self::Ec2 => "ec2",
            Self::Eks => "eks",
            Self::Iam => "iam",
        }
    }

    /// Its name for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CloudFormation => "CloudFormation",
            Self::Ec2 => "EC2",
            Self::Eks => "EKS",
            Self::Iam => "IAM",
        }
    }

    /// Where it is asked about a region.
    pub(crate) fn target(self, config: &Config<'_>, region: &str) -> Result<Target, TargetError> {
        let official = || {
            let form = config.endpoint_form();
            match self {
                Self::CloudFormation | Self::Ec2 => Target::like_sts(self.id(), region, form),
                Self::Eks => Target::eks(region, form),
                Self::Iam => Target::iam(region, form),
            }
        };
        let Some(url) = config.endpoint_url(self.id()) else { return official() };
        let configured = Target::configured(&url, region)?;
        match self {
            // Wherever it is, it is signed for in the one region of its partition.
            Self::Iam => Ok(Target { region: Target::iam(region, StsEndpoint::default())?.region, ..configured }),
            Self::CloudFormation | Self::Ec2 | Self::Eks => Ok(configured),
        }
    }

    fn reply_bytes(self) -> usize {
        match self {
            Self::CloudFormation => limits::STACKS_REPLY_BYTES,
            Self::Ec2 => limits::EC2_REPLY_BYTES,
            Self::Eks => limits::EKS_REPLY_BYTES,
            Self::Iam => limits::IAM_REPLY_BYTES,
        }
    }

    fn refusal(self, response: &Response<Bytes>) -> Refusal {
        match self {
            Self::Eks => Refusal::of_json(response),
            Self::CloudFormation | Self::Ec2 | Self::Iam => Refusal::of_query(response),
        }
    }
}

/// Something to ask a service.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) service: Service,
    pub(crate) action: &'static str,
    pub(crate) input: Input,
}

/// Why a call has no answer.
#[derive(Debug)]
pub(crate) enum Unanswered {
    Refused(Refusal),
    Http(HttpFailure),
}

impl Unanswered {
    /// Whether the same request may be answered another time.
    fn passes(&self) -> bool {
        match self {
            Self::Refused(refusal) => {
                refusal.meaning() == Meaning::Throttled || matches!(refusal.status, 500 | 502 | 503 | 504)
            }
            Self::Http(HttpFailure::Connect(_) | HttpFailure::Closed(_) | HttpFailure::Timeout) => true,
            Self::Http(HttpFailure::Roots(_) | HttpFailure::Tls(_) | HttpFailure::TooLarge) => false,
        }
    }
}

impl fmt::Display for Unanswered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(formatter),
            Self::Http(failure) => formatter.write_str(&crate::http::causes(failure)),
        }
    }
}

impl Call {
    /// The permission that it needs.
    pub(crate) fn permission(&self) -> String {
        format!("{}:{}", self.service.id(), self.action)
    }

    pub(crate) fn sign(
        &self,
        credentials: &Credentials,
        target: &Target,
        now: Timestamp,
    ) -> Result<Request<Full<Bytes>>, BoxError> {
        signed::request(credentials, target, self.service.id(), &self.input, now)
    }

    /// Sends the signed request once: the body of the answer.
    pub(crate) async fn send(
        &self,
        http: &Http,
        request: Request<Full<Bytes>>,
        time: Duration,
    ) -> Result<Bytes, Unanswered> {
        let bounds = Bounds { time, body: self.service.reply_bytes() };
        let response = http.send(request, bounds).await.map_err(Unanswered::Http)?;
        if response.status().is_success() {
            return Ok(response.into_body());
        }
        Err(Unanswered::Refused(self.service.refusal(&response)))
    }

    /// Sends the signed request until the answer is one that stays, as the AWS SDKs do.
    pub(crate) async fn send_until_answered(
        &self,
        http: &Http,
        request: &Request<Full<Bytes>>,
    ) -> Result<Bytes, Unanswered> {
        let mut attempt = 1;
        loop {
            match self.send(http, request.clone(), limits::CALL_TIMEOUT).await {
                Err(failure) if failure.passes() && attempt < limits::CALL_ATTEMPTS => {}
                outcome => return outcome,
            }
            tokio::time::sleep(up_to(limits::CALL_BACKOFF * 2_u32.pow(attempt - 1))).await;
            attempt += 1;
        }
    }
}

/// A random part of a time. What the standard library seeds its hash maps with is random enough to keep clients apart.
fn up_to(most: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    let millis = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(random % millis.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_stays_within_its_bound() {
        for _ in 0..1000 {
            assert!(up_to(Duration::from_millis(3)) <= Duration::from_millis(3));
        }
    }
}
