//! Waiting for nodes: what is wanted, what has come, and what is missing.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use super::Node;
use crate::arn::Arn;
use crate::shown::{excerpt, printable};

/// How far nodes must have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// They have registered themselves.
    Joined,
    /// Their kubelets report that they are ready.
    Ready,
}

impl State {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Joined => "joined",
            Self::Ready => "ready",
        }
    }
}

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    /// How many nodes; `None` for all that are there, of which there must be one.
    pub count: Option<usize>,
    /// How far they must have come.
    pub state: State,
    /// Only nodes of these roles count; with none of them, all do.
    pub roles: Vec<Arn>,
}

impl Goal {
    /// Whether a node is one of those that are waited for.
    fn counts(&self, node: &Node) -> bool {
        let is_of = |role: &Arn, wanted: &Arn| {
            role.account() == wanted.account() && role.without_role_path().key() == wanted.without_role_path().key()
        };
        self.roles.is_empty() || node.role().is_some_and(|role| self.roles.iter().any(|wanted| is_of(role, wanted)))
    }
}

/// Something that happened to a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Event {
    /// It is there, or is there now.
    Joined {
        /// Its name.
        node: String,
        /// Whether it is ready.
        ready: bool,
    },
    /// It is ready now.
    Ready {
        /// Its name.
        node: String,
    },
    /// It is no longer ready.
    NotReady {
        /// Its name.
        node: String,
    },
    /// It was deleted.
    Deleted {
        /// Its name.
        node: String,
    },
}

impl Event {
    /// What happened, in words.
    pub fn text(&self) -> String {
        match self {
            Self::Joined { node, ready: true } => format!("{} is there, and ready", printable(node)),
            Self::Joined { node, ready: false } => format!("{} is there, and not ready", printable(node)),
            Self::Ready { node } => format!("{} is ready", printable(node)),
            Self::NotReady { node } => format!("{} is no longer ready", printable(node)),
            Self::Deleted { node } => format!("{} was deleted", printable(node)),
        }
    }
}

/// The nodes as far as they were seen.
#[derive(Debug)]
pub struct Progress {
    goal: Goal,
    nodes: BTreeMap<String, Node>,
    deleted: usize,
}

impl Progress {
    /// Nothing was seen yet.
    pub fn new(goal: Goal) -> Self {
        Self { goal, nodes: BTreeMap::new(), deleted: 0 }
    }

    /// What is waited for.
    pub fn goal(&self) -> &Goal {
        &self.goal
    }

    /// Takes note of all nodes that there are, and of those that are gone.
    pub fn listed(&mut self, nodes: Vec<Node>) -> Vec<Event> {
        let listed: BTreeSet<&String> = nodes.iter().map(|node| &node.name).collect();
        let gone: Vec<String> = self.nodes.keys().filter(|name| !listed.contains(name)).cloned().collect();
        let mut events: Vec<_> = gone.iter().filter_map(|name| self.deleted(name)).collect();
        events.extend(nodes.into_iter().filter_map(|node| self.seen(node)));
        events
    }

    /// Takes note of a node as it is now. What happens to one that does not count is
    /// no event.
    pub fn seen(&mut self, node: Node) -> Option<Event> {
        let (name, ready, counts) = (node.name.clone(), node.is_ready(), self.goal.counts(&node));
        let before = self.nodes.insert(name.clone(), node).filter(|before| self.goal.counts(before));
        let before = before.map(|before| before.is_ready());
        if !counts {
            return None;
        }
        match (before, ready) {
            (None, ready) => Some(Event::Joined { node: name, ready }),
            (Some(false), true) => Some(Event::Ready { node: name }),
            (Some(true), false) => Some(Event::NotReady { node: name }),
            _ => None,
        }
    }

    /// Takes note of a node that is gone.
    pub fn deleted(&mut self, name: &str) -> Option<Event> {
        self.nodes.remove(name).filter(|node| self.goal.counts(node))?;
        self.deleted += 1;
        Some(Event::Deleted { node: name.into() })
    }

    /// The nodes that count.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values().filter(|node| self.goal.counts(node))
    }

    fn has_come(&self, node: &Node) -> bool {
        self.goal.state == State::Joined || node.is_ready()
    }

    /// How many nodes have come as far as is wanted, and how many there must be.
    pub fn counts(&self) -> (usize, usize) {
        let come = self.nodes().filter(|node| self.has_come(node)).count();
        (come, self.goal.count.unwrap_or_else(|| self.nodes().count().max(1)))
    }

    /// Whether enough has come.
    pub fn is_reached(&self) -> bool {
        let (come, wanted) = self.counts();
        come >= wanted
    }

    /// One line that says how far it is.
    pub fn summary(&self) -> String {
        let (come, wanted) = self.counts();
        let nodes = if wanted == 1 { "node" } else { "nodes" };
        format!("{come} of {wanted} {nodes} {}", self.goal.state.as_str())
    }

    /// What is missing, a line for each thing.
    pub fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        let (_, wanted) = self.counts();
        let there = self.nodes().count();
        if there < wanted {
            missing.push(match wanted - there {
                1 => String::from("a node has not joined"),
                more => format!("{more} nodes have not joined"),
            });
        }
        if self.deleted > 0 {
            missing.push(match self.deleted {
                1 => String::from("a node was deleted meanwhile"),
                more => format!("{more} nodes were deleted meanwhile"),
            });
        }
        let unknown = self.nodes.values().filter(|node| node.role().is_none()).count();
        if !self.goal.roles.is_empty() && unknown > 0 {
            missing.push(match unknown {
                1 => String::from("the role of a node that is there is not known, so it does not count"),
                more => format!("the roles of {more} nodes that are there are not known, so they do not count"),
            });
        }
        const SHOWN: usize = 20;
        let late = || self.nodes().filter(|node| !self.has_come(node));
        missing.extend(late().take(SHOWN).map(|node| format!("{} is not ready{}", printable(&node.name), why(node))));
        match late().count().saturating_sub(SHOWN) {
            0 => {}
            more => missing.push(format!("and {more} more are not ready")),
        }
        missing
    }
}

fn why(node: &Node) -> String {
    match node.ready() {
        None => String::from(": its kubelet has not reported"),
        Some(ready) if ready.message.is_empty() => format!(": {}", printable(&ready.reason)),
        Some(ready) => format!(": {}", excerpt(&ready.message)),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::ToOwned as _;
    use std::string::ToString as _;

    use super::*;
    use crate::nodes::{Condition, ConditionStatus, NodeInstance};
    use crate::ports::Instance;

    fn node(name: &str, ready: Option<bool>) -> Node {
        let condition = |ready| Condition {
            name: "Ready".to_owned(),
            status: if ready { ConditionStatus::True } else { ConditionStatus::False },
            reason: "KubeletNotReady".to_owned(),
            message: "cni\u{1b}[2J not initialized".to_owned(),
        };
        Node { name: name.to_owned(), conditions: ready.map(condition).into_iter().collect(), ..Node::default() }
    }

    fn progress(count: Option<usize>, state: State) -> Progress {
        Progress::new(Goal { count, state, roles: Vec::new() })
    }

    #[test]
    fn nobody_is_not_everybody() {
        let mut progress = progress(None, State::Joined);
        assert!(!progress.is_reached());
        progress.seen(node("a", None));
        assert!(progress.is_reached());
    }

    #[test]
    fn all_that_are_there_must_be_ready_or_as_many_as_wanted() {
        for (count, enough) in [(None, false), (Some(1), true), (Some(2), false), (Some(0), true)] {
            let mut progress = progress(count, State::Ready);
            progress.listed([node("a", Some(true)), node("b", Some(false))].to_vec());
            assert_eq!(progress.is_reached(), enough, "{count:?}");
        }
    }

    #[test]
    fn every_change_is_an_event_once() {
        let mut progress = progress(Some(2), State::Ready);
        let joined = |name: &str, ready| Event::Joined { node: name.to_owned(), ready };
        assert_eq!(
            progress.listed([node("a", None), node("b", Some(true))].to_vec()),
            [joined("a", false), joined("b", true)]
        );
        assert_eq!(progress.seen(node("a", Some(false))), None);
        assert_eq!(progress.seen(node("a", Some(true))), Some(Event::Ready { node: "a".to_owned() }));
        assert!(progress.is_reached());
        assert_eq!(progress.seen(node("b", Some(false))), Some(Event::NotReady { node: "b".to_owned() }));
        assert_eq!(
            progress.listed([node("b", Some(true))].to_vec()),
            [Event::Deleted { node: "a".to_owned() }, Event::Ready { node: "b".to_owned() }]
        );
        assert_eq!(progress.deleted("a"), None);
        assert!(!progress.is_reached());
        assert_eq!(progress.summary(), "1 of 2 nodes ready");
        assert_eq!(progress.missing(), ["a node has not joined", "a node was deleted meanwhile"]);
        let json = serde_json::to_string(&Event::NotReady { node: "b".to_owned() }).unwrap();
        assert_eq!(json, r#"{"type":"notReady","node":"b"}"#);
    }

    #[test]
    fn what_is_missing_is_said_and_can_be_shown() {
        let mut progress = progress(Some(3), State::Ready);
        progress.listed([node("a", None), node("b", Some(false))].to_vec());
        assert_eq!(
            progress.missing(),
            [
                "a node has not joined",
                "a is not ready: its kubelet has not reported",
                "b is not ready: cni\\u{1b}[2J not initialized"
            ]
        );
        for number in 0..30 {
            progress.seen(node(&number.to_string(), None));
        }
        assert_eq!(progress.missing().last().unwrap(), "and 12 more are not ready");
    }

    #[test]
    fn only_nodes_of_a_role_count_where_roles_are_named() {
        let roles = Vec::from(["arn:aws:iam::111122223333:role/team/Nodes".parse().unwrap()]);
        let mut progress = Progress::new(Goal { count: None, state: State::Joined, roles });
        progress.seen(node("a", Some(true)));
        assert!(!progress.is_reached());
        assert!(
            progress.missing().iter().any(|line| line.contains("the role of a node that is there")),
            "{:?}",
            progress.missing()
        );
        let of = |arn: &str| {
            let described = Instance {
                id: "i-0123456789abcdef0".parse().unwrap(),
                private_dns_name: None,
                account: None,
                runs: true,
                profile: None,
            };
            Some(NodeInstance { described, role: Some(arn.parse().unwrap()) })
        };
        let other = Node { instance: of("arn:aws:iam::444455556666:role/Nodes"), ..node("b", None) };
        assert_eq!((progress.seen(other), progress.deleted("b")), (None, None));
        assert!(!progress.is_reached());
        let joined = progress.seen(Node { instance: of("arn:aws:iam::111122223333:role/nodes"), ..node("c", None) });
        assert_eq!(joined, Some(Event::Joined { node: "c".to_owned(), ready: false }));
        assert!(progress.is_reached());
    }
}
