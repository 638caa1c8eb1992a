//! What one answer of `DescribeInstances` means for each instance asked about.

use alloc::vec;
use alloc::vec::Vec;

use super::{NodeError, NodeInstance};
use crate::ids::InstanceId;
use crate::ports::{AwsFailure, Instance};

/// What has become of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is known, and has a name.
    Found(NodeInstance),
    /// EC2 does not know it or its name, which may change: its answers are
    /// eventually consistent, and a name comes a moment after the instance.
    Missing(NodeError),
    /// Asking again would change nothing.
    Refused(NodeError),
    /// The call as a whole came to nothing, and may be made again.
    Failed(AwsFailure),
}

/// What one answer comes to. Every instance asked about is in it once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Concluded {
    /// Instances whose fate is known.
    pub fates: Vec<(InstanceId, Fate)>,
    /// Those that must be asked about again, each of these by a call of its own: EC2
    /// answers for all or for none. Each is smaller than the call before.
    pub parts: Vec<Vec<InstanceId>>,
}

/// Reads the answer to a call about these instances.
///
/// One bad ID makes EC2 refuse a whole call. It mostly names the bad ones, so that
/// the others are asked about again without them; else halves are tried.
pub fn conclude(asked: Vec<InstanceId>, answer: Result<Vec<Instance>, AwsFailure>) -> Concluded {
    match answer {
        Ok(mut instances) => {
            let fate = |id: InstanceId| {
                let found = instances.iter().position(|instance| instance.id == id);
                let fate = match found.map(|index| instances.swap_remove(index)) {
                    Some(instance) => fate_of(instance),
                    None => Fate::Missing(NodeError::Unknown(id.clone())),
                };
                (id, fate)
            };
            Concluded { fates: asked.into_iter().map(fate).collect(), parts: Vec::new() }
        }
        Err(AwsFailure::UnknownInstances(named)) => {
            let (unknown, others): (Vec<_>, Vec<_>) = asked.into_iter().partition(|id| named.contains(id));
            if unknown.is_empty() {
                return halves(others, |id| Fate::Missing(NodeError::Unknown(id)));
            }
            let fates = each(unknown, |id| Fate::Missing(NodeError::Unknown(id)));
            Concluded { fates, parts: if others.is_empty() { Vec::new() } else { vec![others] } }
        }
        Err(failure @ AwsFailure::Refused(_)) => halves(asked, |id| Fate::Refused(NodeError::Aws(id, failure.clone()))),
        Err(failure) if failure.is_passing() => {
            Concluded { fates: each(asked, |_| Fate::Failed(failure.clone())), parts: Vec::new() }
        }
        Err(failure) => {
            Concluded { fates: each(asked, |id| Fate::Refused(NodeError::Aws(id, failure.clone()))), parts: Vec::new() }
        }
    }
}

fn each(ids: Vec<InstanceId>, fate: impl Fn(InstanceId) -> Fate) -> Vec<(InstanceId, Fate)> {
    ids.into_iter().map(|id| (id.clone(), fate(id))).collect()
}

/// Both halves of a call that was refused for the sake of some instance, which is
/// found once it stands alone.
fn halves(mut asked: Vec<InstanceId>, alone: impl Fn(InstanceId) -> Fate) -> Concluded {
    if asked.len() <= 1 {
        return Concluded { fates: each(asked, alone), parts: Vec::new() };
    }
    let second = asked.split_off(asked.len() / 2);
    Concluded { fates: Vec::new(), parts: vec![asked, second] }
}

fn fate_of(instance: Instance) -> Fate {
    let Instance { id, private_dns_name, account, runs, profile } = instance;
    match private_dns_name.filter(|name| !name.is_empty()) {
        Some(name) => match name.parse() {
            Ok(name) => Fate::Found(NodeInstance { name, account, runs, profile }),
            Err(error) => Fate::Refused(NodeError::Name(id, error)),
        },
        None if runs => Fate::Missing(NodeError::Nameless(id)),
        None => Fate::Refused(NodeError::Ended(id)),
    }
}
