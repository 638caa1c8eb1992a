//! EC2 and IAM by a script, in the time of the test.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kube_iam_core::arn::{Arn, InstanceProfileArn};
use kube_iam_core::ids::InstanceId;
use kube_iam_core::ports::{AwsFailure, BoxFuture, Instance, Instances};
use tokio::time::Instant;

pub(super) const PROFILE: &str = "arn:aws:iam::111122223333:instance-profile/node";

pub(super) fn id(number: usize) -> InstanceId {
    format!("i-{number:017x}").parse().unwrap()
}

pub(super) fn instance(id: &InstanceId) -> Instance {
    Instance {
        id: id.clone(),
        private_dns_name: Some(format!("{id}.ec2.internal")),
        account: Some("111122223333".parse().unwrap()),
        runs: true,
        profile: Some(PROFILE.parse().unwrap()),
    }
}

/// What an answer is about: how many calls came before, and when the script began.
pub(super) struct Asked<'a> {
    pub(super) number: usize,
    pub(super) ids: &'a [InstanceId],
    pub(super) since: Duration,
}

type Script = Box<dyn Fn(&Asked<'_>) -> Result<Vec<Instance>, AwsFailure> + Send + Sync>;

/// EC2 by a script.
pub(super) struct ScriptedEc2 {
    script: Script,
    began: Instant,
    /// How long it takes to answer.
    latency: Duration,
    calls: Mutex<Vec<Vec<InstanceId>>>,
    /// IAM: the roles in instance profiles.
    pub(super) roles: Mutex<HashMap<InstanceProfileArn, Result<Option<Arn>, AwsFailure>>>,
    pub(super) role_calls: Mutex<usize>,
}

impl ScriptedEc2 {
    pub(super) fn new(
        latency: Duration,
        script: impl Fn(&Asked<'_>) -> Result<Vec<Instance>, AwsFailure> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let roles = [(PROFILE.parse().unwrap(), Ok(Some("arn:aws:iam::111122223333:role/Node".parse().unwrap())))];
        Arc::new(Self {
            script: Box::new(script),
            began: Instant::now(),
            latency,
            calls: Mutex::default(),
            roles: Mutex::new(roles.into()),
            role_calls: Mutex::default(),
        })
    }

    /// EC2 that knows every instance.
    pub(super) fn knowing() -> Arc<Self> {
        Self::new(Duration::from_millis(100), |asked| Ok(asked.ids.iter().map(instance).collect()))
    }

    /// The instances of every call so far.
    pub(super) fn calls(&self) -> Vec<Vec<InstanceId>> {
        self.calls.lock().unwrap().clone()
    }
}

impl Instances for ScriptedEc2 {
    fn describe<'a>(&'a self, ids: &'a [InstanceId]) -> BoxFuture<'a, Result<Vec<Instance>, AwsFailure>> {
        assert!((1..=kube_iam_core::limits::INSTANCES_PER_CALL).contains(&ids.len()), "{} instances", ids.len());
        let number = self.calls.lock().unwrap().len();
        self.calls.lock().unwrap().push(ids.to_vec());
        let answer = (self.script)(&Asked { number, ids, since: self.began.elapsed() });
        Box::pin(async move {
            tokio::time::sleep(self.latency).await;
            answer
        })
    }

    fn role_of_profile<'a>(
        &'a self,
        profile: &'a InstanceProfileArn,
    ) -> BoxFuture<'a, Result<Option<Arn>, AwsFailure>> {
        *self.role_calls.lock().unwrap() += 1;
        let role = self.roles.lock().unwrap().get(profile).cloned().unwrap_or(Ok(None));
        Box::pin(async move {
            tokio::time::sleep(self.latency).await;
            role
        })
    }
}

/// The bucket that EC2 keeps for an account: 100 calls, refilled by 20 a second (EC2
/// API reference, "Request throttling for the Amazon EC2 API", non-mutating actions
/// with filters or IDs).
pub(super) struct AccountBucket(Mutex<(f64, Duration)>);

impl AccountBucket {
    pub(super) fn holding(calls: f64) -> Self {
        Self(Mutex::new((calls, Duration::ZERO)))
    }

    pub(super) fn admit(&self, since: Duration) -> Result<(), AwsFailure> {
        let mut state = self.0.lock().unwrap();
        let (level, at) = *state;
        let level = (level + (since - at).as_secs_f64() * 20.0).min(100.0);
        let admitted = level >= 1.0;
        *state = (if admitted { level - 1.0 } else { level }, since);
        if admitted { Ok(()) } else { Err(AwsFailure::Throttled("RequestLimitExceeded".to_owned())) }
    }
}
