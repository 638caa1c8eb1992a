//! What AWS knows of the instances behind nodes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kube_iam_core::arn::{Arn, InstanceProfileArn};
use kube_iam_core::ids::InstanceId;
use kube_iam_core::limits::INSTANCES_PER_CALL;
use kube_iam_core::nodes::{Node, NodeInstance, Stray};
use kube_iam_core::ports::{AwsFailure, Instance, Instances};

use crate::args::ClusterArgs;
use crate::compose;

/// Calls made when AWS throttles, and the pause before each further one: EC2 refills
/// its buckets every second (EC2 API reference, "Request throttling").
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// The instances behind the nodes of one cluster. What is known of one is not asked
/// again; what is not known is, each time.
pub struct Fleet {
    profile: Option<String>,
    region: Option<String>,
    /// The way to AWS in each region; that of the environment has no name.
    aws: BTreeMap<Option<String>, Arc<dyn Instances>>,
    /// The regions in which it answered all when it was asked last.
    answered: BTreeSet<Option<String>>,
    instances: BTreeMap<InstanceId, Instance>,
    /// The role in each instance profile, by the profile's ARN.
    roles: BTreeMap<String, Arn>,
}

/// What AWS did not say.
#[derive(Debug, PartialEq, Eq)]
pub struct Unlearnt {
    /// Why.
    pub failure: AwsFailure,
    /// Whether it answers in another region.
    pub in_part: bool,
}

impl Fleet {
    /// Those of a cluster whose region may be known. Nobody is asked yet.
    pub fn new(args: &ClusterArgs, region: Option<&str>) -> Self {
        Self {
            profile: args.profile.clone(),
            region: args.region.as_deref().or(region).map(str::to_owned),
            aws: BTreeMap::new(),
            answered: BTreeSet::new(),
            instances: BTreeMap::new(),
            roles: BTreeMap::new(),
        }
    }

    /// Writes into nodes what AWS says of the instances behind them; nobody is asked
    /// where there are none. Each is asked about in the region that its node names, so
    /// that a node which names a wrong one harms itself alone.
    ///
    /// # Errors
    ///
    /// When AWS can't be asked. What it said all the same is written.
    pub async fn complete(&mut self, nodes: &mut [Node]) -> Result<(), Unlearnt> {
        let usual = self.region.clone().or_else(|| usual_region(nodes));
        let mut regions: BTreeMap<Option<String>, BTreeSet<InstanceId>> = BTreeMap::new();
        for node in &*nodes {
            let own = node.region().filter(|_| self.region.is_none()).map(str::to_owned);
            if let Some(id) = node.instance_id() {
                regions.entry(own.or_else(|| usual.clone())).or_default().insert(id);
            }
        }
        let mut failure = None;
        for (region, ids) in regions {
            match self.learn(&ids, region.clone()).await {
                Ok(()) => drop(self.answered.insert(region)),
                Err(error) => {
                    self.answered.remove(&region);
                    failure = failure.or(Some(error));
                }
            }
        }
        for node in nodes {
            node.instance = node.instance_id().and_then(|id| self.known(&id));
        }
        failure.map_or(Ok(()), |failure| Err(Unlearnt { failure, in_part: !self.answered.is_empty() }))
    }

    /// What AWS says of one instance in the region of these nodes, if EC2 answers, and
    /// what it did not say.
    pub async fn instance(&mut self, id: &InstanceId, nodes: &[Node]) -> (Option<Stray>, Option<AwsFailure>) {
        let region = self.region.clone().or_else(|| usual_region(nodes));
        let outcome = self.learn(&BTreeSet::from([id.clone()]), region).await;
        match (self.known(id), outcome) {
            (Some(instance), Ok(())) => (Some(Stray::Known(instance)), None),
            (Some(instance), Err(failure)) => (Some(Stray::RoleUnknown(instance.described)), Some(failure)),
            (None, Ok(())) => (Some(Stray::Unknown), None),
            (None, Err(failure)) => (None, Some(failure)),
        }
    }

    fn known(&self, id: &InstanceId) -> Option<NodeInstance> {
        let described = self.instances.get(id)?.clone();
        let role = described.profile.as_ref().and_then(|profile| self.roles.get(profile.as_str()).cloned());
        Some(NodeInstance { described, role })
    }

    /// Asks about those of the instances whose profile is not known yet, and the roles of all.
    async fn learn(&mut self, ids: &BTreeSet<InstanceId>, region: Option<String>) -> Result<(), AwsFailure> {
        let aws = Arc::clone(
            self.aws
                .entry(region.clone())
                .or_insert_with(|| compose::instances_of(compose::aws_environment(self.profile.as_deref()), region)),
        );
        let profile = |id: &InstanceId| self.instances.get(id)?.profile.as_ref();
        let new: Vec<InstanceId> = ids.iter().filter(|id| profile(id).is_none()).cloned().collect();
        for some in new.chunks(INSTANCES_PER_CALL) {
            let found = described(&*aws, some.to_vec()).await?;
            self.instances.extend(found.into_iter().map(|instance| (instance.id.clone(), instance)));
        }
        let profiles: BTreeMap<String, InstanceProfileArn> = ids
            .iter()
            .filter_map(|id| self.instances.get(id)?.profile.clone())
            .filter(|profile| !self.roles.contains_key(profile.as_str()))
            .map(|profile| (profile.as_str().to_owned(), profile))
            .collect();
        for (name, profile) in profiles {
            if let Some(role) = role_of(&*aws, &profile).await? {
                self.roles.insert(name, role);
            }
        }
        Ok(())
    }
}

/// The region that most of these nodes name.
fn usual_region(nodes: &[Node]) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for region in nodes.iter().filter_map(Node::region) {
        *counts.entry(region).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(region, _)| region.to_owned())
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
            Err(AwsFailure::UnknownProfile(_)) => return Ok(None),
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
    #[derive(Default)]
    struct Scripted {
        answers: Mutex<Vec<Result<Vec<Instance>, AwsFailure>>>,
        asked: Mutex<Vec<usize>>,
        /// What IAM answers first; after that, there is a role.
        roles: Mutex<Vec<Result<Option<Arn>, AwsFailure>>>,
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
            let role = || Ok(Some("arn:aws:iam::111122223333:role/nodes".parse().unwrap()));
            let mut roles = self.roles.lock().unwrap();
            let answer = if roles.is_empty() { role() } else { roles.remove(0) };
            Box::pin(async { answer })
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
        let aws = Arc::new(Scripted { answers: answers.into(), ..Scripted::default() });
        let mut fleet = Fleet::new(&ClusterArgs::default(), None);
        fleet.aws.insert(Some("eu-west-1".to_owned()), Arc::clone(&aws) as Arc<dyn Instances>);
        (fleet, aws)
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
        assert_eq!(asked.complete(&mut nodes(1)).await, Err(Unlearnt { failure: denied, in_part: false }));
        assert_eq!(aws.asked.lock().unwrap().len(), 1);
        let throttled = || Err(AwsFailure::Throttled("slow".to_owned()));
        let (mut asked, aws) = fleet(vec![throttled(), throttled(), throttled()]);
        assert!(asked.complete(&mut nodes(1)).await.is_err());
        assert_eq!(aws.asked.lock().unwrap().len(), 3);
    }

    #[tokio::test]
    async fn what_is_not_known_is_asked_again_and_errors_of_iam_are_told() {
        let mut nodes = nodes(1);
        let bare = Instance { profile: None, ..instance(&nodes[0].instance_id().unwrap()) };
        let (mut fleet, aws) = fleet(vec![Ok(vec![bare])]);
        let unknown = AwsFailure::UnknownProfile("none".to_owned());
        let senseless = AwsFailure::Refused("senseless".to_owned());
        *aws.roles.lock().unwrap() = vec![Ok(None), Err(unknown), Err(senseless.clone())];
        // Without a profile, with an empty one, and with one that IAM does not know.
        for profiles in 0..3 {
            fleet.complete(&mut nodes).await.unwrap();
            assert_eq!((nodes[0].role(), *aws.profiles.lock().unwrap()), (None, profiles));
        }
        assert_eq!(fleet.complete(&mut nodes).await.unwrap_err().failure, senseless);
        for _ in 0..2 {
            fleet.complete(&mut nodes).await.unwrap();
            assert!(nodes[0].role().is_some());
        }
        assert_eq!((&*aws.asked.lock().unwrap(), *aws.profiles.lock().unwrap()), (&vec![1, 1], 4));
    }

    #[tokio::test]
    async fn a_node_that_names_a_wrong_region_harms_itself_alone() {
        let mut nodes = nodes(3);
        let away = Arc::new(Scripted::default());
        *away.answers.lock().unwrap() = vec![Err(AwsFailure::Unavailable("no such host".to_owned()))];
        nodes[0].provider_id = Some("aws:///evil-1a/i-00000000".to_owned());
        // Of the zone of this one nothing is known.
        nodes[1].provider_id = Some("aws:///i-00000001".to_owned());
        let (mut fleet, aws) = fleet(Vec::new());
        fleet.aws.insert(Some("evil-1".to_owned()), Arc::clone(&away) as Arc<dyn Instances>);
        let third = nodes[2].clone();
        nodes.push(Node { provider_id: Some("aws:///eu-west-1b/i-00000003".to_owned()), ..third });
        let unlearnt = fleet.complete(&mut nodes).await.unwrap_err();
        assert!(unlearnt.in_part, "{unlearnt:?}");
        assert_eq!(nodes.iter().map(|node| node.role().is_some()).collect::<Vec<_>>(), [false, true, true, true]);
        assert_eq!((&*away.asked.lock().unwrap(), &*aws.asked.lock().unwrap()), (&vec![1], &vec![3]));
    }
}
