//! What AWS knows of the instances behind nodes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kube_iam_core::arn::{Arn, InstanceProfileArn};
use kube_iam_core::ids::InstanceId;
use kube_iam_core::limits::INSTANCES_PER_CALL;
use kube_iam_core::nodes::{Node, NodeInstance};
use kube_iam_core::ports::{AwsFailure, Instance, Instances};

use crate::args::ClusterArgs;
use crate::compose;

/// Calls made when AWS throttles, and the pause before each further one: EC2 refills
/// its buckets every second (EC2 API reference, "Request throttling").
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// The instances behind the nodes of one cluster, each asked about once.
pub struct Fleet {
    profile: Option<String>,
    region: Option<String>,
    aws: Option<Arc<dyn Instances>>,
    instances: BTreeMap<InstanceId, Instance>,
    /// The role in each instance profile, by the profile's ARN; `None` where IAM
    /// shows none.
    roles: BTreeMap<String, Option<Arn>>,
}

impl Fleet {
    /// Those of a cluster whose region may be known. Nobody is asked yet.
    pub fn new(args: &ClusterArgs, region: Option<&str>) -> Self {
        Self {
            profile: args.profile.clone(),
            region: args.region.as_deref().or(region).map(str::to_owned),
            aws: None,
            instances: BTreeMap::new(),
            roles: BTreeMap::new(),
        }
    }

    /// Writes into nodes what AWS says of the instances behind them; nobody is asked
    /// where there are none.
    ///
    /// # Errors
    ///
    /// When AWS can't be asked. What it said all the same is written.
    pub async fn complete(&mut self, nodes: &mut [Node]) -> Result<(), AwsFailure> {
        let ids: BTreeSet<InstanceId> = nodes.iter().filter_map(Node::instance_id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let outcome = self.learn(&ids, nodes.iter().find_map(Node::region)).await;
        for node in nodes {
            node.instance = node.instance_id().and_then(|id| self.known(&id));
        }
        outcome
    }

    /// What AWS says of one instance in the region of these nodes.
    ///
    /// # Errors
    ///
    /// When AWS can't be asked, or knows no such instance.
    pub async fn instance(&mut self, id: &InstanceId, nodes: &[Node]) -> Result<NodeInstance, AwsFailure> {
        let outcome = self.learn(&BTreeSet::from([id.clone()]), nodes.iter().find_map(Node::region)).await;
        match (self.known(id), outcome) {
            (_, Err(failure)) => Err(failure),
            (Some(instance), Ok(())) => Ok(instance),
            (None, Ok(())) => Err(AwsFailure::UnknownInstances(vec![id.clone()])),
        }
    }

    fn known(&self, id: &InstanceId) -> Option<NodeInstance> {
        let described = self.instances.get(id)?.clone();
        let role = described.profile.as_ref().and_then(|profile| self.roles.get(profile.as_str()).cloned().flatten());
        Some(NodeInstance { described, role })
    }

    /// Asks about those of the instances that are not known yet, and the roles of all.
    async fn learn(&mut self, ids: &BTreeSet<InstanceId>, region: Option<&str>) -> Result<(), AwsFailure> {
        let aws = Arc::clone(self.aws.get_or_insert_with(|| {
            let region = self.region.as_deref().or(region).map(str::to_owned);
            compose::instances_of(compose::aws_environment(self.profile.as_deref()), region)
        }));
        let new: Vec<InstanceId> = ids.iter().filter(|id| !self.instances.contains_key(id)).cloned().collect();
        for some in new.chunks(INSTANCES_PER_CALL) {
            let found = described(&*aws, some.to_vec()).await?;
            self.instances.extend(found.into_iter().map(|instance| (instance.id.clone(), instance)));
        }
        let profiles = ids.iter().filter_map(|id| self.instances.get(id)?.profile.clone());
        let profiles: Vec<_> = profiles.filter(|profile| !self.roles.contains_key(profile.as_str())).collect();
        for profile in profiles {
            if !self.roles.contains_key(profile.as_str()) {
                let role = role_of(&*aws, &profile).await?;
                self.roles.insert(profile.as_str().to_owned(), role);
            }
        }
        Ok(())
    }
}

/// Describes instances; those that EC2 does not know are left out.
async fn described(aws: &dyn Instances, mut ids: Vec<InstanceId>) -> Result<Vec<Instance>, AwsFailure> {
    let mut attempt = 1;
    while !ids.is_empty() {
        match aws.describe(&ids).await {
            // One of them makes EC2 refuse the whole call.
            Err(AwsFailure::UnknownInstances(unknown)) if ids.iter().any(|id| unknown.contains(id)) => {
                ids.retain(|id| !unknown.contains(id));
            }
            Err(AwsFailure::Throttled(_)) if attempt < ATTEMPTS => {
                tokio::time::sleep(PAUSE * attempt).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
    Ok(Vec::new())
}

async fn role_of(aws: &dyn Instances, profile: &InstanceProfileArn) -> Result<Option<Arn>, AwsFailure> {
    let mut attempt = 1;
    loop {
        match aws.role_of_profile(profile).await {
            Err(AwsFailure::Throttled(_)) if attempt < ATTEMPTS => {
                tokio::time::sleep(PAUSE * attempt).await;
                attempt += 1;
            }
            // IAM has no such profile, or one of that name in another account.
            Err(AwsFailure::Refused(_)) => return Ok(None),
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use kube_iam_core::ports::BoxFuture;

    use super::*;

    /// Answers in turn, and says what it was asked.
    struct Scripted {
        answers: Mutex<Vec<Result<Vec<Instance>, AwsFailure>>>,
        asked: Mutex<Vec<usize>>,
        profiles: Mutex<usize>,
    }

    impl Instances for Scripted {
        fn describe<'a>(&'a self, ids: &'a [InstanceId]) -> BoxFuture<'a, Result<Vec<Instance>, AwsFailure>> {
            self.asked.lock().unwrap().push(ids.len());
            let mut answers = self.answers.lock().unwrap();
            let answer = if answers.is_empty() { Ok(ids.iter().map(instance).collect()) } else { answers.remove(0) };
            Box::pin(async { answer })
        }

        fn role_of_profile<'a>(&'a self, _: &'a InstanceProfileArn) -> BoxFuture<'a, Result<Option<Arn>, AwsFailure>> {
            *self.profiles.lock().unwrap() += 1;
            Box::pin(async { Ok(Some("arn:aws:iam::111122223333:role/nodes".parse().unwrap())) })
        }
    }

    fn instance(id: &InstanceId) -> Instance {
        let profile = "arn:aws:iam::111122223333:instance-profile/nodes".parse().ok();
        Instance { id: id.clone(), private_dns_name: None, account: None, runs: true, profile }
    }

    fn nodes(count: usize) -> Vec<Node> {
        let node = |number| Node { provider_id: Some(format!("aws:///eu-west-1a/i-{number:08x}")), ..Node::default() };
        (0..count).map(node).collect()
    }

    fn fleet(answers: Vec<Result<Vec<Instance>, AwsFailure>>) -> (Fleet, Arc<Scripted>) {
        let aws = Arc::new(Scripted { answers: answers.into(), asked: Mutex::default(), profiles: Mutex::default() });
        let fleet = Fleet::new(&ClusterArgs::default(), None);
        (Fleet { aws: Some(Arc::clone(&aws) as Arc<dyn Instances>), ..fleet }, aws)
    }

    #[tokio::test]
    async fn instances_are_asked_about_once_many_in_a_call() {
        let (mut fleet, aws) = fleet(Vec::new());
        fleet.complete(&mut [Node::default()]).await.unwrap();
        let mut nodes = nodes(INSTANCES_PER_CALL + 1);
        fleet.complete(&mut nodes).await.unwrap();
        fleet.complete(&mut nodes[..3]).await.unwrap();
        assert!(nodes.iter().all(|node| node.role().is_some()));
        assert_eq!((&*aws.asked.lock().unwrap(), *aws.profiles.lock().unwrap()), (&vec![INSTANCES_PER_CALL, 1], 1));
    }

    #[tokio::test]
    async fn an_unknown_instance_leaves_the_others_known() {
        let mut nodes = nodes(3);
        let unknown = AwsFailure::UnknownInstances(vec![nodes[1].instance_id().unwrap()]);
        let (mut fleet, aws) = fleet(vec![Err(AwsFailure::Throttled("slow".to_owned())), Err(unknown)]);
        fleet.complete(&mut nodes).await.unwrap();
        assert_eq!(nodes.iter().map(|node| node.role().is_some()).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(*aws.asked.lock().unwrap(), [3, 3, 2]);
    }

    #[tokio::test]
    async fn a_denial_is_told_at_once_and_throttling_after_a_while() {
        let denied = AwsFailure::Denied("no".to_owned());
        let (mut asked, aws) = fleet(vec![Err(denied.clone())]);
        assert_eq!(asked.complete(&mut nodes(1)).await, Err(denied));
        assert_eq!(aws.asked.lock().unwrap().len(), 1);
        let throttled = || Err(AwsFailure::Throttled("slow".to_owned()));
        let (mut asked, aws) = fleet(vec![throttled(), throttled(), throttled()]);
        assert!(asked.complete(&mut nodes(1)).await.is_err());
        assert_eq!(aws.asked.lock().unwrap().len(), 3);
    }
}
