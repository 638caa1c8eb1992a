//! All roles and bindings of a cluster, as far as they are known.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use hashbrown::HashMap;

use super::FixedState;
use super::binding::{Binding, Subject};
use super::list::{Fault, List, Problem};
use super::reference::{RbacKind, RbacRef};
use super::request::Requester;
use super::rule::{Role, Rule};

/// All roles and bindings of a cluster, as far as they are known, with indexes.
#[derive(Debug, Clone)]
pub struct Policy {
    /// In the order of namespace and name; those of the cluster come first.
    roles: Vec<Role>,
    /// In the order of namespace and name; those of the cluster come first.
    bindings: Vec<Binding>,
    /// Which role each binding gives, if it is there.
    given: Vec<Option<usize>>,
    /// The bindings of each role.
    bindings_of: Vec<Vec<usize>>,
    by_username: HashMap<Arc<str>, Vec<Place>, FixedState>,
    by_group: HashMap<Arc<str>, Vec<Place>, FixedState>,
    /// Rules by each of their resources, as they are written.
    by_resource: HashMap<Arc<str>, Vec<RuleAt>, FixedState>,
    with_paths: Vec<RuleAt>,
    coverage: BTreeMap<RbacKind, Coverage>,
    /// What can't be read, and why.
    hidden: BTreeMap<RbacRef, Fault>,
    problems: Vec<Problem>,
}

/// A subject of a binding, each by its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) binding: usize,
    pub(super) subject: usize,
}

/// A rule of a role, each by its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RuleAt {
    pub(super) role: usize,
    pub(super) rule: usize,
}

/// How much of a kind was read.
#[derive(Debug, Clone, Default)]
struct Coverage {
    whole: bool,
    namespaces: BTreeSet<Arc<str>>,
    why: Option<Arc<str>>,
}

/// A binding that names somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound<'a> {
    /// The binding.
    pub binding: &'a Binding,
    /// By which of its subjects.
    pub subject: &'a Subject,
    /// The role that it gives.
    pub role: Given<'a>,
}

/// What a binding gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given<'a> {
    /// A role that was read.
    Found(&'a Role),
    /// Nothing: there is no such role.
    Dangling,
    /// A role that may exist, but was not read, for this reason.
    Unread(&'a str),
}

impl Policy {
    /// Puts lists together. A kind, or a namespace, of which no complete list is given
    /// is unknown.
    pub fn new(lists: impl IntoIterator<Item = List>) -> Self {
        let (mut roles, mut bindings, mut problems) = (Vec::new(), Vec::new(), Vec::new());
        let mut coverage: BTreeMap<RbacKind, Coverage> = BTreeMap::new();
        for list in lists {
            let covered = coverage.entry(list.kind).or_default();
            match (list.unread, list.namespace) {
                (None, None) => covered.whole = true,
                (None, Some(namespace)) => drop(covered.namespaces.insert(namespace)),
                (Some(why), _) => drop(covered.why.get_or_insert(why)),
            }
            roles.extend(list.roles);
            bindings.extend(list.bindings);
            problems.extend(list.problems);
        }
        // What two lists hold, or two pages, is one object.
        roles.sort_by(|a: &Role, b| a.key().cmp(&b.key()));
        roles.dedup_by(|a, b| a.key() == b.key());
        bindings.sort_by(|a: &Binding, b| a.key().cmp(&b.key()));
        bindings.dedup_by(|a, b| a.key() == b.key());
        let hidden = problems.iter().filter(|problem: &&Problem| problem.fault.hides());
        let mut policy = Self {
            given: Vec::with_capacity(bindings.len()),
            bindings_of: alloc::vec![Vec::new(); roles.len()],
            roles,
            bindings,
            by_username: HashMap::default(),
            by_group: HashMap::default(),
            by_resource: HashMap::default(),
            with_paths: Vec::new(),
            coverage,
            hidden: hidden.map(|problem| (problem.object.clone(), problem.fault.clone())).collect(),
            problems,
        };
        policy.index_rules();
        policy.index_bindings();
        policy
    }

    fn index_rules(&mut self) {
        for (role, kept) in self.roles.iter().enumerate() {
            for (rule, kept) in kept.rules.iter().enumerate() {
                let at = RuleAt { role, rule };
                for resource in &kept.resources {
                    let rules = self.by_resource.entry_ref(resource).or_default();
                    if rules.last() != Some(&at) {
                        rules.push(at);
                    }
                }
                if !kept.non_resource_urls.is_empty() {
                    self.with_paths.push(at);
                }
            }
        }
    }

    fn index_bindings(&mut self) {
        let mut dangling = Vec::new();
        for (at, binding) in self.bindings.iter().enumerate() {
            let role = binding.role_key().and_then(|key| self.roles.binary_search_by(|role| role.key().cmp(&key)).ok());
            self.given.push(role);
            if let Some(bindings) = role.and_then(|role| self.bindings_of.get_mut(role)) {
                bindings.push(at);
            } else if self.unread_role(binding).is_none() {
                dangling.push(binding);
            }
            for (subject, named) in binding.subjects.iter().enumerate() {
                let place = Place { binding: at, subject };
                match (named, named.username()) {
                    (Subject::Group(name), _) => self.by_group.entry_ref(name).or_default().push(place),
                    (Subject::User(name), _) => self.by_username.entry_ref(name).or_default().push(place),
                    (_, Some(username)) => self.by_username.entry((*username).into()).or_default().push(place),
                    (_, None) => {}
                }
            }
        }
        let dangling = dangling
            .into_iter()
            .map(|binding| Problem { object: binding.reference(), fault: Fault::Dangling(binding.role_reference()) });
        self.problems.extend(dangling);
    }

    /// All roles that were read: ClusterRoles first, then by namespace and name.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// All bindings that were read: ClusterRoleBindings first, then by namespace and name.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// A role by its namespace, if it is a Role, and name.
    pub fn role(&self, namespace: Option<&str>, name: &str) -> Option<&Role> {
        let at = self.roles.binary_search_by(|role| role.key().cmp(&(namespace, name))).ok()?;
        self.roles.get(at)
    }

    /// The groups that bindings name, in no order. Whether anybody is in one, only an
    /// authenticator knows.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.by_group.keys().map(|group| &**group)
    }

    /// The namespaces that bindings are in, in their order.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.bindings.chunk_by(|a, b| a.namespace == b.namespace).filter_map(|some| some.first()?.namespace.as_deref())
    }

    /// What is wrong with objects: what could not be read, and bindings that give
    /// nothing.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Why not all objects of a kind are known, in a namespace or, without one, at all.
    pub fn unread(&self, kind: RbacKind, namespace: Option<&str>) -> Option<&str> {
        let Some(coverage) = self.coverage.get(&kind) else { return Some("it was not asked for") };
        let here = namespace.is_some_and(|namespace| coverage.namespaces.contains(namespace));
        match coverage.whole || here {
            true => None,
            false => Some(coverage.why.as_deref().unwrap_or("not all of it was asked for")),
        }
    }

    /// What a binding of this policy gives.
    pub fn given(&self, binding: &Binding) -> Given<'_> {
        let role = binding.role_key().and_then(|(namespace, name)| self.role(namespace, name));
        match (role, self.unread_role(binding)) {
            (Some(role), _) => Given::Found(role),
            (None, Some(why)) => Given::Unread(why),
            (None, None) => Given::Dangling,
        }
    }

    /// The bindings that name somebody, by username or by a group, in the order of the
    /// bindings. One that names him twice comes twice.
    pub fn bound(&self, requester: &Requester) -> Vec<Bound<'_>> {
        let mut places: Vec<Place> = self.places(requester).flatten().copied().collect();
        places.sort_unstable();
        let bound = |place: Place| {
            let (binding, subject) = self.subject(place)?;
            Some(Bound { binding, subject, role: self.given(binding) })
        };
        places.into_iter().filter_map(bound).collect()
    }

    /// Why the role of a binding is not known, if it is not there but may exist.
    pub(super) fn unread_role(&self, binding: &Binding) -> Option<&str> {
        binding.role_key()?;
        let role = binding.role_reference();
        match self.unread(role.kind, role.namespace.as_deref()) {
            Some(why) => Some(why),
            None => self.hidden.contains_key(&role).then_some("it can't be read"),
        }
    }

    /// Objects of a kind that can't be read, in a namespace or of the cluster.
    pub(super) fn hidden<'a>(
        &'a self,
        kind: RbacKind,
        namespace: Option<&str>,
    ) -> impl Iterator<Item = (&'a RbacRef, &'a Fault)> + use<'a> {
        let first = RbacRef { kind, namespace: namespace.map(String::from), name: String::new() };
        let all = self.hidden.range(first.clone()..);
        all.take_while(move |(object, _)| object.kind == kind && object.namespace == first.namespace)
    }

    /// Where somebody is named: by his username, and by each of his groups.
    pub(super) fn places<'a>(&'a self, requester: &'a Requester) -> impl Iterator<Item = &'a [Place]> {
        let groups: BTreeSet<&str> = requester.groups.iter().map(String::as_str).collect();
        let by_group = groups.into_iter().filter_map(|group| self.by_group.get(group));
        self.by_username.get(requester.username.as_str()).into_iter().chain(by_group).map(Vec::as_slice)
    }

    pub(super) fn subject(&self, place: Place) -> Option<(&Binding, &Subject)> {
        let binding = self.bindings.get(place.binding)?;
        Some((binding, binding.subjects.get(place.subject)?))
    }

    /// The role that a binding gives, by position.
    pub(super) fn role_of(&self, binding: usize) -> Option<(usize, &Role)> {
        let role = self.given.get(binding).copied().flatten()?;
        Some((role, self.roles.get(role)?))
    }

    pub(super) fn role_at(&self, role: usize) -> Option<(&Role, &[usize])> {
        Some((self.roles.get(role)?, self.bindings_of.get(role)?))
    }

    /// The bindings of the cluster, or of a namespace, by position.
    pub(super) fn bindings_in(&self, namespace: Option<&str>) -> Range<usize> {
        let start = self.bindings.partition_point(|binding| binding.namespace.as_deref() < namespace);
        let end = self.bindings.partition_point(|binding| binding.namespace.as_deref() <= namespace);
        start..end
    }

    /// Rules that name a resource exactly so.
    pub(super) fn rules_with(&self, resource: &str) -> &[RuleAt] {
        self.by_resource.get(resource).map(Vec::as_slice).unwrap_or_default()
    }

    /// Rules with paths.
    pub(super) fn rules_with_paths(&self) -> &[RuleAt] {
        &self.with_paths
    }

    pub(super) fn rule(&self, at: RuleAt) -> Option<&Rule> {
        self.roles.get(at.role)?.rules.get(at.rule)
    }
}
