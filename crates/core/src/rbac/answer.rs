//! The two questions, and what is answered.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use hashbrown::HashMap;

use super::binding::{Binding, Subject};
use super::list::Fault;
use super::policy::{Place, Policy, RuleAt};
use super::reference::{RbacKind, RbacRef};
use super::request::{Request, Requester, text};
use super::rule::Role;
use super::{FixedState, MASTERS};
use crate::shown::printable;

/// What RBAC says to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<'a> {
    /// Each of these chains grants it; there is at least one.
    Granted(Vec<Chain<'a>>),
    /// Nothing grants it, and all that could was read.
    NotGranted,
    /// Nothing that was read grants it, but one of these may.
    Unknown(Vec<Missing<'a>>),
}

/// One way in which a request is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chain<'a> {
    /// The group [`MASTERS`], which no role limits.
    Masters,
    /// A binding, by one of its subjects.
    Bound {
        /// The subject of the binding.
        subject: &'a Subject,
        /// The binding.
        binding: &'a Binding,
        /// The role that it gives.
        role: &'a Role,
        /// Which of the role's rules allow it, by their positions; there is at least one.
        rules: Arc<[usize]>,
    },
}

/// Something that was not read and may grant a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing<'a> {
    /// Bindings of a kind could not be listed.
    Bindings {
        /// Their kind.
        kind: RbacKind,
        /// In which namespace; none is the cluster.
        namespace: Option<String>,
        /// The reason.
        why: &'a str,
    },
    /// A binding was listed, but can't be read.
    Binding {
        /// The binding.
        binding: &'a RbacRef,
        /// The reason.
        fault: &'a Fault,
    },
    /// A role that is given was not read.
    Role {
        /// The role.
        role: RbacRef,
        /// A binding that gives it.
        binding: &'a Binding,
        /// The reason.
        why: &'a str,
    },
}

impl fmt::Display for Missing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bindings { kind, namespace, why } => {
                let place = namespace.as_ref().map(|namespace| format!(" of namespace `{}`", printable(namespace)));
                write!(f, "the {}s{} were not read: {}", kind.name(), place.unwrap_or_default(), printable(why))
            }
            Self::Binding { binding, fault } => write!(f, "{binding}: {fault}"),
            Self::Role { role, binding, why } => {
                write!(f, "{role}, given by {}, was not read: {}", binding.reference(), printable(why))
            }
        }
    }
}

/// Who may make a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhoCan<'a> {
    /// Every subject that may, in their order: groups, users, service accounts. The
    /// group [`MASTERS`] is always among them.
    pub allowed: Vec<Allowed<'a>>,
    /// What was not read and may let in others.
    pub missing: Vec<Missing<'a>>,
}

/// A subject that may make a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed<'a> {
    /// The subject as bindings name it.
    pub subject: Subject,
    /// What grants it; at least one.
    pub chains: Vec<Chain<'a>>,
}

/// An authorizer beside RBAC that may grant what RBAC does not. Nothing of it is
/// known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotJudged {
    /// The Node authorizer, which lets a kubelet do what its pods need.
    Node,
    /// What a cluster may have configured: webhooks, ABAC and others.
    Configured,
}

impl fmt::Display for NotJudged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Node => "the Node authorizer, which lets a kubelet do what its pods need",
            Self::Configured => "other authorizers of the cluster, such as webhooks; on EKS, access policies",
        })
    }
}

/// What else than RBAC may decide for somebody.
pub fn not_judged(requester: &Requester) -> Vec<NotJudged> {
    let node = requester.is_node().then_some(NotJudged::Node);
    node.into_iter().chain([NotJudged::Configured]).collect()
}

impl Policy {
    /// Whether somebody may make a request, as kube-apiserver's RBAC authorizer
    /// decides. All chains that grant it are given: [`MASTERS`] first, then in the order
    /// of the bindings.
    pub fn can(&self, requester: &Requester, request: &Request) -> Answer<'_> {
        let mut places: Vec<Place> = Vec::new();
        let scope = self.scope(request);
        for named in self.places(requester) {
            for range in &scope {
                places.extend(within(named, range, |place| place.binding));
            }
        }
        places.sort_unstable();
        let mut chains = Vec::new();
        if requester.groups.iter().any(|group| group == MASTERS) {
            chains.push(Chain::Masters);
        }
        // Many bindings give few roles.
        let mut rules_of: HashMap<usize, Arc<[usize]>, FixedState> = HashMap::default();
        for place in &places {
            let Some((at, role)) = self.role_of(place.binding) else { continue };
            let rules = rules_of.entry(at).or_insert_with(|| allowing(role, request));
            if let (false, Some((binding, subject))) = (rules.is_empty(), self.subject(*place)) {
                chains.push(Chain::Bound { subject, binding, role, rules: Arc::clone(rules) });
            }
        }
        if !chains.is_empty() {
            return Answer::Granted(chains);
        }
        let missing = self.missing(request, places.into_iter().map(|place| place.binding));
        if missing.is_empty() { Answer::NotGranted } else { Answer::Unknown(missing) }
    }

    /// Which subjects may make a request, as bindings name them: who is in a group is
    /// not asked here.
    pub fn who_can(&self, request: &Request) -> WhoCan<'_> {
        let scope = self.scope(request);
        let masters = Subject::Group(MASTERS.into());
        let mut chains_of: HashMap<&Subject, Vec<Chain<'_>>, FixedState> = HashMap::default();
        for of_role in self.rules_allowing(request).chunk_by(|a, b| a.role == b.role) {
            let Some((role, bindings)) = of_role.first().and_then(|at| self.role_at(at.role)) else { continue };
            let rules: Arc<[usize]> = of_role.iter().map(|at| at.rule).collect();
            for at in scope.iter().flat_map(|range| within(bindings, range, |binding| *binding)) {
                let Some(binding) = self.bindings().get(*at) else { continue };
                for subject in &binding.subjects {
                    let rules = Arc::clone(&rules);
                    chains_of.entry(subject).or_default().push(Chain::Bound { subject, binding, role, rules });
                }
            }
        }
        chains_of.entry(&masters).or_default().insert(0, Chain::Masters);
        let allowed = chains_of.into_iter().map(|(subject, chains)| Allowed { subject: subject.clone(), chains });
        let mut allowed: Vec<_> = allowed.collect();
        allowed.sort_unstable_by(|a, b| a.subject.cmp(&b.subject));
        WhoCan { allowed, missing: self.missing(request, scope.into_iter().flatten()) }
    }

    /// The bindings that count for a request: those of the cluster, and those of its
    /// namespace.
    fn scope(&self, request: &Request) -> Vec<Range<usize>> {
        let namespace = request.namespace().map(|namespace| self.bindings_in(Some(namespace)));
        [self.bindings_in(None)].into_iter().chain(namespace).collect()
    }

    /// All rules that allow a request, in their order.
    fn rules_allowing(&self, request: &Request) -> Vec<RuleAt> {
        let mut rules: Vec<RuleAt> = match request {
            Request::Path { .. } => self.rules_with_paths().into(),
            Request::Resource(asked) => {
                let everywhere = format!("*/{}", text(asked.subresource.as_ref()));
                let names = BTreeSet::from(["*", &asked.combined(), &everywhere].map(String::from));
                names.iter().flat_map(|name| self.rules_with(name)).copied().collect()
            }
        };
        rules.retain(|at| self.rule(*at).is_some_and(|rule| rule.allows(request)));
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// What may grant a request and was not read: bindings, and the roles of these
    /// bindings.
    fn missing<'a>(&'a self, request: &Request, bindings: impl Iterator<Item = usize>) -> Vec<Missing<'a>> {
        let mut missing = Vec::new();
        let namespaced = request.namespace().map(|namespace| (RbacKind::RoleBinding, Some(namespace)));
        for (kind, namespace) in [(RbacKind::ClusterRoleBinding, None)].into_iter().chain(namespaced) {
            if let Some(why) = self.unread(kind, namespace) {
                missing.push(Missing::Bindings { kind, namespace: namespace.map(String::from), why });
            }
            missing.extend(self.hidden(kind, namespace).map(|(binding, fault)| Missing::Binding { binding, fault }));
        }
        let mut seen: BTreeSet<RbacRef> = BTreeSet::new();
        for at in bindings {
            let Some(binding) = self.bindings().get(at).filter(|_| self.role_of(at).is_none()) else { continue };
            if let Some(why) = self.unread_role(binding) {
                let role = binding.role_reference();
                if seen.insert(role.clone()) {
                    missing.push(Missing::Role { role, binding, why });
                }
            }
        }
        missing
    }
}

/// The rules of a role that allow a request, by their positions.
fn allowing(role: &Role, request: &Request) -> Arc<[usize]> {
    let rules = role.rules.iter().enumerate().filter(|(_, rule)| rule.allows(request));
    rules.map(|(position, _)| position).collect()
}

/// The items of a sorted list whose binding is in a range.
fn within<'a, T>(sorted: &'a [T], range: &Range<usize>, binding: impl Fn(&T) -> usize) -> &'a [T] {
    let start = sorted.partition_point(|item| binding(item) < range.start);
    let end = sorted.partition_point(|item| binding(item) < range.end);
    sorted.get(start..end).unwrap_or_default()
}
