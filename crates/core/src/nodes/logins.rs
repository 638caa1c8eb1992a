//! Who logged in as a node and when, and which instances try in vain: what a server
//! remembers, and what all replicas of it publish together.
//!
//! Only what is certain gets here: usernames that mappings gave, and session names of
//! roles that STS vouched for. Session names are still their callers' choice, and
//! anybody with a role of his own can choose many: no account can push out the tries
//! of another.

mod published;
mod record;
mod replica;

use alloc::borrow::ToOwned as _;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};

use super::Node;
use crate::arn::{Arn, PrincipalKind};
use crate::identity::Identity;
use crate::ids::{AccountId, InstanceId};
use crate::limits;
use crate::node_instance::NODE_USERNAME_PREFIX;
use crate::reason::Reason;

pub use published::{Published, Unread, publication, published, restored};
pub use record::RecordError;
pub use replica::{ReplicaName, ReplicaNameError};

/// The logins of nodes that are remembered, and the tries that failed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeLogins {
    /// The last login of each node, by its name.
    last: BTreeMap<String, Timestamp>,
    /// The last try of each instance that has not got in since, by its ID.
    failed: BTreeMap<String, FailedTry>,
}

/// An instance was turned away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedTry {
    /// When.
    pub at: Timestamp,
    /// The code of the reason; of another version of the server, perhaps, and so not
    /// one that is known here.
    pub reason: String,
    /// The role that it signed as, as STS told.
    pub role: Arn,
}

/// What a login has changed; the more the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Noted {
    /// Nothing: it was not one of a node.
    #[default]
    Nothing,
    /// No more than a time.
    Time,
    /// A node that was not known, or an instance that fails now, or for another reason,
    /// or not any more.
    News,
}

impl NodeLogins {
    /// Notes that somebody was let in.
    pub fn note_granted(&mut self, username: &str, session: &str, now: Timestamp) -> Noted {
        let got_in = self.failed.remove(session).is_some();
        let node = username.strip_prefix(NODE_USERNAME_PREFIX).filter(|name| is_node_name(name));
        let known = node.and_then(|node| self.last.get_mut(node));
        let is_new = node.is_some() && known.is_none();
        match (node, known) {
            (_, Some(last)) => *last = now.max(*last),
            (Some(node), None) => {
                self.last.insert(node.to_owned(), now);
                self.bound_logins();
            }
            (None, None) => {}
        }
        match node {
            _ if got_in || is_new => Noted::News,
            Some(_) => Noted::Time,
            None => Noted::Nothing,
        }
    }

    /// Notes that somebody was turned away whom STS knows.
    pub fn note_denied(&mut self, identity: &Identity, reason: Reason, now: Timestamp) -> Noted {
        let session = identity.session_name.as_str();
        let role = identity.canonical.as_str().parse().ok().filter(is_role);
        let Some(role) = role.filter(|_| is_instance(session)) else { return Noted::Nothing };
        let failed = FailedTry { at: now, reason: reason.as_str().to_owned(), role };
        let is_known = |before: &FailedTry| before.reason == failed.reason && before.role == failed.role;
        let is_news = !self.failed.get(session).is_some_and(is_known);
        self.failed.insert(session.to_owned(), failed);
        self.bound_failed();
        if is_news { Noted::News } else { Noted::Time }
    }

    /// Goes on with what was noted before a restart.
    pub fn resume(&mut self, former: Self) {
        self.absorb(former);
        self.bound_logins();
        self.bound_failed();
    }

    /// Adds what somebody else has noted: the later counts. The sum has no bound of its own.
    pub(super) fn absorb(&mut self, other: Self) {
        for (node, at) in other.last {
            let last = self.last.entry(node).or_insert(at);
            *last = at.max(*last);
        }
        for (instance, failed) in other.failed {
            let is_later = |known: &FailedTry| failed.at > known.at;
            if self.failed.get(&instance).is_none_or(is_later) {
                self.failed.insert(instance, failed);
            }
        }
    }

    /// Forgets what nobody asks about any more.
    pub fn forget_old(&mut self, now: Timestamp) {
        let is_young = |at: Timestamp, kept: SignedDuration| now.duration_since(at) <= kept;
        self.last.retain(|_, at| is_young(*at, limits::NODE_LOGIN_KEPT));
        self.failed.retain(|_, failed| is_young(failed.at, limits::FAILED_TRY_KEPT));
    }

    /// When a node logged in last.
    pub fn last_login(&self, node: &str) -> Option<Timestamp> {
        self.last.get(node).copied()
    }

    /// The last try of an instance, if it was turned away.
    pub fn failed_try(&self, instance: &str) -> Option<&FailedTry> {
        self.failed.get(instance)
    }

    /// The instances that were turned away at their last try, by their ID.
    pub fn failed_tries(&self) -> impl Iterator<Item = (&str, &FailedTry)> {
        self.failed.iter().map(|(instance, failed)| (instance.as_str(), failed))
    }

    /// The instances that still try and fail: not those that have become nodes since, be it
    /// by another replica.
    pub(super) fn still_failing(&self, nodes: &[Node]) -> impl Iterator<Item = (&str, &FailedTry)> {
        let mut got_in: BTreeMap<String, Timestamp> = BTreeMap::new();
        for node in nodes {
            let Some(login) = self.last_login(&node.name) else { continue };
            let id = node.instance_id().map_or_else(|| node.name.clone(), |id| id.to_string());
            got_in.insert(id, login);
        }
        self.failed_tries().filter(move |(id, failed)| got_in.get(*id).is_none_or(|login| *login < failed.at))
    }

    fn bound_logins(&mut self) {
        self.drop_oldest_logins(self.last.len().saturating_sub(limits::NODE_LOGINS));
    }

    fn drop_oldest_logins(&mut self, count: usize) {
        let Some(index) = count.checked_sub(1) else { return };
        let mut ages: Vec<(Timestamp, &str)> = self.last.iter().map(|(node, at)| (*at, node.as_str())).collect();
        if index >= ages.len() {
            return self.last.clear();
        }
        let (at, node) = *ages.select_nth_unstable(index).1;
        let youngest_dropped = (at, node.to_owned());
        self.last.retain(|node, at| (*at, node.as_str()) > (youngest_dropped.0, youngest_dropped.1.as_str()));
    }

    /// One try too many is the oldest of the account that has the most of them.
    fn bound_failed(&mut self) {
        while self.failed.len() > limits::FAILED_TRIES {
            let mut tries: BTreeMap<AccountId, usize> = BTreeMap::new();
            for failed in self.failed.values() {
                *tries.entry(failed.role.account()).or_default() += 1;
            }
            let count = |failed: &FailedTry| tries.get(&failed.role.account()).copied();
            let dropped = self.failed.iter().max_by_key(|(_, failed)| (count(failed), Reverse(failed.at)));
            let Some(instance) = dropped.map(|(instance, _)| instance.clone()) else { return };
            self.failed.remove(&instance);
        }
    }
}

fn is_role(arn: &Arn) -> bool {
    arn.kind() == PrincipalKind::Role
}

/// Whether a session is named as those of machines are: after an EC2 instance, or after
/// a machine that Systems Manager registered (its API reference, `ManagedInstanceId`).
/// Whatever else a session is called is no business of nodes.
fn is_instance(session: &str) -> bool {
    let is_hexadecimal = |id: &str| id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    match session.strip_prefix("mi-") {
        Some(id) => id.len() == 17 && is_hexadecimal(id),
        None => session.parse::<InstanceId>().is_ok_and(|id| id.is_plausible()),
    }
}

/// Whether a node can have this name: a DNS subdomain (Kubernetes, "Object Names and
/// IDs").
fn is_node_name(name: &str) -> bool {
    let is_known = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.');
    (1..=limits::NODE_NAME_BYTES).contains(&name.len()) && name.bytes().all(is_known)
}

#[cfg(test)]
mod tests;
