//! Nodes: their instances, and where their roles are told.

mod credentials;
mod endpoints;
mod instances;
mod roles;

use std::sync::Arc;

use jiff::Timestamp;
use kube_iam_aws::ec2::{Ec2Instances, Ec2Settings};
use kube_iam_core::ids::InstanceId;
use kube_iam_core::ports::{AwsFailure, Instance, Instances as _};
use kube_iam_standin::{Cluster, Ec2Instance, InstanceProfile, Nodegroup, Role, Settings, Stack};

use crate::eks::{REGION, environment};
use crate::world::World;

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/eks/NodeRole";
pub(crate) const PROFILE: &str = "arn:aws:iam::111122223333:instance-profile/eks/nodes";
pub(crate) const IDS: [&str; 3] = ["i-0000000000000000a", "i-0000000000000000b", "i-0000000000000000c"];

/// An AWS with three instances and whatever else there is of nodes.
pub(crate) fn settings() -> Settings {
    let instance = |id: &&str| {
        let instance = Ec2Instance::running(*id, format!("{id}.internal"), REGION, ACCOUNT);
        Ec2Instance { profile_arn: Some(PROFILE.to_owned()), ..instance }
    };
    let stack = |name: &str| Stack::new(name, REGION, ACCOUNT);
    Settings {
        roles: vec![Role::new(ROLE, "AROANODE")],
        profiles: vec![
            InstanceProfile::new(PROFILE, ROLE),
            InstanceProfile { arn: PROFILE.replace("nodes", "empty"), role_arn: None },
        ],
        instances: IDS.iter().map(instance).collect(),
        stacks: vec![
            stack("network").with_output("VpcId", "vpc-1"),
            stack("nodes").with_output("NodeInstanceRole", ROLE).with_output("NodeSecurityGroup", "sg-1"),
            stack("bare"),
            stack("eksctl-prod-nodegroup-a").with_output("InstanceRoleARN", ROLE),
        ],
        clusters: vec![Cluster::creating("prod", REGION, ACCOUNT)],
        nodegroups: ["a", "b", "c"].map(|name| Nodegroup::new(name, "prod", REGION, ACCOUNT, ROLE)).to_vec(),
        ..Settings::default()
    }
}

/// That AWS, with the user's keys in the environment.
pub(crate) async fn world(settings: Settings) -> World {
    let mut world = World::with(settings).await;
    world.user();
    world
}

pub(crate) fn ec2_settings(world: &World) -> Ec2Settings {
    Ec2Settings { environment: environment(world), region: None, role: None, clock: Arc::new(Timestamp::now) }
}

pub(crate) fn ids(texts: &[&str]) -> Vec<InstanceId> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Describes instances with a client of its own.
pub(crate) async fn describe(world: &World, texts: &[&str]) -> Result<Vec<Instance>, AwsFailure> {
    Ec2Instances::new(ec2_settings(world)).describe(&ids(texts)).await
}
