//! The instances that EC2 knows, and when it begins to know them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hyper::StatusCode;

use crate::refusal::Refusal;
use crate::world::Things;

/// An instance as `DescribeInstances` tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ec2Instance {
    /// `i-` and 17 hexadecimal digits, or 8.
    pub id: String,
    /// It is found in this region alone …
    pub region: String,
    /// … and with the keys of this account alone.
    pub account: String,
    /// `pending`, `running`, `shutting-down`, `terminated`, `stopping` or `stopped`.
    pub state: String,
    /// For example `ip-10-0-0-1.eu-west-1.compute.internal`.
    pub private_dns_name: Option<String>,
    /// The ARN of its instance profile.
    pub profile_arn: Option<String>,
    /// EC2 is eventually consistent: for this many calls that name it, it is unknown …
    pub unknown_calls: u32,
    /// … and then for this many without its name.
    pub nameless_calls: u32,
}

impl Ec2Instance {
    /// A running instance with a name and no instance profile.
    pub fn running(
        id: impl Into<String>,
        private_dns_name: impl Into<String>,
        region: impl Into<String>,
        account: impl Into<String>,
    ) -> Self {
        Self {
            id: id.into(),
            region: region.into(),
            account: account.into(),
            state: "running".to_owned(),
            private_dns_name: Some(private_dns_name.into()),
            profile_arn: None,
            unknown_calls: 0,
            nameless_calls: 0,
        }
    }
}

/// An instance as one call sees it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) instance: Arc<Ec2Instance>,
    pub(crate) private_dns_name: Option<String>,
}

/// All instances of all accounts.
#[derive(Default)]
pub(crate) struct Instances(Things<Known>);

#[derive(Clone)]
struct Known {
    instance: Arc<Ec2Instance>,
    /// Calls that named it.
    calls: Arc<AtomicU32>,
}

impl Instances {
    /// Adds an instance, or replaces the one of the same ID.
    pub(crate) fn add(&self, instance: Ec2Instance) {
        let known = Known { instance: Arc::new(instance), calls: Arc::default() };
        self.0.add(known, |one, other| one.instance.id == other.instance.id);
    }

    pub(crate) fn remove(&self, id: &str) {
        self.0.remove(|known| known.instance.id == id);
    }

    /// The instances of these IDs, or all if there is none; as EC2 does, all of them or a refusal.
    pub(super) fn described(&self, ids: &[&str], region: &str, account: &str) -> Result<Vec<Seen>, Refusal> {
        let refused = |code, message| Refusal::new(StatusCode::BAD_REQUEST, code, message);
        if let Some(malformed) = ids.iter().find(|id| !is_id(id)) {
            return Err(refused("InvalidInstanceID.Malformed", format!("Invalid id: \"{malformed}\"")));
        }
        let here = self.0.all(|known| {
            let Ec2Instance { id, region: own_region, account: own_account, .. } = &*known.instance;
            own_region == region && own_account == account && (ids.is_empty() || ids.contains(&id.as_str()))
        });
        let seen: Vec<Seen> = here.iter().filter_map(|known| known.seen(!ids.is_empty())).collect();
        let unknown: Vec<&str> =
            ids.iter().filter(|id| !seen.iter().any(|seen| seen.instance.id == **id)).copied().collect();
        let message = match unknown.as_slice() {
            [] => return Ok(seen),
            [one] => format!("The instance ID '{one}' does not exist"),
            several => format!("The instance IDs '{}' do not exist", several.join(", ")),
        };
        Err(refused("InvalidInstanceID.NotFound", message))
    }
}

impl Known {
    fn seen(&self, named: bool) -> Option<Seen> {
        let Ec2Instance { unknown_calls, nameless_calls, private_dns_name, .. } = &*self.instance;
        let calls = if named { self.calls.fetch_add(1, Ordering::AcqRel) } else { self.calls.load(Ordering::Acquire) };
        if calls < *unknown_calls {
            return None;
        }
        let named = calls >= unknown_calls.saturating_add(*nameless_calls);
        let private_dns_name = private_dns_name.clone().filter(|_| named);
        Some(Seen { instance: Arc::clone(&self.instance), private_dns_name })
    }
}

/// The IDs that EC2 gives.
fn is_id(text: &str) -> bool {
    text.strip_prefix("i-").is_some_and(|id| {
        matches!(id.len(), 8 | 17) && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "111122223333";

    fn instance(id: &str) -> Ec2Instance {
        Ec2Instance::running(id, format!("{id}.internal"), "eu-west-1", ACCOUNT)
    }

    fn described(instances: &Instances, ids: &[&str]) -> Result<Vec<Option<String>>, String> {
        let seen = instances.described(ids, "eu-west-1", ACCOUNT).map_err(|refusal| refusal.message.into_owned())?;
        Ok(seen.into_iter().map(|seen| seen.private_dns_name).collect())
    }

    #[test]
    fn an_instance_is_unknown_then_nameless_then_there() {
        let instances = Instances::default();
        instances.add(Ec2Instance { unknown_calls: 1, nameless_calls: 2, ..instance("i-0000000a") });
        let ids = ["i-0000000a"];
        assert_eq!(described(&instances, &ids).unwrap_err(), "The instance ID 'i-0000000a' does not exist");
        assert_eq!(described(&instances, &ids).unwrap(), [None]);
        assert_eq!(described(&instances, &[]).unwrap(), [None], "only calls that name it count");
        assert_eq!(described(&instances, &ids).unwrap(), [None]);
        assert_eq!(described(&instances, &ids).unwrap(), [Some("i-0000000a.internal".to_owned())]);
    }

    #[test]
    fn one_unknown_or_malformed_id_refuses_all() {
        let instances = Instances::default();
        instances.add(instance("i-0000000a"));
        let error = |ids: &[&str]| described(&instances, ids).unwrap_err();
        assert_eq!(error(&["i-0000000a", "i-0000000b"]), "The instance ID 'i-0000000b' does not exist");
        let several = ["i-0000000b", "i-0000000a", "i-0123456789abcdef0"];
        assert_eq!(error(&several), "The instance IDs 'i-0000000b, i-0123456789abcdef0' do not exist");
        for id in ["i-0000000g", "i-0000000A", "i-000000a", "vol-0000000a", ""] {
            assert_eq!(error(&["i-0000000a", id]), format!("Invalid id: \"{id}\""));
        }
        instances.remove("i-0000000a");
        assert!(described(&instances, &["i-0000000a"]).is_err());
    }

    #[test]
    fn instances_are_those_of_one_region_and_account() {
        let instances = Instances::default();
        instances.add(instance("i-0000000a"));
        instances.add(Ec2Instance { region: "us-east-1".to_owned(), ..instance("i-0000000b") });
        instances.add(Ec2Instance { account: "444455556666".to_owned(), ..instance("i-0000000c") });
        assert_eq!(described(&instances, &[]).unwrap().len(), 1);
        assert!(described(&instances, &["i-0000000b"]).is_err() && described(&instances, &["i-0000000c"]).is_err());
    }
}
