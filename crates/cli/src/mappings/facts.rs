//! What the lock-out guard asks of the world around aws-auth.

use std::collections::BTreeSet;

use kube_iam_cluster::{Facts as Found, Subject, facts};
use kube_iam_core::authenticator::Deciding;
use kube_iam_core::guard::{Admins, Caller, Facts, LiveNode};
use kube_iam_core::nodes::Node;

use super::target::Target;

/// The world around one aws-auth, read once.
pub struct Surroundings {
    /// What the guard asks.
    pub facts: Facts,
    /// Groups that some binding names; nothing if that could not be read.
    pub bound_groups: Option<BTreeSet<String>>,
}

impl Surroundings {
    /// Reads it all at once. What may not be read is unknown; a file has no
    /// surroundings.
    pub async fn read(target: &Target, deciding: Deciding) -> Self {
        match target {
            Target::Cluster(cluster) => Self::of(&facts(&cluster.client).await, deciding),
            Target::File(_) => Self { facts: Facts { deciding, ..Facts::default() }, bound_groups: None },
        }
    }

    fn of(found: &Found, deciding: Deciding) -> Self {
        let caller = found.caller.as_ref().ok().map(|caller| Caller {
            arn: caller.canonical_arn().or(caller.arn()).and_then(|arn| arn.parse().ok()),
            username: caller.username.clone(),
            groups: caller.groups.clone(),
        });
        let admins = found.admins().ok().map(|subjects| {
            let mut admins = Admins::default();
            for subject in subjects {
                match subject {
                    Subject::Group(name) => admins.groups.push(name.clone()),
                    Subject::User(name) => admins.usernames.push(name.clone()),
                    Subject::ServiceAccount { .. } => {}
                }
            }
            admins
        });
        let nodes = found.nodes.as_ref().ok().map(|nodes| {
            let live = |node: &Node| LiveNode { name: node.name.clone(), role: node.role().cloned() };
            nodes.iter().map(live).collect()
        });
        let bound_groups = found.bound().ok().map(|subjects| {
            let group = |subject: &&Subject| match subject {
                Subject::Group(name) => Some(name.clone()),
                _ => None,
            };
            subjects.iter().filter_map(group).collect()
        });
        Self { facts: Facts { caller, admins, nodes, deciding, break_glass: false }, bound_groups }
    }
}
