//! The server's way to EC2 and IAM: which instances there are, `DescribeInstances`, and which role is in their instance profile,
//! `GetInstanceProfile`.

mod access;
mod answer;

use std::sync::Arc;

use hyper::body::Bytes;
use kube_iam_core::arn::{Arn, InstanceProfileArn};
use kube_iam_core::ids::InstanceId;
use kube_iam_core::limits::INSTANCES_PER_CALL;
use kube_iam_core::ports::{AwsFailure, BoxFuture, Instance, Instances};

pub use access::{Ec2Role, Ec2Settings, OnBehalfOf};

use crate::http::{HttpFailure, causes};
use crate::iam::{Profile, get_instance_profile};
use crate::limits;
use crate::query::Form;
use crate::refusal::{Meaning, Refusal};
use crate::service::{Call, Service, Unanswered};
use crate::signed::Input;
use access::Access;

/// The version of the API.
const VERSION: &str = "2016-11-15";

/// Describes the instances of one region.
///
/// A long-running process: credentials are found when the first call needs them, and anew before they end, so that making one asks
/// nobody and needs nothing.
pub struct Ec2Instances {
    access: Arc<Access>,
}

impl Ec2Instances {
    /// The instances that these settings lead to. Nothing is read or connected yet.
    pub fn new(settings: Ec2Settings) -> Self {
        Self { access: Access::new(settings) }
    }

    async fn described(&self, ids: &[InstanceId]) -> Result<Vec<Instance>, AwsFailure> {
        // Without a name in it, the call would be about every instance there is.
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        if ids.len() > INSTANCES_PER_CALL {
            let most = format!("a call names at most {INSTANCES_PER_CALL} instances, not {}", ids.len());
            return Err(AwsFailure::Refused(most));
        }
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        for _ in 0..limits::PAGES {
            let call = describe_instances(ids, next.as_deref());
            let body = self.send(&call).await.map_err(|failure| failure.about(ids))?;
            let page = answer::read(&body).map_err(|error| AwsFailure::Refused(causes(&error)))?;
            found.extend(page.instances.into_iter().filter(|instance| ids.contains(&instance.id)));
            match page.next {
                None => return Ok(found),
                Some(_) if found.len() >= ids.len() => return Ok(found),
                Some(mark) if mark.len() > limits::PAGE_MARK_BYTES => {
                    return Err(AwsFailure::Refused("the mark of the next page is too long".to_owned()));
                }
                Some(mark) => next = Some(mark),
            }
        }
        Err(AwsFailure::Refused(format!("there are more than {} pages", limits::PAGES)))
    }

    async fn role(&self, profile: &InstanceProfileArn) -> Result<Option<Arn>, AwsFailure> {
        let call = get_instance_profile(profile.name());
        let body = self.send(&call).await.map_err(|failure| match failure {
            Failure::Call(Unanswered::Refused(refusal)) if refusal.code == "NoSuchEntity" => {
                AwsFailure::UnknownProfile(refusal.to_string())
            }
            failure => failure.about(&[]),
        })?;
        let answer = Profile::read(&body).map_err(|error| AwsFailure::Refused(causes(&error)))?;
        // IAM looks by name, in the account of the credentials: another account's profile may have the same one.
        if answer.arn != profile.as_str() {
            let other = format!("IAM knows no instance profile `{}`, only `{}`", profile.as_str(), answer.arn);
            return Err(AwsFailure::UnknownProfile(other.chars().take(limits::REFUSAL_CHARS).collect()));
        }
        Ok(answer.role)
    }

    /// Sends a request once.
    async fn send(&self, call: &Call) -> Result<Bytes, Failure> {
        let ready = self.access.ready().await.map_err(Failure::Credentials)?;
        let request = ready.sign(call, self.access.now()).map_err(Failure::Credentials)?;
        let outcome = call.send(&ready.http, request, limits::NODE_CALL_TIMEOUT).await;
        if let Err(Unanswered::Refused(refusal)) = &outcome
            && matches!(refusal.meaning(), Meaning::Key | Meaning::Expired)
        {
            self.access.forget(&ready);
        }
        outcome.map_err(Failure::Call)
    }
}

impl Instances for Ec2Instances {
    fn describe<'a>(&'a self, ids: &'a [InstanceId]) -> BoxFuture<'a, Result<Vec<Instance>, AwsFailure>> {
        Box::pin(self.described(ids))
    }

    fn role_of_profile<'a>(
        &'a self,
        profile: &'a InstanceProfileArn,
    ) -> BoxFuture<'a, Result<Option<Arn>, AwsFailure>> {
        Box::pin(self.role(profile))
    }
}

impl std::fmt::Debug for Ec2Instances {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Ec2Instances").finish_non_exhaustive()
    }
}

fn describe_instances(ids: &[InstanceId], next: Option<&str>) -> Call {
    let mut form = Form::new("DescribeInstances", VERSION);
    for (number, id) in (1..).zip(ids) {
        form = form.with(&format!("InstanceId.{number}"), id.as_str());
    }
    if let Some(next) = next {
        form = form.with("NextToken", next);
    }
    Call { service: Service::Ec2, action: "DescribeInstances", input: Input::Post(form) }
}

/// Why a call has no answer.
enum Failure {
    /// There was nothing to sign with, or nowhere to go.
    Credentials(AwsFailure),
    Call(Unanswered),
}

impl Failure {
    /// What it means for whoever asked about these instances.
    fn about(self, ids: &[InstanceId]) -> AwsFailure {
        match self {
            Self::Credentials(failure) => failure,
            Self::Call(Unanswered::Refused(refusal)) => refused(&refusal, ids),
            Self::Call(unanswered @ Unanswered::Http(HttpFailure::TooLarge)) => {
                AwsFailure::Refused(unanswered.to_string())
            }
            Self::Call(unanswered) => AwsFailure::Unavailable(unanswered.to_string()),
        }
    }
}

fn refused(refusal: &Refusal, ids: &[InstanceId]) -> AwsFailure {
    if matches!(refusal.code.as_str(), "InvalidInstanceID.NotFound" | "InvalidInstanceID.Malformed") {
        let unknown = named_in(&refusal.message, ids);
        if !unknown.is_empty() {
            return AwsFailure::UnknownInstances(unknown);
        }
    }
    let told = refusal.to_string();
    match refusal.meaning() {
        Meaning::Throttled => AwsFailure::Throttled(told),
        Meaning::Denied | Meaning::Key => AwsFailure::Denied(told),
        Meaning::Expired => AwsFailure::Expired(told),
        Meaning::Failure => AwsFailure::Unavailable(told),
        Meaning::Other => AwsFailure::Refused(told),
    }
}

/// Those of the instances that a message names, such as `The instance IDs 'i-…, i-…' do not exist`.
fn named_in(message: &str, ids: &[InstanceId]) -> Vec<InstanceId> {
    let words = message.split(|at: char| !(at.is_ascii_alphanumeric() || matches!(at, '-' | '_')));
    let words: std::collections::HashSet<&str> = words.collect();
    ids.iter().filter(|id| words.contains(id.as_str())).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(texts: &[&str]) -> Vec<InstanceId> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn of(status: u16, code: &str, message: &str) -> AwsFailure {
        let refusal = Refusal { status, code: code.to_owned(), message: message.to_owned() };
        refused(&refusal, &ids(&["i-0000000a", "i-0000000b", "i-0000000c"]))
    }

    #[test]
    fn unknown_instances_are_those_that_were_asked_for() {
        let unknown = |texts: &[&str]| AwsFailure::UnknownInstances(ids(texts));
        let code = "InvalidInstanceID.NotFound";
        let one = "The instance ID 'i-0000000b' does not exist";
        assert_eq!(of(400, code, one), unknown(&["i-0000000b"]));
        let several = "The instance IDs 'i-0000000c, i-0000000a' do not exist";
        assert_eq!(of(400, code, several), unknown(&["i-0000000a", "i-0000000c"]));
        let malformed = "Invalid id: \"i-0000000a\" (expecting \"i-...\")";
        assert_eq!(of(400, "InvalidInstanceID.Malformed", malformed), unknown(&["i-0000000a"]));
        // Others, parts of others and none leave nothing that could be left out of the next call.
        for message in
            ["The instance ID 'i-0000000d' does not exist", "The instance ID 'xi-0000000a' does not exist", ""]
        {
            assert!(matches!(of(400, code, message), AwsFailure::Refused(_)), "{message}");
        }
    }

    #[test]
    fn every_refusal_has_its_meaning() {
        let told = "Why: what".to_owned();
        for (status, code, failure) in [
            (503, "RequestLimitExceeded", AwsFailure::Throttled as fn(String) -> AwsFailure),
            (400, "Throttling", AwsFailure::Throttled),
            (403, "UnauthorizedOperation", AwsFailure::Denied),
            (403, "AccessDenied", AwsFailure::Denied),
            (401, "AuthFailure", AwsFailure::Denied),
            (400, "RequestExpired", AwsFailure::Expired),
            (500, "InternalError", AwsFailure::Unavailable),
            (503, "Unavailable", AwsFailure::Unavailable),
            (502, "", AwsFailure::Unavailable),
            (400, "InvalidParameterValue", AwsFailure::Refused),
            (404, "NoSuchEntity", AwsFailure::Refused),
        ] {
            let told = if code.is_empty() { "status 502".to_owned() } else { told.replace("Why", code) };
            assert_eq!(of(status, code, "what"), failure(told));
        }
    }

    #[test]
    fn instances_are_numbered_from_one() {
        let Input::Post(form) = describe_instances(&ids(&["i-0000000a", "i-0000000b"]), Some("a=")).input else {
            panic!()
        };
        let wanted = "Action=DescribeInstances&Version=2016-11-15&InstanceId.1=i-0000000a&InstanceId.2=i-0000000b&NextToken=a%3D";
        assert_eq!(form.as_str(), wanted);
    }
}
